"""Edges of SONATA files: synapses in a group of an HDF5 file, with values for each edge and for each edge type.

According to the SONATA developer guide ("Edge File"), a value of the edge itself (such as ``<edge_group_id>/syn_weight``, at
``edge_group_index``) takes precedence over the value of its edge type, which is a row of a CSV file with cells separated by spaces.
Weights are interpreted as in bmtk's PointNet: ``nsyns`` synapses between two neurons act as one synapse of weight nsyns · syn_weight.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.text import shortened
from lifsim.network.synapse_table import SynapseColumns, WantedColumns, column_of, inside

VALUES = ("syn_weight", "delay", "nsyns")
_NAMES = {"syn_weight": "weight", "delay": "delay", "nsyns": "nsyns"}  # SONATA name → name used by connections
_FUNCTIONS = ("wmax",)  # weight functions that return nsyns · syn_weight
_STATIC = ("static_synapse", "nest:static_synapse")
_WITHOUT_EFFECT = re.compile(  # columns that have no effect on point neurons
    r"edge_type_id|edge_id|population|(source|target)_query|(afferent|efferent)_\w+|sec_id|sec_x|target_sections|distance_range"
)
_NULL = ("", "NULL", "NA", "N/A", "NAN", "NONE")
_LARGEST = 1 << 26  # bytes of a table of edge types


def read(group: Any, path: Path, asked: WantedColumns, place: str) -> SynapseColumns:
    """Read the edges of the population `group` of the file `path`.

    Raises
    ------
    ModelError : weights or delays are missing or cannot be determined, or the file does not follow the SONATA guide.
    """
    edges = _Edges.of(group, place)
    types = _types(group.name.rpartition("/")[2], path, edges, asked, place)
    values = {name: _values(name, edges, types, asked, place) for name in VALUES}
    _refuse_missing(values, edges, types, path, asked, place)
    _tell_unused(edges, types, place)
    number = values["nsyns"]
    if number is not None:
        _check_number(number, edges.where, place)
        number = None if (number == 1).all() else number
    weight = values["syn_weight"]
    if weight is not None and number is not None:
        weight, number = weight * number, None
    return SynapseColumns(edges.sources, edges.targets, weight, values["delay"], number)


# -- the HDF5 file -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Edges:
    """A population of edges: the nodes of each edge, its group and index in the group, and its type."""

    group: Any
    where: str
    sources: np.ndarray
    targets: np.ndarray
    group_id: np.ndarray
    index: np.ndarray
    type_id: np.ndarray | None

    @classmethod
    def of(cls, group: Any, place: str) -> _Edges:
        where = f"{shortened(group.file.filename)}:{group.name.strip('/')}"
        found: dict[str, np.ndarray] = {}
        for name in ("source_node_id", "target_node_id", "edge_group_id", "edge_group_index", "edge_type_id"):
            data = inside(group, name, place)
            if data is not None:
                found[name] = column_of(data, f"{where}/{name}", place)
        for name in ("source_node_id", "target_node_id"):
            if name not in found:
                raise ModelError(place, f"{where}: there is no dataset {name}", "the edges of a SONATA file")
        n = len(found["source_node_id"])
        for name, x in found.items():
            if len(x) != n:
                raise ModelError(place, f"{where}: {len(x)} entries of {name}, {n} of source_node_id", "the same number of each")
            if name.startswith("edge_") and x.dtype.kind not in "iu":
                raise ModelError(place, f"{where}/{name} holds {x.dtype}", "whole numbers")
        several = [name for name in group if name.isdecimal() and name != "0"]
        if several and "edge_group_id" not in found:
            raise ModelError(place, f"{where}: several groups, but no edge_group_id", "the group of each edge")
        group_id = found.get("edge_group_id", np.zeros(n, np.int64)).astype(np.int64)
        index = found.get("edge_group_index", np.arange(n)).astype(np.int64)
        return cls(group, where, found["source_node_id"], found["target_node_id"], group_id, index, found.get("edge_type_id"))

    def groups(self) -> Iterator[tuple[Any, np.ndarray]]:
        """The existing edge groups that edges refer to, each with the indices of its edges."""
        for g in np.unique(self.group_id):
            if str(g) in self.group:
                yield str(g), np.flatnonzero(self.group_id == g)

    def own(self, name: str, asked: WantedColumns, place: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """For each group with a dataset `name`: the indices of its edges, and their values."""
        for g, these in self.groups():
            data = inside(self.group, f"{g}/{name}", place)
            if data is None:
                continue
            where, index = f"{self.where}/{g}/{name}", self.index[these]
            values = asked.in_units(data, column_of(data, where, place), _NAMES[name], where, place)
            wrong = (index < 0) | (index >= len(values))
            if wrong.any():
                i = int(these[np.argmax(wrong)])
                got = f"{self.where}, entry {i}, column edge_group_index: {self.index[i]}"
                raise ModelError(place, got, f"0 to {len(values) - 1}, an entry of {g}/{name}")
            yield these, values[index]


def _values(name: str, edges: _Edges, types: _Types | None, asked: WantedColumns, place: str) -> np.ndarray | None:
    """The value `name` of each edge (its own, else that of its type), float64; None if no edge has one, ModelError if some lack it."""
    out, known = np.zeros(len(edges.sources)), np.zeros(len(edges.sources), bool)
    if types is not None:
        out, known = types.values(name, place)
    for these, values in edges.own(name, asked, place):
        out[these], known[these] = values, True
    if name == "nsyns":
        out[~known] = 1.0
        return out if known.any() else None
    if not known.any():
        return None if len(out) else out
    if not known.all():
        i = int(np.argmin(known))
        kind = "" if edges.type_id is None else f", of type {edges.type_id[i]},"
        raise ModelError(place, f"{edges.where}, entry {i}{kind} has no {name}", "one for each edge, or for none")
    return out


def _check_number(number: np.ndarray, where: str, place: str) -> None:
    wrong = ~((number >= 0) & (number == np.floor(number)) & np.isfinite(number))
    if wrong.any():
        i = int(np.argmax(wrong))
        raise ModelError(place, f"{where}, entry {i}, column nsyns: {number[i]:g}", "a whole number of synapses")


def _refuse_missing(
    values: Mapping[str, np.ndarray | None], edges: _Edges, types: _Types | None, path: Path, asked: WantedColumns, place: str
) -> None:
    """Raise ModelError if neither the files nor the connection give weights; warn if the files give no delays."""
    if edges.type_id is None or asked.types is False:
        return
    looked = "" if types is not None else f", nor a table of types beside it ({', '.join(p.name for p in beside(path, edges.group.name))})"
    if values["syn_weight"] is None and "weight" not in asked.own:
        allowed = 'edge_types = "FILE.csv", or edge_types = false with the weight of the connection'
        raise ModelError(place, f"{edges.where} holds no syn_weight{looked or f', nor does {types.name}' if types else looked}", allowed)
    if values["delay"] is None and types is None and "delay" not in asked.own:
        warnings.warn(f"{place}: {edges.where} holds no delay{looked}: the delay of the connection is used", stacklevel=2)


def _tell_unused(edges: _Edges, types: _Types | None, place: str) -> None:
    """Warn of columns of edges and types that are not used."""
    unused = set() if types is None else types.unused()
    for g, _ in edges.groups():
        unused |= {name for name in edges.group[g] if name not in VALUES and not _WITHOUT_EFFECT.fullmatch(name)}
    if unused:
        warnings.warn(f"{place}: {edges.where}: not used: {', '.join(sorted(unused))}", stacklevel=2)


# -- the table of edge types ---------------------------------------------------------------------


def beside(path: Path, group: str) -> list[Path]:
    """Default paths of the table of edge types, next to `path`: ``x_edge_types.csv`` for ``x_edges.h5`` or for a population x."""
    own = re.sub(r"_?edges$", "", path.stem)
    names = [f"{own}_edge_types.csv" if own else "edge_types.csv", f"{group.rpartition('/')[2]}_edge_types.csv", "edge_types.csv"]
    return [path.with_name(name) for name in dict.fromkeys(names)]


def _types(population: str, path: Path, edges: _Edges, asked: WantedColumns, place: str) -> _Types | None:
    """The table of edge types: the one given, else one found next to the file; None if there is none."""
    if asked.types is False:
        return None
    found = asked.types
    if found is None:
        found = next((p for p in beside(path, population) if p.exists()), None)
        if edges.type_id is None:
            return None
    elif edges.type_id is None:
        raise ModelError(place, f"{edges.where} has no edge_type_id", "edges that have types, or no edge_types")
    return None if found is None else _Types(found, population, np.asarray(edges.type_id), place)


class _Types:
    """The rows of a table of edge types that the edges of a population use."""

    def __init__(self, path: Path, population: str, type_id: np.ndarray, place: str) -> None:
        self.name = shortened(str(path))
        header, rows = _rows(path, self.name, place)
        if "edge_type_id" not in header or len(set(header)) < len(header):
            what = "a column twice" if "edge_type_id" in header else "there is no column edge_type_id"
            raise ModelError(place, f"{self.name}, line 1: {what}", "names of columns, with spaces between them")
        self._header = header
        self._used, self._which = np.unique(type_id, return_inverse=True)
        known = self._known(rows, population, place)
        for used in self._used.tolist():
            if used not in known:
                raise ModelError(place, f"{self.name} has no edge_type_id {used}", f"a row for each type of {population}")
        self._rows = [known[used] for used in self._used.tolist()]
        self._check(place)

    def _known(self, rows: list[tuple[int, dict[str, str]]], population: str, place: str) -> dict[int, tuple[int, dict[str, str]]]:
        known: dict[int, tuple[int, dict[str, str]]] = {}
        for line, row in rows:
            if not _null(row.get("population", "")) and row["population"] != population:
                continue
            if not re.fullmatch(r"[-+]?\d{1,19}", row["edge_type_id"]):
                raise ModelError(
                    place, f"{self.name}, line {line}, column edge_type_id: {shortened(repr(row['edge_type_id']))}", "a whole number"
                )
            if int(row["edge_type_id"]) in known:
                raise ModelError(place, f"{self.name}, line {line}: edge_type_id {row['edge_type_id']} a second time", "each type once")
            known[int(row["edge_type_id"])] = line, row
        return known

    def _check(self, place: str) -> None:
        """Refuse weight functions and gap junctions, which would give other weights or other synapses."""
        for line, row in self._rows:
            function, gap = row.get("weight_function", ""), row.get("is_gap_junction", "")
            if not _null(function) and function not in _FUNCTIONS:
                got = f"{self.name}, line {line}: the weights are computed by the function {shortened(repr(function))}"
                raise ModelError(place, got, "syn_weight alone; edge_types = false leaves the table out")
            if not _null(gap) and gap.lower() not in ("0", "false"):
                raise ModelError(place, f"{self.name}, line {line}: is_gap_junction", "chemical synapses")

    def values(self, name: str, place: str) -> tuple[np.ndarray, np.ndarray]:
        """The value `name` of each edge from its type, float64, and a mask of the edges that have one."""
        each, known = np.zeros(len(self._rows)), np.zeros(len(self._rows), bool)
        for k, (line, row) in enumerate(self._rows):
            if not _null(row.get(name, "")):
                try:
                    each[k], known[k] = float(row[name]), True
                except ValueError:
                    known[k] = False
                if not known[k] or not np.isfinite(each[k]):
                    raise ModelError(place, f"{self.name}, line {line}, column {name}: {shortened(repr(row[name]))}", "a finite number")
        return each[self._which], known[self._which]

    def unused(self) -> set[str]:
        """Names of columns that are not used but hold values for the types in use."""
        static = {"model_template": _STATIC, "weight_function": _FUNCTIONS, "is_gap_junction": ("0", "False", "false")}
        return {
            name
            for name in self._header
            if name not in VALUES
            and not _WITHOUT_EFFECT.fullmatch(name)
            and any(not _null(row[name]) and row[name] not in static.get(name, ()) for _, row in self._rows)
        }


def _null(cell: str) -> bool:
    return cell.upper() in _NULL


def _rows(path: Path, name: str, place: str) -> tuple[list[str], list[tuple[int, dict[str, str]]]]:
    """The column names of a table, and its rows with their line numbers."""
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise ModelError(
            place,
            f"{name} is not a file, or is larger than {_LARGEST:,} bytes" if path.exists() else f"{name} does not exist",
            "a table of edge types",
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ModelError(place, f"{name} is not text", "a table of edge types, in UTF-8") from None
    between = "," if lines and "," in lines[0] and "edge_type_id" not in lines[0].split() else " "
    rows: list[tuple[int, dict[str, str]]] = []
    header: list[str] = []
    try:
        for line, text in enumerate(lines, 1):
            if not text.strip():
                continue
            cells = next(csv.reader([text.strip().replace("\t", " ")], delimiter=between, skipinitialspace=True, strict=True))
            if not header:
                header = cells
            elif len(cells) != len(header):
                raise ModelError(place, f"{name}, line {line}: {len(cells)} cells", f"one for each of {len(header)} columns")
            else:
                rows.append((line, dict(zip(header, cells, strict=True))))
    except csv.Error as error:
        raise ModelError(place, f"{name}, line {line}: {error}", "cells with spaces between them") from None
    return header, rows
