"""Given synapses, as matrices of all forms and as lists, are those that are built; nothing is copied that need not be."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

import lifsim as ls
from lifsim.building.needs import estimate
from lifsim.common.errors import ModelError
from lifsim.network.explicit_synapses import ExplicitSynapses, entries

SHAPE = (90, 70)


def network(n_source=SHAPE[1], n_target=SHAPE[0], model="iaf_psc_exp"):
    net = ls.Network()
    net.add("a", n_source, model)
    net.add("b", n_target, model)
    return net


def matrix(form, index="i4", data="f8", number=900, seed=1):
    """Unsorted, with repeated entries, zeros, empty rows and empty columns."""
    rng = np.random.default_rng(seed)
    rows, columns = rng.integers(5, SHAPE[0] - 3, number), rng.integers(2, SHAPE[1] - 9, number)
    rows[rows == 40], columns[columns == 30] = 41, 31
    values = np.round(rng.normal(size=number), 2).astype(data)
    values[::50] = 0
    if form == "coo":
        return sparse.coo_array((values, (rows.astype(index), columns.astype(index))), shape=SHAPE)
    major, minor, n, kind = (rows, columns, SHAPE[0], sparse.csr_array) if form == "csr" else (columns, rows, SHAPE[1], sparse.csc_array)
    order = np.argsort(major, kind="stable")
    ptr = np.concatenate([[0], np.cumsum(np.bincount(major, minlength=n))])
    return kind((values[order], minor[order].astype(index), ptr.astype(index)), shape=SHAPE)


def listed(m):
    """(target, source, value) of every entry, repeated ones apart, sorted."""
    form, coo = m.format, m.tocoo()
    assert form == "coo" or coo.nnz == m.nnz
    rows, columns = coo.coords
    return sorted(zip(rows.tolist(), columns.tolist(), coo.data.astype(np.float64).tolist(), strict=True))


def built(net, what="weight", source="a", target="b", **settings):
    with ls.Simulation(net, **settings) as sim:
        return listed(sim.matrix(source, target, what))


# -- what is built is what was given ---------------------------------------------------------------


@pytest.mark.parametrize("data", ["f4", "f8"])
@pytest.mark.parametrize("index", ["i4", "i8"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_all_forms_and_types(form, index, data):
    m = matrix(form, index, data)
    assert len({entry[:2] for entry in listed(m)}) < m.nnz
    for threads in (1, 2, 3):
        net = network()
        net.connect("a", "b", m)
        assert built(net, threads=threads) == listed(m)


@pytest.mark.parametrize("data", ["i1", "u2", "i4", "i8", "?"])
def test_other_types_of_numbers(data):
    m = matrix("csr", data="f8")
    m.data = np.abs(m.data * 10).astype(data)
    net = network()
    net.connect("a", "b", m)
    assert built(net) == listed(m)


@pytest.mark.parametrize("form", ["lil", "dok", "dia", "bsr"])
def test_forms_that_scipy_converts(form):
    m = sparse.csr_array(matrix("csr").toarray()).asformat(form)
    net = network()
    net.connect("a", "b", m)
    assert built(net) == listed(m.tocsr())


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64, int])
def test_arrays(order, dtype):
    m = np.array(matrix("coo").toarray() * 10, dtype=dtype, order=order)
    net = network()
    net.connect("a", "b", m)
    assert built(net) == listed(sparse.csr_array(m))


@pytest.mark.parametrize("swapped", [False, True], ids=["native", "swapped"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_steps_of_all_signs_and_byte_orders(form, swapped):
    """Arrays that lie backwards, with gaps, or with their bytes the other way round."""

    def strange(x):
        out = np.repeat(x, 3)[::-3][::-1][::-1]  # backwards, with gaps
        return out.astype(out.dtype.newbyteorder("S")) if swapped else out

    m = matrix(form)
    expected = listed(m)
    parts = {"data": strange(m.data[::-1])}
    if form == "coo":
        m.coords = tuple(strange(x[::-1]) for x in m.coords)
    else:
        parts["indices"] = strange(m.indices[::-1])
    for key, x in parts.items():
        setattr(m, key, x)
    net = network()
    net.connect("a", "b", m)
    assert built(net) == expected


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_views_as_ends(form):
    full, m = matrix(form), matrix(form)
    net = ls.Network()
    a, b = net.add("a", 200, "iaf_psc_exp"), net.add("b", 300, "iaf_psc_delta")
    rng = np.random.default_rng(3)
    s, t = rng.permutation(200)[: SHAPE[1]], rng.permutation(300)[: SHAPE[0]]
    net.connect(a[s], b[t], m)
    expected = sorted((int(t[i]), int(s[j]), x) for i, j, x in listed(full))
    for threads in (1, 3):
        assert built(net, threads=threads) == expected


def test_lists():
    m = matrix("coo")
    for dtype in (np.int64, np.int32, np.uint8, np.uint64):
        net = network()
        net.connect("a", "b", "explicit", sources=m.col.astype(dtype), targets=m.row, weight=m.data)
        assert built(net) == listed(m)
    net = network()
    assert net.connect("a", "b", "explicit", sources=[], targets=[])[0].weight == 1.0
    assert built(net) == []


def test_the_same_weight_everywhere_is_stored_once():
    m = matrix("csc")
    m.data[:] = 2.5
    net = network()
    net.connect("a", "b", m)
    with ls.Simulation(net) as sim:
        assert len(sim._engine.machine.synapses.weight) == 0
    assert built(net) == listed(m)
    net.connect("a", "b", "all_to_all", weight={"normal": [1.0, 0.1]})
    assert set(listed(m)) <= set(built(net))


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (1, 3)])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_small_and_empty(form, shape):
    for m in (sparse.csr_array(shape), sparse.csr_array(([-2.0], ([shape[0] - 1], [0])), shape=shape)):
        net = network(shape[1], shape[0])
        net.connect("a", "b", m.asformat(form), delay=m.asformat(form) if m.nnz == 0 else 1.0)
        assert built(net) == listed(m)


# -- delays ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_delays_of_each_entry(form):
    m = matrix(form)
    d = m.copy()
    d.data = np.random.default_rng(5).integers(1, 40, m.nnz) * 0.1
    expected = sorted((t, s, round(x, 6)) for t, s, x in listed(d))
    for delay in (d, d.data, d.data.tolist()):
        net = network()
        net.connect("a", "b", m, delay=delay)
        assert sorted((t, s, round(x, 6)) for t, s, x in built(net, "delay", threads=2)) == expected
        assert built(net) == listed(m)


def test_delays_of_fewer_bits():
    """Whether they are on the grid is asked in float64."""
    m = matrix("csr")
    for steps in (13, 2):
        net = network()
        net.connect("a", "b", m, delay=np.where(np.arange(m.nnz) % 2, np.float32(steps * 0.1), np.float32(0.1)))
        assert {round(x, 6) for _, _, x in built(net, "delay")} == {0.1, round(steps * 0.1, 6)}


def test_delays_in_another_form():
    m = matrix("coo")
    m.sum_duplicates()
    d = m.copy()
    d.data = np.round(1 + np.abs(d.data), 1)
    for form in ("csr", "csc", "coo"):
        for other in ("csr", "csc", "coo"):
            net = network()
            (p,) = net.connect("a", "b", m.asformat(form), delay=d.asformat(other))
            for at, t, s in p.params["given"].pieces(50):
                np.testing.assert_array_equal(d.toarray()[t, s], p.delay[at])
                np.testing.assert_array_equal(m.toarray()[t, s], p.weight[at])


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_draws_go_by_target(form):
    """The order in which synapses were given within a target is what draws follow, whatever the form."""
    m = matrix("coo")
    if form != "coo":
        m = {"csr": sparse.csr_array, "csc": sparse.csc_array}[form](sparse.csr_array(m.toarray()))
    rows = entries(m)[0].by_target()
    net, lists = network(), network()
    net.connect("a", "b", m, delay={"uniform": [1.0, 5.0]})
    weight = rows.sorted(entries(m)[1])
    lists.connect("a", "b", "explicit", sources=rows.sources, targets=rows.targets, weight=weight, delay={"uniform": [1.0, 5.0]})
    assert built(net, "delay", threads=3) == built(lists, "delay")
    assert built(net, threads=2) == listed(m)


# -- nothing is copied -----------------------------------------------------------------------------


@pytest.mark.parametrize("index", ["i4", "i8"])
@pytest.mark.parametrize("data", ["f4", "f8"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_arrays_are_used_where_they_lie(form, index, data):
    m = matrix(form, index, data)
    (p,) = network().connect("a", "b", m, delay=m.data * 0 + 1.0)
    given = p.params["given"]
    own = m.coords if form == "coo" else [m.indices]
    for x in (given.targets, given.sources):
        assert len(x) == 0 or any(np.shares_memory(x, y) for y in own)
    assert np.shares_memory(p.weight, m.data) and p.weight.dtype == np.dtype(data)
    with pytest.raises(ValueError, match="read-only"):
        p.weight[0] = 1.0


def test_indices_that_change_later_are_noticed():
    for form in ("csr", "csc", "coo"):
        m = matrix(form)
        net = network()
        net.connect("a", "b", m)
        (m.coords[0] if form == "coo" else m.indices)[7] = 10**6
        with pytest.raises(ModelError, match=r"projections\[0\].*changed"):
            ls.Simulation(net)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_pieces_are_the_whole(form):
    given, data = entries(matrix(form))
    for most in (1, 100, 10**6):
        pieces = list(given.pieces(most))
        assert [i for at, _, _ in pieces for i in range(at.start, min(at.stop, len(data)))] == list(range(len(given)))
        found = sorted((int(a), int(b), float(x)) for at, t, s in pieces for a, b, x in zip(t, s, data[at], strict=True))
        assert found == listed(matrix(form))
    np.testing.assert_array_equal(given.degrees(), np.bincount([t for t, _, _ in found], minlength=SHAPE[0]))


def test_the_forecast_counts_matrices():
    n, m = 1000, sparse.random(1000, 1000, 0.5, "csr", rng=1, dtype=np.float64)
    m.data -= 0.5
    nothing, given = network(n, n), network(n, n)
    given.connect("a", "b", m)
    before, after = estimate(nothing, threads=2), estimate(given, threads=2)
    assert after["held"] == m.data.nbytes + m.indices.nbytes + 8 * (n + 1)
    assert after["bytes"] - before["bytes"] >= after["held"] + 10 * m.nnz
    narrow = network(n, n)
    narrow.connect("a", "b", m.astype(np.float32))
    assert estimate(narrow, threads=2)["bytes"] <= after["bytes"] - 8 * m.nnz
    drawn = network(n, n)
    drawn.connect("a", "b", m.tocsc(), delay={"uniform": [1.0, 2.0]})
    assert estimate(drawn, threads=2)["bytes"] > after["bytes"] + 20 * m.nnz


# -- refusals --------------------------------------------------------------------------------------


def broken(form="csr", **parts):
    m = matrix(form)
    for key, change in parts.items():
        x = getattr(m, key).copy()
        setattr(m, key, change(x))
    return m


def changed(at, value):
    def change(x):
        x[at] = value
        return x

    return change


@pytest.mark.parametrize(
    ("m", "match"),
    [
        (broken(data=changed(3, np.nan)), r"nan at \[5, \d+\]"),
        (broken("csc", data=changed(-1, np.inf)), r"inf at \[\d+, 60\]"),
        (broken("coo", data=changed(0, -np.inf)), r"-inf at \[\d+, \d+\]"),
        (broken(data=lambda x: x.astype(complex)), "complex"),
        (broken(data=lambda x: x.astype(object)), "entries of type object"),
        (broken(indices=changed(5, SHAPE[1])), "out of range.*69"),
        (broken(indices=changed(5, -1)), "out of range"),
        (broken("csc", indices=changed(5, SHAPE[0])), "out of range.*89"),
        (broken(indices=lambda x: x.astype(float)), "float64"),
        (broken(indices=lambda x: x[:-1]), "indptr is not valid"),
        (broken(indptr=changed(3, 10**9)), "indptr is not valid"),
        (broken(indptr=changed(0, 1)), "indptr is not valid"),
        (matrix("csr").T.tocsr(), r"shape \(70, 90\)"),
        (np.zeros((90, 70), dtype=object), None),
        (np.full((90, 70), "x"), "no numbers"),
    ],
)
def test_broken_matrices(m, match):
    net = network()
    if match is None:
        net.connect("a", "b", m)  # objects that are numbers
        return
    with pytest.raises(ModelError, match=match) as error:
        net.connect("a", "b", m)
    assert [p.where for p in error.value.problems] == ["projections[0].matrix"] and net.projections == []


@pytest.mark.parametrize(
    ("lists", "match"),
    [
        (([0, 70], [0, 0]), r"sources: id 70 is out of range"),
        (([0, -1], [0, 0]), r"sources: id -1 is out of range"),
        (([0, 1], [0, 90]), r"targets: id 90 is out of range"),
        (([0.0, 1.0], [0, 1]), r"sources: an array of float64"),
        (([[0], [1]], [0, 1]), r"sources: an array of int64, shape \(2, 1\)"),
        (([True, False], [0, 1]), r"sources: an array of bool"),
        (([0, 1], [0]), "2 sources and 1 targets"),
        (([[0], [1, 2]], [0, 1]), "sources: "),
        ((["x"], [0]), "sources: an array of"),
    ],
)
def test_broken_lists(lists, match):
    with pytest.raises(ModelError, match=match):
        network().connect("a", "b", "explicit", sources=lists[0], targets=lists[1])


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_what_the_options_exclude(form):
    m = sparse.coo_array(([1.0, 2.0, 3.0], ([4, 1, 4], [2, 0, 2])), shape=(6, 6))
    if form != "coo":
        given = entries(m)[0].by_target()
        m = sparse.csr_array(([1.0, 1.0, 1.0], given.sources, given.ptr), shape=(6, 6)).asformat(form)
    net = ls.Network()
    net.add("n", 10, "iaf_psc_exp")
    net.connect("n[2:8]", "n[2:8]", m, allow_autapses=False)
    with pytest.raises(ModelError, match="n 4 connects to n 6 twice"):
        net.connect("n[2:8]", "n[2:8]", m, allow_multapses=False)
    with pytest.raises(ModelError, match="neuron 5 of n connects to itself"):
        net.connect("n[2:8]", "n[2:8]", sparse.coo_array(([1.0], ([3], [3])), shape=(6, 6)).asformat(form), allow_autapses=False)


# -- the measurement -------------------------------------------------------------------------------


@pytest.mark.parametrize("case", ["csr-i4-f4", "csc-i8-f8-mixed", "coo-i4-f8-mixed", "csr-i4-f4-delays"])
def test_the_measurement(case, monkeypatch):
    monkeypatch.delitem(sys.modules, "matrices", raising=False)
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "bench"))
    import matrices

    run = matrices.measure(case, 30_000, 1000, 1)
    assert run["nnz"] == 30_000 and run["build_s"] > 0
    assert matrices.row(case, 1, [run, run]).count("|") == len(matrices.HEAD) + 1


def test_given_knows_its_pairs():
    given = ExplicitSynapses(3, 4, np.array([2, 0, 1]), np.zeros(0, np.int64), np.array([0, 2, 2, 3, 3]))
    assert [given.pair(i) for i in range(3)] == [(2, 0), (0, 0), (1, 2)]


# -- copies and scale ------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["dense", "csr", "csc", "coo"])
def test_copies_side_by_side_are_a_block_diagonal_matrix(form):
    rng = np.random.default_rng(2)
    W = np.where(rng.random((3, 4)) < 0.6, rng.normal(size=(3, 4)), 0.0)
    delay = np.where(W != 0, rng.integers(10, 30, W.shape) / 10, 0.0)
    given = W if form == "dense" else sparse.coo_array(W).asformat(form)
    net = ls.Network()
    net.add("a", 20, "parrot_neuron")
    net.add("b", 15, "iaf_psc_exp")
    net.connect("a", "b", given, copies=5, scale=-2.0, delay=delay if form == "dense" else sparse.coo_array(delay).asformat(form))
    with ls.Simulation(net) as sim:
        found, delays = sim.matrix("a", "b").toarray(), sim.matrix("a", "b", "delay").toarray()
    np.testing.assert_allclose(found, np.kron(np.eye(5), -2.0 * W), rtol=1e-15)
    np.testing.assert_allclose(delays, np.kron(np.eye(5), delay), rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"copies": 3}, r"copies: 3 copies with 20 sources and 15 targets in all; expected a number that divides both"),
        ({"copies": 0}, "copies: 0; expected a whole number from 1 on"),
        ({"copies": 1.5}, "copies: 1.5"),
        ({"copies": True}, "copies: True"),
        ({"copies": "5"}, "copies: '5'"),
        ({"copies": 5, "scale": np.inf}, "scale: inf; expected a finite number"),
        ({"copies": 1}, r"shape \(3, 4\); must be \(n_target, n_source\) = \(15, 20\)"),
        ({"copies": 5, "delay": np.ones((15, 20))}, "delay"),
    ],
)
def test_wrong_copies(options, match):
    net = ls.Network()
    net.add("a", 20, "parrot_neuron")
    net.add("b", 15, "iaf_psc_exp")
    with pytest.raises(ls.ModelError, match=match):
        net.connect("a", "b", np.ones((3, 4)), **options)
    with pytest.raises(ls.ModelError, match="has no parameter 'copies'"):
        net.connect("a", "b", "all_to_all", copies=5)


def test_copies_scale_and_biases_in_a_model_file(tmp_path):
    from lifsim.weights import WeightStore

    W, b = np.arange(1.0, 7.0).reshape(2, 3), np.array([0.5, -0.5])
    with WeightStore(tmp_path / "net.h5", "w") as store:
        store.put("layer", W, bias=b, units="1")
    text = """
[parameters]
copies = 4
[populations]
x = { n = "= 3 * copies", model = "parrot_neuron" }
one = { n = "= copies", model = "dc_generator", params = { amplitude = 2.0 } }
y = { n = "= 2 * copies", model = "iaf_psc_exp", params = { C_m = 100.0 } }
[[projections]]
source = "x"
target = "y"
matrix = "net.h5:layer"
copies = "= copies"
scale = 10.0
[[projections]]
source = "one"
target = "y"
matrix = "net.h5:layer/bias"
copies = "= copies"
scale = 3.0
[[record]]
populations = "y"
variable = "V_m"
interval = 50.0
"""
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    net = ls.load(tmp_path / "m.toml")
    with ls.Simulation(net) as sim:
        np.testing.assert_allclose(sim.matrix("x", "y").toarray(), np.kron(np.eye(4), 10 * W))
        sim.run(500.0)
        np.testing.assert_allclose(sim.get("y", "V_m"), np.tile(-70 + 6 * b * 10 / 100, 4), atol=1e-9)  # E_L + I tau_m / C_m
    for wrong, match in (("layer/weight", "FILE.h5:NAME/bias"), ("nothing/bias", "there is no matrix 'nothing'")):
        (tmp_path / "m.toml").write_text(text.replace("layer/bias", wrong), encoding="utf-8")
        with pytest.raises(ls.ModelError, match=match):
            ls.load(tmp_path / "m.toml")
    ls.modelfile.save(net, tmp_path / "again.toml")
    with ls.Simulation(ls.load(tmp_path / "again.toml")) as sim:
        np.testing.assert_allclose(sim.matrix("x", "y").toarray(), np.kron(np.eye(4), 10 * W))


# -- arrays that are changed after they were given -------------------------------------------------


@pytest.mark.parametrize("entries", [slice(None), 7])
@pytest.mark.parametrize("wrong", [0.0, -5.0, np.nan, np.inf, -np.inf, 1e30, 0.01])
@pytest.mark.parametrize("form", ["matrix", "lists"])
def test_delays_that_changed_are_refused(form, wrong, entries):
    """They are the user's own array, which is not copied: memory would be overrun."""
    net, n = network(50, 50), 50
    matrix = sparse.csr_array(np.ones((n, n)) * 20.0)
    delay = np.full(matrix.nnz, 1.0)
    if form == "matrix":
        net.connect("a", "b", matrix, delay=delay)
    else:
        source, target = np.divmod(np.arange(matrix.nnz), n)
        net.connect("a", "b", "explicit", sources=source, targets=target, weight=20.0, delay=delay)
    delay[entries] = wrong
    for call in (lambda: ls.run(net, 1.0), lambda: estimate(net)):
        with pytest.raises(
            ls.ModelError, match=r"delay: the array was changed to values from .* ms after `connect`; expected values from 0\.1 to"
        ):
            call()
    delay[entries] = 2.0  # still their array: what it holds when it is built is what counts
    with ls.Simulation(net) as sim:
        assert np.count_nonzero(sim.matrix("a", "b", "delay").data == 2.0) == (matrix.nnz if entries != 7 else 1)


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("wrong", [-1, 50, 2**31 - 1])
def test_indices_that_changed_are_refused(form, wrong):
    net = network(50, 50)
    matrix = sparse.random_array((50, 50), density=0.5, format=form, rng=np.random.default_rng(1))
    net.connect("a", "b", matrix)
    (matrix.indices if form != "coo" else matrix.coords[0])[3] = wrong
    with pytest.raises(ls.ModelError, match="arrays of indices were changed"):
        ls.run(net, 1.0)


def test_what_else_changes_does_no_harm():
    """Pointers, times, ids and parameters are copied; weights are only numbers."""
    net, n = network(50, 50), 50
    matrix = sparse.csr_array(np.ones((n, n)) * 20.0)
    times, current, ids, points = np.array([1.0, 2.0]), np.full(n, 400.0), np.arange(5), np.zeros((n, 2))
    net.add("s", 1, "spike_generator", spike_times=times)
    net.add("c", n, "iaf_psc_exp", I_e=current, positions=points)
    view = net.populations["c"][ids]
    net.connect("a", "b", matrix)
    net.connect("s", view, weight=10.0)
    for array in (matrix.indptr, times, current, ids, points):
        array[:] = -(10**6)
    matrix.data[:] = 30.0
    net.record("c")
    with ls.Simulation(net) as sim:
        sim.run(5.0)
        assert (sim.matrix("a", "b").data == 30.0).all() and sim.get("c", "I_e").min() == 400.0 and view.ids.tolist() == [0, 1, 2, 3, 4]


def test_weights_that_are_spoilt_end_the_run():
    net, matrix = network(50, 50), sparse.csr_array(np.ones((50, 50)))
    net.add("s", 50, "spike_generator", spike_times=[1.0])
    net.connect("s", "b", matrix)
    matrix.data[7] = np.nan
    with pytest.raises(ls.RunError, match="is nan"):
        ls.run(net, 5.0)


def test_a_time_step_stays():
    net = network(5, 5)
    with pytest.raises(ls.ModelError, match=r"run.dt: is set after populations were added; expected a new Network with dt = 10.0"):
        net.dt = 10.0
    assert net.dt == 0.1
