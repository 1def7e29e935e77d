"""`statistics` in pieces, over runs, and the command `lifsim stats`."""

from __future__ import annotations

import csv
import json
import math
import re
import tracemalloc
from dataclasses import replace

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim import analysis
from lifsim.cli.main import main
from lifsim.common.errors import DataError
from lifsim.files.tables import read_table
from lifsim.results.hdf5_writer import write
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk, Recorded, Totals
from lifsim.results.result import Result
from lifsim.results.spikes import Spikes

pytestmark = pytest.mark.usefixtures("unarranged_figures")

N = 60
ALL = ["rate", "cv", "cv2", "lv", "lvr", "fano", "fano_neuron", "correlation", "synchrony", "oscillation"]


def recorded(seed: int = 0, slices: int = 20, traces: bool = False) -> Recorded:
    """3 s of 60 Poisson neurons and 5 silent ones, in slices."""
    rng = np.random.default_rng(seed)
    number = rng.poisson(N * 20 * 3)
    step, ids = rng.integers(1, 30_001, number), rng.integers(0, N, number)
    order = np.lexsort((ids, step))
    step, ids = step[order], ids[order]
    chunks, totals = [], Totals()
    for start, stop in zip(*(np.linspace(0, 30_000, slices + 1).astype(int)[k : slices + k] for k in (0, 1)), strict=True):
        a, b = np.searchsorted(step, [start, stop], side="right")
        chunks.append(Chunk(int(start), int(stop), {"exc": (step[a:b] - start, ids[a:b])} if b > a else {}))
        totals.add(chunks[-1])
    names = {"exc": {"n": N, "model": "iaf_psc_delta"}, "quiet": {"n": 5, "model": "iaf_psc_delta"}}
    manifest = Manifest(dt=0.1, populations=names, spikes={name: {"ids": "all"} for name in names})
    return Recorded(manifest, chunks, totals, summary={})


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for k in range(3):
        write(recorded(k), tmp_path / f"{k}.h5")
    return tmp_path


def lif(*words, code=0):
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == code, done.output + str(done.exception)
    return done


def refused(*words):
    return lif(*words, code=2).stderr


# -- in pieces --------------------------------------------------------------------------------------


def expected(s: Spikes) -> dict[str, float]:
    """Each key by the function of its name, from all spikes in memory."""

    def mean(values):
        return float(np.nanmean(values)) if (~np.isnan(values)).any() else math.nan

    five = {"min_isis": analysis.MIN_ISIS}
    peak = analysis.oscillation_peak(*analysis.power_spectrum(s, resolution=2.0))
    return {
        "neurons": len(s.recorded_ids),
        "spikes": len(s),
        "rate": mean(analysis.rates(s)),
        "rate_sd": float(analysis.rates(s).std()),
        "cv_isi": mean(analysis.cv(s, **five)),
        "cv_neurons": len(analysis.cv_isi(s)),
        "cv2": mean(analysis.cv2(s, **five)),
        "lv": mean(analysis.lv(s, **five)),
        "lvr": mean(analysis.lvr(s, **five)),
        "fano": analysis.fano_factor(s),
        "fano_neuron": mean(analysis.fano_factors(s)),
        "correlation": analysis.correlation(s, n=250),
        "synchrony": analysis.synchrony(s),
        "peak_frequency": peak.frequency,
        "peak_ratio": peak.ratio,
    }


@pytest.mark.parametrize(("piece", "slices"), [(1 << 18, 1), (200, 20), (1 << 18, 700)])
@pytest.mark.parametrize("discard", [0.0, 500.0])
def test_every_way_to_read_gives_the_same(tmp_path, monkeypatch, piece, slices, discard):
    monkeypatch.setattr("lifsim.results.spikes.SPIKES_AT_ONCE", piece)
    monkeypatch.setattr("lifsim.results.spike_stream.SPIKES_AT_ONCE", piece)
    monkeypatch.setattr("lifsim.files.hdf5_reading._ROWS", piece)
    made = recorded(slices=slices)
    write(made, tmp_path / "a.h5")
    in_memory, in_file = Result.of(made), ls.open(tmp_path / "a.h5")
    for name in ("exc", "quiet"):
        spikes = in_memory.spikes[name]
        plain = expected(spikes.window(discard) if discard else spikes)
        for source in (in_memory, in_file, {name: spikes}):
            found = analysis.statistics(source, names="all", discard=discard)[name]
            assert list(found) == list(plain)
            for key, value in plain.items():
                assert found[key] == pytest.approx(value, rel=1e-12, nan_ok=True), key


@pytest.mark.parametrize("order", ["time", "id", "none"])
def test_files_of_other_tools(tmp_path, monkeypatch, order):
    """In whatever order their spikes are; times in seconds."""
    monkeypatch.setattr("lifsim.files.hdf5_reading._ROWS", 100)
    spikes = Result.of(recorded()).spikes["exc"]
    sort = {"time": slice(None), "id": np.argsort(spikes.ids, kind="stable")}.get(order)
    sort = np.random.default_rng(0).permutation(len(spikes)) if order == "none" else sort
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["spikes/exc/timestamps"] = spikes.times[sort] / 1000
        file["spikes/exc/timestamps"].attrs["units"] = "s"
        file["spikes/exc/node_ids"] = spikes.ids[sort]
        file["spikes/exc"].attrs["t_stop"] = 3000.0
    result = ls.open(tmp_path / "other.h5", n_nodes=N)
    found = analysis.statistics(result, names="all", discard=500.0)["exc"]
    for key, value in expected(result.spikes["exc"].window(500.0)).items():
        assert found[key] == pytest.approx(value, rel=1e-12), key
    assert found["spikes"] == len(spikes.window(500.0))


def test_a_spike_at_the_start_of_another_tools_file_counts(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["spikes/exc/timestamps"], file["spikes/exc/node_ids"] = [0.0, 5.0], [0, 1]
    result = ls.open(tmp_path / "other.h5")
    assert analysis.statistics(result)["exc"]["spikes"] == len(result.spikes["exc"]) == 2


def test_spikes_alone(files):
    spikes = ls.open("0.h5").spikes["exc"]
    assert analysis.statistics(spikes) == {"exc": analysis.statistics(ls.open("0.h5"))["exc"]}


def test_neurons_that_fire_after_the_last_whole_bin_are_not_drawn():
    """As `correlation` does; 3 s have 4 bins of 700 ms."""
    made = Result.of(recorded())
    late = made.spikes["exc"].window(2800.0)
    spikes = replace(late, t_start=0.0)
    assert math.isnan(analysis.statistics(spikes, bin=700.0)["exc"]["correlation"])
    both = made.spikes["exc"].window(0.0, 2950.0)
    assert analysis.statistics(both, bin=700.0, neurons=20)["exc"]["correlation"] == analysis.correlation(both, 700.0, 20)


def test_conventions_are_kept():
    found = analysis.statistics(Result.of(recorded()), bin=4.0, discard=500.0, t_stop=2000.0, neurons=30, names=["cv", "rate"])
    c = found.conventions
    assert (c.t_start, c.t_stop, c.discard, c.bin, c.sample, c.min_isis) == (500.0, 2000.0, 500.0, 4.0, 30, analysis.MIN_ISIS)
    assert found.names == ("rate", "cv")
    assert "window (500, 2000] ms, 500 ms discarded" in found.footer()
    assert analysis.statistics(Result.of(recorded()), t_start=800.0, discard=500.0).conventions.t_start == 800.0


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"discard": -1.0}, "discard"),
        ({"discard": 3000.0}, "overlap"),
        ({"neurons": 1}, "neurons"),
        ({"names": "cvv"}, "did you mean 'cv'"),
        ({"names": []}, "none"),
        ({"bin": 0.0}, "bin"),
    ],
)
def test_wrong_arguments(wrong, said):
    with pytest.raises(DataError, match=said):
        analysis.statistics(Result.of(recorded()), **wrong)


def test_a_damaged_file_is_noticed_when_read_in_pieces(files):
    data = bytearray((files / "0.h5").read_bytes())
    times = ls.open("0.h5").spikes["exc"].times
    at = data.find(times[100:104].tobytes())
    data[at] ^= 1
    (files / "0.h5").write_bytes(data)
    assert "checksum" in refused("stats", "0.h5") or "changed" in refused("stats", "0.h5")


class DrawnChunks:
    """Chunks of which only one is in memory."""

    def __iter__(self):
        for k in range(20):
            rng = np.random.default_rng(k)
            step = np.sort(rng.integers(1, 1001, 100_000)).astype(np.uint32)
            yield Chunk(k * 1000, (k + 1) * 1000, {"exc": (step, rng.integers(0, 1000, 100_000).astype(np.uint32))})


def test_memory_does_not_grow_with_the_number_of_spikes(monkeypatch):
    monkeypatch.setattr("lifsim.results.spikes.SPIKES_AT_ONCE", 1 << 16)
    monkeypatch.setattr("lifsim.results.spike_stream.SPIKES_AT_ONCE", 1 << 16)
    totals = Totals()
    for chunk in DrawnChunks():
        totals.add(chunk)
    manifest = Manifest(dt=0.1, populations={"exc": {"n": 1000, "model": "m"}}, spikes={"exc": {"ids": "all"}})
    result = Result.of(Recorded(manifest, DrawnChunks(), totals))
    analysis.statistics(result.spikes["exc"].window(0.0, 5.0))  # what is imported
    result.close()
    tracemalloc.start()
    found = analysis.statistics(result, neurons=20)["exc"]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found["spikes"] == 2_000_000
    assert peak < 16e6  # the spikes take 32 MB


# -- over runs --------------------------------------------------------------------------------------


def test_over_runs(files):
    each = [analysis.statistics(ls.open(f"{k}.h5")) for k in range(3)]
    found = analysis.over_runs(each)
    rates = [one["exc"]["rate"] for one in each]
    assert found["exc"]["rate"].values == tuple(rates)
    assert found["exc"]["rate"].mean == pytest.approx(np.mean(rates))
    assert found["exc"]["rate"].sd == pytest.approx(np.std(rates, ddof=1))
    assert math.isnan(found["quiet"]["cv_isi"].mean)
    assert math.isnan(analysis.over_runs(each[:1])["exc"]["rate"].sd)
    partly = analysis.over_runs([each[0], each[1].only(["quiet"])])
    assert (len(partly["exc"]["rate"].values), len(partly["quiet"]["rate"].values)) == (1, 2)


def test_values_without_spread_beside_undefined_ones(tmp_path):
    """The CV of clocks is 0, of the silent population undefined."""
    for k, n in enumerate((40, 20, 0)):
        at = 10.0 * np.arange(1, n + 1)
        ls.write_spikes(tmp_path / f"q{k}.h5", {"q": Spikes(at, np.zeros(n, int), 1, 0.0, 500.0)})
    said = lif("stats", *(tmp_path / f"q{k}.h5" for k in range(3)), "--statistics", "rate,cv").stdout
    heads, row = (line.split("  ") for line in said.splitlines()[:2])
    cells = dict(zip(*([cell.strip() for cell in line if cell.strip()] for line in (heads, row)), strict=True))
    assert cells["CV of ISI"] == "0" and cells["rate (1/s)"] == "40 ± 40"


# -- the command ------------------------------------------------------------------------------------


def test_one_file(files):
    lines = lif("stats", "0.h5").stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["population", "exc", "quiet", "window"]
    assert "pairs of 250 neurons" in lines[-1]
    all_of_them = lif("stats", "0.h5", "--statistics", "all", "--bin", "5 ms", "--neurons", "20").stdout
    for head in ("CV2", "LvR", "synchrony", "peak (Hz)", "Fano (neuron)", "bins of 5 ms", "pairs of 20 neurons"):
        assert head in all_of_them


def test_json_and_csv_hold_the_conventions(files):
    found = json.loads(lif("stats", "0.h5", "--json", "--discard", "500", "--statistics", "cv2,rate").stdout)
    assert set(found["exc"]) == {"neurons", "spikes", "rate", "rate_sd", "cv2", "conventions"}
    assert found["quiet"]["cv2"] is None
    assert found["exc"]["conventions"]["discard"] == 500.0
    assert found["exc"]["spikes"] == len(ls.open("0.h5").spikes["exc"].window(500.0))
    rows = list(csv.DictReader(lif("stats", "0.h5", "--csv", "--discard", "500").stdout.splitlines()))
    assert [row["population"] for row in rows] == ["exc", "quiet"]
    assert (rows[0]["neurons"], rows[0]["discard"], rows[0]["bin"], rows[0]["sample"], rows[1]["cv_isi"]) == (
        "60",
        "500.0",
        "2.0",
        "250",
        "",
    )


def test_several_files(files):
    each = [analysis.statistics(ls.open(f"{k}.h5"))["exc"]["rate"] for k in range(3)]
    said = lif("stats", "0.h5", "1.h5", "2.h5").stdout
    mean, sd = re.search(r"exc +3 +60 +.*? ± .*? +(\S+) ± (\S+)", said).groups()
    assert (float(mean), float(sd)) == (pytest.approx(np.mean(each), rel=1e-2), pytest.approx(np.std(each, ddof=1), rel=0.05))
    (group,) = json.loads(lif("stats", "0.h5", "1.h5", "2.h5", "--json").stdout)["groups"]
    assert [entry["file"] for entry in group["files"]] == ["0.h5", "1.h5", "2.h5"]
    assert group["populations"]["exc"]["rate"] == {"mean": np.mean(each), "sd": pytest.approx(np.std(each, ddof=1)), "values": each}
    row = next(csv.DictReader(lif("stats", "0.h5", "1.h5", "2.h5", "--csv").stdout.splitlines()))
    assert float(row["rate_over_runs_sd"]) == pytest.approx(np.std(each, ddof=1))
    assert row["runs"] == "3"


def test_groups(files):
    write(recorded(7, slices=3), files / "long.h5")
    said = lif("stats", "--group", "seeds=0.h5,1.h5", "--group", "other=2.h5").stdout.splitlines()
    assert [line.split()[0] for line in said[:5]] == ["group", "seeds", "seeds", "other", "other"]
    only = lif("stats", "--group", "seeds=0.h5,1.h5", "--population", "exc", "--csv").stdout.splitlines()
    assert len(only) == 2 and only[1].startswith("seeds,exc,2,")


@pytest.mark.parametrize("name", ["out/s.json", "s.csv", "s.parquet"])
def test_written_files(files, name):
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    lif("stats", "0.h5", "-o", name)
    stats = analysis.statistics(ls.open("0.h5"))
    if name.endswith("json"):
        assert json.loads((files / name).read_text()) == json.loads(lif("stats", "0.h5", "--json").stdout)
    else:
        table = read_table(files / name)
        assert table["population"] == ["exc", "quiet"]
        assert table["rate"] == [stats["exc"]["rate"], 0.0]
        assert table["fano"] == [stats["exc"]["fano"], None]
        assert table["bin"] == [2.0, 2.0]
    assert "exists" in refused("stats", "0.h5", "-o", name)
    lif("stats", "0.h5", "1.h5", "-o", name, "--overwrite")


def test_parquet_names_the_extra(files, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert "lifsim[parquet]" in refused("stats", "0.h5", "-o", "s.parquet")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "neither"),
        (["0.h5", "--group", "a=1.h5"], "both"),
        (["--group", "a=1.h5", "--group", "a=2.h5"], "twice"),
        (["--group", "1.h5"], "NAME=FILE"),
        (["--group", "a=1.h5,"], "NAME=FILE"),
        (["0.h5", "--statistics", "rate,cvs"], "--statistics: there is no statistic 'cvs'"),
        (["0.h5", "--statistics", "rate,all"], "'all'"),
        (["0.h5", "--neurons", "1"], "--neurons"),
        (["0.h5", "--bin", "0"], "bin"),
        (["0.h5", "--discard", "3000"], "overlap"),
        (["0.h5", "--discard", "-5"], "--discard"),
        (["0.h5", "-o", "s.xlsx"], ".csv"),
        (["0.h5", "none.h5"], "none.h5"),
        (["0.h5", "--population", "exx"], "did you mean 'exc'"),
    ],
)
def test_wrong_commands(files, words, said):
    assert said in refused("stats", *words)


def test_other_names_of_options(files):
    for word, meant in (("--warmup", "--discard"), ("--binsize", "--bin"), ("--stats", "--statistics")):
        assert meant in refused("stats", "0.h5", word, "5")


def test_discard_in_plots(files):
    lif("plot", "0.h5", "--discard", "1 s", "-o", "late.png")
    assert (files / "late.png").exists()
    assert "overlap" in refused("plot", "0.h5", "--discard", "3 s", "-o", "no.png")
