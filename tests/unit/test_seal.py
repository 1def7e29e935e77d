"""The seal of a file: any changed byte is found, other readers and writers are not in the way."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

import lifsim as ls
from lifsim.common.errors import DataError
from lifsim.files import seal
from lifsim.weights import WeightStore


@pytest.fixture
def result(tmp_path):
    net = ls.Network()
    net.add("n", 5, "iaf_psc_exp", I_e=500.0, positions={"grid": [5, 1], "extent": [1.0, 1.0]})
    net.record("n", "spikes")
    net.record("n", "V_m", interval=1.0)
    ls.run(net, 100.0, out=tmp_path / "run.h5")
    return tmp_path / "run.h5"


@pytest.fixture
def store(tmp_path):
    with WeightStore(tmp_path / "w.h5", "w") as store:
        store.put("a", np.arange(12.0).reshape(3, 4), bias=np.ones(3), units="1")
        store.note("a", learned=0.5)
    return tmp_path / "w.h5"


def verify_result(path):
    ls.open(path).verify()


def verify_store(path):
    with WeightStore(path) as store:
        store.verify()


@pytest.mark.parametrize("every", [499, pytest.param(89, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("kind", "verify"), [("result", verify_result), ("store", verify_store)])
def test_any_changed_byte_is_found(kind, verify, every, request):
    path = request.getfixturevalue(kind)
    verify(path)
    whole = path.read_bytes()
    assert seal.check(path)
    for at in range(0, len(whole), every):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x20]) + whole[at + 1 :])
        with pytest.raises(DataError):
            verify(path)
    for at in range(len(whole) - 60, len(whole)):  # the seal itself
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x01]) + whole[at + 1 :])
        with pytest.raises(DataError):
            verify(path)


def test_metadata_is_checked_when_a_file_is_opened(result):
    whole = result.read_bytes()
    at = whole.index(b"n_nodes")
    result.write_bytes(whole[:at] + b"m" + whole[at + 1 :])
    with pytest.raises(DataError, match="does not match its checksum"):
        ls.open(result)


def test_other_tools_may_add_to_a_file(result):
    with h5py.File(result, "r+") as file:
        file["mine"] = [1, 2, 3]
    assert not seal.check(result) and not seal.broken(result)
    assert len(ls.open(result).spikes["n"]) > 0
    ls.open(result).verify()  # data have checksums of their own


def test_a_store_is_sealed_anew(store):
    with WeightStore(store, "a") as again:
        again.put("b", np.eye(2))
    assert seal.check(store)
    verify_store(store)


def test_a_copy_is_sealed_too(result, tmp_path):
    ls.open(result).save(tmp_path / "copy.h5")
    assert (tmp_path / "copy.h5").read_bytes() == result.read_bytes()


def test_no_seal(tmp_path):
    path = tmp_path / "x"
    for content in (b"", b"short", b"x" * 1000, b"x" * 100 + seal.MAGIC):
        path.write_bytes(content)
        if content.endswith(seal.MAGIC):
            with pytest.raises(DataError):
                seal.check(path)
        else:
            assert not seal.check(path)
        assert not seal.broken(path)
