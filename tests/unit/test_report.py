"""Reports: what the page says, that text from files stays text, its size, and bad input. (The page in a browser: test_report_page.py.)"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import zlib
from html.parser import HTMLParser
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.report import raster_data
from lifsim.report.blocks import PageBlocks
from lifsim.results.opening import opened

pytestmark = pytest.mark.usefixtures("unarranged_figures")

NASTY = "</script><script>alert(1)</script>&\"'"


class Parsed(HTMLParser):
    """The page as a browser without scripts reads it: tags, texts, data."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.text, self.scripts, self._inside = [], [], [], []
        self.source = Path(path).read_text(encoding="utf-8")
        self.feed(self.source)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link", "img", "input", "br"):
            self._inside.append(tag)
        if tag == "script":
            self.scripts.append([dict(attributes), ""])

    def handle_endtag(self, tag):
        assert self._inside.pop() == tag

    def handle_data(self, data):
        if self._inside and self._inside[-1] == "script":
            self.scripts[-1][1] += data
        elif self._inside and self._inside[-1] != "style":
            self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())

    @property
    def data(self):
        return json.loads(next(text for attributes, text in self.scripts if attributes.get("id") == "data"))

    def block(self, reference):
        """An array of the page, decoded as the page's own program does it, written differently."""
        text = next(text for attributes, text in self.scripts if attributes.get("id") == f"block-{reference['block']}")
        kind = np.dtype(f"<{reference['type']}")
        planes = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(kind.itemsize, reference["length"])
        return np.frombuffer(b"".join(bytes(column) for column in planes.T), kind)

    def trains(self, k):
        """(times in ms, ids) of the spikes in the page of population `k`."""
        entry = self.data["populations"][k]
        train = self.block(entry["train"]).astype(int)
        row = train if entry["rows"] is None else self.block(entry["rows"])[train]
        ids = row if entry["ids"] is None else self.block(entry["ids"])[row]
        return self.data["start"] + np.cumsum(self.block(entry["delta"]).astype(np.int64)) * self.data["tick"], ids


def report(result, path, **options) -> Parsed:
    return Parsed(ls.report.write(result, path, **options))


def spike_file(path, populations, **attributes):
    """A SONATA file: {name: (times, ids)}."""
    with h5py.File(path, "w") as file:
        group = file.create_group("spikes")
        for name, (times, ids) in populations.items():
            own = group.create_group(name)
            own["timestamps"], own["node_ids"] = np.asarray(times, float), np.asarray(ids, np.int64)
            own["timestamps"].attrs["units"] = "ms"
            own.attrs.update(attributes)
    return path


def same_spikes(found, spikes, tolerance=1e-9):
    at, ids = found
    order = np.lexsort((spikes.ids, np.round(spikes.times, 6)))
    np.testing.assert_allclose(at, spikes.times[order], atol=tolerance)
    if tolerance < 1e-6:
        np.testing.assert_array_equal(ids, spikes.ids[order])


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    path = tmp_path_factory.mktemp("single") / "single.h5"
    ls.run(ls.load("single_neuron"), 100.0, seed=7, out=path)
    return path


@pytest.fixture(scope="module")
def single_page(single, tmp_path_factory):
    return report(single, tmp_path_factory.mktemp("page") / "x.html")


@pytest.fixture(scope="module")
def small():
    net = ls.Network(dt=0.1, name=NASTY, description=NASTY)
    ext, exc = net.add("ext", 1, "poisson_generator", rate=20_000.0), net.add("exc", 30, "iaf_psc_delta", E_L=0.0, V_th=20.0, V_reset=10.0)
    net.connect(ext, exc, weight=0.2, delay=1.5)
    net.record(exc[5:25], "spikes")
    net.record(exc[:3], "V_m", interval=1.0)
    return ls.run(net, 200.0, seed=1)


@pytest.fixture(scope="module")
def small_page(small, tmp_path_factory):
    return report(small, tmp_path_factory.mktemp("page") / "x.html")


def test_model_and_provenance(single, single_page):
    page = single_page
    assert "1 neuron in 1 population" in page.words and "2 synapses were made by 3 projections" in page.words
    for piece in (
        "iaf_psc_exp",
        "tau_m ms",
        "membrane time constant",
        "step → neuron",
        "spikes_ex → neuron",
        "400 pA",
    ):
        assert piece in page.words
    info = opened(single).info
    for piece in ("Seed 7", info["content_sha256"], info["network_sha256"], f"numpy {np.__version__}", "Precision float64"):
        assert piece in page.words
    assert hashlib.sha256(info["model_text"].encode()).hexdigest() in page.words
    assert info["model_text"].split("\n")[0] in page.source  # the model file itself
    assert info["host"] not in page.words


def test_spikes_and_traces_are_those_of_the_file(single, single_page):
    page, result = single_page, opened(single)
    same_spikes(page.trains(0), result.spikes["neuron"])
    first = page.data["traces"][0]
    assert (first["variable"], first["unit"], first["step"]) == ("V_m", "mV", pytest.approx(0.1))
    np.testing.assert_array_equal(page.block(first["series"][0]["values"]), result.traces["neuron"]["V_m"][:, 0].astype(np.float32))
    assert first["start"] == pytest.approx(result.traces["neuron"].times[0])


def test_figures(single_page, small_page):
    """One as PNG for each kind of data, with its description."""
    for page in (single_page, small_page):
        images = [attributes for tag, attributes in page.tags if tag == "img"]
        assert [image["alt"].split()[0] for image in images] == ["Raster", "Histograms", "Recorded"]
        for image in images:
            kind, data = image["src"].split(",")
            assert kind == "data:image/png;base64" and base64.b64decode(data).startswith(b"\x89PNG")


def test_text_from_files_is_text(small_page):
    page = small_page  # `Parsed` checks that tags are balanced
    scripts = [attributes for attributes, _ in page.scripts if "type" not in attributes]
    assert len(scripts) == 9 and page.words.count(NASTY) >= 2  # title and description
    assert "<script>alert" not in page.source


def test_names_from_other_tools_are_text(tmp_path, unsaved_figures):
    name = NASTY.replace("/", "")
    page = report(spike_file(tmp_path / "x.h5", {name: ([1.0, 2.0], [0, 1])}), tmp_path / "x.html")
    assert page.data["populations"][0]["name"] == name and name in page.words
    assert name not in page.source and sum("type" not in attributes for attributes, _ in page.scripts) == 9


def test_recorded_neurons(small, small_page):
    page = small_page
    assert page.data["populations"][0]["recorded"] == 20
    same_spikes(page.trains(0), small.spikes["exc"])
    assert page.block(page.data["populations"][0]["ids"]).tolist() == list(range(5, 25))


def test_the_policy_allows_the_own_scripts_and_no_others(single_page):
    page = single_page
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split(";")}
    hashes = [f"'sha256-{base64.b64encode(hashlib.sha256(t.encode()).digest()).decode()}'" for a, t in page.scripts if "type" not in a]
    assert rules["default-src"] == rules["connect-src"] == ["'none'"] and rules["script-src"] == hashes and rules["img-src"] == ["data:"]
    assert not re.search(r"""\s(?:src|href)=(?!"(?:data:|#))""", re.sub(r"<script>.*?</script>", "", page.source, flags=re.DOTALL))
    assert not any(key.startswith("on") for _, attributes in page.tags for key in attributes)


def test_statistics_are_those_of_the_analysis(small, tmp_path, no_figures):
    page = report(small, tmp_path / "x.html", discard=50.0)
    rows = re.findall(r"<tbody>(.*?)</tbody>", page.source[page.source.index('id="statistics"') :], re.DOTALL)[0]
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", rows)
    expected = ls.analysis.statistics(small, 50.0, 200.0)["exc"]
    assert [float(cell.replace(",", "")) for cell in cells] == [pytest.approx(v, rel=1e-3) for v in expected.values()]
    assert "(50, 200] ms" in page.words and "the first 50 ms are left out" in page.words
    same_spikes(page.trains(0), small.spikes["exc"].window(50.0, None))


def test_all_statistics_can_appear(small, tmp_path, monkeypatch, no_figures):
    """A report shows what `statistics` returns, with the heads of its tables."""
    original = ls.analysis.statistics
    monkeypatch.setattr(ls.analysis, "statistics", lambda *arguments, **options: original(*arguments, **options, names="all"))
    words = report(small, tmp_path / "x.html").words
    assert all(head in words for head in ("CV2", "LvR", "Fano (pop.)")) and f"{original(small, names='lv')['exc']['lv']:.4g}" in words


def test_window_and_populations(small, tmp_path, unsaved_figures):
    page = report(small, tmp_path / "x.html", t_start=20.0, t_stop=120.0, populations=["exc"])
    assert (page.data["start"], page.data["stop"]) == (20.0, 120.0)
    same_spikes(page.trains(0), small.spikes["exc"].window(20.0, 120.0))
    assert page.data["traces"][0]["start"] == 21.0 and page.data["traces"][0]["length"] == 100
    for start in (20.0, 70.0):  # the later limit counts
        assert report(small, tmp_path / f"{start}.html", discard=50.0, t_start=start).data["start"] == max(start, 50.0)
    page = report(small, tmp_path / "y.html", populations="ext")
    assert page.data["populations"] == page.data["traces"] == [] and "Neither spikes nor traces" in page.words


def test_spikes_of_another_tool(tmp_path, unsaved_figures):
    file = spike_file(tmp_path / "x.h5", {"a": ([0.0, 1.5, 2.25, 9.0], [3, 4, 3, 7])}, n_nodes=3, t_stop=10.0)
    page = report(file, tmp_path / "x.html")
    same_spikes(page.trains(0), ls.open(file).spikes["a"])
    assert "holds no model text" in page.words and "from another tool" in page.words
    assert "Seed" not in page.words


def test_exact_times(tmp_path, no_figures):
    rng = np.random.default_rng(1)
    times = np.sort(rng.random(500) * 100.0)
    page = report(spike_file(tmp_path / "x.h5", {"a": (times, rng.integers(0, 9, 500))}, n_nodes=9), tmp_path / "x.html")
    np.testing.assert_allclose(page.trains(0)[0], times, atol=0.6e-6)
    assert "on no time grid; here they are rounded to 1e-06 ms" in page.words


def test_pauses_coarsen_exact_times(tmp_path, no_figures):
    times = [0.123456789, 60_000.123456789]  # a minute: more than 2**32 ns
    page = report(spike_file(tmp_path / "x.h5", {"a": (times, [0, 1])}, n_nodes=2), tmp_path / "x.html")
    assert page.data["tick"] == pytest.approx(1e-4)
    np.testing.assert_allclose(page.trains(0)[0], times, atol=0.6e-4)


@pytest.mark.parametrize("spikes", [[], [5.0]])
def test_nearly_nothing(tmp_path, spikes):
    file = spike_file(tmp_path / "x.h5", {"a": (spikes, [0] * len(spikes)), "b": ([], [])}, n_nodes=2, t_stop=10.0)
    page = report(file, tmp_path / "x.html")
    assert [p["spikes"] for p in page.data["populations"]] == [len(spikes), 0]
    assert "nan" not in page.words.lower().split()


def test_no_time_has_passed(tmp_path):
    empty = spike_file(tmp_path / "x.h5", {"a": ([], [])})
    for k, result in enumerate((ls.open(empty), ls.Simulation(ls.load("single_neuron")).result())):
        assert result.duration == 0.0
        page = report(result, tmp_path / f"{k}.html")
        assert [p["spikes"] for p in page.data["populations"]] == [0] and page.data["traces"] == []


def test_nothing_recorded(tmp_path):
    net = ls.Network()
    net.add("e", 2, "iaf_psc_exp")
    page = report(ls.run(net, 10.0), tmp_path / "x.html")
    assert "Neither spikes nor traces were recorded." in page.words and "No spikes were recorded." in page.words


def test_an_unfinished_run(tmp_path, unsaved_figures):
    """As it lies on the disk while the run goes on, and after the computer stops."""
    with ls.Simulation(ls.load("single_neuron"), out=tmp_path / "running.h5") as sim:
        sim.run(100.0)
        shutil.copy(tmp_path / "running.h5.log", tmp_path / "x.h5.log")
    page = report(tmp_path / "x.h5", tmp_path / "x.html")
    assert "This run is unfinished" in page.words and "did not reach its end" in page.words
    assert 0 < page.data["stop"] == ls.open(tmp_path / "x.h5").t_stop


def test_changes_are_told(tmp_path, no_figures):
    net = ls.load("single_neuron")
    sim = ls.Simulation(net)
    sim.run(50.0)
    sim.set("neuron", I_e=10.0)
    sim.run(50.0)
    words = report(sim.result(), tmp_path / "x.html").words
    assert "Changes during the run" in words and "neuron I_e at 50 ms 10.0" in words


def test_a_model_that_needs_other_files(tmp_path, no_figures):
    (tmp_path / "s.csv").write_text("source,target,weight,delay\n0,1,1.0,1.0\n")
    text = """
[run]
duration = 10.0
[populations.e]
n = 2
model = "iaf_psc_exp"
[[projections]]
source = "e"
target = "e"
rule = "explicit"
file = "s.csv"
[[record]]
populations = "e"
variable = "spikes"
"""
    (tmp_path / "m.toml").write_text(text)
    page = report(ls.run(ls.load(tmp_path / "m.toml")), tmp_path / "x.html")
    assert "cannot be read on its own" in page.words and "iaf_psc_exp" in page.words and 'file = "s.csv"' in page.words


def test_a_million_spikes_take_15_mb_at_most(tmp_path, fine_figures):
    """80,000 neurons and times on no grid: the largest page that a million spikes make."""
    rng = np.random.default_rng(5)
    spikes = {"e": (np.sort(rng.random(800_000) * 10_000.0), rng.integers(0, 64_000, 800_000))}
    spikes["i"] = (np.sort(rng.random(200_000) * 10_000.0), rng.integers(0, 16_000, 200_000))
    path = ls.report.write(spike_file(tmp_path / "x.h5", spikes, t_stop=10_000.0), tmp_path / "x.html")
    assert path.stat().st_size < 15e6
    data = Parsed(path).data
    assert not data["sampled"] and sum(p["kept"] for p in data["populations"]) == 1_000_000


def test_a_sample_of_complete_trains(tmp_path, monkeypatch, no_figures):
    monkeypatch.setattr(raster_data, "ALL", 2000)
    rng = np.random.default_rng(3)
    spikes = {name: (np.sort(rng.integers(1, 5000, n)) / 10, rng.integers(0, m, n)) for name, n, m in (("a", 9000, 200), ("b", 300, 10))}
    file = spike_file(tmp_path / "x.h5", spikes, t_stop=500.0)
    page, result = report(file, tmp_path / "x.html"), opened(file)
    big, little = page.data["populations"]
    assert (little["kept"], little["trains"]) == (300, 10) and 1500 < big["kept"] <= 1700 and big["trains"] < 50
    same_spikes(page.trains(1), result.spikes["b"])
    at, ids = page.trains(0)
    chosen = page.block(big["rows"])
    own = np.isin(result.spikes["a"].ids, chosen)
    assert own.sum() == big["kept"]
    for k in chosen[:5]:
        np.testing.assert_allclose(at[ids == k], result.spikes["a"].times[result.spikes["a"].ids == k])
    cells = page.block(big["density"]["counts"]).reshape(big["density"]["rows"], big["density"]["columns"])
    assert cells.sum() == 9000  # the density is of all spikes
    edges = np.arange(big["density"]["columns"] + 1) * page.data["column"] * page.data["tick"]
    rows, each = big["density"]["rows"], big["density"]["neurons"]
    twin, _, _ = np.histogram2d(result.spikes["a"].ids // each, result.spikes["a"].times - 0.05, (np.arange(rows + 1), edges))
    np.testing.assert_array_equal(cells, twin)
    assert "9,300 spikes, too many" in page.words


def test_limits_between_steps(small, tmp_path, unsaved_figures):
    page = report(small, tmp_path / "x.html", t_start=20.05, t_stop=60.07)
    assert (page.data["start"], page.data["stop"]) == (20.0, 60.1)
    same_spikes(page.trains(0), small.spikes["exc"].window(20.05, 60.07))


def test_one_train_that_is_too_long_excludes_no_other():
    rows = np.concatenate([np.zeros(1000, np.int64), np.arange(1, 50).repeat(2)])
    assert raster_data._complete_trains(rows, 50, 99).tolist() == list(range(1, 50))


def test_shares_of_a_sample():
    assert raster_data._shares([100, 5, 40], 60) == [28, 5, 27]
    assert raster_data._shares([10, 5], 60) == [10, 5]
    assert raster_data._shares([], 60) == []


@pytest.mark.parametrize("values", [np.array([], np.int64), np.array([0, 255, 3]), np.array([256, 65_535]), np.array([2**32 - 1, 0])])
def test_blocks_return_what_they_are_given(values, tmp_path):
    blocks = PageBlocks()
    reference = blocks.add(values)
    page = object.__new__(Parsed)
    page.scripts = [[{"id": e.get("id")}, e.text] for e in blocks.elements()]
    np.testing.assert_array_equal(Parsed.block(page, reference), values)
    assert np.dtype(reference["type"]).itemsize == max(1, np.min_scalar_type(values.max(initial=0)).itemsize)


def test_long_traces_keep_their_extremes(tmp_path, no_figures):
    net = ls.load("single_neuron")
    result = ls.run(net, 3000.0)
    page = report(result, tmp_path / "x.html")
    trace, values = page.data["traces"][0], result.traces["neuron"]["V_m"][:, 0].astype(np.float32)
    kept = page.block(trace["series"][0]["values"])
    k = trace["stretch"]
    assert k == 3 and len(kept) == 20_000
    np.testing.assert_array_equal(kept[::2], values.reshape(-1, k).min(axis=1))
    np.testing.assert_array_equal(kept[1::2], values.reshape(-1, k).max(axis=1))
    assert "smallest and the largest value" in page.words


# -- bad input -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"populations": ["nueron"]}, "populations: there is no population 'nueron'; did you mean 'neuron'?"),
        ({"discard": -1.0}, "discard: -1.0; expected a time in ms, from 0 on"),
        ({"discard": float("nan")}, "discard: nan"),
        ({"discard": 100.0}, "discard: 100 ms of a run of 100 ms; expected less than the run"),
        ({"discard": 50.0, "t_stop": 50.0}, "window: (50, 50] ms"),
        ({"t_start": 500.0}, "window: times after 500 ms"),
    ],
)
def test_bad_arguments(single, tmp_path, options, said):
    with pytest.raises(ls.DataError) as caught:
        ls.report.write(single, tmp_path / "x.html", **options)
    assert said in str(caught.value) and not (tmp_path / "x.html").exists()


def test_existing_pages_are_kept(single, tmp_path, no_figures):
    path = tmp_path / "x.html"
    path.write_text("mine")
    with pytest.raises(ls.OutputError, match="exists already"):
        ls.report.write(single, path)
    assert path.read_text() == "mine"
    assert ls.report.write(single, path, overwrite=True) == path and "Provenance" in Parsed(path).words


def test_command(single, tmp_path, monkeypatch, unsaved_figures):
    monkeypatch.chdir(tmp_path)
    shutil.copy(single, "s.h5")

    def call(*words):
        return CliRunner().invoke(main, ["report", *words])

    assert "s.html: report of s.h5" in call("s.h5").output
    assert call("s.h5").exit_code == 2 and call("s.h5", "--overwrite").exit_code == 0
    assert call("s.h5", "-o", "t.html", "--discard", "20 ms", "--to", "60").exit_code == 0
    assert (Parsed("t.html").data["start"], Parsed("t.html").data["stop"]) == (20.0, 60.0)
    for words, said in (
        (("none.h5",), "none.h5: does not exist"),
        (("brunel",), "is a model, not a file of results"),
        (("s.h5", "-o", "x.pdf"), "a name that ends in .html or .htm"),
        (("s.h5", "-o", "x.html", "--population", "x"), "there is no population 'x'"),
        (("s.h5", "-o", "nowhere/deeper/x.html"), "does not exist"),
        (("s.h5", "-o", "x.html", "--discard", "-5"), "--discard"),
    ):
        outcome = call(*words)
        assert outcome.exit_code == 2 and said in outcome.output, outcome.output
    Path("junk.h5").write_bytes(b"junk")
    assert call("junk.h5").exit_code == 2 and not Path("junk.html").exists()


def test_long_gaps_between_the_spikes_of_kept_neurons(tmp_path, monkeypatch, no_figures):
    """Exact times of very many spikes: a train that is kept may pause for longer than all trains together."""
    monkeypatch.setattr(raster_data, "ALL", 1000)
    busy = np.sort(np.random.default_rng(1).uniform(0.0, 10_000.0, 1500))
    times, ids = np.concatenate([busy, [0.5, 9_000.7]]), np.concatenate([np.zeros(1500, int), [1, 1]])
    page = report(ls.Spikes(times, ids, 2, 0.0, 10_000.0), tmp_path / "x.html")
    at, who = page.trains(0)[:2]
    assert len(at) == 2 and np.allclose(at, [0.5, 9_000.7], atol=1e-4) and set(np.asarray(who).tolist()) == {1}
