"""Summary statistics as tables: text and CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lifsim.analysis.population_sums import MEASURES
from lifsim.analysis.summary import Spread, Summary, as_entries
from lifsim.common.printable import one_line

_HEADS = {"neurons": "neurons", "spikes": "spikes", **{key: head for measure in MEASURES.values() for key, head in measure.heads.items()}}


def table(stats: Mapping[str, Mapping[str, float]]) -> str:
    """Format `stats`, the return value of `statistics`, as a text table with one line per population. Undefined values are "-"."""
    keys = _keys(stats.values())
    rows = [["population", *(_HEADS[key] for key in keys)]]
    rows += [[one_line(name), *(_shown(entry[key]) for key in keys)] for name, entry in stats.items()]
    return _aligned(rows, 1)


def table_over_runs(groups: Mapping[str, Mapping[str, Mapping[str, Spread]]]) -> str:
    """Format means ± standard deviations over runs as a text table.

    Parameters
    ----------
    groups : name -> return value of `over_runs`; the name is not shown if it is "".
    """
    keys = _keys(entry for group in groups.values() for entry in group.values())
    rows = [["group", "population", "files", *(_HEADS[key] for key in keys)]]
    for group, stats in groups.items():
        for name, entry in stats.items():
            files = f"{len(next(iter(entry.values())).values)}"
            rows.append([one_line(group), one_line(name), files, *(_spread(entry[key]) for key in keys)])
    named = any(groups)
    return _aligned(rows if named else [row[1:] for row in rows], 2 if named else 1)


def _keys(entries: Iterable[Mapping[str, Any]]) -> list[str]:
    """The keys of the statistics, in the order of their columns."""
    there = {key for entry in entries for key in entry}
    return [key for key in _HEADS if key in there] if there else ["neurons", "spikes"]


def _aligned(rows: Sequence[Sequence[str]], left: int) -> str:
    """Rows as lines, with columns of equal width; the first `left` columns are aligned to the left."""
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    pad = [str.ljust] * left + [str.rjust] * (len(width) - left)
    return "\n".join("  ".join(p(cell, w) for p, cell, w in zip(pad, row, width, strict=True)) for row in rows)


def _shown(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return "-" if math.isnan(value) else f"{value:.4g}"


def _spread(value: Spread) -> str:
    if math.isnan(value.sd):
        return _shown(value.mean)
    return f"{value.mean:,.0f} ± {value.sd:.3g}" if value.mean >= 10_000 else f"{value.mean:.4g} ± {value.sd:.2g}"


def as_csv(stats: Mapping[str, Mapping[str, Any]]) -> str:
    """Format `stats`, the return value of `statistics`, as CSV with a header line. Undefined values are empty.

    The conventions of the statistics, such as the window and the bin, are the last columns.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    columns = rows_of(stats)
    writer.writerow(columns)
    writer.writerows(zip(*(["" if cell != cell else cell for cell in column] for column in columns.values()), strict=True))
    return text.getvalue()


def rows_of(stats: Mapping[str, Mapping[str, Any]]) -> dict[str, list[Any]]:
    """A summary as columns with an entry for each population: statistics, then conventions."""
    columns: dict[str, list[Any]] = {"population": list(stats)}
    columns |= {key: [entry[key] for entry in stats.values()] for key in _keys(stats.values())}
    if isinstance(stats, Summary):
        columns |= {key: [value] * len(stats) for key, value in as_entries(stats.conventions).items()}
    return columns
