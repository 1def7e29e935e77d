"""The command that prints and writes statistics of results: stats."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim import analysis
from lifsim.cli.options import DISCARD, FROM, GROUP, HINTS, OVERWRITE, POPULATION, TO, NewFile, TimeType, refuse_output
from lifsim.cli.program import Command, Talk, echo
from lifsim.cli.results import chosen, named_groups, opened, refuse_repeated
from lifsim.common.errors import LifsimError
from lifsim.common.overview import counted
from lifsim.files import disk
from lifsim.files.outputs import make_folder

if TYPE_CHECKING:
    from lifsim.analysis.summary import Spread, Summary


@click.command(cls=Command)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@GROUP
@click.option(
    "--statistics", "names", metavar="NAME,…", help="Which statistics, or all.  [default: rate,cv,fano,correlation; of one neuron rate,cv]"
)
@click.option("--bin", type=TimeType(above=True), default=2.0, help="Width of the bins of spike counts.  [default: 2 ms]")
@click.option("--neurons", type=click.IntRange(2), default=250, show_default=True, help="Number of neurons whose pairs are correlated.")
@FROM
@TO
@DISCARD
@POPULATION
@HINTS
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("-o", "--out", type=NewFile(".json", ".csv", ".parquet"), help="Also write the statistics to this file.")
@OVERWRITE
@click.pass_obj
def stats(
    talk: Talk,
    files: tuple[Path, ...],
    groups: tuple[tuple[str, list[Path]], ...],
    names: str | None,
    populations: tuple[str, ...],
    hints: dict[str, Any],
    as_json: bool,
    as_csv: bool,
    out: Path | None,
    overwrite: bool,
    **options: Any,
) -> None:
    """Print the spike statistics of each population.

    Prints the spike count, mean rate, CV of the inter-spike intervals, Fano factor and mean pairwise correlation for the
    results in FILE. Of several files, such as runs with different seeds, it prints mean ± standard deviation over files;
    --group compares groups of files. The last line says what the numbers depend on.

    \b
    --statistics takes any of
      rate, cv, cv2, lv, lvr     firing rates; irregularity of the inter-spike intervals
      fano, fano_neuron          Fano factor of the population, and of single neurons
      correlation, synchrony     of pairs of neurons, and of the population
      oscillation                frequency of the largest power of the population rate
    """
    from lifsim.analysis import tables

    if as_json and as_csv:
        raise LifsimError("--json, --csv", "both are given", "one of them")
    options["names"] = _names(names)
    wanted = named_groups(files, groups)
    refuse_repeated(files)
    if out is not None:
        _check_out(out, overwrite)
    found: dict[str, list[Summary]] = {}
    for name, paths in wanted.items():
        found[name] = [analysis.statistics(opened(talk, path, hints), **options) for path in paths]
    if populations:
        found = _only(populations, found)
    alone = next(iter(found.values()))[0] if len(files) == 1 and not groups else None
    columns = tables.columns_over_runs(found) if alone is None else tables.columns_of(alone)
    said = json.dumps(_groups_as_json(found, wanted) if alone is None else _as_json(alone), indent=2)
    if names is None and alone and all(entry["neurons"] == 1 for entry in alone.values()):
        alone = alone.only(alone, ("rate", "cv"))  # in the table; JSON and files always have the same statistics
    if as_json or as_csv:
        echo(said if as_json else tables.csv_text(columns).rstrip())
    else:
        _print(found, wanted, alone)
    if out is not None:
        _write(out, said, columns)
        talk.note(f"{out}: statistics of {counted(sum(map(len, wanted.values())), 'file')}")


def _names(names: str | None) -> Any:
    """The statistics given by --statistics (LifsimError if one is not known)."""
    from lifsim.analysis.population_sums import DEFAULT
    from lifsim.analysis.summary import chosen_names

    if names is None:
        return DEFAULT
    listed = [name.strip() for name in names.split(",")]
    return chosen_names("all" if listed == ["all"] else listed, "--statistics")


def _check_out(out: Path, overwrite: bool) -> None:
    from lifsim.files.tables import check_table

    check_table(out)
    refuse_output(out, overwrite)


def _only(populations: tuple[str, ...], found: Mapping[str, Sequence[Summary]]) -> dict[str, list[Summary]]:
    """The populations given by --population, in the files that have them."""
    names = chosen(populations, dict.fromkeys(name for group in found.values() for one in group for name in one))
    return {group: [one.only(name for name in names if name in one) for one in summaries] for group, summaries in found.items()}


def _print(found: Mapping[str, Sequence[Summary]], wanted: Mapping[str, Sequence[Path]], alone: Summary | None) -> None:
    if alone is not None:
        echo(f"{analysis.table(alone)}\n{alone.footer()}")
        return
    echo(analysis.table_over_runs({name: analysis.over_runs(summaries) for name, summaries in found.items()}))
    echo("mean ± standard deviation (n - 1) over files")
    said = [(path, one.footer()) for name, paths in wanted.items() for path, one in zip(paths, found[name], strict=True)]
    for line in [said[0][1]] if len({footer for _, footer in said}) == 1 else [f"{path}: {footer}" for path, footer in said]:
        echo(line)


def _write(out: Path, said: str, columns: Mapping[str, Sequence[Any]]) -> None:
    from lifsim.files.tables import write_table

    make_folder(out)
    if out.suffix.lower() == ".json":
        disk.put(out, f"{said}\n".encode())
    else:
        write_table(out, columns)


def _as_json(summary: Summary) -> dict[str, Any]:
    """A file: each population with its statistics, and what they depend on."""
    conventions = asdict(summary.conventions)
    return {name: {**_defined(entry), "conventions": conventions} for name, entry in summary.items()}


def _groups_as_json(found: Mapping[str, Sequence[Summary]], wanted: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    """Several files: each group with its files, what the numbers of each depend on, and the statistics of each population."""

    def entry(name: str, summaries: Sequence[Summary]) -> dict[str, Any]:
        stats = analysis.over_runs(summaries)
        files = [{"file": str(path), **asdict(one.conventions)} for path, one in zip(wanted[name], summaries, strict=True)]
        return {"group": name, "files": files, "populations": {p: {k: _spread(v) for k, v in of.items()} for p, of in stats.items()}}

    return {"groups": [entry(name, summaries) for name, summaries in found.items()]}


def _spread(value: Spread) -> dict[str, Any]:
    return {**_defined({"mean": value.mean, "sd": value.sd}), "values": [None if x != x else x for x in value.values]}


def _defined(facts: Mapping[str, float]) -> dict[str, float | None]:
    """`facts` with None in place of NaN, which JSON does not have."""
    return {key: None if value != value else value for key, value in facts.items()}
