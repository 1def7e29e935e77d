"""Provenance in figures, read by other programs' means, and `lifsim reproduce`, which finds what differs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from xml.dom import minidom

import h5py
import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure
from PIL import Image, PngImagePlugin

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common import command as command_module
from lifsim.plot.origins import keep
from lifsim.reproduction import reproduce

pytestmark = pytest.mark.usefixtures("unarranged_figures")

MODEL = "brunel"
SMALL = {"order": 20}
NARROW = 50.0  # mm: figures of few pixels


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A folder with the results of a small network with spikes and traces."""
    folder = tmp_path_factory.mktemp("made")
    net = ls.load(MODEL, **SMALL)
    net.record("exc[:2]", "V_m", interval=0.5)
    text = net.text + '\n[[record]]\npopulations = ["exc[0:2]"]\nvariable = "V_m"\ninterval = 0.5\n'
    (folder / "small.toml").write_text(text, encoding="utf-8")
    ls.run(ls.load(folder / "small.toml", **SMALL), 40.0, seed=3, out=folder / "small.h5")
    return folder


@pytest.fixture
def here(made, tmp_path, monkeypatch) -> Path:
    """A copy of that folder as the current one."""
    shutil.copytree(made, tmp_path / "work")
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "work"


def lifsim(*words: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(main, [*map(str, words)])
    return outcome.exit_code, outcome.output


def texts(path: Path) -> dict[str, str]:
    """The metadata of a figure, read without lifsim: by Pillow, by a regular expression, by minidom."""
    if path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
            return dict(image.text)
    if path.suffix == ".pdf":
        raw = path.read_bytes().decode("latin-1")
        found = {key: re.search(rf"/{key} \(((?:\\.|[^\\)])*)\)", raw) for key in ("Keywords", "Subject", "Creator")}
        assert "CreationDate" not in raw
        texts = {key: re.sub(r"\\([()\\])", r"\1", m[1]) for key, m in found.items() if m}
        return {"lifsim": texts["Keywords"], "Description": texts["Subject"], "Software": texts["Creator"]}
    document = minidom.parse(str(path))
    one = {name: document.getElementsByTagName(f"dc:{name}") for name in ("source", "description", "creator", "date")}
    assert not one["date"]
    return {
        "lifsim": one["source"][0].firstChild.data,
        "Description": one["description"][0].firstChild.data,
        "Software": one["creator"][0].getElementsByTagName("dc:title")[0].firstChild.data,
    }


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_figures_carry_their_provenance(here, suffix):
    with h5py.File("small.h5") as file:
        digest = file["lifsim"].attrs["content_sha256"]
        digest = digest.decode() if isinstance(digest, bytes) else str(digest)
    figure = here / f"figure{suffix}"
    ls.plot.save(ls.plot.raster("small.h5", t_start=10.0, width_mm=NARROW), figure)
    read = texts(figure)
    about = json.loads(read["lifsim"])
    assert read["Software"] == f"lifsim {ls.__version__}"
    assert digest in read["Description"] and "seed 3" in read["Description"]
    (source,) = about["sources"]
    assert (source["file"], source["content_sha256"], source["seed"], source["duration"]) == ("small.h5", digest, 3, 40.0)
    assert source["model_text"] == (here / "small.toml").read_text(encoding="utf-8")
    assert about["drawing"] == {"function": "raster", "options": {"t_start": 10.0, "width_mm": NARROW}}
    assert ls.plot.provenance(figure) == about
    before = figure.read_bytes()
    ls.plot.save(ls.plot.raster("small.h5", t_start=10.0, width_mm=NARROW), figure)
    assert figure.read_bytes() == before  # no time in it


def test_command_in_figures(here, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["/home/someone/bin/lifsim", "plot", "small.h5", "--kind", "isi"])
    assert lifsim("plot", "small.h5", "--kind", "isi")[0] == 0
    about = ls.plot.provenance("small.isi.png")
    assert about["command"] == "lifsim plot small.h5 --kind isi"
    assert "someone" not in texts(here / "small.isi.png")["lifsim"]
    monkeypatch.setattr(command_module, "notebook", lambda: object())
    assert command_module.command_line() == ""
    assert command_module.without_folders("/x/site-packages/lifsim/__main__.py run a") == "lifsim run a"


def test_results_are_reproduced(here):
    code, said = lifsim("reproduce", "small.h5", "--threads", "2")
    assert code == 0 and ": the same, content SHA-256" in said and "any number of threads" in said
    code, said = lifsim("reproduce", "small.h5", "-o", "again.h5")
    assert code == 0 and ls.analysis.compare_exactly("small.h5", "again.h5", tolerance=0.0).same
    assert lifsim("reproduce", "small.h5", "-o", "again.h5")[0] == 2  # exists


def test_a_changed_byte_is_found(here):
    """In the times of spikes, in a trace, in the model text: each is told before anything runs."""
    for name in ("spikes/exc/timestamps", "lifsim/model_text"):
        shutil.copy("small.h5", "changed.h5")
        with h5py.File("changed.h5") as file:
            offset = file[name].id.get_offset()
        data = bytearray(Path("changed.h5").read_bytes())
        data[offset + 3] ^= 1
        Path("changed.h5").write_bytes(data)
        code, said = lifsim("reproduce", "changed.h5")
        assert code == 2 and "changed.h5" in said, name
        assert "damaged" in said or "changed" in said, said


def test_a_different_spike_is_found(here, monkeypatch):
    """Data that are whole but are not those of the run: exit code 1, and the first spike that differs."""
    code, _ = lifsim("run", "small.toml", "--set", "order=20", "--seed", "4", "--duration", "40", "-o", "other.h5", "-q")
    assert code == 0
    with h5py.File("other.h5") as a, h5py.File("small.h5") as b:
        assert a["lifsim"].attrs["content_sha256"] != b["lifsim"].attrs["content_sha256"]
    real = ls.open("other.h5")
    from lifsim.reproduction import former_run

    honest = former_run.open_result

    def lying(path):
        """The data of seed 4 with the metadata of seed 3."""
        result = honest("other.h5")
        result.info = {**honest("small.h5").info, "content_sha256": real.info["content_sha256"]}
        return result

    monkeypatch.setattr(former_run, "open_result", lying)
    code, said = lifsim("reproduce", "small.h5")
    assert code == 1 and "different" in said and "first difference" in said


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_figures_are_reproduced_without_their_results(here, tmp_path, monkeypatch, suffix, arranged_figures):
    figure = tmp_path / "alone" / f"figure{suffix}"
    figure.parent.mkdir()
    ls.plot.save(ls.plot.raster(ls.open("small.h5"), width_mm=NARROW), figure)
    monkeypatch.chdir(figure.parent)
    code, said = lifsim("reproduce", figure.name)
    assert code == 0 and ": the same, content SHA-256" in said and "drawn again, is the same" in said


def test_a_changed_figure_is_found(here):
    ls.plot.save(ls.plot.raster(ls.open("small.h5"), width_mm=NARROW), "figure.png")
    with Image.open("figure.png") as image:
        image.load()
        info = PngImagePlugin.PngInfo()
        for key, text in image.text.items():
            info.add_text(key, text)
        image.save("same.png", pnginfo=info)  # other bytes, same pixels
        pixels = np.array(image)
        pixels[5, 5] = 0
        Image.fromarray(pixels).save("changed.png", pnginfo=info)
        other = PngImagePlugin.PngInfo()
        digest = json.loads(image.text["lifsim"])["sources"][0]["content_sha256"]
        other.add_text("lifsim", image.text["lifsim"].replace(digest, "0" * 64))
        image.save("digest.png", pnginfo=other)
    assert reproduce("same.png").figure is True
    found = reproduce("changed.png")
    assert found.figure is False and not found.same and found.runs[0].same
    code, said = lifsim("reproduce", "changed.png")
    assert code == 1 and "drawn again, is different" in said
    code, said = lifsim("reproduce", "digest.png")
    assert code == 1 and "ran again: different" in said


def test_figures_of_models_are_drawn_again(here, arranged_figures):
    assert lifsim("plot", "small.toml", "--kind", "connectivity", "--set", "order=20", "-o", "c.png")[0] == 0
    ls.plot.save(ls.plot.network(ls.load("brunel")), "n.svg")
    for figure in ("c.png", "n.svg"):
        code, said = lifsim("reproduce", figure)
        assert code == 0 and "drawn again, is the same" in said, said


def test_figures_that_are_not_one_plot(here):
    """In axes of the user's own; several plots in one figure: the run is reproduced, and it is told that the figure is not."""
    own = Figure()
    axes = own.subplots(1, 2)
    ls.plot.isi("small.h5", ax=axes[0])
    ls.plot.traces("small.h5", ax=axes[1])
    ls.plot.save(own, "own.png")
    code, said = lifsim("reproduce", "own.png")
    assert code == 0 and "the figure is not compared" in said
    figure = Figure()
    keep(figure, [{}], "membrane", "small.h5", {"net": ls.load("brunel")})
    assert figure._lifsim_provenance["drawing"] is None  # an option that no file can hold


def test_provenance_that_was_tampered_with(here, tmp_path):
    """What a stranger's figure says calls nothing but plots, and writes nothing."""
    ls.plot.save(ls.plot.raster("small.h5", width_mm=NARROW), "figure.png")
    with Image.open("figure.png") as image:
        image.load()
        about = json.loads(image.text["lifsim"])
        calls = [
            {"function": "save", "options": {"path": "stolen.png"}},
            {"function": "__import__", "options": {}},
            {"function": "raster", "options": {"nothing": 1}},
            {"function": "raster", "options": {"populations": 3}},
        ]
        sources = [[{}], [3], [{**about["sources"][0], "seed": "x"}], [{**about["sources"][0], "settings": 1}]]
        changed = [{**about, "drawing": call} for call in calls] + [{**about, "sources": each} for each in sources]
        for k, text in enumerate([*map(json.dumps, changed), "[1]", "{", '{"lifsim": 1, "sources": []}']):
            info = PngImagePlugin.PngInfo()
            info.add_text("lifsim", text)
            image.save(f"t{k}.png", pnginfo=info)
            code, said = lifsim("reproduce", f"t{k}.png")
            assert code == (0 if k < len(calls) else 2), said
            assert k >= len(calls) or "the figure is not compared" in said
    assert not Path("stolen.png").exists()


def test_settings_and_files_of_the_model(here, monkeypatch):
    """Another time step, float32, and synapses in a file, which `--folder` finds."""
    (here / "lists").mkdir()
    Path("lists/synapses.csv").write_text("source,target,weight,delay\n0,1,1.5,1.5\n1,0,2.5,1.0\n", encoding="utf-8")
    listed = (
        '[populations.a]\nn = 2\nmodel = "iaf_psc_delta"\nparams = { I_e = 400.0 }\n'
        '[[projections]]\nsource = "a"\ntarget = "a"\nrule = "explicit"\nfile = "synapses.csv"\n'
        '[[record]]\npopulations = ["a"]\nvariable = "spikes"\n'
    )
    Path("lists/listed.toml").write_text(listed, encoding="utf-8")
    words = ["--set", "run.dt=0.05", "--duration", "60", "--seed", "8", "-q"]
    assert lifsim("run", "lists/listed.toml", *words, "-o", "listed.h5") == (0, "")
    code, said = lifsim("reproduce", "listed.h5")
    assert code == 2 and "synapses.csv" in said
    code, said = lifsim("reproduce", "listed.h5", "--folder", "lists", "-o", "again.h5")
    assert code == 0, said
    again = ls.open("again.h5")
    assert (again.dt, again.seed, again.duration) == (0.05, 8, 60.0)
    Path("lists/synapses.csv").write_text("source,target,weight,delay\n0,1,1.25,1.5\n1,0,2.5,1.0\n", encoding="utf-8")
    code, said = lifsim("reproduce", "listed.h5", "--folder", "lists")
    assert code == 2 and "does not describe the network of the run" in said


def test_what_cannot_be_reproduced(here):
    Figure().savefig("plain.png")
    ls.plot.save(Figure(), "empty.svg")
    Path("broken.png").write_bytes(b"no picture")
    Path("broken.svg").write_text("<svg", encoding="utf-8")
    Path("broken.pdf").write_text("x", encoding="utf-8")
    bare = ls.Network(duration=5.0)
    bare.add("a", 2, "iaf_psc_delta", I_e=400.0)
    bare.record("a", "spikes")
    ls.run(bare, out="bare.h5")
    ls.plot.save(ls.plot.raster("bare.h5"), "bare.png")
    net = ls.load("small.toml", **SMALL)
    with ls.Simulation(net, 10.0, out="steered.h5") as sim:
        sim.run(5.0)
        sim.set("ext", rate=1000.0)
        sim.run(5.0)
        sim.result()
    changed = ls.load("small.toml", **SMALL)
    changed.add("more", 1, "iaf_psc_delta")
    ls.run(changed, 5.0, out="python.h5")
    ls.write_spikes("foreign.npz", ls.open("small.h5").spikes)
    expected = {
        "plain.png": "has no provenance",
        "empty.svg": "shows no run",
        "broken.png": "cannot be read",
        "broken.svg": "cannot be read",
        "broken.pdf": "cannot be read",
        "figure.gif": "not",
        "bare.h5": "no model text",
        "bare.png": "no model text",
        "steered.h5": "a program changed",
        "python.h5": "does not describe the network of the run",
        "foreign.npz": "is not from lifsim",
        "missing.h5": "missing.h5",
        "missing.png": "missing.png",
        "brunel": "is a model",
    }
    for name, told in expected.items():
        code, said = lifsim("reproduce", name)
        assert code == 2, f"{name}: {said}"
        assert told in said and "Traceback" not in said, f"{name}: {said}"


def test_other_versions_are_told(here, monkeypatch):
    from lifsim.reproduction import reproducing

    monkeypatch.setattr(reproducing, "versions", lambda: {**ls.open("small.h5").info["versions"], "numpy": "9.9"})
    code, said = lifsim("reproduce", "small.h5")
    assert code == 0 and re.search(r"made with numpy \S+, here 9\.9: the same bits are not promised", said)


def test_a_program_of_its_own_reproduces(here):
    """Another process, one thread: nothing is left in memory from the first run."""
    done = subprocess.run([sys.executable, "-m", "lifsim", "reproduce", "small.h5", "--threads", "1"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
