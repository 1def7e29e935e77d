"""Where files may be written and what may be read: links, pipes, devices, names that are no text.

(bench/reliability/outputs.py does this to every command.)
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

import lifsim as ls
from lifsim import nir, plot
from lifsim.ann import dataset_files
from lifsim.cli.main import main
from lifsim.files.hdf5_reading import read_dataset
from lifsim.files.run_files import log_path
from lifsim.results.convert import convert
from lifsim.results.log import LogWriter
from lifsim.results.manifest import Manifest
from lifsim.results.recording import Chunk
from lifsim.simulation.file_sink import FileSink
from lifsim.weights import WeightStore, is_store

pytestmark = [
    pytest.mark.usefixtures("unarranged_figures"),
    pytest.mark.skipif(sys.platform != "linux", reason="links, pipes and names of bytes"),
]

MODEL = """
run.duration = 20
populations.n = { n = 3, model = "iaf_psc_delta", params.I_e = 600.0 }
record = [{ populations = "n" }, { populations = "n[0:2]", variable = "V_m" }]
"""
ODD = os.fsdecode(b"x\xff\\y'")


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(MODEL)


def lif(*words: object, code: int = 0) -> str:
    outcome = CliRunner().invoke(main, [str(word) for word in words])
    assert outcome.exit_code == code, f"{outcome.output}\n{outcome.exception!r}"
    return outcome.output


def manifest() -> Manifest:
    return Manifest(dt=0.1, populations={"n": {"n": 3, "model": "iaf_psc_delta"}}, spikes={"n": {"ids": "all"}})


# -- links ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
@pytest.mark.parametrize("target", ["victim", "nowhere"])
@pytest.mark.parametrize("place", ["x.h5", "x.h5.log"])
def test_no_run_goes_through_a_link(place, target, overwrite):
    Path("victim").write_bytes(b"dear")
    Path(place).symlink_to(target)
    assert f"{place}: is a link to {target}" in lif("run", "tiny.toml", "-o", "x.h5", *overwrite, code=2)
    assert Path("victim").read_bytes() == b"dear" and Path(place).is_symlink() and not Path("nowhere").exists()


def test_a_log_is_opened_through_no_link_nor_by_a_second_name():
    Path("victim").write_bytes(b"dear")
    Path("link.log").symlink_to("victim")
    os.link("victim", "hard.log")
    os.mkfifo("pipe.log")
    for name, said in {"link": "is a link", "pipe": "is not an ordinary file"}.items():
        with pytest.raises(ls.OutputError, match=said):
            LogWriter.reopen(Path(f"{name}.log"))
        with pytest.raises(ls.OutputError, match="is the log of a run"):
            LogWriter(Path(f"{name}.log"))
    log = LogWriter.reopen(Path("hard.log"))
    log.cut(0)
    log.append(1, b"new")
    log.close()
    assert b"new" in Path("hard.log").read_bytes() and not list(Path().glob(".*"))
    assert Path("victim").read_bytes() == b"dear"


def test_resuming_leaves_a_second_name_of_the_log_as_it_is():
    """Some backups are made of hard links."""
    ls.run(ls.load("tiny.toml"), out="x.h5", checkpoint_every=5.0, max_wall=1e-9)
    os.link("x.h5.log", "backup")
    before = Path("backup").read_bytes()
    assert not ls.resume("x.h5", max_wall=1e-9).complete
    assert Path("backup").read_bytes() == before and Path("x.h5.log").stat().st_size > len(before)
    assert ls.resume("x.h5").complete
    assert Path("backup").read_bytes() == before


@pytest.mark.parametrize(
    "write",
    [
        lambda path: ls.load("tiny.toml").save(path),
        lambda path: ls.Simulation(ls.load("tiny.toml")).save(path),
        lambda path: ls.run(ls.load("tiny.toml")).save(path, overwrite=True),
        lambda path: plot.save(Figure(), path.replace(path.with_suffix(".png"))),
        lambda path: nir.write(path, nir.Graph({}, [])),
        lambda path: lif("new", path.replace(path.with_suffix(".toml")), "--overwrite"),
    ],
    ids=["model", "checkpoint", "results", "picture", "nir", "new"],
)
def test_no_output_goes_through_a_link(write):
    Path("victim").write_bytes(b"dear")
    Path("x.h5").symlink_to("victim")
    with pytest.raises((ls.OutputError, AssertionError), match=r"is a link to victim"):
        write(Path("x.h5"))
    assert Path("victim").read_bytes() == b"dear"


def test_folders_may_be_links():
    Path("real").mkdir()
    Path("outputs").symlink_to("real")
    lif("run", "tiny.toml")
    assert ls.open("real/tiny.h5").complete


def test_an_output_is_an_ordinary_file():
    os.mkfifo("x.h5")
    assert "x.h5: is a pipe (FIFO)" in lif("run", "tiny.toml", "-o", "x.h5", "--overwrite", code=2)
    assert Path("x.h5").is_fifo()


# -- pipes and devices in place of inputs --------------------------------------------------------


READERS = {
    "results": (".h5", ls.open),
    "log": (".h5.log", ls.open),
    "model": (".toml", ls.load),
    "checkpoint": (".ckpt", ls.Simulation.restore),
    "weights": (".h5", WeightStore),
    "dataset": (".h5", lambda path: read_dataset(path, "x")),
    "nir": (".nir", nir.read),
    "table": (".csv", dataset_files.read),
    "samples": (".csv", lambda path: ls.run(_waveform(str(path)), 1.0)),
    "array": (".npy", lambda path: ls.run(_waveform(str(path)), 1.0)),
    "samples in HDF5": (".h5", lambda path: ls.run(_waveform(f"{path}:x"), 1.0)),
    "synapses": (".csv", lambda path: ls.Network().connect(*_pair(), "explicit", file=path)),
    "synapses in HDF5": (".h5", lambda path: ls.Network().connect(*_pair(), "explicit", file=path)),
    "resumed": (".h5.log", lambda path: ls.resume(path)),
}


def _waveform(reference: str) -> ls.Network:
    net = ls.Network()
    n = net.add("n", 1, "iaf_psc_delta")
    net.connect(net.add("w", 1, "waveform_generator", waveform_file=reference, interval=1.0), n)
    return net


def _pair() -> tuple:
    net = ls.Network()
    return net.add("a", 1, "iaf_psc_delta"), net.add("b", 1, "iaf_psc_delta")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
@pytest.mark.parametrize("reader", READERS)
def test_only_ordinary_files_are_read(reader, kind):
    """Nothing waits for a pipe, reads a device without end, or fails on a folder in another way."""
    end, read = READERS[reader]
    path = Path(f"x{end}")
    {"pipe": lambda: os.mkfifo(path), "device": lambda: path.symlink_to("/dev/zero"), "folder": path.mkdir}[kind]()
    if reader.startswith("synapses"):
        net = ls.Network()
        a, b = net.add("a", 1, "iaf_psc_delta"), net.add("b", 1, "iaf_psc_delta")
        read = lambda path: net.connect(a, b, "explicit", file=path, weight=1.0, delay=1.0)  # noqa: E731
    with pytest.raises(ls.LifsimError) as error:
        read(path)
    assert kind != "pipe" or reader == "checkpoint" or "a pipe (FIFO)" in str(error.value)


def test_a_pipe_is_no_store():
    os.mkfifo("x.h5")
    assert not is_store("x.h5")


# -- names that are no text ----------------------------------------------------------------------


def test_odd_names_from_run_to_picture():
    lif("run", "tiny.toml", "-o", f"{ODD}.h5", "--plot")
    assert "complete: yes" in lif("info", f"{ODD}.h5", "--verify") and lif("stats", f"{ODD}.h5")
    lif("plot", f"{ODD}.h5", "--kind", "traces", "-o", f"{ODD}.svg")
    lif("new", f"{ODD}.toml")
    lif("check", f"{ODD}.toml")
    lif("run", f"{ODD}.toml", "--duration", 5)
    assert ls.open(f"outputs/{ODD}.h5").name == "my_network"
    shutil.copyfile("tiny.toml", f"{ODD}.toml")
    lif("run", f"{ODD}.toml", "--overwrite")
    assert ls.open(f"outputs/{ODD}.h5").name == "x\\xff\\y'"
    with WeightStore(f"{ODD}.w.h5", "w") as store:
        store.put("x", np.ones((2, 2)))
    assert "2 × 2" in lif("info", f"{ODD}.w.h5")


def test_the_command_is_no_text(monkeypatch):
    """A script in a folder with such a name: the run ends, and so does one whose log an earlier version wrote."""
    monkeypatch.setattr(sys, "argv", [f"/home/{ODD}/script.py"])
    assert "\\xff" in ls.run(ls.load("tiny.toml"), out="x.h5").info["command"]
    with monkeypatch.context() as patch:
        patch.setattr("lifsim.common.jsonable.storable", lambda text: text)
        with FileSink(replace(manifest(), command=sys.argv[0]), "old.h5") as sink:
            sink.write(Chunk(0, 10))
    assert b"udcff" in log_path("old.h5").read_bytes()
    assert "\\xff" in convert(log_path("old.h5")).info["command"]


def test_a_run_whose_inputs_have_odd_names_goes_on():
    ls.run(ls.load("tiny.toml"), out=f"{ODD}.h5")
    np.savetxt(f"{ODD}.csv", [100.0, 200.0])
    net = _waveform(f"{ODD}.csv")
    given = net.add("given", 3, "spike_generator", spike_file=f"{ODD}.h5")
    net.connect(given, "n", weight=20.0, delay=1.0)
    net.record("n", "spikes")
    wanted = ls.run(net, 20.0).spikes["n"].times
    ls.run(net, 20.0, out=f"out {ODD}.h5", checkpoint_every=5.0, max_wall=1e-9)
    assert log_path(f"out {ODD}.h5").exists()
    found = ls.resume(f"out {ODD}.h5").spikes["n"].times
    assert len(found) and np.array_equal(found, wanted)
    with ls.Simulation(net, out="c.h5", checkpoint_every=5.0) as sim:
        sim.run(5.0)
        sim.save(f"{ODD}.ckpt")
    with ls.Simulation.restore(f"{ODD}.ckpt", out="d.h5") as sim:
        assert sim.net.populations["w"].params["waveform_file"] == str(Path(f"{ODD}.csv").absolute())


def test_a_model_file_names_stores_whose_names_are_no_text():
    net = ls.Network()
    n = net.add("n", 3, "iaf_psc_delta")
    net.connect(n, n, np.full((3, 3), 2.0), delay=1.0)
    Path("list.csv").write_text("source,target\n0,1\n")
    net.connect(n, n, "explicit", file="list.csv", weight=1.0, delay=1.0)
    net.save(f"{ODD}.toml")
    again = ls.load(f"{ODD}.toml")
    assert [p.rule for p in again.projections] == [p.rule for p in net.projections]
    assert f"{ODD}.weights.h5" in os.listdir() and "\\\\xff" in Path(f"{ODD}.toml").read_text()


# -- folders for temporary files -----------------------------------------------------------------


def test_no_folder_for_temporary_files_is_needed():
    """A run with checkpoints, interrupted and resumed, and a crash report, where there is no such folder."""
    script = """if True:
        import sys, tempfile
        def none(*args, **options):
            raise FileNotFoundError(2, "no usable temporary directory")
        tempfile.mkdtemp = tempfile._get_default_tempdir = none
        import lifsim as ls
        ls.run(ls.load("tiny.toml"), out="x.h5", checkpoint_every=5.0, max_wall=1e-9)
        assert ls.resume("x.h5").complete
        from lifsim.cli import program
        from lifsim.cli.main import main
        program.CommandGroup.invoke = lambda *args: 1 / 0
        main(["models"])
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 1 and "Please report it with the file" in done.stderr, done.stderr
    (report,) = Path().glob("lifsim-report-*.txt")
    assert "ZeroDivisionError" in report.read_text()
