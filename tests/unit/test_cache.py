"""The cache of compiled code: what is loaded, what is refused, what is left alone."""

from __future__ import annotations

import errno
import importlib.util
import math
import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numba import config

from lifsim.common.errors import OutputError
from lifsim.engine import compiling
from lifsim.engine.compiler import cache, code_file
from lifsim.engine.compiler.jit import entry
from lifsim.engine.compiler.parts import Part

OTHER = 65534  # a user who is neither root nor, most likely, who runs this
posix = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="owners and permissions as numbers")
as_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can give files away")


def halved(x):
    return 0.5 * x


def squared(x):
    return x * x


def chosen(monkeypatch, root: Path) -> Path:
    """The cache of a new process that is told `root`."""
    monkeypatch.setenv("LIFSIM_CACHE_DIR", str(root))
    monkeypatch.setattr(cache, "_not_kept", "")
    cache.folders.cache_clear()
    return root / cache.VERSION


@pytest.fixture
def place(tmp_path, monkeypatch):
    yield chosen(monkeypatch, tmp_path / "cache")
    cache.folders.cache_clear()


def use(function=halved, x=3.0) -> int:
    """Call `function` as a new process would; how many kernels had to be compiled."""
    with compiling() as compiler:
        assert entry(function)(x) == function(x)
    return compiler.kernels


class Data(NamedTuple):
    x: np.ndarray


def halve(m):
    m.x[0] *= 0.5


def square(m):
    m.x[0] = m.x[0] * m.x[0]


def logarithmic(m):
    m.x[0] = math.log1p(m.x[0])


def run(function=halve, x=3.0) -> int:
    """The same for a part."""
    data = Data(np.array([x]))
    with compiling() as compiler:
        Part(function)(data)
    expected = Data(np.array([x]))
    function(expected)
    assert data.x[0] == pytest.approx(expected.x[0], rel=1e-12)
    return compiler.kernels


def only(place: Path, suffix: str) -> Path:
    (path,) = place.glob(f"*{suffix}")
    return path


def test_code_is_kept_for_each_type(place):
    assert [use(), use(), use(x=1), use(x=1), use(), use(squared), use(squared)] == [1, 0, 1, 0, 0, 1, 0]
    assert sorted(path.suffix for path in place.iterdir()) == [".nbc"] * 3 + [".nbi"] * 2


def test_the_code_of_parts_is_kept_for_each_type(place):
    assert [run(), run(), run(x=1), run(x=1), run(), run(square), run(square)] == [1, 0, 1, 0, 0, 1, 0]
    assert [path.suffix for path in place.iterdir()] == [".o"] * 3


def test_a_name_is_never_used_for_other_code(place):
    """Else an index that one process has read would lead to what another compiled for other types meanwhile."""
    use()
    first = only(place, ".nbc")
    only(place, ".nbi").unlink()
    code = first.read_bytes()
    use(x=1)
    assert first.read_bytes() == code and len(list(place.glob("*.nbc"))) == 2


# -- damage ----------------------------------------------------------------------------------------


class Planted:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self):
        return Path.touch, (self.mark,)


def change(at):
    def damage(path):
        raw = bytearray(path.read_bytes())
        raw[at] ^= 1
        path.write_bytes(raw)

    return damage


def exchange(path):
    run(square) if path.suffix == ".o" else use(squared)
    (other,) = (p for p in path.parent.glob(f"*{path.suffix}") if p != path)
    path.write_bytes(other.read_bytes())


def link(path):
    path.rename(path.parent.parent / "elsewhere")
    path.symlink_to(path.parent.parent / "elsewhere")


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def as_numba_writes(path):
    path.write_bytes(pickle.dumps(Planted(path.parents[2] / "mark")))


def open_to_others(path):
    code_file.write(path, pickle.dumps(Planted(path.parents[2] / "mark")))
    path.chmod(0o664)


def of_another_user(path):
    code_file.write(path, pickle.dumps(Planted(path.parents[2] / "mark")))
    os.chown(path, OTHER, OTHER)


def of_another_version(path):
    other = path.parent.with_name("engine-0123456789abcdef") / path.name
    other.parent.mkdir()
    code_file.write(other, pickle.dumps(Planted(path.parents[2] / "mark")))
    path.write_bytes(other.read_bytes())


DAMAGE = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "cut in its header": lambda path: path.write_bytes(path.read_bytes()[:20]),
    "longer": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "gone": lambda path: path.unlink(),
    "first byte": change(0),
    "length": change(17),
    "digest": change(30),
    "payload": change(code_file.HEADER.size),
    "last byte": change(-1),
    "exchanged": exchange,
    "another version's": of_another_version,
    "Numba's format": as_numba_writes,
    "link": pytest.param(link, marks=posix),
    "pipe": pytest.param(pipe, marks=posix),
    "open to others": pytest.param(open_to_others, marks=posix),
    "another user's": pytest.param(of_another_user, marks=as_root),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The files that `use` and `run` leave, compiled once."""
    found = {}
    for call in (use, run):
        with pytest.MonkeyPatch.context() as patch:
            place = chosen(patch, tmp_path_factory.mktemp("compiled") / "cache")
            assert call() == 1
        found[call] = {path.name: path.read_bytes() for path in place.iterdir()}
    cache.folders.cache_clear()
    return found


@pytest.mark.parametrize("suffix", [".nbi", ".nbc", ".o"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_bad_file_is_compiled_anew(compiled, place, damage, suffix, recwarn):
    call = run if suffix == ".o" else use
    for name, data in compiled[call].items():
        cache.folders().kept.joinpath(name).write_bytes(data)
    assert call() == 0
    damage(only(place, suffix))
    assert [call(), call()] == [1, 0]  # mended as well
    assert not (place.parents[1] / "mark").exists()
    assert not recwarn.list


def test_every_byte_counts(place):
    use()
    path = only(place, ".nbc")
    raw = path.read_bytes()
    for at in range(0, len(raw), 97):
        path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x55]) + raw[at + 1 :])
        assert code_file.read(path) is None
    path.write_bytes(raw)
    assert code_file.read(path) is not None


def test_what_cannot_be_loaded_is_compiled(place):
    """Whole, the user's own, but no code: a mistake of lifsim's, perhaps."""
    use()
    code_file.write(only(place, ".nbc"), b"no pickle")
    assert [use(), use()] == [1, 0]
    code_file.write(only(place, ".nbi"), pickle.dumps((1, 2, 3)))
    assert use() == 1


def test_a_function_that_is_not_in_its_file(place):
    run()
    kept = code_file.read(only(place, ".o"))
    code_file.write(only(place, ".o"), kept.replace(b"halve", b"hxxxx", 1))
    assert [run(), run()] == [1, 0]


def test_a_part_must_not_enclose_anything():
    """What it encloses would not tell its code from that of another part of its name."""
    factor = 0.5

    def scale(m):
        m.x[0] *= factor

    with pytest.raises(TypeError, match="is a closure"):
        Part(scale)


def test_code_that_calls_what_this_process_lacks_is_compiled(place):
    run(logarithmic, 9.0)
    path = only(place, ".o")
    kept = code_file.read(path)
    assert b" log1p\0" in kept
    code_file.write(path, kept.replace(b" log1p\0", b" nosuchfunction\0", 1))
    assert [run(logarithmic, 9.0), run(logarithmic, 9.0)] == [1, 0]


# -- writing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["open", "replace"])
def test_a_full_disk(place, monkeypatch, failing):
    """The code is used, and one warning says where there was no room."""
    cache.folders()
    real = getattr(os, failing)

    def full(path, *args, **kwargs):
        if str(path).startswith(str(place)) and (failing != "open" or ".tmp" in str(path)):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, failing, full)
    with pytest.warns(UserWarning) as said:
        assert [use(), use(squared), use()] == [1, 1, 1]
    assert len(said) == 1
    assert f"{place}: No space left on device" in str(said[0].message)
    assert not cache.can_keep_code() and "No space" in cache.not_kept()
    assert list(place.glob("*")) == []


def test_a_disk_too_full_for_a_folder(place, monkeypatch, tmp_path):
    place.parent.mkdir(mode=0o700)
    real = os.mkdir

    def full(path, *args, **kwargs):
        if Path(path) == place or "home" in str(path):
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return real(path, *args, **kwargs)

    monkeypatch.setattr(os, "mkdir", full)
    monkeypatch.setattr(cache, "_user_root", lambda: tmp_path / "home")
    with pytest.warns(UserWarning, match=f"{place.parent}: cannot be written") as said:
        assert [use(), use()] == [1, 1]
    assert len(said) == 1


def test_a_folder_that_is_removed_is_made_again(place):
    use()
    cache._remove_code(place)
    place.rmdir()
    assert [use(), use()] == [1, 0]


@posix
def test_files_are_for_their_owner_to_write(place):
    before = os.umask(0)
    try:
        use()
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in place.iterdir()} == {0o644}
    assert place.stat().st_mode & 0o777 == place.parent.stat().st_mode & 0o777 == 0o700


# -- folders ---------------------------------------------------------------------------------------


@posix
def test_an_open_folder_of_ours_is_closed_and_emptied(place, monkeypatch):
    """What others may have put there while they could is not loaded, whoever seems to own it."""
    use()
    for folder in (place, place.parent):
        folder.chmod(0o777)
        code_file.write(only(place, ".nbi"), pickle.dumps(Planted(place.parents[1] / "mark")))
        chosen(monkeypatch, place.parent)
        assert [use(), use()] == [1, 0]
        assert folder.stat().st_mode & 0o777 == 0o755
    assert not (place.parents[1] / "mark").exists()


@posix
def test_an_open_folder_with_other_things_in_it_is_refused_and_left_as_it_is(place, monkeypatch):
    place.parent.mkdir(mode=0o700)
    (place.parent / "data.csv").write_text("1,2\n")
    place.parent.chmod(0o777)
    refused(place.parent, "can be written by others")
    assert place.parent.stat().st_mode & 0o777 == 0o777


@posix
def test_a_folder_for_all_is_refused(place):
    """Such as /tmp, which must stay as it is even if root asks."""
    place.parent.mkdir()
    place.parent.chmod(0o1777)
    refused(place.parent, "can be written by others")
    assert place.parent.stat().st_mode & 0o7777 == 0o1777


@as_root
@pytest.mark.parametrize("which", ["cache", cache.VERSION])
def test_a_folder_of_another_user_is_refused(place, which):
    use()
    code_file.write(only(place, ".nbi"), pickle.dumps(Planted(place.parents[1] / "mark")))
    folder = place if which == cache.VERSION else place.parent
    os.chown(folder, OTHER, OTHER)
    cache.folders.cache_clear()
    refused(folder, f"belongs to user {OTHER}")
    assert not (place.parents[1] / "mark").exists()


def refused(folder: Path, reason: str) -> None:
    """Nothing is read from `folder` nor kept; a run says so once and goes on."""
    found = cache.folders()
    assert (found.read, found.kept) == ((), None)
    assert str(found.refused).startswith(f"{folder}: {reason}") and "LIFSIM_CACHE_DIR" in str(found.refused)
    with pytest.warns(UserWarning, match=reason) as said:
        assert [use(), use()] == [1, 1]
    assert len(said) == 1


@as_root
def test_a_cache_of_root_is_read_by_all_and_what_it_lacks_is_kept_in_their_own(monkeypatch):
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        shared, home = Path(name) / "shared", Path(name) / "home"
        shared.mkdir(mode=0o755)
        home.mkdir(mode=0o700)
        os.chown(home, OTHER, OTHER)
        place = chosen(monkeypatch, shared)
        use()
        assert place.stat().st_mode & 0o777 == 0o755  # as the folder that root made for it
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        before = {path: path.read_bytes() for path in place.iterdir()}
        cache._user_root()  # what it imports may lie where only root can read
        os.seteuid(OTHER)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                chosen(monkeypatch, shared)
                assert [use(), use(squared), use(squared)] == [0, 1, 0]
            own = home / ".cache" / "lifsim" / cache.VERSION
            assert cache.folders() == (((place, own)), own, None) and cache.can_keep_code()
            assert own.stat().st_mode & 0o777 == 0o700
            home.joinpath(".cache").rename(home / "gone")  # neither the one nor the other
            home.chmod(0o500)
            chosen(monkeypatch, shared)
            assert use() == 0
            with pytest.warns(UserWarning, match=f"{shared}: cannot be written"):
                assert use(squared) == 1
        finally:
            os.seteuid(0)
        assert {path: path.read_bytes() for path in place.iterdir()} == before
    cache.folders.cache_clear()


def test_what_cannot_be_a_folder_is_refused(place, monkeypatch):
    place.parent.write_text("a file")
    refused(place.parent, "cannot hold compiled code")
    monkeypatch.setenv("LIFSIM_CACHE_DIR", "~nosuchuser/x")
    cache.folders.cache_clear()
    with pytest.raises(OutputError, match=r"^~nosuchuser/x: is in the home of a user who is not known"):
        raise cache.folders().refused


def test_the_folder_may_be_relative_or_at_home(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for given, parent in {"here": Path.cwd() / "here", "~/there": Path.home() / "there"}.items():
        monkeypatch.setenv("LIFSIM_CACHE_DIR", given)
        assert cache.cache_root() == parent
    monkeypatch.setenv("LIFSIM_CACHE_DIR", "")
    assert "lifsim" in (cache.cache_root().name, cache.cache_root().parent.name)


# -- old versions ----------------------------------------------------------------------------------


def test_old_versions_are_removed_and_nothing_else(place):
    root = place.parent
    root.mkdir(mode=0o700)
    old = [root / f"engine-{k:016x}" for k in range(7)]
    for folder in old:
        (folder / "engine_abc").mkdir(parents=True)  # as earlier versions had them
        for name in ("engine_abc/x.nbi", "engine_abc/x.1.nbc", "engine_abc/x.nbi.tmp.0123456789abcdef", "y.nbc"):
            (folder / name).touch()
    (old[0] / "notes.txt").touch()
    for k, folder in enumerate(old):
        os.utime(folder, (k, k))
    foreign = [root / "engine-measurements-1" / "data.csv", root / "engine-0123456789abcdef0" / "x.nbc", root / "engine-abc"]
    for path in foreign[:2]:
        path.parent.mkdir()
        path.touch()
    foreign[2].mkdir()
    if hasattr(os, "symlink"):
        (root / "engine-00000000000000ff").symlink_to(root / "nowhere")
        (root / "engine-00000000000000fe").symlink_to(foreign[0].parent)
    use()
    assert [folder.exists() for folder in old] == [True, False, False, True, True, True, True]
    assert [path.name for path in old[0].rglob("*")] == ["notes.txt"]
    assert all(path.exists() for path in foreign)
    assert use() == 0


def test_old_versions_that_another_process_removes_meanwhile(place, monkeypatch):
    for k in range(9):
        (place.parent / f"engine-{k:016x}").mkdir(parents=True)
        (place.parent / f"engine-{k:016x}" / "x.nbc").touch()
    place.parent.chmod(0o700)
    real = os.scandir

    def late(folder):
        if Path(folder) != place.parent:
            return real(folder)
        found = list(real(folder))
        for version in found[::2]:
            if version.name != place.name:
                cache._remove_code(Path(version.path))
                os.rmdir(version.path)
        return iter(found)

    monkeypatch.setattr(cache.os, "scandir", late)
    cache._prune(cache._opened(place.parent)[0])
    assert use() == 1


# -- what code goes with ---------------------------------------------------------------------------


def test_code_travels_with_its_sources_and_not_with_their_folder(place, tmp_path):
    def of(folder: str, text: str):
        path = tmp_path / folder / "doubled.py"
        path.parent.mkdir()
        path.write_text(text, encoding="utf-8")
        spec = importlib.util.spec_from_file_location("doubled", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.doubled

    text = "def doubled(x):\n    return 2.0 * x\n"
    assert [use(of("a", text)), use(of("b", text)), use(of("c", f"{text}# other\n"))] == [1, 0, 1]


def test_parts_of_one_name_are_told_apart(place):
    from lifsim.engine import loop, precise  # noqa: F401

    grid, exact = (x._file(()) for x in (loop.advance, sys.modules["lifsim.engine.precise.event_loop"].advance))
    assert grid.startswith("lifsim.engine.loop.advance.") and exact.startswith("lifsim.engine.precise.event_loop.advance.")


def test_code_of_another_processor_is_not_taken_and_settings_of_numbas_own_cache_do_not_matter(place):
    generic = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    own_cache = {"NUMBA_CACHE_DIR": "/nowhere", "NUMBA_CACHE_LOCATOR_CLASSES": "none.such", "NUMBA_NUM_THREADS": "x"}
    assert run() == 1
    there = outcome(RUN_AND_USE, **generic, **own_cache)
    assert (there.returncode, there.stdout.split()) == (0, ["1", "1"])
    assert run() == 0
    assert len(list(place.glob("*.o"))) == 2
    assert only(place, ".nbc").exists()


def test_a_run_loads_its_code_without_numba():
    """Loading Numba takes longer than a small run. A simulation that is changed needs other code, which is kept, too."""
    code = """
import sys, lifsim as ls
for model in ("iaf_psc_exp", "iaf_psc_exp_ps"):
    net = ls.Network()
    net.add("n", 3, model, I_e=400.0)
    net.add("p", 1, "poisson_generator", rate=1000.0)
    net.connect("n", "n", weight=1.0, delay=1.0)
    net.connect("p", "n", weight=1.0, delay=1.0)
    net.record("n", "spikes")
    with ls.Simulation(net, threads=1) as sim:
        sim.run(50.0)
        sim.set("n", I_e=[400.0, 500.0, 600.0])
        sim.run(50.0)
        print(model, len(sim.result().spikes["n"].times) > 0, "numba" in sys.modules)
"""
    said = outcome(code).stdout
    if "True True" in said:  # something had to be compiled, and is now kept
        said = outcome(code).stdout
    assert said == "iaf_psc_exp True False\niaf_psc_exp_ps True False\n"


SHOW = "from lifsim.engine.compiler import cache; print(cache.VERSION)"
SHOW_TWICE = f"""
import importlib, sys
{SHOW}
assert "numba" not in sys.modules
import numba
importlib.reload(cache)
print(cache.VERSION)
"""


def outcome(code: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | environment)


def test_settings_of_the_compiler_that_change_code_are_part_of_the_version(monkeypatch):
    assert outcome(SHOW_TWICE).stdout == f"{cache.VERSION}\n{cache.VERSION}\n"  # whether or not Numba is loaded
    versions = {cache.VERSION, outcome(SHOW, NUMBA_OPT="1").stdout.strip()}  # as the environment says
    assert len(versions) == 2 and all(version.startswith("engine-") for version in versions)
    for name in cache._SETTINGS:
        with monkeypatch.context() as patch:
            patch.setattr(config, name, "another", raising=False)
            versions.add(f"engine-{cache.source_hash()}")
    assert len(versions) == 2 + len(cache._SETTINGS) and f"engine-{cache.source_hash()}" == cache.VERSION


RUN_AND_USE = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_cache
print(test_cache.run(), test_cache.use())
"""


@pytest.mark.parametrize("setting", ["NUMBA_DISABLE_JIT=1", "NUMBA_NUM_THREADS=0"])
def test_without_the_compiler_there_is_one_clear_error(tmp_path, setting):
    out = tmp_path / "out"
    out.mkdir()
    words = [sys.executable, "-m", "lifsim", "run", "single_neuron", "-o", str(out / "x.h5")]
    environment = {"LIFSIM_CACHE_DIR": str(tmp_path / "cache"), **dict([setting.split("=")])}
    done = subprocess.run(words, capture_output=True, text=True, env=os.environ | environment)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(("error: NUMBA_DISABLE_JIT: ", "error: numba: cannot be loaded: Number of threads"))
    assert list(out.iterdir()) == []


COMPILE_AT_ONCE = f"""
import os, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
import test_cache
test_cache.use(test_cache.squared)  # loads Numba
children = []
for _ in range(2 if hasattr(os, "fork") else 0):
    children.append(os.fork())
    if not children[-1]:
        children = []
        break
test_cache.use(), test_cache.use(x=1)
sys.exit(any(os.waitpid(child, 0)[1] for child in children))
"""


def test_processes_that_compile_at_once(place):
    """Each of several finds what it needs or compiles it; afterwards all of it is there. Forks begin together, and load Numba once."""
    children = [subprocess.Popen([sys.executable, "-c", COMPILE_AT_ONCE]) for _ in range(1 if hasattr(os, "fork") else 4)]
    assert [child.wait() for child in children] == [0] * len(children)
    assert [use(), use(x=1)] == [0, 0]
