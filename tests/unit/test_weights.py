"""The store of weights: what goes in comes out, and damaged or hostile files are refused."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse

from lifsim.common.errors import DataError, OutputError, RunError
from lifsim.files import seal
from lifsim.weights import WeightStore


@pytest.fixture
def sparse_matrix():
    rng = np.random.default_rng(1)
    return sparse.csr_array(np.where(rng.random((5, 7)) < 0.4, rng.normal(size=(5, 7)), 0.0))


@pytest.fixture
def stored(tmp_path, sparse_matrix):
    """A file with the sparse matrix "W" (and its delays) and the dense one "D"."""
    path = tmp_path / "w.h5"
    with WeightStore(path, "w") as store:
        store.put("W", sparse_matrix, delay=abs(sparse_matrix) + sparse_matrix.astype(bool), units="mV")
        store.put("D", np.arange(6.0).reshape(2, 3), delay=np.ones((2, 3)))
    return path


def test_sparse_round_trip(stored, sparse_matrix):
    with WeightStore(stored) as store:
        store.verify()
        found, delay = store.get("W"), store.delay("W")
        assert store.units("W") == "mV"
    assert found.format == "csc" and found.shape == (5, 7)
    np.testing.assert_array_equal(found.toarray(), sparse_matrix.toarray())
    expected = np.where(sparse_matrix.toarray() != 0, np.abs(sparse_matrix.toarray()) + 1, 0)
    np.testing.assert_allclose(delay.toarray(), expected)


def test_dense_round_trip(stored):
    with WeightStore(stored) as store:
        np.testing.assert_array_equal(store.get("D"), [[0, 1, 2], [3, 4, 5]])
        np.testing.assert_array_equal(store.delay("D"), np.ones((2, 3)))
        assert store.names() == ["D", "W"]


def test_layout_is_that_of_scipy_and_anndata(stored, sparse_matrix):
    with h5py.File(stored) as file:
        group = file["W"]
        assert group.attrs["encoding-type"] == "csc_matrix" and group.attrs["encoding-version"] == "0.1.0"
        own = sparse.csc_array((group["data"][()], group["indices"][()], group["indptr"][()]), shape=tuple(group.attrs["shape"]))
        assert file.attrs["format_version"] == 1
    np.testing.assert_array_equal(own.toarray(), sparse_matrix.toarray())


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_forms_and_types(tmp_path, sparse_matrix, form, dtype):
    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("W", sparse_matrix.astype(dtype).asformat(form))
        found = store.get("W")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found.toarray(), sparse_matrix.toarray().astype(dtype))


def test_zeros_and_repeated_entries_stay(tmp_path):
    """Multapses are separate entries, and a synapse of weight 0 is a synapse."""
    coo = sparse.coo_array(([1.0, 2.0, 0.0], ([1, 1, 0], [2, 2, 0])), shape=(2, 3))
    delay = sparse.coo_array(([5.0, 6.0, 7.0], ([1, 1, 0], [2, 2, 0])), shape=(2, 3))
    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("W", coo, delay=delay)
        np.testing.assert_array_equal(store.get("W").data, [0.0, 1.0, 2.0])
        np.testing.assert_array_equal(store.delay("W").data, [7.0, 5.0, 6.0])


SHAPES = given(shape=st.tuples(st.integers(0, 6), st.integers(0, 6)), density=st.floats(0, 1), seed=st.integers(0, 99))


@settings(max_examples=12)
@SHAPES
@example(shape=(0, 0), density=1.0, seed=0)
@example(shape=(0, 3), density=1.0, seed=0)
@example(shape=(3, 0), density=1.0, seed=0)
@example(shape=(4, 5), density=0.0, seed=0)
@example(shape=(6, 6), density=1.0, seed=0)
def test_any_shape(tmp_path_factory, shape, density, seed):
    comes_back(tmp_path_factory, shape, density, seed)


@pytest.mark.slow
@settings(deadline=2000)
@SHAPES
def test_any_shape_of_many(tmp_path_factory, shape, density, seed):
    comes_back(tmp_path_factory, shape, density, seed)


def comes_back(tmp_path_factory, shape, density, seed):
    rng = np.random.default_rng(seed)
    matrix = np.where(rng.random(shape) < density, rng.normal(size=shape), 0)
    with WeightStore(tmp_path_factory.mktemp("any") / "w.h5", "w") as store:
        store.put("S", sparse.csc_array(matrix))
        store.put("D", matrix)
        store.verify()
        np.testing.assert_array_equal(store.get("S").toarray(), matrix)
        np.testing.assert_array_equal(store.get("D"), matrix)


def test_scale_multiplies(tmp_path):
    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("D", np.array([[1.0, 2.0]]), scale=10.0)
        np.testing.assert_array_equal(store.get("D"), [[10.0, 20.0]])


def test_put_replaces(stored):
    with WeightStore(stored, "a") as store:
        store.put("W", np.ones((1, 1)))
        assert store.get("W").shape == (1, 1) and store.delay("W") is None
        store.verify()


# -- dense layers, notes, memory -------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layers_keep_their_bytes(tmp_path, dtype):
    W, b = np.random.default_rng(1).normal(size=(3, 4)).astype(dtype), np.arange(3).astype(dtype)
    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("layer_1", W, bias=b, units="1")
    with h5py.File(tmp_path / "w.h5") as file:
        assert file["layer_1/weight"][()].tobytes() == W.tobytes() and file["layer_1/bias"][()].tobytes() == b.tobytes()
    with WeightStore(tmp_path / "w.h5") as store:
        (found,) = store.verify()
        assert (found.name, found.shape, found.kind, found.entries, found.dtype, found.units) == (
            "layer_1",
            (3, 4),
            "dense, bias",
            12,
            np.dtype(dtype).name,
            "1",
        )
        np.testing.assert_array_equal(store.bias("layer_1"), b)


def test_notes_are_not_content(stored):
    with WeightStore(stored, "a") as store:
        before = store.verify()
        store.note("D", scale_of_conversion=0.3, model="iaf_psc_exp")
        assert store.notes("D") == {"scale_of_conversion": 0.3, "model": "iaf_psc_exp"} and store.notes("W") == {}
        assert store.verify() == before
        with pytest.raises(DataError, match="'units' cannot be the name of a note"):
            store.note("D", units="mV")
    refused(stored, "no matrix", "X")


def test_a_store_in_memory(tmp_path, monkeypatch, sparse_matrix):
    monkeypatch.chdir(tmp_path)
    with WeightStore() as one, WeightStore() as other:
        one.put("W", sparse_matrix)
        other.put("W", 2 * sparse_matrix)
        np.testing.assert_array_equal(2 * one.get("W").toarray(), other.get("W").toarray())
        assert one.bias("W") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("matrix", "options", "match"),
    [
        (np.array([[1.0, np.nan]]), {}, r"m/weight\[0, 1\]: nan; expected finite numbers"),
        (sparse.csr_array([[0, np.inf]]), {}, r"m/data\[0\]: inf"),
        (np.ones((2, 3)), {"bias": [1.0, 2.0, 3.0]}, r"m/bias: has shape \(3,\); expected \(2,\), one entry for each target"),
        (np.ones((2, 3)), {"bias": [1.0, np.nan]}, r"m/bias\[1\]: nan"),
        (sparse.csr_array(np.ones((2, 3))), {"bias": [1.0, 2.0]}, "only dense matrices can have a bias"),
    ],
)
def test_what_is_not_stored(tmp_path, matrix, options, match):
    with WeightStore(tmp_path / "w.h5", "w") as store:
        with pytest.raises(DataError, match=match):
            store.put("m", matrix, **options)
        assert store.names() == []


@pytest.mark.parametrize("bias", [np.ones(3), np.ones((2, 1)), np.array([b"x", b"y"])])
def test_a_broken_bias_is_refused(tmp_path, bias):
    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("m", np.ones((2, 3)), bias=[0.0, 0.0])
    with h5py.File(tmp_path / "w.h5", "r+") as file:
        del file["m/bias"], file["m"].attrs["sha256"]
        file["m/bias"] = bias
    refused(tmp_path / "w.h5", "bias", "m")


def test_saved_projections_run_again_alike(tmp_path):
    """What a network saved is what another is made of: the same spikes."""
    import lifsim as ls

    def network(connect) -> ls.Network:
        net = ls.Network()
        net.add("p", 1, "poisson_generator", rate=9000.0)
        net.add("e", 40, "iaf_psc_exp")
        net.connect("p", "e", weight=60.0)
        connect(net)
        net.record("e", "spikes")
        return net

    first = network(
        lambda net: net.connect("e", "e", "fixed_indegree", indegree=8, weight={"normal": [30.0, 5.0]}, delay={"uniform": [1.0, 3.0]})
    )
    with ls.Simulation(first, seed=4) as sim:
        sim.save_weights(tmp_path / "w.h5", "e", "e")
        sim.run(200.0)
        expected = sim.result().spikes["e"]
    with WeightStore(tmp_path / "w.h5") as store:
        W, delay = store.get("e_to_e"), store.delay("e_to_e")
    found = ls.run(network(lambda net: net.connect("e", "e", W, delay=delay)), 200.0, seed=4).spikes["e"]
    assert len(expected.times) > 200
    np.testing.assert_array_equal(found.times, expected.times)
    np.testing.assert_array_equal(found.ids, expected.ids)


def test_anndata_reads_it(stored, sparse_matrix):
    anndata = pytest.importorskip("anndata")
    with h5py.File(stored) as file:
        np.testing.assert_array_equal(anndata.io.read_elem(file["W"]).toarray(), sparse_matrix.toarray())


# -- whole or not at all -------------------------------------------------------------------------


def content(path) -> dict[str, list]:
    """The matrices of a store, every byte of it checked."""
    assert seal.check(path)
    with WeightStore(path) as store:
        return {m.name: store.get(m.name).todense().tolist() if "sparse" in m.kind else store.get(m.name).tolist() for m in store.verify()}


def alone(folder) -> bool:
    """Whether nothing but the store is left."""
    return [path.name for path in folder.iterdir()] == ["w.h5"]


@pytest.mark.parametrize("mode", ["r", "a"])
def test_a_store_that_is_not_changed_is_not_touched(stored, mode):
    before, stat = stored.read_bytes(), stored.stat()
    with WeightStore(stored, mode) as store:
        store.get("W"), store.delay("D"), store.notes("W")
        with pytest.raises(DataError):
            store.put("D", [[np.nan]])
    after = stored.stat()
    assert (after.st_ino, after.st_mtime_ns) == (stat.st_ino, stat.st_mtime_ns) and stored.read_bytes() == before


KILLED = """
import os, sys, time, numpy as np
from lifsim.weights import WeightStore
for line in sys.stdin:
    if child := os.fork():
        os.waitpid(child, 0)
        print("ended", flush=True)
        continue
    path, mode, then = line.rstrip("\\n").split("\\t")
    store = WeightStore(path, mode)
    if then == "put":
        store.put("D", np.full((300, 300), 7.0))
    print(os.getpid(), flush=True)
    time.sleep(60)
    sys.exit("nobody killed it")
"""


@pytest.fixture(scope="module")
def writers():
    """A process that has loaded what writers need, and starts one, which may be killed, for each line that it is sent."""
    with subprocess.Popen([sys.executable, "-c", KILLED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        yield parent
        parent.stdin.close()


@pytest.mark.parametrize(("mode", "then"), [("a", ""), ("a", "put"), ("w", ""), ("w", "put")])
def test_a_killed_writer_leaves_the_store_as_it_was(stored, mode, then, tmp_path, writers):
    before = stored.read_bytes()
    writers.stdin.write(f"{stored}\t{mode}\t{then}\n")
    writers.stdin.flush()
    child = int(writers.stdout.readline())
    with pytest.raises(OutputError, match="is open for writing elsewhere; close it there first"):
        WeightStore(stored, "a")
    os.kill(child, signal.SIGKILL)
    assert writers.stdout.readline() == "ended\n"
    assert stored.read_bytes() == before
    with WeightStore(stored, "a") as store:  # nobody is locked out, and what the killed one left is removed
        store.put("E", np.eye(2))
    assert set(content(stored)) == {"D", "E", "W"} and alone(tmp_path)


@pytest.mark.parametrize("mode", ["a", "w"])
def test_a_second_writer_is_refused_before_anything_happens(stored, mode):
    before = stored.read_bytes()
    with WeightStore(stored, "a"), pytest.raises(OutputError, match="open for writing elsewhere"):
        WeightStore(stored, mode)
    with h5py.File(stored, "r+") as other:
        with pytest.raises(OutputError, match="open for writing elsewhere"):
            WeightStore(stored, mode)
        assert set(other) == {"D", "W"}
    stored.write_bytes(before)
    with WeightStore(stored, mode) as store:
        store.put("E", np.eye(2))


@pytest.mark.parametrize("mode", ["a", "w"])
def test_readers_see_the_store_as_it_was(stored, mode):
    before = content(stored)
    with WeightStore(stored) as reader:
        with WeightStore(stored, mode) as store:
            store.put("D", np.eye(2))
            assert store.get("D").tolist() == [[1, 0], [0, 1]]
            assert content(stored) == before
        assert reader.get("D").tolist() == before["D"]
    assert content(stored) == ({**before, "D": [[1, 0], [0, 1]]} if mode == "a" else {"D": [[1, 0], [0, 1]]})


@pytest.mark.parametrize("mode", ["a", "w"])
def test_an_error_in_the_block_changes_nothing(stored, mode, tmp_path):
    before = stored.read_bytes()
    with pytest.raises(FileNotFoundError), WeightStore(stored, mode) as store:
        store.put("E", np.eye(2))
        (tmp_path / "none").read_text()
    assert stored.read_bytes() == before and alone(tmp_path)


def test_flush_keeps_what_was_written_so_far(stored, tmp_path):
    with pytest.raises(KeyboardInterrupt), WeightStore(stored, "w") as store:
        store.put("E", np.eye(2))
        store.flush()
        assert set(content(stored)) == {"E"}
        store.note("E", epoch=1)
        store.flush()
        store.put("F", np.eye(2))
        assert store.names() == ["E", "F"]
        raise KeyboardInterrupt
    assert set(content(stored)) == {"E"} and alone(tmp_path)
    with WeightStore(stored) as store:
        assert store.notes("E") == {"epoch": 1}


def test_a_store_left_open_is_closed_with_python(stored, tmp_path):
    code = "import sys\nfrom lifsim.weights import WeightStore\nstore = WeightStore(sys.argv[1], 'a')\nstore.put('E', [[1.0]])"
    subprocess.run([sys.executable, "-c", code, stored], check=True)
    assert set(content(stored)) == {"D", "E", "W"}
    store = WeightStore(stored, "a")
    store.put("F", [[1.0]])
    del store
    assert set(content(stored)) == {"D", "E", "F", "W"} and alone(tmp_path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_does_not_finish_the_store(stored, tmp_path):
    before = stored.read_bytes()
    store = WeightStore(stored, "a")
    store.put("E", np.eye(2))
    child = os.fork()
    if not child:
        store.close()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0 and stored.read_bytes() == before
    with pytest.raises(OutputError):
        WeightStore(stored, "w")
    store.close()
    assert set(content(stored)) == {"D", "E", "W"} and alone(tmp_path)


def test_what_is_not_replaced_is_kept_as_it_is(stored, tmp_path):
    """Matrices, notes, attributes of the file with their types, and what others put there."""
    with h5py.File(stored, "r+") as file:
        file.attrs.update({"kind": "classifier", "activations": ["relu", "softmax"], "offset": np.arange(3.0), "none": h5py.Empty("f8")})
        file["D"].attrs["mine"] = "x"
        file["more/x"] = np.arange(4)
        file["link"] = h5py.SoftLink("/D")
        file["away"] = h5py.ExternalLink("other.h5", "/x")
    with WeightStore(stored, "a") as store:
        store.note("W", learnt=True)
        store.put("E", np.eye(2))
    with h5py.File(stored) as file:
        assert file.attrs["kind"] == "classifier" and list(file.attrs["activations"]) == ["relu", "softmax"]
        assert file.attrs["offset"].tolist() == [0, 1, 2] and isinstance(file.attrs["none"], h5py.Empty)
        assert file.attrs["format_version"] == 1
        assert file["D"].attrs["mine"] == "x" and file["more/x"][()].tolist() == [0, 1, 2, 3]
        assert file.get("link", getlink=True).path == "/D" and file.get("away", getlink=True).filename == "other.h5"
    with WeightStore(stored) as store:
        assert store.notes("W") == {"learnt": True} and store.get("D").tolist() == [[0, 1, 2], [3, 4, 5]]
        assert store.delay("W") is not None


def test_a_store_that_is_replaced_again_and_again_does_not_grow(tmp_path):
    sizes = set()
    for k in range(5):
        with WeightStore(tmp_path / "w.h5", "a") as store:
            store.put("W", np.full((200, 200), float(k)))
            store.put("W", np.full((200, 200), float(k)))
        sizes.add((tmp_path / "w.h5").stat().st_size)
    assert max(sizes) - min(sizes) < 10_000


@pytest.mark.skipif(os.name == "nt", reason="no modes")
@pytest.mark.parametrize("mode", ["a", "w"])
def test_who_may_read_a_store_stays_so(stored, mode):
    stored.chmod(0o600)
    with WeightStore(stored, mode) as store:
        store.put("E", np.eye(2))
    assert stored.stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="no links")
def test_links(stored, tmp_path):
    """Appending follows a link to a store; starting anew never writes to what a link leads to."""
    other = tmp_path / "other.h5"
    other.symlink_to(stored)
    with WeightStore(other, "a") as store:
        store.put("E", np.eye(2))
    assert other.is_symlink() and set(content(stored)) == {"D", "E", "W"}
    with WeightStore(other, "w") as store:
        store.put("F", np.eye(2))
    assert not other.is_symlink() and set(content(stored)) == {"D", "E", "W"} and set(content(other)) == {"F"}


@pytest.mark.parametrize("mode", ["a", "w"])
@pytest.mark.parametrize("call", ["replace", "fdatasync" if hasattr(os, "fdatasync") else "fsync", "write"])
def test_a_failing_disk_leaves_the_store_as_it_was(stored, mode, call, monkeypatch, tmp_path):
    before = stored.read_bytes()

    def fail(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    store = WeightStore(stored, mode)
    store.put("E", np.eye(300))
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(RunError, match=r"No space left on device .* bytes free\); the store is unchanged"):
        store.close()
    monkeypatch.undo()
    assert stored.read_bytes() == before and alone(tmp_path)


def test_places_that_are_none(tmp_path, stored):
    for path, said in ((tmp_path / "none" / "w.h5", "No such file or directory"), (tmp_path, "is not a file")):
        for mode in ("a", "w"):
            with pytest.raises((OutputError, DataError), match=said):
                WeightStore(path, mode)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo.h5")
        for mode in ("r", "a", "w"):
            with pytest.raises((OutputError, DataError), match="is not a file"):
                WeightStore(tmp_path / "fifo.h5", mode)
    with pytest.raises(DataError, match="one of: r, a, w"):
        WeightStore(stored, "r+")
    with WeightStore(stored) as store:
        for change in (lambda: store.put("E", np.eye(2)), lambda: store.note("D", x=1)):
            with pytest.raises(DataError, match="open for reading only"):
                change()
    with pytest.raises(DataError, match="is closed"):
        store.names()


def test_appending_to_a_damaged_store_is_refused(stored, tmp_path):
    whole = stored.read_bytes()
    at = whole.index(b"csc_matrix")
    stored.write_bytes(whole[:at] + b"x" + whole[at + 1 :])
    with pytest.raises(DataError, match="does not match its checksum"):
        WeightStore(stored, "a")
    assert alone(tmp_path)


def test_saving_weights_while_killed(tmp_path):
    """`save_weights` again and again, killed at any moment: the file is always whole."""
    code = """
import os, sys, lifsim as ls
net = ls.Network()
net.add("e", 40, "iaf_psc_exp")
net.connect("e", "e", "fixed_indegree", indegree=8, weight={"normal": [30.0, 5.0]}, delay={"uniform": [1.0, 3.0]})
with ls.Simulation(net) as sim:
    sim.save_weights("first.h5", "e", "e")  # imports what the children use
while sys.stdin.readline():
    if child := os.fork():
        os.waitpid(child, 0)
        print("ended", flush=True)
        continue
    print(os.getpid(), flush=True)
    with ls.Simulation(net) as sim:
        while True:
            sim.save_weights("w.h5", "e", "e")
            print("saved", flush=True)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        for k in range(3):
            parent.stdin.write("start\n")
            parent.stdin.flush()
            child = int(parent.stdout.readline())
            assert parent.stdout.readline() == "saved\n"
            time.sleep(0.003 * k)
            os.kill(child, signal.SIGKILL)
            while parent.stdout.readline() != "ended\n":
                pass
            assert list(content(tmp_path / "w.h5")) == ["e_to_e"]
        parent.stdin.close()


# -- refusals ------------------------------------------------------------------------------------


def refused(path, match, name="W"):
    with WeightStore(path) as store, pytest.raises(DataError, match=match):
        store.get(name)


@pytest.mark.parametrize("part", ["data", "indices", "delay", "units", "scale", "shape"])
def test_any_change_is_noticed(stored, part):
    with h5py.File(stored, "r+") as file:
        group = file["W"]
        if part in ("data", "delay"):
            group[part][0] += 1e-12
        elif part == "indices":
            group[part][0] = (group[part][0] + 1) % 5
        else:
            group.attrs[part] = {"units": "pA", "scale": 2.0, "shape": np.array([6, 7])}[part]
    refused(stored, "sha256")
    with WeightStore(stored) as store, pytest.raises(DataError, match="sha256"):
        store.verify()


def test_verify_asks_for_a_digest(stored):
    with h5py.File(stored, "r+") as file:
        del file["W"].attrs["sha256"]
    with WeightStore(stored) as store, pytest.raises(DataError, match="no sha256"):
        store.verify()


def replace(path, key, data):
    with h5py.File(path, "r+") as file:
        del file["W"].attrs["sha256"]
        del file["W"][key]
        file["W"].create_dataset(key, data=data)


@pytest.mark.parametrize(
    ("key", "change", "match"),
    [
        ("indptr", lambda x: x[::-1].copy(), "indptr"),
        ("indptr", lambda x: x[:-1], "indptr"),
        ("indptr", lambda x: x + 1, "indptr"),
        ("indptr", lambda x: np.concatenate([[0], [2**40], x[2:]]), "indptr"),
        ("indices", lambda x: x + 5, "indices"),
        ("indices", lambda x: x - 5, "indices"),
        ("indices", lambda x: x[:-1], "indices"),
        ("indices", lambda x: x.astype(float), "whole numbers"),
        ("data", lambda x: x[:, None], "shape"),
        ("data", lambda x: x.astype("S4"), "numbers"),
        ("data", lambda x: x[:-1], "delay|indptr"),
        ("delay", lambda x: x[:-1], "delay"),
    ],
)
def test_broken_patterns(stored, key, change, match):
    with h5py.File(stored) as file:
        data = change(file["W"][key][()])
    replace(stored, key, data)
    refused(stored, match)


@pytest.mark.parametrize("shape", [np.array([5]), np.array([5.0, 7.0]), np.array([-5, 7]), np.array([5, 6]), "5x7"])
def test_broken_shapes(stored, shape):
    with h5py.File(stored, "r+") as file:
        file["W"].attrs["shape"] = shape
    refused(stored, "shape|indptr|damaged")


def test_links_out_of_the_file(stored, tmp_path):
    """Neither an external link nor a soft one is followed."""
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.full(3, 42.0)
    with h5py.File(stored, "r+") as file:
        del file["W"]["data"]
        file["W"]["data"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "data")
        file["E"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/")
        file["S"] = h5py.SoftLink("/D")
    refused(stored, "not a dataset of this file")
    refused(stored, "is a link, or not a group", "E")
    refused(stored, "is a link, or not a group", "S")


def test_storage_outside_the_file(stored, tmp_path):
    secret = tmp_path / "secret.bin"
    secret.write_bytes(b"x" * 800)
    with h5py.File(stored, "r+") as file:
        del file["D"]["weight"]
        file["D"].create_dataset("weight", shape=(10, 10), dtype="f8", external=[(str(secret), 0, 800)])
    refused(stored, "another file", "D")


def test_virtual_datasets(stored, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["data"] = np.ones((2, 3))
    layout = h5py.VirtualLayout(shape=(2, 3), dtype="f8")
    layout[...] = h5py.VirtualSource(str(tmp_path / "secret.h5"), "data", shape=(2, 3))
    with h5py.File(stored, "r+") as file:
        del file["D"]["weight"]
        file["D"].create_virtual_dataset("weight", layout)
    refused(stored, "another file", "D")


def test_shapes_that_no_bytes_back(stored):
    with h5py.File(stored, "r+") as file:
        del file["D"]["weight"]
        file["D"].create_dataset("weight", shape=(10**7, 10**7), dtype="f8", chunks=(100, 100))
    refused(stored, "declares", "D")


def test_compression_bombs(stored):
    with h5py.File(stored, "r+") as file:
        del file["D"]["weight"]
        file["D"].create_dataset("weight", data=np.zeros((2500, 2500)), compression="gzip", chunks=(2500, 2500))
    with h5py.File(stored) as file:
        backed = file["D/weight"].id.get_storage_size()
    assert backed * 1000 < 2500 * 2500 * 8
    refused(stored, "declares", "D")


@pytest.mark.parametrize("key", ["data", "indices", "indptr"])
def test_missing_parts(stored, key):
    with h5py.File(stored, "r+") as file:
        del file["W"][key]
    refused(stored, f"no '{key}'")


def test_names(stored):
    refused(stored, "did you mean 'W'|allowed", "w")
    refused(stored, "there is no matrix", "../W")
    with WeightStore(stored, "a") as store:
        for name in ("", ".", "..", "a/b"):
            with pytest.raises(DataError, match="not a valid name"):
                store.put(name, np.ones((1, 1)))


def test_other_files(tmp_path):
    with pytest.raises(DataError, match="cannot be opened"):
        WeightStore(tmp_path / "none.h5")
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(DataError, match="cannot be opened"):
        WeightStore(tmp_path / "text.h5")
    h5py.File(tmp_path / "plain.h5", "w").close()
    with pytest.raises(DataError, match="no format_version"):
        WeightStore(tmp_path / "plain.h5")
    with h5py.File(tmp_path / "newer.h5", "w") as file:
        file.attrs["format_version"] = 99
    with pytest.raises(DataError, match="99"):
        WeightStore(tmp_path / "newer.h5")


@pytest.mark.parametrize("delay", [np.ones((3, 2)), np.ones(2), sparse.csc_array(np.eye(2, 3))])
def test_delays_of_another_pattern(tmp_path, delay):
    with WeightStore(tmp_path / "w.h5", "w") as store, pytest.raises(DataError, match="delays"):
        store.put("W", sparse.csc_array(np.ones((2, 3))), delay=delay)


def test_truncated_files(stored, tmp_path):
    """Every cut of the file ends in a refusal or in the right content."""
    content = stored.read_bytes()
    cut = tmp_path / "cut.h5"
    for size in range(0, len(content), max(1, len(content) // 60)):
        cut.write_bytes(content[:size])
        with pytest.raises(DataError), WeightStore(cut) as store:
            store.verify()


def test_flipped_bytes(stored, sparse_matrix, tmp_path):
    """A changed byte is refused, or does not change the numbers."""
    content = bytearray(stored.read_bytes())
    rng = np.random.default_rng(0)
    bad = tmp_path / "bad.h5"
    for at in rng.integers(0, len(content), 150):
        changed = bytearray(content)
        changed[at] ^= 1 << int(rng.integers(8))
        bad.write_bytes(changed)
        try:
            with WeightStore(bad) as store:
                found = store.get("W").toarray()
        except DataError:
            continue
        np.testing.assert_array_equal(found, sparse_matrix.toarray())
