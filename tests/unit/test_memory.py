"""Memory: which limits are seen, that checks of anything are quick and small, and that recordings in memory stop before it is full."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common import memory
from lifsim.network.population import _common
from lifsim.simulation import headroom, slices
from lifsim.simulation.headroom import sampled

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of Linux")


# -- control groups --------------------------------------------------------------------------------


def group(folder: Path, version: int, most: str | int, used: int, cache: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = ("memory.max", "memory.current") if version == 2 else ("memory.limit_in_bytes", "memory.usage_in_bytes")
    (folder / names[0]).write_text(f"{most}\n")
    (folder / names[1]).write_text(f"{used}\n")
    prefix = "" if version == 2 else "total_"
    (folder / "memory.stat").write_text(f"anon 5\n{prefix}inactive_file {cache}\n{prefix}active_file 0\n")


def process(folder: Path, cgroup: str, mounts: list[str]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "cgroup").write_text(cgroup)
    (folder / "mountinfo").write_text("".join(f"{line}\n" for line in mounts))
    return folder


def test_groups_of_version_2_are_nested(tmp_path):
    top = tmp_path / "cgroup"
    group(top / "slurm", 2, 4_000_000_000, 1_000_000_000, cache=500_000_000)
    group(top / "slurm/job", 2, "max", 900_000_000)
    group(top / "slurm/job/step", 2, 1_000_000_000, 750_000_000)
    own = process(tmp_path / "p", "0::/slurm/job/step\n", [f"30 24 0:26 / {top} rw,nosuid - cgroup2 cgroup2 rw"])
    assert [(Path(place).parent.name, free) for place, free in memory.groups(own)] == [("step", 250e6), ("slurm", 3.5e9)]


def test_groups_of_version_1(tmp_path):
    top = tmp_path / "memory"
    group(top, 1, 9223372036854771712, 10**9)  # no limit
    group(top / "docker/abc", 1, 250_000_000, 100_000_000, cache=20_000_000)
    mounts = [f"31 24 0:27 / {tmp_path}/cpu rw - cgroup cgroup rw,cpu", f"32 24 0:28 / {top} rw - cgroup cgroup rw,memory"]
    own = process(tmp_path / "p", "5:cpu:/docker/abc\n4:memory:/docker/abc\n0::/\n", mounts)
    assert [free for _, free in memory.groups(own)] == [170e6]


@pytest.mark.parametrize("path", ["/", "/../../elsewhere", "/docker/abc"])
def test_groups_of_a_container(path, tmp_path):
    """What is mounted is the container's own group, whatever its path is called."""
    top = tmp_path / "cgroup"
    group(top, 2, 300_000_000, 100_000_000)
    own = process(tmp_path / "p", f"0::{path}\n", [f"30 24 0:26 /docker/abc {top} rw - cgroup2 cgroup rw"])
    assert [free for _, free in memory.groups(own)] == [200e6]


def test_no_groups(tmp_path):
    assert list(memory.groups(tmp_path / "nothing")) == []
    top = tmp_path / "cgroup"
    group(top, 2, "nonsense", 5)
    assert list(memory.groups(process(tmp_path / "p", "0::/\nbroken\n", [f"30 24 0:26 / {top} rw - cgroup2 c rw", "x"]))) == []


def test_a_group_is_a_limit(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "groups", lambda: iter([("/sys/fs/cgroup/memory.max", 100e6)]))
    monkeypatch.setattr(memory, "_read", (-math.inf, (), []))
    net = ls.Network()
    net.add("n", 10**6, "iaf_psc_exp")
    with pytest.raises(ls.LifsimError, match=r"needs about .* free in the control group of this process \(/sys/fs/cgroup/memory.max\)"):
        ls.run(net, 1.0)


def test_a_limit_that_the_process_sets_itself_is_seen_at_once():
    said = subprocess.run([sys.executable, "-c", SET_LATER], capture_output=True, text=True).stdout
    assert "ulimit -v" in said, said


# -- limits of the shell ---------------------------------------------------------------------------

SET_LATER = """
import resource
import lifsim as ls
net = ls.Network()
net.add("n", 10, "iaf_psc_exp")
ls.run(net, 1.0)
resource.setrlimit(resource.RLIMIT_AS, (1_200_000_000, 1_200_000_000))
net = ls.Network()
net.add("n", 10**7, "iaf_psc_exp")
try:
    ls.run(net, 1.0)
except ls.LifsimError as error:
    print(error)
"""
UNDER = """
import resource, sys
import lifsim as ls
limit = getattr(resource, sys.argv[1])
resource.setrlimit(limit, (int(sys.argv[2]), int(sys.argv[2])))
{work}
"""


def under(limit: str, size: int, work: str) -> str:
    """What `work` prints in a process of so little memory."""
    got = subprocess.run([sys.executable, "-c", UNDER.format(work=work), limit, str(size)], capture_output=True, text=True)
    assert got.returncode == 0, got.stderr
    return got.stdout.strip()


RUN = """
net = ls.Network(seed=1)
net.add("n", 10, "iaf_psc_exp", I_e=1000.0)
net.record("n")
try:
    print(len(ls.run(net, 20.0, threads=1).spikes["n"]), "spikes")
except ls.LifsimError as error:
    print(error)
"""


@linux
@pytest.mark.parametrize(
    ("limit", "small", "large", "option"), [("RLIMIT_AS", 500, 1100, "ulimit -v"), ("RLIMIT_DATA", 250, 500, "ulimit -d")]
)
def test_limits_of_the_shell_are_seen(limit, small, large, option):
    ls.run(*small_run())  # so that there is nothing to compile
    assert "spikes" in under(limit, large * 10**6, RUN)
    said = under(limit, small * 10**6, RUN)
    assert said.startswith("memory: this network needs about") and option in said


def small_run():
    net = ls.Network(seed=1)
    net.add("n", 10, "iaf_psc_exp", I_e=1000.0)
    net.record("n")
    return net, 1.0


@linux
def test_compiling_is_refused_without_room_for_it(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFSIM_CACHE_DIR", str(tmp_path))
    said = under("RLIMIT_DATA", 340 * 10**6, RUN)  # between what the run takes and what compiling does
    assert said.startswith("memory: compiling the code of this run needs")


# -- checks ----------------------------------------------------------------------------------------

CHECK = """
import contextlib, io, json, resource, sys
from lifsim.common import memory
from lifsim.cli.main import main
before = 0.0  # so that the first check includes the start of the process
for case in sys.argv[1:]:
    with contextlib.redirect_stderr(io.StringIO()) as said:
        try:
            sys.exit(main(["check", *case.replace(" ", " --set ").split()]))
        except SystemExit as end:
            code = end.code
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps([case, code, seconds - before, memory.peak(), said.getvalue()]))
    before = seconds
"""
HUGE = [
    "brunel order=1e9",
    "brunel order=2e8",
    "brunel_alpha order=2e8",
    "cuba n=1e9",
    "coba n=1e9",
    "microcircuit scale=1e6",
    "microcircuit scale=2e4",
    "microcircuit k_scale=1e6",
    "hpc scale=1e5",
    "hpc C_ex=1e9",
    "spatial width=1e5",
    "spatial width=1000",
    "spatial indegree=1e9",
]


@linux
def test_a_check_of_anything_is_quick_and_small():
    """Answered (with 2, as none of them fits) in 2 s of work and 300 MB, one after the other in a process."""
    got = subprocess.run([sys.executable, "-c", CHECK, *HUGE], capture_output=True, text=True)
    answers = [json.loads(line) for line in got.stdout.splitlines() if line.startswith("[")]
    assert [case for case, *_ in answers] == HUGE, got
    for case, code, seconds, peak, said in answers:
        assert code == 2 and said.startswith("error: "), (case, said)
        assert seconds < 2 and peak < 300e6, (case, seconds, peak)


NETWORKS = {
    "a grid": 'n.add("n", 10**9, "iaf_psc_exp", positions={"grid": [10**3, 10**6]})',
    "random places": """
n.add("n", 10**9, "iaf_psc_exp", positions={"random": True, "extent": [1.0, 1.0], "periodic": True})
n.connect("n", "n", "pairwise_bernoulli", p={"gaussian": {"p0": 1.0, "sigma": 1e-4}}, delay={"linear": {"base": 1.0, "per_mm": 1.0}})
""",
    "drawn values": 'n.add("n", 10**9, "iaf_psc_exp", V_m={"normal": [-60.0, 1.0]}, I_e={"uniform": [0.0, 1.0]})',
    "recorded": 'n.add("n", 10**9, "iaf_psc_exp"); n.record("n", ["spikes", "V_m", "rate"]); n.record("n[1:999999999:2]", "I_syn_ex")',
    "a total": 'n.add("n", 10**9, "iaf_psc_exp"); n.connect("n[::2]", "n[::3]", "fixed_total_number", N=10**12, allow_autapses=False)',
    "one target": 'n.add("n", 1, "iaf_psc_exp"); n.connect("n", "n", "fixed_indegree", indegree=2 * 10**9)',
    "a long delay": 'n.add("n", 2, "iaf_psc_exp"); n.connect("n", "n", delay=0.1 * 2**30)',
    "given spikes": 'n.add("n", 10**9, "spike_generator", spike_times=[1.0, 2.0, 3.0]); n.record("n")',
    "generators": 'n.add("n", 10**9, "poisson_generator", rate=1.0); n.record("n")',
}


@linux
def test_huge_networks_are_described_and_refused_at_once():
    """One after the other in a process, whose peak is that of all of them so far."""
    work = f"""
import json
from lifsim.common import memory
for name, code in {NETWORKS!r}.items():
    n, said = ls.Network(duration=1000.0), ""
    exec(code)
    try:
        ls.run(n, 1000.0)
    except ls.LifsimError as error:
        said = str(error)
    print(json.dumps([name, said, memory.peak()]))
"""
    answers = [json.loads(line) for line in under("RLIMIT_AS", 3 * 10**9, work).splitlines()]
    assert [name for name, *_ in answers] == list(NETWORKS)
    for name, said, peak in answers:
        assert said.startswith("memory: this network needs about") and peak < 300e6, (name, said, peak)


def test_what_check_refuses_a_run_refuses(tmp_path, monkeypatch, capsys):
    from click.testing import CliRunner

    text = (
        '[run]\nduration = "10 ms"\n[populations.a]\nn = 5\nmodel = "{model}"\n{more}\n[[record]]\npopulations = "a"\nvariable = "spikes"\n'
    )
    cases = {
        "poisson_generator": ("params = { rate = 100.0 }", 0),
        "spike_generator": ("params = { spike_times = [1.0, 2.0] }", 0),
        "iaf_psc_exp": ("params = { V_reset = { normal = [-70.0, 100.0] } }", 2),
        "parrot_neuron": ("", 0),
    }
    monkeypatch.chdir(tmp_path)
    for model, (more, code) in cases.items():
        Path("x.toml").write_text(text.format(model=model, more=more))
        for command in (["check", "x.toml"], ["run", "x.toml", "--overwrite", "-o", "x.h5"]):
            got = CliRunner().invoke(main, command)
            assert got.exit_code == code, (model, command, got.output)
            assert not code or "V_reset must be below V_th" in got.output


def test_too_little_memory_says_what_is_free(monkeypatch):
    """Without sending to the command that it may be itself."""
    from click.testing import CliRunner

    def fail(*_: object, **__: object) -> None:
        raise MemoryError("8 GB")

    monkeypatch.setattr("lifsim.building.needs.estimate", fail)
    said = CliRunner().invoke(main, ["check", "brunel"]).output
    assert said.startswith("error: not enough memory (8 GB); ") and " are free " in said and "lifsim check" not in said


# -- views -----------------------------------------------------------------------------------------


def test_common_numbers_of_slices():
    rng = np.random.default_rng(1)
    for _ in range(2000):
        a, b = (range(50)[slice(*rng.integers(-60, 60, 2), rng.choice([1, 2, 3, 6, -1, -2, -7]))] for _ in range(2))
        assert _common(a, b) == len(set(a) & set(b)), (a, b)


def test_shared_nodes():
    a = ls.Network().add("a", 20, "iaf_psc_exp")
    for one in (a[:], a[3:9], a[::-2], a[[1, 5, 8, 19]]):
        for other in (a[:], a[::3], a[[8, 5]], a[7]):
            assert one.shared(other) == other.shared(one) == len(np.intersect1d(one.ids, other.ids))


def test_indices_cannot_be_changed():
    view = ls.Network().add("a", 20, "iaf_psc_exp")[[1, 2]]
    with pytest.raises(ValueError, match="read-only"):
        view.ids[0] = 10**9


# -- recordings in memory --------------------------------------------------------------------------


def recorded(**recording: object) -> ls.Network:
    net = ls.Network(seed=1)
    net.add("n", 100, "iaf_psc_exp", I_e=1000.0)
    net.record("n", "V_m", **recording)
    return net


@pytest.mark.parametrize(
    "recording", [{}, {"interval": 0.3}, {"start": 20.0}, {"stop": 30.0}, {"start": 10.0, "stop": 30.5, "interval": 0.7}]
)
def test_samples_are_foretold(recording):
    with ls.Simulation(recorded(**recording)) as sim:
        manifest = sim._sink.manifest
        for start, stop in ((0, 250), (250, 251), (251, 500)):
            sim.run((stop - start) * 0.1)
            assert sampled(manifest, 0, stop) == sim.result().traces["n"]["V_m"].size
            assert sampled(manifest, start, stop) == sampled(manifest, 0, stop) - sampled(manifest, 0, start)


def test_traces_that_memory_cannot_hold_are_refused_before_the_run():
    net = recorded(interval=0.1)
    with pytest.raises(
        ls.LifsimError, match=r"memory: the traces of this run need 800 GB; .* with a file as `out`, traces are written to the disk"
    ):
        ls.run(net, 1e8)
    with ls.Simulation(net) as sim:
        sim.run(5.0)
        with pytest.raises(ls.LifsimError, match="800 GB"):
            sim.run(1e8)
        sim.run(5.0)
        assert sim.result().traces["n"]["V_m"].shape == (100, 100)


def test_a_run_stops_before_memory_is_full(monkeypatch, tmp_path):
    """What was recorded until then is kept: by the simulation, which can go on, and in the error of `run`."""
    whole = ls.run(spiking(), 400.0)
    free = iter([*[10e9] * 3, 20e6])
    monkeypatch.setattr(headroom, "GLANCE", 0.0)
    monkeypatch.setattr(slices, "SLICE_SECONDS", 2e-3)
    monkeypatch.setattr(memory, "limits", lambda *needed: [memory.Limit("memory", next(free, 10e9), 0.0, "here")])
    with ls.Simulation(spiking()) as sim:
        with pytest.raises(ls.RunError, match=r"memory is nearly full at [\d.]+ ms \(20 MB are free here\)"):
            sim.run(400.0)
        reached = sim.time
        assert 0 < reached < 400 and not sim.result().complete
        sim.run(400.0 - reached)
        np.testing.assert_array_equal(sim.result().spikes["n"].times, whole.spikes["n"].times)
    free = iter([*[10e9] * 3, 20e6])
    with pytest.raises(ls.RunError, match="memory is nearly full") as error:
        ls.run(spiking(), 400.0)
    kept = error.value.result
    assert not kept.complete and 0 < len(kept.spikes["n"]) < len(whole.spikes["n"])
    np.testing.assert_array_equal(kept.spikes["n"].times, whole.spikes["n"].window(0, kept.t_stop).times)
    kept.save(tmp_path / "kept.h5")


def spiking() -> ls.Network:
    net = ls.Network(seed=1)
    net.add("n", 100, "iaf_psc_exp", I_e=np.linspace(400.0, 1000.0, 100))
    net.record("n")
    return net


FILL = """
from lifsim.common import memory
net = ls.Network(seed=1)
net.add("n", 20_000, "iaf_psc_exp", I_e=1000.0, t_ref=0.1, tau_m=5.0)
net.record("n")
try:
    ls.run(net, 1e6, threads=1)
except ls.RunError as error:
    print(error)
    print(sum(len(chunk.spikes["n"][0]) for chunk in error.result._source._recorded.chunks), "spikes")
"""


@linux
@pytest.mark.slow
def test_memory_that_is_really_full():
    ls.run(*small_run())
    said, spikes = under("RLIMIT_AS", 1_200_000_000, FILL).splitlines()
    assert said.startswith("memory is nearly full at") and int(spikes.split()[0]) > 10**6
