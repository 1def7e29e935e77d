"""Summary statistics as tables: text and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from lifsim.analysis.population_sums import MEASURES, Conventions
from lifsim.analysis.summary import Spread, Summary, over_runs
from lifsim.common.printable import one_line

HEADS = {"neurons": "neurons", "spikes": "spikes", **{key: head for measure in MEASURES.values() for key, head in measure.heads.items()}}


def table(stats: Mapping[str, Mapping[str, float]]) -> str:
    """Format `stats`, the return value of `statistics`, as a text table with one line per population. Undefined values are "-"."""
    keys = _keys(stats.values())
    rows = [["population", *(HEADS[key] for key in keys)]]
    rows += [[one_line(name), *(_shown(entry[key]) for key in keys)] for name, entry in stats.items()]
    return aligned(rows, 1)


def table_over_runs(groups: Mapping[str, Mapping[str, Mapping[str, Spread]]]) -> str:
    """Format means ± standard deviations over runs as a text table.

    Parameters
    ----------
    groups : name -> return value of `over_runs`. The name is not shown if there is only one, "".
    """
    keys = _keys(entry for group in groups.values() for entry in group.values())
    rows = [["group", "population", "runs", *(HEADS[key] for key in keys)]]
    for group, stats in groups.items():
        for name, entry in stats.items():
            runs = f"{len(entry['neurons'].values)}"
            rows.append([one_line(group), one_line(name), runs, *(_spread(entry[key]) for key in keys)])
    named = [*groups] != [""]
    return aligned(rows if named else [row[1:] for row in rows], 2 if named else 1)


def _keys(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of the statistics, in the order of their columns."""
    there = {key for entry in entries for key in entry}
    return [key for key in HEADS if key in there] if there else ["neurons", "spikes"]


def aligned(rows: Sequence[Sequence[str]], left: int) -> str:
    """Rows as lines, with columns of equal width; the first `left` columns are aligned to the left."""
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pad = [str.ljust] * left + [str.rjust] * (len(width) - left)
    return "\n".join("  ".join(p(cell, w) for p, cell, w in zip(pad, row, width, strict=True)) for row in rows)


def _shown(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if math.isnan(value) else f"{value:.4g}"


def _spread(value: Spread) -> str:
    """Mean ± standard deviation, with two digits of the latter; only the value, if it is the same in all runs."""
    known = {one for one in value.values if not math.isnan(one)}
    if not value.sd > 0 or len(known) == 1:
        return _shown(known.pop() if len(known) == 1 else value.mean)
    digits = max(0, 1 - math.floor(math.log10(value.sd)))
    return f"{value.mean:,.{digits}f} ± {value.sd:,.{digits}f}" if digits < 9 else f"{value.mean:.4g} ± {value.sd:.2g}"


def as_csv(stats: Mapping[str, Mapping[str, Any]]) -> str:
    """Format `stats`, the return value of `statistics`, as CSV with a header line. Undefined values are empty.

    The conventions of the statistics, such as the window and the bin, are the last columns.
    """
    return csv_text(columns_of(stats))


def csv_text(columns: Mapping[str, Sequence[Any]]) -> str:
    """Columns of equal length as CSV with a header line. Undefined values are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*(["" if cell != cell else cell for cell in column] for column in columns.values()), strict=True))
    return text.getvalue()


def columns_of(stats: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A summary as columns with an entry for each population: the statistics, then their conventions."""
    columns: dict[str, list[Any]] = {"population": list(stats)}
    columns |= {key: [entry[key] for entry in stats.values()] for key in _keys(stats.values())}
    if isinstance(stats, Summary):
        columns |= {key: [value] * len(stats) for key, value in asdict(stats.conventions).items()}
    return columns


def columns_over_runs(groups: Mapping[str, Sequence[Summary]]) -> dict[str, list[Any]]:
    """Summaries of groups of runs as columns with an entry for each group and population.

    Each statistic has two columns, its mean over runs and, with the ending "_over_runs_sd", its standard deviation. The conventions are
    the last columns; those in which the runs of a group differ, such as the window, are listed, separated by semicolons.
    """
    stats = {name: over_runs(summaries) for name, summaries in groups.items()}
    rows = [(group, name, entry) for group, found in stats.items() for name, entry in found.items()]
    columns: dict[str, list[Any]] = {"group": [group for group, _, _ in rows], "population": [name for _, name, _ in rows]}
    columns["runs"] = [len(entry["neurons"].values) for _, _, entry in rows]
    for key in _keys(entry for _, _, entry in rows):
        columns[key] = [entry[key].mean for _, _, entry in rows]
        columns[f"{key}_over_runs_sd"] = [entry[key].sd for _, _, entry in rows]
    for key in (field.name for field in fields(Conventions)):
        shared = {group: list(dict.fromkeys(getattr(one.conventions, key) for one in runs)) for group, runs in groups.items()}
        alike = all(len(values) == 1 for values in shared.values())
        columns[key] = [shared[group][0] if alike else "; ".join(map(str, shared[group])) for group, _, _ in rows]
    return columns
