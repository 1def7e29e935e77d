"""R20: spike and edge files of other tools, in all forms. Data must be read correctly, or be refused with an error.

    python bench/reliability/foreign.py --files 1000
    python bench/reliability/foreign.py --files 200 --seed 7        # other files

A spike file has one to four populations: in SONATA's layout or the older one, in ms, s or us, with any data types, sorted or not, with or
without attributes, and with ids from any number on. Some populations are damaged (times that are not numbers, columns of different length,
negative ids, unknown units, links, text). An edge file has one to three groups, some with values of their own, a table of edge types in one
of its forms, numbers of synapses, units, and nodes in any order; some files lack required data. This script reads the files with h5py and
NumPy, edge by edge, and compares spikes, statistics, the spikes that a spike generator sends, sources, targets, weights and delays. Damaged
data must be refused with an error of lifsim, without effects on other data; no wrong numbers may be read.
"""

from __future__ import annotations

import argparse
import collections
import shutil
import tempfile
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from nets import report

import lifsim as ls
from lifsim import analysis
from lifsim.building.builder import numbering
from lifsim.simulation.built_network import plan_of

Counter = collections.Counter
UNITS = {"ms": 1.0, "milliseconds": 1.0, "s": 1000.0, "us": 1e-3, "": 1.0}
HARMS = ("nan", "inf", "lengths", "negative", "units", "link", "text", "no times", "no ids", "a petabyte")


# -- spikes ----------------------------------------------------------------------------------------


def spikes(folder: Path, rng: np.random.Generator) -> Counter[str]:
    """Run one trial with a spike file; returns the counts of outcomes."""
    path, seen = folder / "spikes.h5", Counter({"files of spikes": 1})
    harmed: dict[str, str] = {}
    with h5py.File(path, "w") as file:
        top = file.create_group("spikes")
        names = [str(x) for x in rng.choice(["cells", "exc", "gids", "b"], int(rng.integers(1, 4)), replace=False)]
        if rng.random() < 0.25:
            names = ["", *(x for x in names if x != "gids")]
        for name in names:
            group = top if not name else top.create_group(name)
            if sorting := str(rng.choice(["", "by_time", "by_id", "enum"])):
                kind = h5py.enum_dtype({"none": 0, "by_id": 1, "by_time": 2}, basetype="u1")
                group.attrs.create("sorting", 2 if sorting == "enum" else sorting, dtype=kind if sorting == "enum" else None)
            population(group, rng, "gids" if not name or rng.random() < 0.1 else "node_ids", plain=not name)
            if rng.random() < 0.25:
                harmed[name or "spikes"] = str(rng.choice(HARMS))
                harm(group, harmed[name or "spikes"])
        file["mine"] = np.arange(3)
    names = [name or "spikes" for name in names]
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = ls.open(path)
    except ls.LifsimError:
        seen["refused" if len(harmed) == len(names) else "REFUSED ALTHOUGH SOME ARE GOOD"] += 1
        return seen
    said = " ".join(str(w.message) for w in told)
    for name in names:
        if name in harmed:
            seen += refused(result, name, said, harmed[name])
        else:
            seen += same(result, path, name, said)
    good = [name for name in names if name not in harmed]
    if good:
        seen += sent(path, str(rng.choice(good)))
    return seen


def population(group: h5py.Group, rng: np.random.Generator, ids: str, plain: bool) -> None:
    """Write random spikes, in steps of 0.1 ms, of neurons with ids from any number on."""
    n, first = int(rng.choice([0, 1, 7, 200])), int(rng.choice([0, 0, 1, 51, 1001, 10**6]))
    size = int(rng.integers(1, 60))
    at = rng.integers(0 if rng.random() < 0.1 else 1, 10_000, n) / 10
    if rng.random() < 0.5:
        at = np.sort(at)
    unit = str(rng.choice(list(UNITS)))
    kind = "f4" if rng.random() < 0.1 and unit != "us" else "f8"
    if rng.random() < 0.1:
        at, unit, kind = np.round(at), str(rng.choice(["ms", ""])), "i4"
    data = group.create_dataset("timestamps", data=(at / UNITS[unit]).astype(kind), chunks=(min(n, 16),) if n else None)
    if unit:
        data.attrs["units"] = np.bytes_(unit) if rng.random() < 0.3 else unit
    nodes = first + rng.integers(0, size, n)
    group.create_dataset(ids, data=nodes.astype(str(rng.choice(["u8", "i8", "u4", "i4"]))))
    if rng.random() < 0.3 and not plain:
        group.attrs["n_nodes"] = int(rng.choice([size, first + size]))
    if rng.random() < 0.3:
        group.attrs["t_stop"] = float(rng.choice([1000.0, 2000.0]))


def harm(group: h5py.Group, what: str) -> None:
    ids = next(key for key in ("node_ids", "gids") if key in group and isinstance(group[key], h5py.Dataset))
    at, nodes, kept = group["timestamps"][()], group[ids][()], dict(group["timestamps"].attrs)
    at, nodes = np.append(at, 1.0), np.append(nodes.astype("i8"), 0)
    del group["timestamps"], group[ids]
    at = {"nan": np.append(at[:-1], np.nan), "inf": np.append(at[:-1], -np.inf), "lengths": at[:-1]}.get(what, at)
    nodes = np.append(nodes[:-1], -1) if what == "negative" else nodes
    if what == "link":
        group["timestamps"] = h5py.ExternalLink("elsewhere.h5", "/x")
    elif what == "text":
        group["timestamps"] = [b"x"] * len(at)
    elif what == "a petabyte":
        group.create_dataset("timestamps", (2**47,), "f8", chunks=(1024,))
    elif what != "no times":
        group["timestamps"] = at
        group["timestamps"].attrs.update({**kept, **({"units": "fortnights"} if what == "units" else {})})
    if what != "no ids":
        group[ids] = nodes


def refused(result: ls.Result, name: str, said: str, what: str) -> Counter[str]:
    """Check that a damaged population is left out, named in a warning, and raises an error on access."""
    try:
        found = result.spikes[name]
    except ls.LifsimError:
        known = name not in result.populations and f"{name} is left out" in said
        return Counter({"refused" if known else f"NOT SAID: {what}": 1})
    return Counter({f"READ ALTHOUGH {what} ({len(found)} spikes)": 1})


def by_hand(path: Path, name: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """The spikes of a population, read with h5py and NumPy, sorted by time, then neuron."""
    with h5py.File(path, "r") as file:
        group = file["spikes"] if name == "spikes" else file[f"spikes/{name}"]
        ids = next(key for key in ("node_ids", "gids") if key in group and isinstance(group[key], h5py.Dataset))
        unit = group["timestamps"].attrs.get("units", "")
        factor = UNITS[unit.decode() if isinstance(unit, bytes) else unit]
        at, nodes = group["timestamps"][()].astype("f8") * factor, group[ids][()].astype("i8")
        order = np.lexsort((nodes, np.round(at, 6)))
        return at[order], nodes[order], dict(group.attrs)


def same(result: ls.Result, path: Path, name: str, said: str) -> Counter[str]:
    """Check that spikes and statistics of a population agree with the file."""
    at, nodes, attributes = by_hand(path, name)
    s = result.spikes[name]
    close = len(s) == len(at) and np.allclose(np.sort(s.times), np.sort(at), rtol=1e-12, atol=0)
    pairs = close and np.array_equal(np.lexsort((s.ids, s.times)), np.arange(len(s)))
    pairs = pairs and collections.Counter(zip(s.times.round(6), s.ids, strict=True)) == collections.Counter(
        zip(at.round(6), nodes, strict=True)
    )
    if not pairs:
        return Counter({f"OTHER SPIKES: {name}": 1})
    n = int(attributes.get("n_nodes", nodes.max(initial=-1) + 1))
    facts = analysis.statistics(result)[name]
    if (facts["spikes"], facts["neurons"]) != (len(at), n):
        return Counter({f"OTHER NUMBERS: {facts['spikes']}, {facts['neurons']} in place of {len(at)}, {n}": 1})
    if n and result.duration and not np.isclose(facts["rate"], len(at) / n / result.duration * 1000):
        return Counter({f"ANOTHER RATE {facts['rate']}": 1})
    if (
        "n_nodes" not in attributes
        and nodes.min(initial=0 if not len(nodes) else 2**40) > 0
        and f"{name}: {n:,} neurons with ids" not in said
    ):
        return Counter({"ASSUMED WITHOUT A WORD": 1})
    if len(nodes) and "n_nodes" not in attributes:
        fewer = len(np.unique(nodes))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = ls.open(path, n_nodes={name: fewer})
        found = analysis.statistics(again)[name]
        if found["neurons"] != fewer or not np.allclose(np.sort(analysis.rates(again.spikes[name])), rates(nodes, again.duration)):
            return Counter({"OTHER RATES WITH n_nodes": 1})
    return Counter({"the same": 1})


def rates(nodes: np.ndarray, duration: float) -> np.ndarray:
    number = np.unique(nodes, return_counts=True)[1]
    return np.sort(number / duration * 1000) if duration else np.zeros(len(number))


def sent(path: Path, name: str) -> Counter[str]:
    """Check that a spike generator sends every spike of a population, or that there is an error."""
    at, nodes, _ = by_hand(path, name)
    if len(nodes) and nodes.max() > 10_000:
        return Counter()
    net = ls.Network(dt=0.1)
    net.add("g", int(nodes.max(initial=0)) + 1, "spike_generator", spike_file=str(path), spike_population=name)
    net.add("n", 1, "iaf_psc_exp")
    net.connect("g", "n", weight=1.0, delay=1.0)
    try:
        steps, ids = plan_of(net, 1).events.window(0, 10**6)
    except ls.LifsimError as error:
        off = (at <= 0).any() or (np.abs(at - at.round(1)) > 1e-7).any()
        return Counter({"refused as input" if off else f"REFUSED AS INPUT {error}": 1})
    expected = collections.Counter(zip(np.round(at * 10).astype(int).tolist(), nodes.tolist(), strict=True))
    found = collections.Counter(zip(steps.tolist(), (ids - numbering(net)["g"]).tolist(), strict=True))
    if found == expected:
        return Counter({"sent alike": 1})
    return Counter({"SOME ARE NOT SENT" if (at > 0).all() else "some at 0 are not sent": 1})


# -- edges -----------------------------------------------------------------------------------------

COLUMNS = ("syn_weight", "delay", "nsyns")


def edges(folder: Path, rng: np.random.Generator) -> Counter[str]:
    """Run one trial with an edge file and its table of types; returns the counts of outcomes."""
    path, n = folder / "x_edges.h5", int(rng.choice([1, 5, 80]))
    types = rng.choice([100, 101, 205], n)
    groups = int(rng.integers(1, 4))
    group_id = rng.integers(0, groups, n) if groups > 1 else np.zeros(n, int)
    index = np.zeros(n, int)
    units: dict[str, tuple[str, float]] = {}
    with h5py.File(path, "w") as file:
        top = file.create_group("edges/a_to_b")
        top["source_node_id"], top["target_node_id"] = rng.integers(0, 9, n).astype("u8"), rng.integers(0, 9, n)
        top["edge_type_id"] = types.astype(str(rng.choice(["u4", "i8", "u8"])))
        for g in range(groups):
            own = np.flatnonzero(group_id == g)
            index[own] = rng.permutation(len(own))
            for name in COLUMNS:
                if rng.random() < 0.4 and len(own):
                    data = top.create_dataset(f"{g}/{name}", data=values(name, len(own), rng))
                    if rng.random() < 0.3 and name != "nsyns":
                        symbol, factor = (("nA", 1000.0), ("pA", 1.0))[int(rng.integers(2))] if name == "syn_weight" else ("ms", 1.0)
                        data.attrs["units"] = symbol
                        units[f"{g}/{name}"] = symbol, factor
        if groups > 1 or rng.random() < 0.7:
            top["edge_group_id"], top["edge_group_index"] = group_id.astype("u2"), index.astype("u4")
        else:
            index = np.arange(n)
    table = {t: {name: "NULL" if rng.random() < 0.08 else f"{values(name, 1, rng)[0]}" for name in COLUMNS} for t in (100, 101, 205)}
    columns = [name for name in COLUMNS if rng.random() < 0.9]
    harmed = str(rng.choice(["no table", "function", "a type less", "text"])) if rng.random() < 0.2 else ""
    write_table(folder / "x_edge_types.csv", table, columns, harmed, rng)
    expected = edge_by_edge(path, table, columns, harmed, units)
    net = ls.Network(dt=0.1)
    net.add("a", 9, "iaf_psc_exp")
    seen = Counter({"files of edges": 1})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            net.connect("a", "a", "explicit", file=f"{path}:edges/a_to_b")
        except ls.LifsimError as error:
            seen["edges refused" if expected is None else f"EDGES REFUSED {error}"] += 1
            return seen
    if expected is None:
        seen[f"EDGES READ ALTHOUGH SOMETHING IS MISSING ({harmed})"] += 1
        return seen
    p = net.projections[0]
    found = p.params["given"].sources, p.params["given"].targets, np.broadcast_to(p.weight, n), np.broadcast_to(p.delay, n)
    alike = all(np.array_equal(x, y) for x, y in zip(found, expected, strict=True))
    seen["edges alike" if alike else "OTHER EDGES"] += 1
    return seen


def values(name: str, n: int, rng: np.random.Generator) -> np.ndarray:
    if name == "nsyns":
        return rng.integers(0, 6, n)
    return np.round(rng.normal(0, 5, n), 3) if name == "syn_weight" else rng.integers(1, 50, n) / 10


def write_table(path: Path, table: dict[int, dict[str, str]], columns: list[str], harmed: str, rng: np.random.Generator) -> None:
    if harmed == "no table":
        return
    between, end = (" ", "  ", "\t")[int(rng.integers(3))], ("\n", "\r\n")[int(rng.integers(2))]
    more = ["weight_function"] if harmed == "function" else []
    lines = [between.join(["edge_type_id", "source_query", *columns, *more])]
    for t, row in table.items():
        if harmed == "a type less" and t == 205:
            continue
        cells = ["heavy" if harmed == "text" and t == 100 else row[name] for name in columns]
        lines.append(between.join([str(t), '"x == 3 & y"', *cells, *(["gaussianLL"] if more else [])]))
    path.write_bytes((("\ufeff" if rng.random() < 0.2 else "") + end.join(lines) + end).encode())


def edge_by_edge(
    path: Path, table: dict[int, dict[str, str]], columns: list[str], harmed: str, units: dict[str, tuple[str, float]]
) -> tuple[np.ndarray, ...] | None:
    """Sources, targets, weights and delays, looked up edge by edge; None if data that they need are missing."""
    with h5py.File(path, "r") as file:
        top = file["edges/a_to_b"]
        n = len(top["source_node_id"])
        group_id = top["edge_group_id"][()] if "edge_group_id" in top else np.zeros(n, int)
        index = top["edge_group_index"][()] if "edge_group_index" in top else np.arange(n)
        types = top["edge_type_id"][()]
        rows: list[dict[str, float]] = []
        for k in range(n):
            row = {}
            for name in COLUMNS:
                place = f"{group_id[k]}/{name}"
                if place in top:
                    row[name] = float(top[place][index[k]]) * units.get(place, ("", 1.0))[1]
                elif harmed != "no table" and name in columns and table[int(types[k])][name] != "NULL":
                    row[name] = float(table[int(types[k])][name])
            rows.append(row)
        sources, targets = top["source_node_id"][()].astype(int), top["target_node_id"][()]
    used = set(types.tolist())
    if harmed == "function" or (harmed == "a type less" and 205 in used) or (harmed == "text" and 100 in used and columns):
        return None
    if not all("syn_weight" in row for row in rows) or len({"delay" in row for row in rows}) > 1:
        return None
    weight = np.array([row["syn_weight"] * row.get("nsyns", 1.0) for row in rows])
    return sources, targets, weight, np.array([row.get("delay", 1.0) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    seen: Counter[str] = Counter()
    folder = Path(tempfile.mkdtemp())
    for k in range(options.files):
        own = folder / str(k)
        own.mkdir()
        try:
            seen += (spikes, edges)[k % 2](own, np.random.default_rng([options.seed, k]))
        except Exception as error:
            print("FAILED", k, repr(error), flush=True)
            seen["FAILED"] += 1
        shutil.rmtree(own)
    folder.rmdir()
    report(seen)


if __name__ == "__main__":
    main()
