"""Lists of synapses in CSV and HDF5 files."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

import lifsim as ls
from lifsim.network import synapse_file, synapse_table
from lifsim.simulation.built_network import plan_of

CSV = "source,target,weight,delay\n3,0,1.5,1.0\n0,1,-2e0, 0.3\n3,0,0.25,2.0\n"
SOURCES, TARGETS, WEIGHTS, DELAYS = [3, 0, 3], [0, 1, 0], [1.5, -2.0, 0.25], [1.0, 0.3, 2.0]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def network(**connection: object) -> ls.Network:
    net = ls.Network()
    net.add("a", 4, "iaf_psc_exp")
    net.add("b", 2, "iaf_psc_exp")
    net.connect("a", "b", "explicit", **connection)
    return net


def listed(net: ls.Network) -> tuple:
    p = net.projections[0]
    given = p.params["given"]
    return given.sources.tolist(), given.targets.tolist(), *(np.asarray(x).tolist() for x in (p.weight, p.delay))


@pytest.mark.parametrize(
    "text",
    [
        CSV,
        CSV.replace("\n", "\r\n"),
        "\ufeff" + CSV.rstrip("\n"),
        CSV.replace("\n0", "\n\n \t\n0"),  # blank lines, one of them not empty
        '"target", "source" ,delay,weight\n0,3,1,1.5\n1,0,.3,-2\n0,3,2,0.25\n',
    ],
)
def test_csv(text):
    Path("x.csv").write_bytes(text.encode())
    assert listed(network(file="x.csv")) == (SOURCES, TARGETS, WEIGHTS, DELAYS)


def test_without_weights_and_delays_the_given_ones_hold():
    Path("x.csv").write_text("source,target\n3,0\n0,1\n3,0\n")
    assert listed(network(file="x.csv", weight=7.0, delay="2 ms")) == (SOURCES, TARGETS, 7.0, 2.0)
    drawn = network(file=Path("x.csv"), weight={"uniform": [1.0, 2.0]})
    assert plan_of(drawn, 1).n_synapses == 3


def test_a_list_without_synapses():
    Path("x.csv").write_text("source,target\n")
    assert plan_of(network(file="x.csv"), 1).n_synapses == 0


def test_pieces_end_at_lines(monkeypatch):
    monkeypatch.setattr(synapse_file, "PIECE", 37)
    rng = np.random.default_rng(1)
    rows = np.column_stack([rng.integers(0, 4, 200), rng.integers(0, 2, 200), rng.normal(size=200), rng.integers(1, 30, 200) / 10])
    Path("x.csv").write_text("source,target,weight,delay\n" + "".join(f"{s:.0f},{t:.0f},{w!r},{d}\n" for s, t, w, d in rows.tolist()))
    found = np.array(listed(network(file="x.csv"))).T
    np.testing.assert_array_equal(found, rows)
    Path("x.csv").write_text(Path("x.csv").read_text() + "1,1,oh,1.0\n")
    with pytest.raises(ls.ModelError, match=r"x.csv, line 202, column weight: 'oh'; expected a finite number"):
        network(file="x.csv")


WRONG = {
    "a text": ("3,0,1.5,1.0", "3,0,heavy,1.0", "line 2, column weight: 'heavy'; expected a finite number"),
    "a unit": (
        "3,0,1.5,1.0",
        "3,0,1.5,1 ms",
        "line 2, column delay: '1 ms'; expected a finite number|line 2, column delay: '1 ms'; expected at least",
    ),
    "no number": ("0,1,-2e0", "0,,-2e0", "line 3, column target: ''; expected a whole number from 0 to 1"),
    "a fraction": ("0,1,-2e0", "0.5,1,-2e0", "line 3, column source: '0.5'; expected a whole number from 0 to 3"),
    "below 0": ("0,1,-2e0", "-1,1,-2e0", "line 3, column source: '-1'; expected a whole number from 0 to 3"),
    "out of range": ("0,1,-2e0", "0,2,-2e0", "line 3, column target: '2'; expected a whole number from 0 to 1"),
    "nan": ("0.25", "nan", "line 4, column weight: 'nan'; expected a finite number"),
    "infinite": ("2.0", "inf", "line 4, column delay: 'inf'; expected a finite number"),
    "off the grid": ("2.0", "2.05", "line 4, column delay: '2.05'; nearest allowed: 2 and 2.1 ms"),
    "no delay": ("2.0", "0", "line 4, column delay: '0'; expected at least one step of dt = 0.1 ms"),
    "a cell too few": ("3,0,0.25,2.0", "3,0,0.25", "line 4: 3 cells; expected one for each of source, target, weight, delay"),
    "a cell too many": ("3,0,0.25,2.0", "3,0,0.25,2.0,", "line 4: 5 cells; expected one for each"),
    "Python's number": ("3,0,0.25", "3,0,0_25", "line 4, column weight: '0_25'; expected a finite number"),
    "another separator": ("0,1,-2e0, 0.3", "0;1;-2;0.3", "line 3: 1 cells"),
    "unknown column": ("weight", "wieght", "line 1: there is no column 'wieght'; did you mean 'weight'"),
    "a column twice": ("weight", "target", "line 1: a column twice"),
    "no names": ("source,target,weight,delay\n", "", "line 1: there is no column '3'"),
    "no targets": ("source,target,weight,delay", "source,weight,delay", "line 1: no column target"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_cell_is_named_with_file_line_and_column(case):
    old, new, said = WRONG[case]
    assert old in CSV
    Path("x.csv").write_text(CSV.replace(old, new, 1))
    with pytest.raises(ls.ModelError, match=rf"projections\[0\].file: x.csv, (.*{said})"):
        network(file="x.csv")


def test_what_is_no_list():
    Path("folder.csv").mkdir()
    Path("x.csv").write_bytes(bytes(range(256)) * 300)
    Path("text.h5").write_text("not HDF5")
    for file in ("folder.csv", "x.csv", "none.csv", "text.h5", "none.h5:x", 3, ""):
        with pytest.raises(ls.LifsimError):
            network(file=file)
    Path("x.csv").write_text(CSV)
    for more in ({"weight": 2.0}, {"delay": 2.0}, {"sources": [1], "targets": [1]}):
        with pytest.raises(ls.ModelError, match="given beside a file"):
            network(file="x.csv", **more)
    with pytest.raises(ls.ModelError, match="no multapses"):
        network(file="x.csv", allow_multapses=False)


@pytest.fixture
def stored() -> str:
    with h5py.File("x.h5", "w") as file:
        group = file.create_group("deep/net")
        for name, data in (("source", SOURCES), ("target", TARGETS), ("weight", WEIGHTS), ("delay", DELAYS)):
            group[name] = data
    return "x.h5:deep/net"


def test_hdf5(stored):
    assert listed(network(file=stored)) == (SOURCES, TARGETS, WEIGHTS, DELAYS)


def sonata(index: list[int]) -> None:
    with h5py.File("edges.h5", "w") as file:
        group = file.create_group("edges/a_to_b")
        group["source_node_id"], group["target_node_id"] = SOURCES, TARGETS
        group["edge_group_id"], group["edge_group_index"], group["edge_type_id"] = [0, 0, 0], index, [1, 1, 1]
        group["0/syn_weight"], group["0/delay"] = WEIGHTS, DELAYS


def test_sonata_edges():
    sonata([0, 1, 2])
    assert listed(network(file="edges.h5:edges/a_to_b")) == (SOURCES, TARGETS, WEIGHTS, DELAYS)
    sonata([0, 2, 1])
    weights, delays = ([x[k] for k in (0, 2, 1)] for x in (WEIGHTS, DELAYS))
    assert listed(network(file="edges.h5:edges/a_to_b")) == (SOURCES, TARGETS, weights, delays)


def test_units_of_datasets(stored):
    with h5py.File("x.h5", "r+") as file:
        file["deep/net/weight"].attrs["units"], file["deep/net/delay"].attrs["unit"] = "nA", "milliseconds"
    assert listed(network(file=stored)) == (SOURCES, TARGETS, [1000 * w for w in WEIGHTS], DELAYS)


def test_a_list_that_cannot_be_written_leaves_the_old_one(stored, monkeypatch):
    before = Path("x.h5").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as failing:
        failing.setattr("os.replace", fail)
        with pytest.raises(ls.RunError, match=r"No space left on device .*x.h5 is unchanged"):
            synapse_file.write(Path("x.h5"), {"a": synapse_table.SynapseColumns(np.array([0]), np.array([1]), None, None)})
    assert Path("x.h5").read_bytes() == before and [p.name for p in Path().iterdir()] == ["x.h5"]


def test_wrong_hdf5(stored):
    def refused(said: str, **data: object) -> None:
        with h5py.File("y.h5", "w") as file:
            for name, x in data.items():
                file[name] = x
        with pytest.raises(ls.ModelError, match=said):
            network(file="y.h5")

    good = {"source": SOURCES, "target": TARGETS}
    with h5py.File("whole.h5", "w") as file:
        file["source"], file["target"], file["weight"] = SOURCES, TARGETS, [1, 2, 3]
    assert listed(network(file="whole.h5")) == (SOURCES, TARGETS, [1.0, 2.0, 3.0], 1.0)
    refused("no dataset target", source=SOURCES)
    refused("entry 1, column source: 4; expected a whole number from 0 to 3", source=[3, 4, 3], target=TARGETS)
    refused("2 entries of weight, 3 sources", **good, weight=[1.0, 2.0])
    refused("entry 2, column delay: 0.25; nearest", **good, delay=[0.1, 0.2, 0.25])
    refused("not a list of numbers", **good, weight=np.ones((3, 1)))
    refused("not a list of numbers", **good, delay=["a", "b", "c"])
    refused("weight is a link to another place", **good, weight=h5py.ExternalLink("x.h5", "/deep"))
    with h5py.File("y.h5", "w") as file:
        file["source"] = h5py.ExternalLink("x.h5", "/deep/net/source")
        file["target"] = TARGETS
    with pytest.raises(ls.ModelError, match="source is a link to another place"):
        network(file="y.h5")
    with h5py.File("y.h5", "w") as file:
        file.create_dataset("source", (10**9,), "i4", chunks=True)
        file["target"] = TARGETS
    with pytest.raises(ls.ModelError, match="declares 4,000,000,000 bytes"):
        network(file="y.h5")
    with pytest.raises(ls.ModelError, match="no such group"):
        network(file="x.h5:deep/nest")


MODEL = """
[populations.a]
n = 4
model = "iaf_psc_exp"
[populations.b]
n = 2
model = "iaf_psc_exp"
[[projections]]
source = "a"
target = "b"
rule = "explicit"
file = "%s"
"""


def test_in_a_model_file_it_lies_beside_it(tmp_path, monkeypatch, stored):
    Path("x.csv").write_text(CSV)
    monkeypatch.chdir("/")
    for file in ("x.csv", stored):
        (tmp_path / "m.toml").write_text(MODEL % file)
        assert listed(ls.load(tmp_path / "m.toml")) == (SOURCES, TARGETS, WEIGHTS, DELAYS)
    for file in ("../x.csv", "/etc/passwd", str(tmp_path / "x.csv")):
        (tmp_path / "m.toml").write_text(MODEL % file)
        with pytest.raises(ls.ModelError, match=r"projections\[0\].file: .*in the folder of the model file"):
            ls.load(tmp_path / "m.toml")
    with pytest.raises(ls.ModelError, match="can be used only by a model that is read from a file"):
        from lifsim.modelfile.reader import loads

        loads(MODEL % "x.csv")


def test_beside_a_value_that_is_unknown_it_is_no_mistake(tmp_path):
    Path("x.csv").write_text("source,target\n0,0\n")
    (tmp_path / "m.toml").write_text(MODEL % "x.csv" + 'weight = "= nothing"\n')
    with pytest.raises(ls.ModelError) as caught:
        ls.load(tmp_path / "m.toml")
    assert [p.where for p in caught.value.problems] == ["projections[0].weight"]


@pytest.mark.parametrize("more", [{}, {"weight": {"uniform": [1.0, 2.0]}, "delay": 0.7}])
def test_saved_and_loaded_it_is_the_same(more, tmp_path):
    Path("x.csv").write_text("source,target\n3,0\n0,1\n3,0\n" if more else CSV)
    net = network(file="x.csv", **more)
    (tmp_path / "sub").mkdir()
    net.save(tmp_path / "sub" / "m.toml")
    Path("x.csv").unlink()
    copy = ls.load(tmp_path / "sub" / "m.toml")
    assert copy.projections[0].params["file"].endswith("m.synapses.h5:projection_0")
    own, other = (plan_of(n, 1).wirings[0] for n in (net, copy))
    with ls.Simulation(net) as one, ls.Simulation(copy) as two:
        np.testing.assert_array_equal(one.matrix("a", "b").data, two.matrix("a", "b").data)
        np.testing.assert_array_equal(one.matrix("a", "b", what="delay").indices, two.matrix("a", "b", what="delay").indices)
    assert own.n_synapses == other.n_synapses == 3
