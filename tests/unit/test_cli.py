"""The command line: what it prints, how it ends, how quickly it starts."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

import lifsim
from lifsim.cli.main import main
from lifsim.common.errors import RunError
from lifsim.simulation.signals import Stopped

pytestmark = pytest.mark.usefixtures("undrawn_figures")

MODEL = """
name = "tiny"
description = "Ten neurons driven above threshold"

[run]
dt = 0.1
duration = 50

[parameters]
current = 1000.0

[populations.exc]
n = 10
model = "iaf_psc_delta"
params = { I_e = "= current" }

[populations.silent]
n = 5
model = "iaf_psc_delta"

[[projections]]
source = "exc"
target = "exc"
rule = "fixed_indegree"
indegree = 2
weight = 0.1
delay = 1.5

[[record]]
populations = ["exc", "silent"]
variable = "spikes"

[[record]]
populations = ["exc[0:2]"]
variable = "V_m"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(MODEL, encoding="utf-8")


def lif(*words: object, code: int = 0) -> Result:
    outcome = CliRunner().invoke(main, [str(word) for word in words])
    assert outcome.exit_code == code, f"{outcome.output}\n{outcome.exception!r}"
    return outcome


# -- start ---------------------------------------------------------------------------------------


def test_help_is_light():
    """Neither numba nor matplotlib nor scipy, nor anything else that takes long to import."""
    script = """if True:
        import sys
        from lifsim.cli.main import main
        try:
            main(["--help"])
        except SystemExit as end:
            assert end.code == 0
        heavy = {"numba", "numpy", "scipy", "matplotlib", "h5py", "pydantic", "tqdm"} & set(sys.modules)
        sys.exit(f"imported: {heavy}" if heavy else 0)
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Usage: lifsim" in done.stdout or "Usage:" in done.stdout


def test_every_command_has_help():
    names = main.list_commands(click.Context(main))
    own = "run resume check info stats compare plot report describe reproduce fi scan scan-plot demo gallery validate new models watch"
    assert names == [*own.split(), "convert-spikes", "warmup", "bench", "train", "predict", "convert", "classify"]
    for name in names:
        assert f"{name} [OPTIONS]" in lif(name, "--help").stdout


def test_version_and_bare_call():
    assert lif("--version").stdout == f"lifsim, version {lifsim.__version__}\n"
    assert "Commands:" in lif().stdout


# -- models --------------------------------------------------------------------------------------


def test_models():
    lines = lif("models").stdout.splitlines()
    assert any(line.startswith("brunel ") for line in lines)
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


def test_new_model_runs():
    lif("new", "mine.toml")
    lif("check", "mine.toml")
    lif("run", "mine.toml", "--duration", "20 ms")
    assert Path("outputs/mine.h5").exists()


def test_check():
    said = lif("check", "tiny.toml").stdout
    for piece in ("tiny", "exc: 10", "silent: 5", "fixed_indegree", "15 neurons", "20 synapses", "50 ms", "steps of 0.1 ms", "memory"):
        assert piece in said
    assert not Path("outputs").exists()


def test_check_knows_the_storage_of_weights():
    Path("drawn.toml").write_text(MODEL.replace("weight = 0.1", "weight = { normal = [0.1, 0.01] }").replace("n = 10", "n = 400_000"))
    said = [lif("check", "drawn.toml", *words).stdout for words in ([], ["--weights", "float32"], ["--weights", "compact"])]
    assert len({line for text in said for line in text.splitlines() if "memory" in line}) == 3


# -- a run and what is made of it ----------------------------------------------------------------


@pytest.fixture
def results() -> str:
    lif("run", "tiny.toml", "-q")
    return "outputs/tiny.h5"


def test_run_says_what_it_left():
    said = lif("run", "tiny.toml", "--plot", "--seed", 3, "--threads", 2).stdout
    for piece in ("outputs/tiny.h5", "outputs/tiny.png", "real-time factor", "spikes", "lifsim stats"):
        assert piece in said.replace("\\", "/")
    assert Path("outputs/tiny.png").read_bytes().startswith(b"\x89PNG")
    assert lifsim.open("outputs/tiny.h5").seed == 3


def test_settings_reach_the_network():
    lif("run", "tiny.toml", "--set", "current=0", "--set", "run.dt=0.05", "-o", "x.h5", "--duration", "0.02 s")
    result = lifsim.open("x.h5")
    assert len(result.spikes["exc"]) == 0
    assert (result.dt, result.duration) == (0.05, 20.0)


@pytest.mark.parametrize("where", [["-q", "run", "tiny.toml"], ["run", "tiny.toml", "--quiet"]])
def test_quiet(where):
    outcome = lif(*where)
    assert outcome.output == ""


def test_verbose_says_more():
    assert "synapses" in lif("run", "tiny.toml", "-v").stderr


def test_overwrite(results):
    before = Path(results).read_bytes()
    lif("run", "tiny.toml", "--seed", "5", code=2)
    assert Path(results).read_bytes() == before
    lif("run", "tiny.toml", "--seed", "5", "--overwrite")
    assert lifsim.open(results).info["seed"] == 5


def test_info(results):
    said = lif("info", results).stdout
    for piece in ("exc", "silent", "50", "seed", "lifsim", "complete"):
        assert piece in said
    assert "fixed_indegree" in lif("info", "tiny.toml").stdout


def test_stats(results):
    assert "exc" in lif("stats", results).stdout
    found = json.loads(lif("stats", results, "--json").stdout)
    assert found["exc"]["spikes"] > 0
    assert found["silent"]["spikes"] == 0
    rows = lif("stats", results, "--csv").stdout.splitlines()
    assert len(rows) == 3
    only = json.loads(lif("stats", results, "--json", "--population", "exc", "--from", "20", "--to", "40 ms").stdout)
    assert list(only) == ["exc"]
    assert 0 < only["exc"]["spikes"] < found["exc"]["spikes"]


@pytest.mark.parametrize("kind", ["raster", "rates", "traces", "isi"])
def test_plot(results, kind):
    lif("plot", results, "--kind", kind, "--population", "exc", "--width", 60)
    (picture,) = Path("outputs").glob("*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")
    lif("plot", results, "--kind", kind, "--population", "exc", code=2)
    if kind == "traces":  # of the others: test_printable.py
        lif("plot", results, "--kind", kind, "-o", "x.svg", "--from", "10 ms", "--width", 60)
        assert "<svg" in Path("x.svg").read_text(encoding="utf-8")


# -- ends ----------------------------------------------------------------------------------------


def fail_with(error: BaseException):
    def fake(*_, **__):
        raise error

    return fake


def test_a_failed_run(monkeypatch):
    monkeypatch.setattr("lifsim.simulation.runs.run", fail_with(RunError("the disk is full")))
    assert lif("run", "tiny.toml", code=1).stderr == "error: the disk is full\n"


def test_too_little_memory(monkeypatch):
    monkeypatch.setattr("lifsim.simulation.runs.run", fail_with(MemoryError("8 GB")))
    said = lif("run", "tiny.toml", code=1).stderr
    assert said.startswith("error: not enough memory (8 GB)")


def test_an_unforeseen_error_is_not_the_users(monkeypatch):
    monkeypatch.setattr("lifsim.simulation.runs.run", fail_with(ZeroDivisionError("by nothing")))
    said = lif("run", "tiny.toml", code=1).stderr
    assert "sorry" in said and "ZeroDivisionError: by nothing" in said and lifsim.__version__ in said
    assert "Traceback" not in said
    report = Path(said.split("file ")[-1].strip())
    text = report.read_text(encoding="utf-8")
    report.unlink()
    assert "Traceback" in text and "command: " in text
    assert "Traceback" in lif("-v", "run", "tiny.toml", code=1).stderr


def test_an_end_of_file_within_lifsim_is_no_interruption(monkeypatch):
    """Click takes it for Ctrl-D at a prompt."""
    monkeypatch.setattr("lifsim.simulation.runs.run", fail_with(EOFError("Ran out of input")))
    said = lif("run", "tiny.toml", code=1).stderr
    assert "EOFError: Ran out of input" in said
    Path(said.split("file ")[-1].strip()).unlink()


def test_a_warning_of_python_is_a_line(monkeypatch):
    def warned(*args, **extra):
        warnings.warn("the disk is full", stacklevel=1)
        raise RunError("and so on")

    monkeypatch.setattr("lifsim.simulation.runs.run", warned)
    assert lif("run", "tiny.toml", code=1).stderr.splitlines()[-2:] == ["warning: the disk is full", "error: and so on"]
    assert lif("-q", "run", "tiny.toml", code=1).stderr == "error: and so on\n"


def test_stopped_by_the_user(monkeypatch):
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        monkeypatch.setattr("lifsim.simulation.runs.run", fail_with(Stopped(number, "120 ms are saved; go on with: lifsim resume tiny.h5")))
        outcome = lif("run", "tiny.toml", code=code)
        assert outcome.stderr.strip() == f"stopped by {number.name}; 120 ms are saved; go on with: lifsim resume tiny.h5"
        assert not outcome.stdout


def test_several_mistakes_one_line_each():
    Path("bad.toml").write_text(MODEL.replace("n = 10", "n = -1").replace("delay = 1.5", "delay = 0.25"), encoding="utf-8")
    lines = lif("check", "bad.toml", code=2).stderr.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("error: ") for line in lines)


def test_a_closed_pipe_is_quiet():
    if sys.platform == "win32":
        pytest.skip("pipes close in another way")
    command = f"{sys.executable} -m lifsim --help | true"
    assert subprocess.run(["sh", "-c", command], capture_output=True, text=True).stderr == ""


# -- places for the output -----------------------------------------------------------------------


def refused(*words: object) -> str:
    """What a command that is the user's mistake says, on one line."""
    said = lif(*words, code=2).stderr
    assert said.startswith("error: ") and said.count("\n") == 1, said
    return said


def test_a_missing_folder_is_created_if_it_is_only_one():
    lif("new", "zz/my.toml")
    assert Path("zz/my.toml").exists()
    lif("run", "tiny.toml", "-q", "-o", "aa/x.h5")
    lif("plot", "aa/x.h5", "-o", "bb/x.png")
    assert Path("bb/x.png").exists()
    for words in (["new", "a/b/my.toml"], ["run", "tiny.toml", "-o", "a/b/x.h5"], ["plot", "aa/x.h5", "-o", "a/b/x.png"]):
        assert "create it first" in refused(*words)


@pytest.mark.skipif(sys.platform == "win32", reason="another root")
def test_no_folder_is_made_at_the_root():
    assert "create it first" in refused("new", "/nonexistent/my.toml")


def test_names_that_cannot_be():
    assert "too long" in refused("run", "tiny.toml", "-o", "x" * 300 + ".h5")
    assert "too long" in refused("run", "tiny.toml", "-o", "x" * 248 + ".h5")


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights")
def test_a_circle_of_links():
    Path("loop").symlink_to("loop")
    assert "links" in refused("new", "loop/my.toml")
    assert "links" in refused("run", "tiny.toml", "-o", "loop/x.h5")


def test_home_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    lif("new", "~/my.toml")
    lif("run", "tiny.toml", "-q", "--out=~/x.h5")
    assert {p.name for p in (tmp_path / "home").iterdir()} >= {"my.toml", "x.h5"}  # and the cache of compiled code
    assert lifsim.open("~/x.h5").save("~/y.h5") == tmp_path / "home" / "y.h5"


# -- mistakes of a newcomer ----------------------------------------------------------------------


def test_a_result_is_no_model_and_a_model_no_result(results):
    for command in ("run", "check"):
        assert "is a result file, not a model" in refused(command, results)
    assert "is a model, not a result" in refused("stats", "tiny.toml")


def test_a_missing_result_lists_no_others(results):
    assert "other.h5" not in refused("stats", "zzz")
    assert "did you mean 'tiny.h5'" in refused("stats", "outputs/tiny.h")


def test_wrong_options(results):
    assert "one of them" in refused("stats", results, "--json", "--csv")
    for seed in ("1.5", "-1", str(2**64), "x"):
        assert f"--seed: {seed} is not a whole number from 0 to 18446744073709551615" in refused("run", "tiny.toml", "--seed", seed)
    assert "run --help" in refused("run", "tiny.toml", "--set")
    refused("run", "")
    if sys.platform != "win32":
        assert "not an ordinary file" in refused("run", "/dev/null")


def test_info_of_a_shipped_model():
    assert "Synfire" in lif("info", "synfire").stdout


def test_info_says_nothing_twice(results):
    lines = [line for line in lif("info", results).stdout.splitlines() if ": " in line]
    labels = [line.split(":")[0].strip() for line in lines]
    assert len(labels) == len(set(labels))
    order = [labels.index(x) for x in ("exc", "duration", "seed", "threads", "precision", "timings", "versions", "command")]
    assert order == sorted(order)
    assert "precision: float64, weights float64" in lif("info", results).stdout


def test_check_folds_long_lists():
    lines = lif("check", "microcircuit").stdout.splitlines()
    assert "77,169 neurons" in "".join(lines[:3])
    assert len(lines[: lines.index("mean field, recurrent input included:")]) < 30
    assert any(line.endswith("more projections; -v lists all") for line in lines)
    assert len(lif("check", "microcircuit", "-v").stdout.splitlines()) > 60


@pytest.mark.parametrize(("variable", "kind"), [("spikes", "raster"), ("V_m", "traces")])
def test_the_picture_shows_what_was_recorded(variable, kind):
    from lifsim.cli.run import _kind

    head, *records = MODEL.split("[[record]]")
    Path("one.toml").write_text("[[record]]".join([head, *(r for r in records if variable in r)]), encoding="utf-8")
    lif("run", "one.toml", "--plot", "-q")
    assert _kind(lifsim.open("outputs/one.h5")) == kind


def test_one_neuron_is_shown_by_its_potential():
    from lifsim.cli.run import _kind

    lif("run", "single_neuron", "-q", "--duration", 20)
    assert _kind(lifsim.open("outputs/single_neuron.h5")) == "membrane"
    net = lifsim.load("single_neuron")
    net.record("neuron", "I_syn", interval=1.0)
    assert _kind(lifsim.run(net, 20.0)) == "membrane"
    net.record("neuron", "rate", interval=1.0)
    assert _kind(lifsim.run(net, 20.0)) == "traces", "which shows all that was recorded"


def test_units_and_statistics_of_one_neuron():
    lif("run", "single_neuron", "-q", "--duration", 20, "--set", "I=0.5 nA")
    said = lif("info", "outputs/single_neuron.h5").stdout
    assert "  parameters: I 500 pA, tau_m 10 ms, V_th -55 mV" in said
    assert re.search(r"  timings: build [\d.e-]+ s, .*total [\d.e-]+ s\n", said)
    head = lif("stats", "outputs/single_neuron.h5").stdout.splitlines()[0]
    assert head.endswith("neurons with CV"), "a Fano factor of the population and correlations of pairs are of several neurons"
    assert lif("stats", "outputs/single_neuron.h5", "--statistics", "fano").stdout.splitlines()[0].endswith("Fano (pop.)")


def test_compiling_is_said_to_be_once_only_if_it_is(capsys):
    from lifsim.cli.progress import Progress

    Progress("x")("compile")
    Progress("x")("compile", kept=False)
    once, always = capsys.readouterr().err.strip().splitlines()
    assert "once" in once and "every run" in always


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--checkpoint-every", "0.25"), "checkpoint_every: 0.25 ms is not on the grid"),
        (("--checkpoint-every", "soon"), "--checkpoint-every: "),
        (("--checkpoint-wall", "0"), "--checkpoint-wall: '0'; expected a time above 0"),
        (("--max-wall", "never"), "--max-wall: "),
    ],
)
def test_times_of_checkpoints(options, said):
    error = lif("run", "tiny.toml", *options, code=2).stderr
    assert error.startswith(f"error: {said}")
    assert len(error.splitlines()) == 1
    assert not Path("outputs/tiny.h5.log").exists()


def test_a_run_whose_time_is_up_goes_on():
    outcome = lif("run", "tiny.toml", "--duration", "2000 s", "--max-wall", "0.001", "--checkpoint-wall", "never", code=3)
    assert "time is up: " in outcome.stderr and "go on with: lifsim resume outputs/tiny.h5" in outcome.stderr
    assert "complete: no" in lif("info", "outputs/tiny.h5").stdout
    assert "verified: every frame of the log" in lif("info", "outputs/tiny.h5", "--verify").stdout
    assert "time is up" in lif("resume", "outputs/tiny.h5.log", "--max-wall", "0.001", code=3).stderr
    lif("run", "tiny.toml", "-o", "done.h5")
    assert "verified: every byte, " in lif("info", "done.h5", "--verify").stdout
    assert "done.h5: is finished" in lif("resume", "done.h5", code=2).stderr
    assert "nothing.h5.log: does not exist" in lif("resume", "nothing.h5", code=2).stderr


# -- standard streams ----------------------------------------------------------------------------

STREAMS = ["<&- >&- 2>&-", ">/dev/full", "2>&1 | true"]
FEWER = [pytest.param(streams, marks=pytest.mark.slow) for streams in ("2>&-", ">&-", "<&-", "| true", "2>/dev/full")]  # parts of those


@pytest.mark.skipif(sys.platform != "linux", reason="a shell and /dev/full")
@pytest.mark.parametrize("streams", [*STREAMS, *FEWER])
def test_no_stream_ends_a_run(streams):
    command = f"set -o pipefail; {sys.executable} -m lifsim run -v tiny.toml -o x.h5 {streams}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert done.returncode == 0, done
    assert lifsim.open("x.h5").verify() and sorted(Path().iterdir()) == [Path("tiny.toml"), Path("x.h5")]
    assert "Exception" not in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="a shell and /dev/full")
@pytest.mark.parametrize(("streams", "code"), [(">/dev/full", 1), (">&-", 0), ("2>&-", 0), ("| true", 1), ("2>/dev/full", 0)])
def test_what_was_asked_for_and_cannot_be_printed_is_a_failure(streams, code):
    """That nobody reads on (head) is told by the exit code alone."""
    command = f"set -o pipefail; {sys.executable} -m lifsim models {streams}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    said = "error: standard output: No space left on device\n" if streams == ">/dev/full" else ""
    assert (done.returncode in (code, 0) if streams == "| true" else done.returncode == code) and done.stderr == said


def test_what_an_encoding_lacks_is_written_as_escapes():
    command = [sys.executable, "-X", "utf8=0", "-m", "lifsim", "info", "single_neuron"]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": "latin-1"})
    assert done.returncode == 0 and b"step \\u2192 neuron" in done.stdout, done


# -- files of other tools --------------------------------------------------------------------------


def spikes_of_another_tool(path: str, ids: object, times: object) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["spikes/p/timestamps"], file["spikes/p/node_ids"] = times, ids


def test_spikes_of_another_tool():
    """How many neurons there are is said, and can be; that nothing can be verified is said too."""
    import numpy as np

    spikes_of_another_tool("x.h5", 1001 + np.arange(970) % 50, np.arange(1, 971) * 1.0)
    for command in ("stats", "info", "plot"):
        said = lif(command, "x.h5")
        assert "warning: x.h5: p: 1,051 neurons with ids 0 to 1050 are assumed, since the spikes have ids 1001 to 1050" in said.stderr
        assert lif(command, "x.h5", "--n-nodes", "50", *(["--overwrite"] if command == "plot" else [])).stderr == ""
    found = json.loads(lif("stats", "x.h5", "--n-nodes", "p=50", "--json").stdout)["p"]
    assert (found["neurons"], found["spikes"], found["rate"]) == (50, 970, pytest.approx(20.0))
    assert "holds spikes of 50 neurons" in lif("stats", "x.h5", "--n-nodes", "49", code=2).stderr
    assert (
        "n_nodes is given for 'q', which is not a population of the file; expected one of: p"
        in lif("stats", "x.h5", "--n-nodes", "q=1", code=2).stderr
    )
    assert "given for a population twice" in lif("stats", "x.h5", "--n-nodes", "1", "--n-nodes", "2", code=2).stderr
    assert "a whole number such as 50" in lif("stats", "x.h5", "--n-nodes", "many", code=2).stderr
    said = lif("info", "x.h5", "--verify", "--n-nodes", "50").stdout
    assert "not verified: the file has no checksums" in said and "complete" not in said and "verified: every" not in said


def test_bad_spikes_of_another_tool_are_no_silence():
    for ids, times, words in (([0, 1], [1.0, float("nan")], "not finite numbers"), ([0], [1.0, 2.0], "2 timestamps, but 1 node_ids")):
        spikes_of_another_tool("x.h5", ids, times)
        for command in (("info",), ("info", "--verify"), ("stats",), ("plot",)):
            assert words in lif(command[0], "x.h5", *command[1:], code=2).stderr


def test_a_result_that_another_program_changed_is_not_said_to_be_whole():
    import h5py

    lif("run", "tiny.toml", "-o", "x.h5")
    with h5py.File("x.h5", "r+") as file:
        file["mine"] = 1
    assert "datasets; nothing else has a checksum, since another program changed the file" in lif("info", "x.h5", "--verify").stdout


def test_edge_types_that_are_not_all_used_are_said():
    import h5py

    with h5py.File("x_edges.h5", "w") as file:
        for name in ("source_node_id", "target_node_id", "edge_type_id"):
            file[f"edges/x/{name}"] = [1]
    Path("x_edge_types.csv").write_text("edge_type_id syn_weight delay dynamics_params\n1 2.0 1.0 a.json\n")
    text = '[run]\nduration = 1\n[populations.a]\nn = 2\nmodel = "iaf_psc_exp"\n[[projections]]\nsource = "a"\ntarget = "a"\n'
    Path("m.toml").write_text(text + 'rule = "explicit"\nfile = "x_edges.h5:edges/x"\n')
    said = lif("check", "m.toml")
    assert said.stderr.startswith("warning: projections[0].file: ") and said.stderr.endswith("not used: dynamics_params\n")
    assert lif("-q", "check", "m.toml").stderr == ""
