"""Edges of SONATA files, with the values of their types."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import lifsim as ls

pytestmark = pytest.mark.filterwarnings("error::UserWarning")
DATA = Path(__file__).parents[1] / "data" / "sonata"
SOURCES, TARGETS = [3, 0, 3, 1], [0, 1, 0, 2]
TYPES = """edge_type_id target_query source_query syn_weight delay nsyns
100 "ei=='e' & x > 3" * 2.5 1.5 NULL
101 * * NULL 2.0 4
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def edges(path: str = "x_edges.h5", name: str = "a_to_b", types: object = (100, 100, 100, 100), **values: object) -> str:
    """A file of four edges; ``group_0_delay=[…]`` are values of their own, other names datasets of the population."""
    with h5py.File(path, "w") as file:
        group = file.create_group(f"edges/{name}")
        group["source_node_id"], group["target_node_id"] = np.array(SOURCES, "u8"), np.array(TARGETS, "u8")
        if types is not None:
            group["edge_type_id"] = np.array(types, "u4")
        for key, x in values.items():
            place = f"{key.split('_')[1]}/{key.split('_', 2)[2]}" if key.startswith("group_") else key
            group[place] = x
    return f"{path}:edges/{name}"


def connected(file: str, weight_unit: str = "pA", **options: object) -> tuple[list, list]:
    """Weights and delays of the edges."""
    net = ls.Network()
    model = {"pA": "iaf_psc_exp", "mV": "iaf_psc_delta", "nS": "iaf_cond_exp"}[weight_unit]
    net.add("a", 4, model)
    net.connect("a", "a", "explicit", file=file, **options)
    p = net.projections[0]
    assert (p.params["given"].sources.tolist(), p.params["given"].targets.tolist()) == (SOURCES, TARGETS)
    return tuple(np.broadcast_to(x, 4).tolist() for x in (p.weight, p.delay))


def refused(said: str, file: str, **options: object) -> None:
    with pytest.raises(ls.ModelError, match=said):
        connected(file, **options)


# -- against bmtk ----------------------------------------------------------------------------------


def test_what_bmtk_makes_of_a_network_that_it_wrote():
    """Three groups, each with other values of its own: weights and delays of NEST's connections as PointNet made them."""
    net = ls.Network()
    net.add("cells", 17, "iaf_psc_exp")
    with pytest.warns(UserWarning, match="not used: dynamics_params$"):
        net.connect("cells", "cells", "explicit", file=f"{DATA / 'cells_cells_edges.h5'}:edges/cells_to_cells")
    p = net.projections[0]
    found = np.array([p.params["given"].sources, p.params["given"].targets, p.weight, p.delay]).T
    with np.load(DATA / "pointnet.npz") as data:
        expected = data["rows"]
    found, expected = (rows[np.lexsort(rows.round(9).T[::-1])] for rows in (found, expected))
    assert len(found) == 415 and len(np.unique(found[:, 2])) > 100
    np.testing.assert_array_equal(found[:, :3], expected[:, :3])
    np.testing.assert_allclose(found[:, 3], expected[:, 3], rtol=1e-15)


# -- types -----------------------------------------------------------------------------------------


def test_types_beside_the_file():
    """Of x_edges.h5, x_edge_types.csv; else one that is called as the population, or edge_types.csv."""
    file = edges(group_0_nsyns=[1, 2, 3, 0])
    for name in ("edge_types.csv", "a_to_b_edge_types.csv", "x_edge_types.csv"):
        Path(name).write_text(TYPES)
        assert connected(file) == ([2.5, 5.0, 7.5, 0.0], [1.5] * 4)
        for other in Path().glob("*.csv"):
            other.write_text("nonsense")
    Path("mine.csv").write_text(TYPES)
    assert connected(file, edge_types="mine.csv") == connected(file, edge_types=Path("mine.csv")) == ([2.5, 5.0, 7.5, 0.0], [1.5] * 4)
    shutil.move("x_edges.h5", "edges.h5")
    Path("edge_types.csv").write_text(TYPES)
    Path("a_to_b_edge_types.csv").unlink()
    assert connected("edges.h5:edges/a_to_b")[0] == [2.5, 5.0, 7.5, 0.0]


def test_an_edges_own_values_come_first():
    Path("edge_types.csv").write_text(TYPES)
    assert connected(edges(group_0_syn_weight=[1.0, 2.0, 3.0, 4.0])) == ([1.0, 2.0, 3.0, 4.0], [1.5] * 4)
    assert connected(edges(group_0_delay=[1.0, 2.0, 3.0, 4.0])) == ([2.5] * 4, [1.0, 2.0, 3.0, 4.0])
    own = edges(types=[100, 101, 101, 100], group_0_syn_weight=[1.0, 2.0, 3.0, 4.0])
    assert connected(own) == ([1.0, 8.0, 12.0, 4.0], [1.5, 2.0, 2.0, 1.5])  # nsyns of type 101
    own = edges(types=[100, 101, 101, 100], group_0_syn_weight=[1.0, 2.0, 3.0, 4.0], group_0_nsyns=[1, 1, 2, 1])
    assert connected(own)[0] == [1.0, 2.0, 6.0, 4.0]


def test_groups_and_their_order():
    Path("edge_types.csv").write_text(TYPES)
    place = {"edge_group_id": [1, 0, 1, 7], "edge_group_index": [2, 0, 0, 5]}
    file = edges(**place, group_1_syn_weight=[10.0, 11.0, 12.0], group_0_nsyns=[6], group_1_delay=[1.0, 2.0, 3.0])
    assert connected(file) == ([12.0, 15.0, 10.0, 2.5], [3.0, 1.5, 1.0, 1.5])
    refused(
        "entry 0, column edge_group_index: 2; expected 0 to 1, an entry of 1/syn_weight", edges(**place, group_1_syn_weight=[10.0, 11.0])
    )
    refused("4 entries|3 entries of edge_group_index, 4 of", edges(edge_group_id=[0] * 4, edge_group_index=[0, 1, 2]))
    refused("several groups, but no edge_group_id", edges(group_0_syn_weight=[1.0] * 4, group_1_syn_weight=[1.0] * 4))
    refused("edge_group_id holds float64", edges(edge_group_id=[0.5] * 4))


def test_rows_of_another_population():
    Path("edge_types.csv").write_text("edge_type_id population syn_weight delay\n100 other 1.0 1.0\n100 a_to_b 3.0 1.0\n101 NULL 4.0 1.0\n")
    assert connected(edges(types=[100, 100, 101, 101]))[0] == [3.0, 3.0, 4.0, 4.0]


@pytest.mark.parametrize(
    "change", [("\n", "\r\n"), (" ", "  "), (" ", "\t"), ("edge_type_id", "\ufeffedge_type_id"), ("\n", "\n\n"), ("\n", " \n")]
)
def test_forms_of_the_table(change):
    Path("edge_types.csv").write_bytes(TYPES.replace("\"ei=='e' & x > 3\"", "*").replace(*change).encode())
    assert connected(edges(types=[100, 101, 101, 100], group_0_syn_weight=[1.0] * 4))[0] == [1.0, 4.0, 4.0, 1.0]
    Path("edge_types.csv").write_text("edge_type_id,syn_weight,delay\n100,2.5,1.0\n")
    assert connected(edges())[0] == [2.5] * 4


# -- what cannot be known --------------------------------------------------------------------------


def test_weights_that_are_nowhere_are_no_ones():
    file = edges()
    refused(r"holds no syn_weight, nor a table of types beside it \(x_edge_types.csv, a_to_b_edge_types.csv, edge_types.csv\)", file)
    refused("does not exist", file, edge_types="none.csv")
    Path("edge_types.csv").write_text("edge_type_id delay\n100 1.5\n")
    refused("holds no syn_weight, nor does .*edge_types.csv", file)
    assert connected(file, weight=3.0) == ([3.0] * 4, [1.5] * 4)
    assert connected(file, edge_types=False, weight=3.0, delay=2.0) == ([3.0] * 4, [2.0] * 4)
    assert connected(file, edge_types=False) == ([1.0] * 4, [1.0] * 4)
    assert connected(edges(types=None, group_0_nsyns=[1, 2, 3, 4]), weight="2 nA") == ([2000.0, 4000.0, 6000.0, 8000.0], [1.0] * 4)
    refused(
        "must be a number if the file gives the number of synapses",
        edges(types=None, group_0_nsyns=[1, 2, 3, 4]),
        weight={"uniform": [1.0, 2.0]},
    )
    Path("edge_types.csv").write_text(TYPES)
    refused("entry 1, of type 101, has no syn_weight", edges(types=[100, 101, 101, 100]))
    refused("no edge_type_id 102", edges(types=[100, 102, 100, 100]))
    refused("given beside a file", edges(), weight=2.0)
    refused("has no edge_type_id", edges(types=None), edge_types="edge_types.csv")
    Path("list.csv").write_text("source,target\n3,0\n")
    refused("edge types given for a list without edge types; the edges of a SONATA file", "list.csv", edge_types="edge_types.csv")


def test_delays_that_are_nowhere_are_said():
    with pytest.warns(UserWarning, match="holds no delay, nor a table of types beside it .*: the delay of the connection is used"):
        assert connected(edges(group_0_syn_weight=[1.0] * 4)) == ([1.0] * 4, [1.0] * 4)
    assert connected(edges(group_0_syn_weight=[1.0] * 4), delay=2.0)[1] == [2.0] * 4
    assert connected(edges(group_0_syn_weight=[1.0] * 4), edge_types=False)[1] == [1.0] * 4


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("edge_type_id syn_weight weight_function\n100 1.0 gaussianLL\n", "line 2: the weights are computed by the function 'gaussianLL'"),
        ("edge_type_id syn_weight is_gap_junction\n100 1.0 True\n", "line 2: is_gap_junction"),
        ("edge_type_id syn_weight\n100 heavy\n", "line 2, column syn_weight: 'heavy'; expected a finite number"),
        ("edge_type_id syn_weight\n100 inf\n", "line 2, column syn_weight: 'inf'; expected a finite number"),
        ("edge_type_id syn_weight\n100 1.0\n100 2.0\n", "line 3: edge_type_id 100 a second time"),
        ("edge_type_id syn_weight\n100 1.0 2.0\n", "line 2: 3 cells; expected one for each of 2 columns"),
        ("edge_type_id syn_weight\nx 1.0\n", "line 2, column edge_type_id: 'x'; expected a whole number"),
        ("type syn_weight\n100 1.0\n", "line 1: there is no column edge_type_id"),
        ("edge_type_id delay delay\n100 1.0 2.0\n", "line 1: a column twice"),
        ("", "there is no column edge_type_id"),
        ("edge_type_id syn_weight delay\n100 1.0 1.05\n", "entry 0, column delay: 1.05; nearest"),
        ("edge_type_id syn_weight nsyns\n100 1.0 1.5\n", "entry 0, column nsyns: 1.5; expected a whole number of synapses"),
        ("edge_type_id syn_weight nsyns\n100 1.0 -1\n", "entry 0, column nsyns: -1; expected a whole number of synapses"),
        ('edge_type_id syn_weight q\n100 1.0 "open\n', "line 2: unexpected end of data"),
    ],
)
def test_tables_that_are_refused(table, said):
    Path("edge_types.csv").write_text(table)
    refused(said, edges())


def test_what_is_not_used_is_said():
    Path("edge_types.csv").write_text(
        "edge_type_id syn_weight model_template dynamics_params weight_function target_sections\n"
        "100 1.0 static_synapse NULL wmax ['soma']\n101 1.0 stdp_synapse a.json NULL NULL\n"
    )
    assert connected(edges())[0] == [1.0] * 4
    with pytest.warns(UserWarning, match=r"not used: dynamics_params, model_template$"):
        connected(edges(types=[100, 100, 100, 101]))
    with pytest.warns(UserWarning, match=r"not used: conductance, dynamics_params$"):
        connected(edges(group_0_conductance=[1.0] * 4, **{"0/dynamics_params/U": [0.5] * 4, "0/afferent_center_x": [0.0] * 4}))


# -- units, numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "symbol", "factor"), [("pA", "pA", 1.0), ("pA", "nA", 1000.0), ("nS", "uS", 1000.0), ("mV", "V", 1000.0), ("mV", None, 1.0)]
)
def test_units_of_weights(unit, symbol, factor):
    """Without an attribute the numbers are in the unit of the target's model."""
    file = edges(types=None, group_0_syn_weight=[0.5, 1.0, 2.0, 3.0], group_0_delay=[1.0] * 4)
    if symbol:
        with h5py.File("x_edges.h5", "r+") as opened:
            opened["edges/a_to_b/0/syn_weight"].attrs["units"] = symbol
    assert connected(file, unit)[0] == [0.5 * factor, factor, 2.0 * factor, 3.0 * factor]


def test_units_of_delays_and_wrong_ones():
    file = edges(types=None, group_0_syn_weight=[1.0] * 4, group_0_delay=[0.0015, 0.002, 0.0047, 0.1])
    for symbol in ("s", np.bytes_("seconds")):
        with h5py.File("x_edges.h5", "r+") as opened:
            opened["edges/a_to_b/0/delay"].attrs["units"] = symbol
        assert connected(file)[1] == pytest.approx([1.5, 2.0, 4.7, 100.0], rel=1e-15)
    for symbol in ("mV", "fortnights"):
        with h5py.File("x_edges.h5", "r+") as opened:
            opened["edges/a_to_b/0/delay"].attrs["units"] = symbol
        refused(f"delay has units '{symbol}'; ms, or another of its kind", file)
    with h5py.File("x_edges.h5", "r+") as opened:
        opened["edges/a_to_b/0/delay"].attrs["units"] = "s"
        opened["edges/a_to_b/0/syn_weight"].attrs["units"] = "nS"
    refused("syn_weight has units 'nS'; pA, or another of its kind", file)


def test_nodes_that_are_not_there():
    """Ids count from 0 in their population: edges of other nodes are refused, never shifted."""
    for name, ids in (("source_node_id", [4, 0, 0, 0]), ("target_node_id", [0, 0, 2**63, 0]), ("source_node_id", [-1, 0, 0, 0])):
        file = edges(types=None, group_0_syn_weight=[1.0] * 4, group_0_delay=[1.0] * 4)
        with h5py.File("x_edges.h5", "r+") as opened:
            del opened["edges/a_to_b"][name]
            opened["edges/a_to_b"][name] = np.array(ids, "u8" if min(ids) >= 0 else "i8")
        refused(f"column {name[:6]}: .*; expected a whole number from 0 to 3", file)


def test_no_edges():
    with h5py.File("x_edges.h5", "w") as file:
        for name in ("source_node_id", "target_node_id", "edge_type_id", "edge_group_id", "edge_group_index"):
            file.create_dataset(f"edges/none/{name}", (0,), "u8")
    Path("edge_types.csv").write_text(TYPES)
    net = ls.Network()
    net.add("a", 4, "iaf_psc_exp")
    net.connect("a", "a", "explicit", file="x_edges.h5:edges/none")
    assert len(net.projections[0].params["given"]) == 0


# -- model files -----------------------------------------------------------------------------------

MODEL = """
[populations.a]
n = 4
model = "iaf_psc_exp"
[[projections]]
source = "a"
target = "a"
rule = "explicit"
file = "net/x_edges.h5:edges/a_to_b"
"""


def test_in_a_model_file(tmp_path):
    Path("net").mkdir()
    edges("net/x_edges.h5")
    Path("net/x_edge_types.csv").write_text(TYPES)
    Path("types.csv").write_text(TYPES.replace("2.5", "9.0"))
    for more, weight in (("", 2.5), ('edge_types = "types.csv"\n', 9.0), ("edge_types = false\nweight = 4.0\n", 4.0)):
        Path("m.toml").write_text(MODEL + more)
        assert np.broadcast_to(ls.load("m.toml").projections[0].weight, 4).tolist() == [weight] * 4
    net = ls.load("m.toml")
    net.save("saved.toml")
    assert np.broadcast_to(ls.load("saved.toml").projections[0].weight, 4).tolist() == [4.0] * 4
    Path("m.toml").write_text(MODEL + 'edge_types = "../types.csv"\n')
    with pytest.raises(ls.ModelError, match=r"projections\[0\].edge_types: '../types.csv'; expected a file in the folder"):
        ls.load("m.toml")
    for types in ("3", '""', "true"):
        Path("m.toml").write_text(MODEL + f"edge_types = {types}\n")
        with pytest.raises(ls.ModelError, match="edge_types"):
            ls.load("m.toml")
    Path("m.toml").write_text(
        MODEL.replace('file = "net/x_edges.h5:edges/a_to_b"', 'sources = [0]\ntargets = [1]\nedge_types = "types.csv"')
    )
    with pytest.raises(ls.ModelError, match="edge_types: given without a file"):
        ls.load("m.toml")


def test_a_link_beside_the_edges_leads_nowhere_else(tmp_path, monkeypatch):
    (tmp_path / "home" / "net").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "home")
    edges("net/x_edges.h5")
    (tmp_path / "secret.csv").write_text(TYPES)
    Path("net/x_edge_types.csv").symlink_to(tmp_path / "secret.csv")
    Path("m.toml").write_text(MODEL)
    with pytest.raises(ls.ModelError, match="a file in the folder of the model file"):
        ls.load("m.toml")
