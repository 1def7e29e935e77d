"""Comparisons of results as text and as figures, for several commands."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifsim.cli.program import Talk
from lifsim.common.overview import counted
from lifsim.common.printable import one_line
from lifsim.files.outputs import make_folder

if TYPE_CHECKING:
    from lifsim.analysis.comparison import ComparedStatistic, Comparison
    from lifsim.analysis.exact import ExactComparison
    from lifsim.analysis.matching import FirstDifference

_CRITERIA = {
    "permutation": "permutation test of the KS distances between runs",
    "t-tests": "Student's t-tests of means and standard deviations of runs, Holm's correction",
}


_VERDICTS = {True: "different", False: "", None: "undetermined"}


def compared_exactly(first: Path, second: Path, found: ExactComparison) -> str:
    """A comparison of two files spike by spike, as text."""
    from lifsim.analysis.tables import aligned

    names = _short_names(first, second)
    spikes = sum(match.spikes[0] for match in found.populations.values())
    if found.same:
        told = f"the same, {counted(spikes, 'spike')} of {counted(len(found.populations), 'population')}"
        lines = [told + (f", {counted(len(found.traces), 'trace')}" if found.traces else "")]
    else:
        lines = ["different"]
    lines[0] = f"{first}, {second}: {lines[0]}"
    for fact in found.facts:
        lines.append(f"  {fact.what}: {fact.first}; {fact.second}" + ("" if fact.counts else " (not stored in a file of another tool)"))
    for name, match in found.populations.items():
        if match.first is not None:
            alone = " and ".join(f"{n:,} only in {file}" for n, file in zip(match.alone, names, strict=True))
            lines.append(f"  {name}: {match.spikes[0]:,} and {counted(match.spikes[1], 'spike')}, {alone}")
    for (name, variable), trace in found.traces.items():
        if not math.isnan(trace.time):
            lines.append(f"  {name}: {variable} differs from {trace.time:g} ms on, by {trace.largest:.3g} {trace.unit} at most")
    difference = found.populations[found.first].first if found.first else None
    if difference is not None:
        lines += [_first_line(found.first, difference, names)]
        rows = [["time (ms)", "neuron", *names]]
        rows += [[f"{near.time:.10g}", f"{near.neuron}", _mark(near.in_first), _mark(near.in_second)] for near in difference.nearby]
        lines += [f"  {line}" for line in aligned(rows, 0).split("\n")]
    return "\n".join(one_line_each(lines))


def one_line_each(lines: list[str]) -> Iterator[str]:
    """Lines in which names from files break no line; leading blanks stay."""
    return (line[: len(line) - len(line.lstrip())] + one_line(line.lstrip()) for line in lines)


def _short_names(first: Path, second: Path) -> tuple[str, str]:
    """Names of two files that differ."""
    return (first.name, second.name) if first.name != second.name else (str(first), str(second))


def _first_line(population: str, first: FirstDifference, names: tuple[str, str]) -> str:
    own, other = names if first.in_first else names[::-1]
    said = f"first difference: {population}, neuron {first.neuron}, {first.time:.10g} ms: a spike only in {own}"
    if math.isnan(first.nearest):
        return said
    return f"{said}; the nearest one of this neuron only in {other}: {first.nearest:.10g} ms"


def _mark(there: bool) -> str:
    return "x" if there else "-"


def compared_statistically(found: Comparison) -> str:
    """A comparison of groups as a table, and what it depends on."""
    from lifsim.analysis.distribution import STATISTICS
    from lifsim.analysis.tables import aligned

    reference, *others = found.groups
    blocks = []
    for group in others:
        head = [
            "population",
            "statistic",
            reference,
            group,
            "sd of runs",
            "d",
            "KS",
            "KS within",
            *([] if found.limit is not None else ["p"]),
        ]
        rows = [[*map(one_line, head), ""]]
        for row in found.rows:
            if row.group == group:
                rows.append([one_line(row.population), STATISTICS[row.statistic], *_cells(row, found.limit is None)])
        blocks.append("\n".join(line.rstrip() for line in aligned(rows, 2).split("\n")))
    return "\n".join([*blocks, *_footer(found)])


def _cells(row: ComparedStatistic, tested: bool) -> list[str]:
    means, numbers = (*row.means, row.spread), (row.effect, row.distance, row.distance_within)
    cells = [_number(x, ".4g") for x in means] + [_number(x, ".3f") for x in numbers]
    return [*cells, *([_number(row.p, ".3g")] if tested else []), _VERDICTS[row.different]]


def _number(value: float, form: str) -> str:
    return "-" if math.isnan(value) else format(value, form)


def _footer(found: Comparison) -> Iterator[str]:
    reference, *others = found.groups
    for group in others:
        runs = " and ".join(f"{counted(len(found.groups[name]), 'run')} {one_line(name)}" for name in (reference, group))
        verdicts = [row.different for row in found.rows if row.group == group]
        different, unknown = verdicts.count(True), verdicts.count(None)
        said = f"{different} of {len(verdicts)} statistics differ" if different else "no difference found"
        if unknown:
            said = f"{said}, {unknown} undetermined" if unknown < len(verdicts) else "nothing is determined"
        if found.limit is not None:
            yield f"{runs}: {said} (KS distance of at most {found.limit:g})"
        else:
            yield f"{runs}: {said} ({_CRITERIA[found.criteria[group]]}, probability of a false alarm {found.alpha:g})"
    yield "means over neurons (correlation: pairs) and runs; d: Cohen's d over neurons; KS: distance of two runs of both groups, of one"
    conventions = {_window(run.conventions) for runs in found.groups.values() for run in runs if run.conventions is not None}
    yield from sorted(conventions)
    yield from (f"note: {note}" for note in found.notes)


def _window(c: Any) -> str:
    discarded = f", {c.discard:g} ms discarded" if c.discard else ""
    pairs = f"correlation: bins of {c.bin:g} ms, pairs of {c.sample} neurons with spikes"
    return f"window ({c.t_start:g}, {c.t_stop:g}] ms{discarded}; CV: neurons with {c.min_isis} ISIs or more; {pairs}"


def duration_words(seconds: float) -> str:
    """A wall time in words: seconds, minutes, hours or days."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.3g} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"


def picture(talk: Talk, found: Comparison, out: Path, look: Mapping[str, Any]) -> None:
    """Write the figure of a comparison of groups."""
    from lifsim import plot

    make_folder(out)
    plot.save(plot.comparison(found, **look), out)
    talk.note(f"{out}: distributions")
