"""R18: files that commands and calls write must be complete or absent, whatever fails; odd names, links, pipes, broken streams.

    python bench/reliability/outputs.py                  # about 1,500 trials
    python bench/reliability/outputs.py --parts streams names

calls    The n-th write, sync, rename, open or change of permissions of a command that writes a file fails, or the process is killed there.
         The path must then hold the earlier file, byte for byte, or the complete new file. One line must say what failed. The same command,
         run again, must succeed and leave no other files.
links    A link, a broken link, a hard link, a pipe, a socket or a folder is at the path of an output or of its log: their targets must not
         change.
streams  Standard input, output and error are closed, full, or without a reader: a command that writes a file must still write it.
inputs   A pipe, socket, device or folder is at the path of an input: it must be refused at once.
names    Inputs, outputs and the folder have names with bytes that are not text, spaces, quotes, line breaks, or long names; also for a
         resumed run.

(Runs themselves, their logs and checkpoints: R1 and R4.)
"""

from __future__ import annotations

import argparse
import collections
import errno
import json
import os
import resource
import shutil
import signal
import socket
import sys
import tempfile
import tomllib
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from nets import forked, report

import lifsim as ls
from lifsim import nir, plot
from lifsim.cli.main import main as lifsim
from lifsim.files.run_files import log_path
from lifsim.simulation import benchmark
from lifsim.weights import WeightStore

CALLS = ("write", "fsync", "fdatasync", "replace", "open", "fchmod", "mkdir")
PATIENCE = 60  # seconds after which a command counts as hanging
MOST_MEMORY = 8 << 30  # bytes; ends a command that reads an endless device


class Case(NamedTuple):
    """A command line, or a function of the path, that writes the file `out`; and a check that a file is complete."""

    name: str
    out: str
    work: list[str] | Callable[[Path], Any]
    whole: Callable[[Path], bool]


def cases() -> list[Case]:
    return [
        Case("new", "m.toml", ["new", "OUT"], _model),
        Case("run", "run.h5", ["run", "tiny.toml", "-o", "OUT"], _result),
        Case("plot png", "p.png", ["plot", "r.h5", "-o", "OUT"], _png),
        Case("plot svg", "p.svg", ["plot", "r.h5", "--kind", "traces", "-o", "OUT"], lambda p: p.read_text().rstrip().endswith("</svg>")),
        Case("plot pdf", "p.pdf", ["plot", "r.h5", "--kind", "isi", "-o", "OUT"], lambda p: p.read_bytes().rstrip().endswith(b"%%EOF")),
        Case("bench", "b.json", ["bench", "tiny.toml", "--repeats", "1", "--json", "OUT"], lambda p: bool(json.loads(p.read_text()))),
        Case("predict", "y.csv", ["predict", "net.h5", "--data", "x.csv", "-o", "OUT"], lambda p: p.read_text().count("\n") == 21),
        Case("convert", "s.toml", ["convert", "BESIDE/net.h5", "-o", "OUT"], _model),
        Case("train", "t.h5", ["train", "train.toml", "--data", "x.csv", "-o", "OUT"], _store),
        Case("Network.save", "n.toml", lambda out: _given().save(out), _model),
        Case("Simulation.save", "c.ckpt", _checkpointed, lambda p: ls.Simulation.restore(p).step == 100),
        Case("Result.save", "s.h5", lambda out: ls.open("r.h5").save(out, overwrite=True), _result),
        Case("nir.save", "n.nir", _to_nir, lambda p: bool(nir.read(p).nodes)),
        Case("plot.save", "q.png", lambda out: plot.save(plot.raster("r.h5"), out), _png),
    ]


def _model(path: Path) -> bool:
    return bool(tomllib.loads(path.read_text())["populations"]) and bool(ls.load(path).populations)


def _result(path: Path) -> bool:
    return ls.open(path).verify() > 0


def _store(path: Path) -> bool:
    with WeightStore(path) as store:
        return len(store.verify()) == 2


def _png(path: Path) -> bool:
    return path.read_bytes()[:4] == b"\x89PNG" and path.read_bytes()[-8:-4] == b"IEND"


def _given() -> ls.Network:
    """A network whose model file refers to a list of synapses in another file."""
    net = ls.Network()
    n = net.add("n", 20, "iaf_psc_delta", I_e=500.0)
    net.connect(n, n, "explicit", file="list.csv", weight=0.1, delay=1.0)
    return net


def _checkpointed(out: Path) -> None:
    with ls.Simulation(ls.load("tiny.toml"), threads=1) as sim:
        sim.run(10.0)
        sim.save(out)


def _to_nir(out: Path) -> None:
    net = ls.Network()
    n = net.add("n", 4, "iaf_psc_exp", t_ref=0.0)
    net.connect(n, n, np.ones((4, 4)), delay=net.dt)
    nir.save(out, net)


TINY = """
run.duration = 20
populations.n = { n = 10, model = "iaf_psc_delta", params.I_e = 600.0 }
record = [{ populations = "n" }, { populations = "n[0:2]", variable = "V_m" }]
"""


def prepare() -> None:
    """Write the inputs of all cases to this folder, and load all code that the cases need in this process."""
    Path("tiny.toml").write_text(TINY)
    ls.run(ls.load("tiny.toml"), out="r.h5", threads=1)
    rng = np.random.default_rng(1)
    X = rng.normal(size=(20, 3))
    np.savetxt("x.csv", np.c_[X, X[:, 0] > 0], delimiter=",", fmt="%g")
    Path("list.csv").write_text("source,target\n0,1\n1,2\n")
    Path("train.toml").write_text('task = "classification"\nhidden = [4]\nepochs = 2\nactivation = "relu"\n')
    code, said = ran(["train", "train.toml", "--data", "x.csv", "-o", "net.h5"])
    assert code == 0, said
    ls.ann.load("net.h5").predict(X)
    benchmark.measure("tiny", ls.load("tiny.toml"), repeats=1, threads=1)
    plot.raster("r.h5")
    _resumes(Path("first").absolute())


def ran(work: list[str] | Callable[[Path], Any], out: str = "", patch: Callable[[], Any] = lambda: None) -> tuple[int, str]:
    """Run a command or call in a forked process; returns its exit code and its standard error."""
    read, write = os.pipe()

    def child() -> None:
        os.dup2(write, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.stderr = sys.__stderr__ = os.fdopen(2, "w", closefd=False)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(PATIENCE)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        code = 3
        try:
            patch()
            code = _done(work, out)
        except BaseException:
            os.write(2, traceback.format_exc().encode())
        finally:
            os._exit(code)

    number = forked(child)
    os.close(write)
    with open(read, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1]), said


def _done(work: list[str] | Callable[[Path], Any], out: str) -> int:
    """Run a command or call; returns its exit code (for a call, that of the corresponding command)."""
    if callable(work):
        try:
            work(Path(out))
        except (ls.LifsimError, ls.RunError) as error:
            os.write(2, f"error: {error}\n".encode())
            return 1
        return 0
    words = [out if word == "OUT" else word.replace("BESIDE", os.path.dirname(out) or ".") for word in work]
    try:
        lifsim(words + (["--overwrite"] if "OUT" in work else []))
    except SystemExit as end:
        return int(end.code or 0)
    return 3


def home_for(case: Case, path: str | Path) -> Path:
    """A new folder for the output of a case; a network to be converted is copied to it."""
    Path(path).mkdir()
    if case.name == "convert":
        shutil.copyfile("net.h5", Path(path) / "net.h5")
    return Path(path)


def failing(name: str, n: int, how: str) -> Callable[[], None]:
    """A patch that makes the n-th call of ``os.name`` that may change a file fail, or kills the process there."""

    def patch() -> None:
        old, calls = getattr(os, name), iter(range(10**9))

        def new(*args: Any, **options: Any) -> Any:
            if (name != "open" or args[1] & (os.O_WRONLY | os.O_RDWR)) and next(calls) == n:
                if how == "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                if how == "half" and len(args[1]) > 1:
                    return old(args[0], bytes(args[1])[: len(args[1]) // 2])
                number = errno.EIO if how == "EIO" else errno.ENOSPC
                raise OSError(number, os.strerror(number))
            return old(*args, **options)

        setattr(os, name, new)

    return patch


def counted(case: Case, name: str, out: str) -> int:
    """The number of calls of ``os.name`` in a case."""
    log = Path("counted")

    def patch() -> None:
        old, fd, emit = getattr(os, name), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), os.write

        def new(*args: Any, **options: Any) -> Any:
            if name != "open" or args[1] & (os.O_WRONLY | os.O_RDWR):
                emit(fd, b".")
            return old(*args, **options)

        setattr(os, name, new)

    ran(case.work, out, patch)
    number = log.stat().st_size
    log.unlink()
    return number


# -- parts -----------------------------------------------------------------------------------------


class Seen(collections.Counter[str]):
    """The counts of outcomes by name; wrong ones are in capitals and printed."""

    def wrong(self, what: str, *details: Any) -> None:
        print(f"{what}: {' '.join(map(str, details))}", flush=True)
        self[what] += 1


def calls(seen: Seen, most: int) -> None:
    for case in cases():
        if case.name == "run":
            continue
        for old in (None, b"what was there before"):
            for name in CALLS:
                home = home_for(case, "own")
                number = counted(case, name, f"own/{case.out}")
                shutil.rmtree(home)
                for n in sorted({round(x) for x in np.linspace(0, number - 1, min(number, most))}):
                    for how in ("ENOSPC", "EIO", "kill") + (("half",) if name == "write" else ()):
                        home = home_for(case, "own")
                        seen["trials"] += 1
                        _one_call(seen, case, home / case.out, old, failing(name, n, how), f"{case.name} {name} {n} {how}")
                        shutil.rmtree(home)


def _one_call(seen: Seen, case: Case, out: Path, old: bytes | None, patch: Callable[[], None], what: str) -> None:
    if old is not None:
        out.write_bytes(old)
        out.chmod(0o640)
    before = set(os.listdir(out.parent))
    code, said = ran(case.work, str(out), patch)
    _check_end(seen, code, said, what, (0, 1, 2, -signal.SIGKILL))
    now = out.read_bytes() if out.exists() else None
    if now != old and not _is_whole(case, out):
        seen.wrong("TORN", what, code, said)
    seen["old file" if now == old else "new file"] += 1
    left = set(os.listdir(out.parent)) - before - _own_names(out)
    if left and code != -signal.SIGKILL:
        seen.wrong("LEFT BEHIND", what, left)
    code, said = ran(case.work, str(out))
    if code or not _is_whole(case, out):
        seen.wrong("CANNOT BE MENDED", what, code, said)
    elif old is not None and out.stat().st_mode & 0o777 != 0o640:
        seen.wrong("OTHER PERMISSIONS", what, oct(out.stat().st_mode))
    left = set(os.listdir(out.parent)) - before - _own_names(out)
    if left:
        seen.wrong("LEFT FOR EVER", what, left)


def _own_names(out: Path) -> set[str]:
    return {out.name, f"{out.stem}.weights.h5", f"{out.stem}.synapses.h5"}


def _is_whole(case: Case, path: Path) -> bool:
    try:
        return case.whole(path)
    except Exception as error:
        print(f"{case.name}: {error}")
        return False


def _check_end(seen: Seen, code: int, said: str, what: str, allowed: tuple[int, ...]) -> None:
    if code not in allowed:
        seen.wrong("HANGS" if code == -signal.SIGALRM else "EXIT CODE", what, code, said)
    if "Traceback" in said or "mistake of lifsim" in said:
        seen.wrong("TRACEBACK", what, said)
    if code > 0 and said.count("error:") != 1:
        seen.wrong("NOT ONE LINE", what, code, said)


@contextmanager
def odd(kind: str, path: Path, victim: Path) -> Iterator[None]:
    """Put an object of this kind at the path of a file; `victim` is the target of links."""
    held: Any = None
    if kind in ("link", "hard link"):
        victim.write_bytes(b"dear")
        (os.symlink if kind == "link" else os.link)(victim.absolute(), path)
    elif kind == "link to nothing":
        os.symlink(victim.absolute(), path)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        held = socket.socket(socket.AF_UNIX)
        held.bind(str(path))
    elif kind == "folder":
        path.mkdir()
    elif kind == "device":
        os.symlink("/dev/zero", path)
    try:
        yield
    finally:
        if held:
            held.close()


def links(seen: Seen) -> None:
    for case in cases():
        places = [case.out] + ([f"{case.out}.log"] if case.name == "run" else [])
        for place in places:
            for kind in ("link", "link to nothing", "hard link", "pipe", "socket", "folder"):
                home, victim = home_for(case, "own"), Path("victim")
                out, there = home / case.out, home / place
                with odd(kind, there, victim):
                    before = os.lstat(there)
                    seen["trials"] += 1
                    code, said = ran(case.work, str(out))
                    what = f"{case.name} {place} {kind}"
                    replaced = kind == "hard link"
                    _check_end(seen, code, said, what, (0,) if replaced else (1, 2))
                    if kind in ("link", "hard link") and victim.read_bytes() != b"dear":
                        seen.wrong("VICTIM CHANGED", what)
                    if kind == "link to nothing" and os.path.lexists(victim):
                        seen.wrong("WRITTEN THROUGH A LINK", what)
                    if not replaced and not os.path.samestat(os.lstat(there), before):
                        seen.wrong("REPLACED", what)
                shutil.rmtree(home)
                victim.unlink(missing_ok=True)


def broken(kind: str) -> None:
    """Close or break the standard streams of this process."""
    number = {"in": 0, "out": 1, "err": 2}[kind.split()[0]] if kind != "all closed" else 2
    for fd in (0, 1, 2) if kind == "all closed" else (number,):
        if kind.endswith("closed"):
            os.close(fd)
        elif kind.endswith("full"):
            os.dup2(os.open("/dev/full", os.O_WRONLY), fd)
        else:
            read, write = os.pipe()
            os.close(read)
            os.dup2(write, fd)
    names = ("stdin", "stdout", "stderr")
    for fd, name in enumerate(names):
        closed = kind == "all closed" or (kind.endswith("closed") and fd == number)
        stream = None if closed else os.fdopen(fd, "r" if fd == 0 else "w", closefd=False)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)


STREAMS = ("in closed", "out closed", "err closed", "out full", "err full", "out unread", "err unread", "all closed")
LOST = ("out full", "out unread")  # standard output cannot be written
READING = (["info", "r.h5"], ["info", "r.h5", "--verify"], ["stats", "r.h5", "--json"], ["stats", "r.h5", "--csv"], ["check", "tiny.toml"])
READING += (
    ["models"],
    ["info", "tiny.toml"],
    ["info", "net.h5", "-v"],
    ["predict", "net.h5", "--data", "x.csv"],
    ["--help"],
    ["run", "no.toml"],
)


def streams(seen: Seen) -> None:
    for kind in STREAMS:
        for case in cases():
            seen["trials"] += 1
            home = home_for(case, "own")
            work = case.work if callable(case.work) else [*case.work, "-v"]
            code, said = ran(work, str(home / case.out), lambda kind=kind: broken(kind))
            lost = case.name == "bench" and kind in LOST  # this command also prints its table
            if code not in ((0, 1) if lost else (0,)) or not _is_whole(case, home / case.out):
                seen.wrong("ENDED BY A STREAM", case.name, kind, code, said)
            shutil.rmtree(home)
        for work in READING:
            seen["trials"] += 1
            code, said = ran(list(work), patch=lambda kind=kind: broken(kind))
            allowed = (2,) if work == ["run", "no.toml"] else (0, 1) if kind in LOST else (0,)
            if code not in allowed or "Traceback" in said:
                seen.wrong("EXIT CODE", work, kind, code, said)


INPUTS = (
    ["run", "IN.toml", "-o", "o.h5"],
    ["check", "IN.toml"],
    ["info", "IN.toml"],
    ["info", "IN.h5"],
    ["info", "IN.h5.log"],
    ["stats", "IN.h5"],
    ["plot", "IN.h5", "-o", "o.png"],
    ["resume", "IN.h5"],
    ["train", "IN.toml", "--data", "x.csv", "-o", "o.h5"],
    ["train", "train.toml", "--data", "IN.csv", "-o", "o.h5"],
    ["train", "train.toml", "--data", "IN.npz", "-o", "o.h5"],
    ["train", "train.toml", "--data", "IN.h5", "-o", "o.h5"],
    ["predict", "IN.h5", "--data", "x.csv"],
    ["predict", "net.h5", "--data", "IN.csv"],
    ["convert", "IN.h5", "-o", "o.toml"],
    ["classify", "IN.toml", "--data", "x.csv"],
    ["run", "spikes.toml", "-o", "o.h5"],
    ["run", "wave.toml", "-o", "o.h5"],
    ["run", "wave npy.toml", "-o", "o.h5"],
    ["run", "wave h5.toml", "-o", "o.h5"],
    ["run", "matrix.toml", "-o", "o.h5"],
    ["run", "list.toml", "-o", "o.h5"],
    ["run", "list h5.toml", "-o", "o.h5"],
)
READERS: tuple[Callable[[Path], Any], ...] = (ls.Simulation.restore, nir.read, WeightStore)


def _models_of(name: str) -> None:
    """Write model files that read a file called `name`, one for each kind of input file."""
    end = "[[projections]]\nsource = 'n'\ntarget = 'n'\nweight = 1.0\ndelay = 1.0\n"
    bodies = {
        "spikes": f"populations.g = {{ n = 1, model = 'spike_generator', params.spike_file = '{name}.h5' }}",
        "wave": f"populations.g = {{ n = 1, model = 'waveform_generator', params = {{ waveform_file = '{name}.csv' }} }}",
        "wave npy": f"populations.g = {{ n = 1, model = 'waveform_generator', params = {{ waveform_file = '{name}.npy' }} }}",
        "wave h5": f"populations.g = {{ n = 1, model = 'waveform_generator', params = {{ waveform_file = '{name}.h5:x' }} }}",
        "matrix": f"[[projections]]\nsource = 'n'\ntarget = 'n'\ndelay = 1.0\nmatrix = '{name}.h5:x'",
        "list": f"{end}rule = 'explicit'\nfile = '{name}.csv'",
        "list h5": f"{end}rule = 'explicit'\nfile = '{name}.h5:x'",
    }
    for kind, body in bodies.items():
        Path(f"{kind}.toml").write_text(f"run.duration = 5\npopulations.n = {{ n = 2, model = 'iaf_psc_delta' }}\n{body}\n")


def inputs(seen: Seen) -> None:
    _models_of("IN")
    for kind in ("pipe", "socket", "device", "folder"):
        for work in (*INPUTS, *READERS):
            names = [word for word in work if word.startswith("IN")] if isinstance(work, list) else ["IN.h5"]
            for name in names or [f"IN{end}" for end in (".h5", ".csv", ".npy")]:
                with odd(kind, Path(name), Path("victim")):
                    seen["trials"] += 1
                    code, said = ran(work, "IN.h5") if callable(work) else ran(list(work))
                    _check_end(seen, code, said, f"{work} {name} {kind}", (1, 2))
                path = Path(name)
                path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            for left in ("o.h5", "o.png", "o.toml"):
                Path(left).unlink(missing_ok=True)


NAMES = (
    b"x\xff",
    b"\xc3\xa4\xe2\x82\xac",
    b"a b",
    b'it\'s "so"',
    b"line\nend",
    b"\x1b[31m",
    b"x" * 200,
    b"$(x);&",
    b"\xf0\x9f\xa7\xa0",
    b"\\xff",
    b"\xe9\\x5c",
)


def names(seen: Seen) -> None:
    for raw in NAMES:
        name = os.fsdecode(raw)
        for case in cases():
            for folder, out in (("own", f"{name}{Path(case.out).suffix}"), (name, case.out)):
                home = home_for(case, folder)
                seen["trials"] += 1
                code, said = ran(case.work, str(home / out))
                if code or not _is_whole(case, home / out):
                    seen.wrong("NAME", repr(raw), case.name, code, said)
                shutil.rmtree(home)
        for what in ("inputs", "resumed"):
            home = Path("own")
            home.mkdir()
            seen["trials"] += 1
            code, said = ran(_reads_all if what == "inputs" else _resumes, str(home / name))
            if code:
                seen.wrong("NAME", repr(raw), what, code, said)
            shutil.rmtree(home)


def _reading(stem: Path, dt: float = 0.1) -> ls.Network:
    """A network that reads files of all kinds; their names begin with `stem`."""
    ends = {end: stem.with_name(stem.name + end) for end in (".h5", ".csv", ".list.csv")}
    shutil.copyfile("r.h5", ends[".h5"])
    np.savetxt(ends[".csv"], [1.0, 2.0, 3.0])
    shutil.copyfile("list.csv", ends[".list.csv"])
    net = ls.Network(dt=dt)
    n = net.add("n", 10, "iaf_psc_delta", I_e=300.0)
    given = net.add("given", 10, "spike_generator", spike_file=str(ends[".h5"]))
    wave = net.add("wave", 1, "waveform_generator", waveform_file=str(ends[".csv"]), interval=1.0)
    net.connect(given, n, weight=5.0, delay=1.0)
    net.connect(wave, n)
    net.connect(n, n, "explicit", file=ends[".list.csv"], weight=0.1, delay=1.0)
    net.connect(n, n, np.full((10, 10), 0.01), delay=1.0)
    net.record(n, "spikes")
    return net


def _reads_all(stem: Path) -> None:
    """Check that the network is unchanged after it was saved (as a model file and stores) and loaded."""
    net = _reading(stem)
    wanted = ls.run(net, 20.0).spikes["n"].times
    model = stem.with_name(f"{stem.name}.toml")
    net.save(model)
    os.chdir(model.parent)
    again = ls.load(model.name)
    again.populations["given"].params["spike_file"] = f"{stem.name}.h5"
    assert np.array_equal(ls.run(again, 20.0).spikes["n"].times, wanted) and len(wanted)


def _resumes(stem: Path) -> None:
    """Check that a run stopped after a checkpoint is resumed with the same spikes, in spite of the names of its inputs."""
    net, out = _reading(stem), stem.with_name(f"{stem.name}.out.h5")
    wanted = ls.run(net, 40.0).spikes["n"].times
    ls.run(net, 40.0, out=out, checkpoint_every=5.0, max_wall=1e-9)
    assert log_path(out).exists() and np.array_equal(ls.resume(out).spikes["n"].times, wanted) and len(wanted)


def main() -> None:
    parts = {"calls": calls, "links": links, "streams": streams, "inputs": inputs, "names": names}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=parts, default=list(parts))
    parser.add_argument("--most", type=int, default=6, help="n of each call, spread evenly")
    options = parser.parse_args()
    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        prepare()
        for part in options.parts:
            before = seen["trials"]
            calls(seen, options.most) if part == "calls" else parts[part](seen)
            seen[f"trials: {part}"] = seen["trials"] - before
        os.chdir("/")
    report(seen)


if __name__ == "__main__":
    main()
