"""The table of a scan: a row for each run, with parameters, seed, statistics, wall time and digest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import DataError, did_you_mean
from lifsim.common.optional import optional
from lifsim.common.overview import Fact, Overview, Overviewed, counted, table_of
from lifsim.files.tables import Cell, Columns, write_table

LAST = ("wall_s", "digest", "file", "error")  # columns after the statistics
_HTML_COLUMNS = 12


class ScanTable(Overviewed):
    """The table of a scan, a row for each run.

    Parameters
    ----------
    columns : the columns by name, lists of the same length; None is an undefined value. First the scanned parameters, then "seed", then
        the statistics ("exc.rate", …), then "wall_s" (wall time of the run, s), "digest" (of its spikes), "file" (its results, where they
        were kept) and "error" (why it failed; None if it did not).
    parameters : names of the scanned parameters. name : of the model. units : of parameters, by name, where they have one.
    folder : of the scan, to which the column "file" refers; None: it has none.
    """

    def __init__(
        self,
        columns: Columns,
        parameters: Sequence[str],
        name: str = "",
        units: Mapping[str, str] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.columns, self.parameters, self.name, self.units = columns, tuple(parameters), name, dict(units or {})
        self.folder = folder

    def __len__(self) -> int:
        return len(self.columns.get("seed", ()))

    def __getitem__(self, column: str) -> np.ndarray:
        """A column as an array: float64 with nan for undefined values if it holds numbers, else of objects (DataError if there is none)."""
        if column not in self.columns:
            raise DataError(str(column), "there is no such column", did_you_mean(str(column), self.columns))
        cells = self.columns[column]
        if (
            all(cell is None or (isinstance(cell, (int, float)) and not isinstance(cell, bool)) for cell in cells)
            and column not in LAST[1:]
        ):
            return np.array([math.nan if cell is None else cell for cell in cells], np.float64)
        return np.array(cells, object)

    @property
    def statistics(self) -> tuple[str, ...]:
        """The names of the columns with statistics."""
        return tuple(name for name in self.columns if name not in (*self.parameters, "seed", *LAST))

    @property
    def failed(self) -> int:
        """The number of runs that failed."""
        return sum(cell is not None for cell in self.columns.get("error", ()))

    def rows(self) -> Iterator[dict[str, Cell]]:
        """The rows, each as values by column."""
        for row in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, row, strict=True))

    def only(self, column: str, value: Cell) -> ScanTable:
        """A table of the rows that have `value` in `column`.

        Raises
        ------
        DataError : there is no such column, or no such row.
        """
        if column not in self.columns:
            raise DataError("scan", f"has no column {column!r}", did_you_mean(str(column), list(self.columns)))
        kept = [row for row in self.rows() if row[column] == value]
        if not kept:
            there = sorted(set(self.columns[column]), key=str)
            known = ", ".join(f"{x:g}" if isinstance(x, float) else str(x) for x in there[:12]) + (", …" if len(there) > 12 else "")
            raise DataError("scan", f"holds no run with {column} = {value}", f"one of: {known}")
        return ScanTable({name: [row[name] for row in kept] for name in self.columns}, self.parameters, self.name, self.units, self.folder)

    def summary(self, level: float = 0.95) -> Columns:
        """Means and confidence intervals over the seeds.

        Parameters
        ----------
        level : of the confidence intervals, which assume that the means over seeds are normally distributed (Student's t).

        Returns
        -------
        Columns by name, a row for each point: the parameters, "seeds" (number of runs that did not fail), and for each statistic of
        numbers NAME.mean, NAME.low and NAME.high. Undefined values are left out; an interval needs two of them.
        """
        from lifsim.scans.summary import summary_of

        return summary_of(self.columns, self.parameters, {name: self[name] for name in self.statistics}, level)

    def save(self, path: str | Path) -> Path:
        """Write the table to a CSV, Parquet or JSON file, replacing an existing one.

        Parameters
        ----------
        path : of the file, whose ending (.csv, .parquet, .json) decides the format.

        Raises
        ------
        OutputError : the file cannot be written. LifsimError : pyarrow, which Parquet needs, is missing.
        """
        return write_table(path, self.columns)

    def to_pandas(self) -> Any:
        """The table as a `pandas.DataFrame` (LifsimError if pandas is not installed)."""
        pandas = optional("pandas", "to_pandas", "pandas")
        return pandas.DataFrame({name: self[name] for name in self.columns})

    def _overview(self) -> Overview:
        shown = [*self.parameters, "seed", *self.statistics][:_HTML_COLUMNS]
        rows = list(self.rows())
        failed = [Fact("failed", f"{self.failed:,}", f"{self.failed:,} failed")] if self.failed else []
        facts = [Fact("runs", f"{len(self):,}", counted(len(self), "run")), *failed, Fact("parameters", ", ".join(self.parameters))]

        def cells(row: Mapping[str, Cell]) -> list[str]:
            return [_text(row[name]) for name in shown]

        def line(row: Mapping[str, Cell]) -> str:
            return ", ".join(f"{name} {_text(row[name])}" for name in shown)

        return Overview("Scan", self.name, facts, tables=[table_of("runs", shown, rows, cells, line, 6)])


def _text(cell: Cell) -> str:
    return "–" if cell is None else f"{cell:.5g}" if isinstance(cell, float) else str(cell)


def table_from(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], folder: Path | None = None) -> ScanTable:
    """The table of runs in order of their parameters and seeds.

    Parameters
    ----------
    rows : {"values": {...}, "seed", "statistics": {...}, "wall_s", "digest", "file", "error"} of each run.
    about : "parameters" (names of the scanned ones), "name" (of the model), "units" (of the parameters). folder : of the scan.
    """
    parameters = about["parameters"]
    ordered = sorted(rows, key=lambda row: ([_order(row["values"].get(p)) for p in parameters], row["seed"]))
    statistics = dict.fromkeys(key for row in ordered for key in row["statistics"])
    columns: Columns = {p: [row["values"].get(p) for row in ordered] for p in parameters}
    columns["seed"] = [row["seed"] for row in ordered]
    columns |= {key: [row["statistics"].get(key) for row in ordered] for key in statistics}
    columns |= {key: [row.get(key) or None for row in ordered] for key in LAST}
    return ScanTable(columns, parameters, about["name"], about["units"], folder)


def _order(cell: Cell) -> tuple[int, float, str]:
    """A key by which numbers come first, in their order."""
    if isinstance(cell, (int, float)):
        return 0, float(cell), ""
    return 1, 0.0, "" if cell is None else cell
