"""Tables as CSV, Parquet and JSON: what is written is what other readers read, and what comes back."""

from __future__ import annotations

import csv
import json
import math
import sys

import numpy as np
import pytest

from lifsim.common.errors import DataError, LifsimError, OutputError
from lifsim.files import disk
from lifsim.files.tables import check_table, read_table, write_table

COLUMNS = {
    "g": [3.0, 0.1 + 0.2, 1e-300, math.nan, math.inf],
    "n": np.array([1, 2, 3, 4, 5]),
    "small": np.array([0.1, 0.2, -1.5, 3e-8, np.nan], np.float32),
    "name": ["exc", 'a "b", c', "line\nbreak", "", None],
    "kept": [True, False, None, True, True],
    "digest": ["12345678", "1e5", "00ff", "0012", "77"],
    "seed": [2**64 - 1, 0, 1, None, 2],
    "nothing": [None] * 5,
}
BACK = {
    "g": [3.0, 0.1 + 0.2, 1e-300, None, math.inf],
    "n": [1, 2, 3, 4, 5],
    "small": [0.1, 0.2, -1.5, 3e-8, None],
    "kept": [True, False, None, True, True],
    "digest": COLUMNS["digest"],
    "seed": COLUMNS["seed"],
    "nothing": COLUMNS["nothing"],
}


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_what_is_written_comes_back(tmp_path, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    path = write_table(tmp_path / f"x.{ending}", COLUMNS)
    back = read_table(path, texts=["digest"])
    assert list(back) == list(COLUMNS)
    for name, values in BACK.items():
        assert back[name] == values and [type(v) for v in back[name]] == [type(v) for v in values], name
    assert back["name"] == ["exc", 'a "b", c', "line\nbreak", None if ending == "csv" else "", None]


def test_csv_is_what_the_standard_library_reads(tmp_path):
    path = write_table(tmp_path / "x.csv", COLUMNS)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == list(COLUMNS) and len(rows) == 6
    assert rows[1] == ["3.0", "1", "0.1", "exc", "true", "12345678", "18446744073709551615", ""]
    assert rows[2][0] == "0.30000000000000004" and rows[4][0] == "" and rows[5][0] == "inf"


def test_json_is_strict(tmp_path):
    def refuse(word):
        raise AssertionError(word)

    rows = json.loads(write_table(tmp_path / "x.json", COLUMNS).read_text(encoding="utf-8"), parse_constant=refuse)
    assert len(rows) == 5 and rows[3]["g"] is None and rows[4]["g"] == "inf" and rows[0]["n"] == 1


def test_parquet_is_what_pandas_reads(tmp_path):
    pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_parquet(write_table(tmp_path / "x.parquet", {**COLUMNS, "mixed": [1, "2 ms", 2.5, None, True]}))
    assert frame["g"].dtype == "float64" and frame["n"].dtype == "int64" and math.isnan(frame["g"][3])
    assert frame["mixed"].fillna("").tolist() == ["1", "2 ms", "2.5", "", "true"]


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_no_rows(tmp_path, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    assert read_table(write_table(tmp_path / f"x.{ending}", {"a": [], "b": []})) == ({} if ending == "json" else {"a": [], "b": []})


def test_tables_of_other_programs(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("\ufeffg, eta\r\n3, 0.5\r\n\r\n4.5,nan\r\n".encode())
    assert read_table(path) == {"g": [3.0, 4.5], "eta": [0.5, None]}
    path = tmp_path / "x.json"
    path.write_text('[{"g": 3}, {"eta": 1.5}]', encoding="utf-8")
    assert read_table(path) == {"g": [3, None], "eta": [None, 1.5]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"a,b\n1,2\n1\n", "row 3: has 1 columns; expected 2, as the line of names"),
        ("x.csv", b"a,a\n1,2\n", "line 1: names a column twice"),
        ("x.csv", b"\xff\xfe", "cannot be read as CSV"),
        ("x.json", b"{", "cannot be read as JSON"),
        ("x.json", b'{"a": 1}', "JSON of another form"),
        ("x.json", b"[" * 100_000, "cannot be read as JSON"),
        ("x.txt", b"a\n", "ends in '.txt'; expected a table: .csv, .parquet or .json"),
        ("x.parquet", b"PAR1", "cannot be read as PARQUET"),
    ],
)
def test_files_that_are_no_tables(tmp_path, name, content, said):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / name)
    assert said in str(caught.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_table(tmp_path / "x.csv")


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(OutputError, match=r"ends in '.txt'; expected a name that ends in"):
        write_table(tmp_path / "x.txt", {"a": [1]})
    with pytest.raises(LifsimError, match="rows: 1 of a, 2 of b; expected the same number of each"):
        write_table(tmp_path / "x.csv", {"a": [1], "b": [1, 2]})
    with pytest.raises(LifsimError, match="expected numbers, texts, True, False and None"):
        write_table(tmp_path / "x.csv", {"a": [[1, 2]]})
    assert not list(tmp_path.iterdir())


def test_parquet_without_its_library(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for call in (lambda: check_table(tmp_path / "x.parquet"), lambda: write_table(tmp_path / "x.parquet", {"a": [1]})):
        with pytest.raises(LifsimError, match=r"needs pyarrow, which is not installed; pip install pyarrow, or lifsim\[parquet\]"):
            call()


def test_a_failed_write_keeps_the_old_table(tmp_path, monkeypatch):
    path = write_table(tmp_path / "x.csv", {"a": [1]})
    monkeypatch.setattr(disk, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(Exception, match="No space left"):
        write_table(path, {"a": [2]})
    monkeypatch.undo()
    assert read_table(path) == {"a": [1]} and [p.name for p in tmp_path.iterdir()] == ["x.csv"]
