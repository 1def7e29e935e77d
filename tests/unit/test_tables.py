"""Data sets from files: what is read, and what is refused with its place."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from lifsim.ann.dataset_files import read
from lifsim.common.errors import DataError

NUMBERS, LABELS = np.array([[1.0, 2.5], [3.0, -4.0], [0.0, 1e-3]]), np.array([1, 0, 1])


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("header", ["", "a,b,kind\n", "\ufeffa,b,kind\r\n"])
def test_csv(tmp_path, header):
    table = read(write(tmp_path / "x.csv", header + "1,2.5,1\n3,-4,0\n\n0,1e-3,1\n"))
    np.testing.assert_array_equal(table.X, NUMBERS)
    np.testing.assert_array_equal(table.y, LABELS)
    assert table.y.dtype.kind == "i" and table.features == (("a", "b") if header else ())


def test_csv_columns_by_name_and_number(tmp_path):
    path = write(tmp_path / "x.csv", "kind,a,b\nred,1,2.5\nblue,3,-4\n")
    for target in ("kind", "0", "-3"):
        table = read(path, target)
        assert table.y.tolist() == ["red", "blue"] and table.X.tolist() == [[1, 2.5], [3, -4]]
    assert read(write(tmp_path / "y.csv", "1,2\n3,4.5\n")).y.tolist() == [2.0, 4.5]


def test_csv_without_targets_where_the_number_of_features_is_known(tmp_path):
    path = write(tmp_path / "x.csv", "1,2.5\n3,-4\n")
    assert read(path, features=2).y is None and read(path, features=1).y.tolist() == [2.5, -4]


@pytest.mark.parametrize("ending", ["npz", "h5"])
@pytest.mark.parametrize("y", [LABELS, np.array(["a", "b", "a"]), NUMBERS, None])
def test_npz_and_hdf5(tmp_path, ending, y):
    path = tmp_path / f"x.{ending}"
    arrays = {"X": NUMBERS} | ({} if y is None else {"y": y})
    if ending == "npz":
        np.savez(path, **arrays)
    else:
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                file[name] = array.astype(object) if array.dtype.kind == "U" else array
    table = read(path)
    np.testing.assert_array_equal(table.X, NUMBERS)
    assert table.y is None if y is None else table.y.tolist() == y.tolist()


@pytest.mark.parametrize(
    ("text", "options", "match"),
    [
        ("", {}, "holds no samples"),
        ("a,b\n", {}, "holds no samples"),
        ("1,2,0\n1,x,1\n", {}, "line 2, column 1: 'x'; expected a number"),
        ("a,b,c\n1,2,0\n1,,1\n", {}, r"line 3, column 1 \(b\): ''; expected a number"),
        ("1,2,0\n1,nan,1\n", {}, "line 2, column 1: nan; expected a finite number"),
        ("1,2,0\n1,2\n", {}, "line 2: has 2 columns; expected 3, as those before"),
        ("a,b,c\n1,2,0\n", {"target": "d"}, "there is no column 'd'"),
        ("1,2,0\n", {"target": "3"}, "there is no column '3'; expected 0 to 2: the file"),
        ("1,2,0\n", {"features": 5}, "has 2 features; expected 5, as in training"),
        ("1,2,\n", {}, None),
    ],
)
def test_wrong_csv(tmp_path, text, options, match):
    path = write(tmp_path / "x.csv", text)
    if match is None:
        assert read(path, **options).y.tolist() == [""]
        return
    with pytest.raises(DataError, match=match):
        read(path, **options)


def test_other_wrong_files(tmp_path):
    for path, match in (
        (tmp_path / "none.csv", "there is no such file"),
        (write(tmp_path / "x.txt", "1"), "ends in '.txt'"),
        (write(tmp_path / "x.npz", "1"), "cannot be read as NPZ"),
        (write(tmp_path / "x.h5", "1"), "cannot be read as HDF5"),
    ):
        with pytest.raises(DataError, match=match):
            read(path)
    (tmp_path / "b.csv").write_bytes(b"\xff\xfe1,2\n")
    with pytest.raises(DataError, match="cannot be read as CSV"):
        read(tmp_path / "b.csv")
    np.savez(tmp_path / "o.npz", X=np.array([{}, []], dtype=object), y=LABELS)
    with pytest.raises(DataError, match="cannot be read as NPZ"):  # nothing is unpickled
        read(tmp_path / "o.npz")
    np.savez(tmp_path / "a.npz", A=NUMBERS)
    with pytest.raises(DataError, match="holds no array 'X'; X and y; it has A"):
        read(tmp_path / "a.npz")
    np.savez(tmp_path / "l.npz", X=NUMBERS, y=LABELS[:2])
    with pytest.raises(DataError, match="y: has 2 entries for 3 samples"):
        read(tmp_path / "l.npz")
    np.savez(tmp_path / "n.npz", X=np.where(NUMBERS > 2, np.nan, NUMBERS), y=LABELS)
    with pytest.raises(DataError, match=r"X\[0, 1\]: nan"):
        read(tmp_path / "n.npz")


def test_hdf5_that_leads_elsewhere(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["X"] = h5py.ExternalLink("other.h5", "X")
    with pytest.raises(DataError, match="is not a dataset of this file"):
        read(tmp_path / "x.h5")
    with h5py.File(tmp_path / "bomb.h5", "w") as file:
        file.create_dataset("X", (10**6, 10**6), chunks=(1000, 1000))
    with pytest.raises(DataError, match="declares"):
        read(tmp_path / "bomb.h5")
