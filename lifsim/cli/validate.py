"""The command that runs a model by a recipe and compares it with reference data: validate."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.compare import comparison_facts
from lifsim.cli.comparison_text import compared_statistically, duration_words, picture
from lifsim.cli.gallery import model_parameters
from lifsim.cli.next_steps import command
from lifsim.cli.options import METHOD, OVERWRITE, PRECISION, SETTINGS, STYLE, THREADS, WEIGHTS, WIDTH, CountType, TimeType, refuse_output
from lifsim.cli.program import FAILED, Command, Talk, echo
from lifsim.cli.progress import Progress
from lifsim.common import memory
from lifsim.common.errors import LifsimError, did_you_mean
from lifsim.common.overview import counted
from lifsim.files import disk
from lifsim.files.outputs import make_folder
from lifsim.validation.recipes import RECIPES

if TYPE_CHECKING:
    from lifsim.validation.recipes import ValidationRecipe
    from lifsim.validation.validating import Forecast, Validated


@click.command(cls=Command)
@click.argument("name", required=False)
@click.option(
    "--reference", "paths", type=click.Path(path_type=Path), multiple=True, help="Reference data, a file for each seed. Repeatable."
)
@click.option("--duration", type=TimeType(), help="Biological time after the warm-up.  [default: as in the recipe]")
@click.option("--seeds", type=CountType(), help="Number of runs, with seeds 1, 2, ….  [default: as in the recipe]")
@SETTINGS
@click.option(
    "--alpha",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.01,
    show_default=True,
    help="Probability of a false alarm.",
)
@click.option("--distance", "limit", type=click.FloatRange(0, 1), help="Largest KS distance of groups that are the same.")
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
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@OVERWRITE
@click.pass_obj
def validate(
    talk: Talk,
    name: str | None,
    paths: tuple[Path, ...],
    settings: tuple[str, ...],
    folder: Path | None,
    suffix: str,
    width_mm: float | None,
    style: str | None,
    as_json: bool,
    alpha: float,
    limit: float | None,
    **options: Any,
) -> None:
    """Compare the activity of a model with reference data.

    Runs the shipped model of the recipe NAME with several seeds, and compares the distributions of rates, CVs and
    correlations with the reference: that of the recipe, or results of any simulator (--reference). Finished runs in the
    folder are used again, interrupted ones are resumed. Without NAME, lists the recipes.

    Exits with 0 if no difference is found, with 1 if there is one (or none of the statistics of a group is determined),
    with 2 if something is wrong.
    """
    if name is None:
        _list()
        return
    if name not in RECIPES:
        check = f"to check a model file, write {command('check', name)}" if name.endswith(".toml") else ""
        raise LifsimError("NAME", f"there is no recipe {name!r}", check or did_you_mean(name, RECIPES))
    from lifsim.validation import references, validating

    recipe = RECIPES[name]
    place = folder or Path("outputs") / name
    make_folder(place)  # the folder in which it lies
    refuse_output(place / "seed-1.h5", True)
    common = {**options, "settings": model_parameters(settings)}
    known = references.read_reference(paths, recipe.bin, discard=recipe.discard, neurons=recipe.neurons) if paths else None
    known = known or validating.own_reference(recipe, options["duration"], common["settings"])
    if not as_json:
        talk.note(f"{recipe.title}\n{_asked(recipe, **common)}reference: {known.source}")
    validating.check_runs(recipe, known, options["seeds"], alpha, limit)
    with closing(Progress("trial", quiet=talk.quiet, verbose=talk.verbose)) as shown:
        expected = validating.forecast(recipe, place, progress=shown, **common)
    if not as_json:
        talk.note(_expectation(expected))
    found = validating.validate(
        recipe,
        place,
        known,
        alpha=alpha,
        limit=limit,
        progress=lambda seed: Progress(f"seed {seed}", quiet=talk.quiet, verbose=talk.verbose),
        **common,
    )
    said = json.dumps(_facts(found), indent=2)
    echo(said if as_json else compared_statistically(found.comparison))
    make_folder(place / "comparison.json")
    disk.put(place / "comparison.json", f"{said}\n".encode())
    quiet = Talk(quiet=True) if as_json else talk
    picture(quiet, found.comparison, place / f"comparison.{suffix}", {"width_mm": width_mm, "style": style})
    if not found.comparison.same:
        raise click.exceptions.Exit(FAILED)


def _list() -> None:
    for name, recipe in RECIPES.items():
        echo(f"{name}\n  {recipe.title}\n  protocol: {recipe.source}\n  reference: {recipe.reference_source}")


def _asked(recipe: ValidationRecipe, duration: float | None, seeds: int | None, settings: dict[str, Any], **_: Any) -> str:
    """What differs from the recipe, as a line of text."""
    other = [] if seeds in (None, recipe.seeds) else [counted(seeds, "seed")]
    other += [] if duration in (None, recipe.duration) else [f"{duration / 1000:g} s each"]
    other += [f"{name} = {value}" for name, value in settings.items()]
    return f"shortened or changed: {', '.join(other)}\n" if other else ""


def _expectation(expected: Forecast) -> str:
    if not expected.runs:
        return "all runs are finished"
    speed = f"real-time factor {expected.real_time_factor:.3g} in a trial of 100 ms"
    todo = f"{counted(expected.runs, 'run')} to do"
    return f"{todo}: about {duration_words(expected.seconds)} ({speed}), {memory.said(expected.bytes)} of results"


def _facts(found: Validated) -> dict[str, Any]:
    """The validation for JSON."""
    runs: dict[str, list[Path | str]] = {
        "reference": [found.reference.source] * len(found.reference.runs),
        "lifsim": list(found.files.values()),
    }
    return {"reference": found.reference.source, **comparison_facts(found.comparison, runs)}
