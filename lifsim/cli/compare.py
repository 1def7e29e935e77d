"""The command that compares results: compare."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim import analysis
from lifsim.cli.comparison_text import compared_exactly, compared_statistically, picture
from lifsim.cli.options import (
    DISCARD,
    FROM,
    GROUP,
    HINTS,
    OVERWRITE,
    POPULATION,
    STYLE,
    TO,
    WIDTH,
    NewFile,
    TimeType,
    refuse_output,
)
from lifsim.cli.program import FAILED, Command, Talk, echo
from lifsim.cli.results import named_groups, opened
from lifsim.common.errors import LifsimError

if TYPE_CHECKING:
    from lifsim.analysis.comparison import Comparison
    from lifsim.analysis.exact import ExactComparison

_EXACT = {"tolerance": "--tolerance", "trace_tolerance": "--trace-tolerance"}
_STATISTICAL = {
    "bin": "--bin",
    "neurons": "--neurons",
    "alpha": "--alpha",
    "limit": "--distance",
    "out": "--out",
    "width_mm": "--width",
    "style": "--style",
}


@click.command(cls=Command)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="FILE...")
@GROUP
@click.option("--statistical", is_flag=True, help="Compare distributions rather than spikes; each FILE is a group.")
@click.option("--tolerance", type=TimeType(), help="Largest difference of spike times that are the same.  [default: 1e-9 ms]")
@click.option("--trace-tolerance", type=click.FloatRange(0), help="Largest difference of samples that are the same.  [default: 0]")
@click.option("--bin", type=TimeType(above=True), help="Width of the bins of spike counts.  [default: 2 ms]")
@click.option("--neurons", type=click.IntRange(2), help="Number of neurons whose pairs are correlated.  [default: 250]")
@click.option("--alpha", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Probability of a false alarm.  [default: 0.01]")
@click.option("--distance", "limit", type=click.FloatRange(0, 1), help="Largest KS distance of groups that are the same.")
@FROM
@TO
@DISCARD
@POPULATION
@HINTS
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("-o", "--out", type=NewFile(".png", ".pdf", ".svg"), help="Figure of the distributions to write.")
@WIDTH
@STYLE
@OVERWRITE
@click.pass_obj
def compare(
    talk: Talk,
    files: tuple[Path, ...],
    groups: tuple[tuple[str, list[Path]], ...],
    statistical: bool,
    populations: tuple[str, ...],
    hints: dict[str, Any],
    as_json: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Compare results with each other.

    Compares the first FILE with each other one, spike by spike and sample by sample, and shows the first spike that
    differs. With --group (or --statistical), compares the distributions of rates, CVs and correlations in the first group
    with those in each other one: by Kolmogorov-Smirnov distances, against the spread between the files of a group, such as
    runs with different seeds.

    Exits with 0 if no difference is found, with 1 if there is one (or none of the statistics of a group is determined),
    with 2 if something is wrong.
    """
    wanted = named_groups(files, groups)
    given = {name: value for name, value in options.items() if value is not None}
    others, mode = (_EXACT, "distributions") if groups or statistical else (_STATISTICAL, "spikes; add --group or --statistical")
    for name in given:
        if name in others:
            raise LifsimError(others[name], f"is not for a comparison of {mode}")
    given["populations"] = list(populations) or None
    if groups or statistical:
        sets = wanted if groups else {str(path): [path] for path in wanted[""]}
        same = _statistically(talk, sets, hints, given, as_json, overwrite)
    else:
        same = _exactly(talk, wanted[""], hints, given, as_json)
    if not same:
        raise click.exceptions.Exit(FAILED)


def _exactly(talk: Talk, files: Sequence[Path], hints: dict[str, Any], options: Mapping[str, Any], as_json: bool) -> bool:
    if len(files) < 2:
        raise LifsimError("FILE", "one is given", "two files or more")
    first = opened(talk, files[0], hints)
    found = {}
    for path in files[1:]:
        found[path] = analysis.compare_exactly(first, opened(talk, path, hints), **options)
        if not as_json:
            echo(compared_exactly(files[0], path, found[path]))
    if as_json:
        said = [{"first": str(files[0]), "second": str(path), **_exact_facts(one)} for path, one in found.items()]
        echo(json.dumps({"same": all(one.same for one in found.values()), "comparisons": said}, indent=2))
    return all(one.same for one in found.values())


def _statistically(
    talk: Talk,
    groups: Mapping[str, Sequence[Path]],
    hints: dict[str, Any],
    options: dict[str, Any],
    as_json: bool,
    overwrite: bool,
) -> bool:
    from lifsim.analysis.comparison import check_groups

    out, look = options.pop("out", None), {name: options.pop(name, None) for name in ("width_mm", "style")}
    check_groups({name: len(paths) for name, paths in groups.items()}, options.get("alpha", 0.01), options.get("limit"))
    if out is not None:
        refuse_output(out, overwrite)
    runs = {
        name: [analysis.distributions(opened(talk, path, hints), **_of_distributions(options)) for path in paths]
        for name, paths in groups.items()
    }
    found = analysis.compare(runs, **{name: value for name, value in options.items() if name not in _of_distributions(options)})
    if as_json:
        echo(json.dumps(comparison_facts(found, groups), indent=2))
    else:
        echo(compared_statistically(found))
    if out is not None:
        picture(talk, found, out, look)
    return found.same


def _of_distributions(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that decide what the distributions are."""
    return {name: value for name, value in options.items() if name in ("t_start", "t_stop", "discard", "bin", "neurons")}


def _exact_facts(found: ExactComparison) -> dict[str, Any]:
    facts = asdict(found)
    facts["traces"] = [{"population": p, "variable": v, **facts["traces"][p, v]} for p, v in found.traces]
    return _defined({"same": found.same, **facts})


def comparison_facts(found: Comparison, files: Mapping[str, Sequence[Path | str]]) -> dict[str, Any]:
    """A comparison of groups for JSON."""
    groups = [
        {
            "group": name,
            "runs": [
                {"file": str(path), **({} if run.conventions is None else asdict(run.conventions))}
                for path, run in zip(files[name], runs, strict=True)
            ],
        }
        for name, runs in found.groups.items()
    ]
    rows = [{**asdict(row), "criterion": found.criteria[row.group]} for row in found.rows]
    facts = {"same": found.same, "alpha": found.alpha, "limit": found.limit, "groups": groups, "rows": rows, "notes": list(found.notes)}
    return _defined(facts)


def _defined(value: Any) -> Any:
    """`value` with None in place of NaN and texts in place of infinite numbers, which JSON does not have."""
    if isinstance(value, Mapping):
        return {key: _defined(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_defined(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value
