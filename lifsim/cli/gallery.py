"""The command that makes figures of papers: gallery."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.next_steps import command, next_line
from lifsim.cli.options import METHOD, OVERWRITE, PRECISION, SETTINGS, STYLE, THREADS, WEIGHTS, WIDTH, SeedType, TimeType
from lifsim.cli.program import Command, Talk, echo
from lifsim.cli.progress import Progress
from lifsim.common.errors import LifsimError, did_you_mean
from lifsim.gallery.entries import ENTRIES, Entry
from lifsim.modelfile import toml

if TYPE_CHECKING:
    from lifsim.gallery.making import Made


@click.command(cls=Command)
@click.argument("name", required=False)
@SETTINGS
@click.option("--duration", type=TimeType(), help="Biological time of each run.  [default: as in the paper]")
@click.option("--seed", type=SeedType(), help="Random seed.  [default: from the model file]")
@THREADS
@PRECISION
@WEIGHTS
@METHOD
@click.option("-o", "--out", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: outputs/NAME]")
@click.option(
    "--format", "suffix", type=click.Choice(["png", "pdf", "svg"]), default="png", show_default=True, help="Format of the figure."
)
@WIDTH
@STYLE
@OVERWRITE
@click.pass_obj
def gallery(talk: Talk, name: str | None, settings: tuple[str, ...], folder: Path | None, suffix: str, **options: Any) -> None:
    """Make the figure of a paper.

    Runs the shipped model with the parameters of the figure NAME, draws it, and prints the statistics beside the published
    ones. Finished runs in the folder are used again, interrupted ones are resumed. Without NAME, lists the figures.
    """
    if name is None:
        _list()
        return
    if name not in ENTRIES:
        raise LifsimError("NAME", f"there is no figure {name!r}", did_you_mean(name, ENTRIES) or f"one of: {', '.join(ENTRIES)}")
    from lifsim.gallery.making import make

    entry = ENTRIES[name]
    talk.note(f"{entry.title}; {entry.takes}" if entry.takes else entry.title)
    made = make(
        entry,
        folder or Path("outputs") / name,
        settings=model_parameters(settings),
        suffix=f".{suffix}",
        progress=lambda panel: Progress(panel, quiet=talk.quiet, verbose=talk.verbose),
        **options,
    )
    echo(_table(entry, made))
    if entry.source:
        other = "; of the full model, with the parameters and duration of the paper" if settings or options["duration"] else ""
        talk.note(f"{entry.beside}: {entry.source}{other}")
    talk.note(f"{made.figure}: figure")
    talk.note(next_line([command("stats", made.figure.with_name(f"{next(iter(made.results))}.h5"))]))


def _list() -> None:
    width = max(map(len, ENTRIES))
    for name, entry in ENTRIES.items():
        time = sum(panel.duration for panel in entry.panels) / 1000.0
        models = " and ".join(dict.fromkeys(panel.model for panel in entry.panels))
        echo(f"{name:<{width}}  {entry.title}: {time:g} s of model {models}" + (f", {entry.takes}" if entry.takes else ""))


def model_parameters(settings: tuple[str, ...]) -> dict[str, Any]:
    """Parameters of the model given as NAME=VALUE."""
    found = {}
    for setting in settings:
        name, equals, raw = (part.strip() for part in setting.partition("="))
        if not (equals and name.isidentifier()):
            raise LifsimError("--set", repr(setting), "a parameter of the model, such as scale=0.1")
        found[name] = toml.value(raw)
    return found


def _table(entry: Entry, made: Made) -> str:
    """The statistics of each population of each run, each with the published values behind it if there are any."""
    from lifsim.gallery.statistics import STATISTICS

    columns: list[tuple[str, bool]] = []
    for key in [key for key in STATISTICS if any(not math.isnan(row.here.get(key, math.nan)) for row in made.rows)]:
        columns += [(key, False), *([(key, True)] if any(key in row.published for row in made.rows) else [])]
    lines = [["run", "population", *(entry.beside if published else STATISTICS[key].head for key, published in columns)]]
    for row in made.rows:
        values = [(row.published if published else row.here).get(key, math.nan) for key, published in columns]
        lines.append([row.panel, row.population, *("-" if math.isnan(x) else f"{x:.4g}" for x in values)])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    aligned = [[text.ljust(w) if k < 2 else text.rjust(w) for k, (text, w) in enumerate(zip(line, widths, strict=True))] for line in lines]
    return "\n".join(map("  ".join, aligned))
