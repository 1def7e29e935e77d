"""Files whole or not at all, temporary files and folders, and who may remove them."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import pytest

from lifsim.common.errors import OutputError, RunError
from lifsim.common.text import is_portable, named, spelled, storable
from lifsim.files import disk, unfailing

posix = pytest.mark.skipif(os.name == "nt", reason="links, permissions and locks of POSIX")


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# -- replacing -----------------------------------------------------------------------------------


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")
    with disk.replacing(path, "") as fd:
        disk.write(fd, b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and names(tmp_path) == ["x"]


@pytest.mark.parametrize("call", ["write", "replace", "fdatasync" if hasattr(os, "fdatasync") else "fsync", "open"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(RunError, match=r"x: No space left on device \([\d,]+ bytes free\); all is well"):
            disk.put(path, b"new", "all is well")
    assert path.read_bytes() == b"old" and names(tmp_path) == ["x"]


def test_a_place_that_cannot_be_used(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        disk.put(tmp_path / "nowhere" / "x", b"")


def test_what_was_there_is_kept_as_the_previous_one(tmp_path):
    for k in range(3):
        with disk.replacing(tmp_path / "x", "", previous=tmp_path / "x.prev") as fd:
            disk.write(fd, b"%d" % k)
    assert [(tmp_path / name).read_bytes() for name in ("x", "x.prev")] == [b"2", b"1"]


def test_the_working_directory_may_change_meanwhile(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    with disk.replacing(Path("x"), ""), disk.reopened(Path("x")) as fd:
        disk.write(fd, b"new")
        os.chdir("elsewhere")
    assert names(tmp_path) == ["elsewhere", "x"] and not names(tmp_path / "elsewhere")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o444, 0o664])
def test_permissions_stay(tmp_path, mode):
    path = tmp_path / "x"
    path.touch()
    path.chmod(mode)
    with disk.replacing(path, "") as fd:
        assert os.fstat(fd).st_mode & 0o077 & ~mode == 0  # nobody reads the new one who could not read the old one
    assert path.stat().st_mode & 0o777 == mode


@posix
def test_a_new_file_has_the_permissions_that_the_user_wants(tmp_path):
    before = os.umask(0o027)
    try:
        disk.put(tmp_path / "x", b"")
    finally:
        os.umask(before)
    assert (tmp_path / "x").stat().st_mode & 0o777 == 0o640


@posix
def test_nothing_is_written_through_links_or_hard_links(tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(b"dear")
    (tmp_path / "link").symlink_to(victim)
    os.link(victim, tmp_path / "hard")
    for name in ("link", "hard"):
        disk.put(tmp_path / name, b"new")
        assert (tmp_path / name).read_bytes() == b"new" and not (tmp_path / name).is_symlink()
    assert victim.read_bytes() == b"dear"


@posix
def test_a_planted_link_in_place_of_the_temporary_file_is_not_followed(tmp_path, monkeypatch):
    tokens = iter([bytes(8), bytes(8)])
    monkeypatch.setattr(os, "urandom", lambda n: next(tokens))
    (tmp_path / f".x.{'0' * 16}.tmp").symlink_to(tmp_path / "victim")
    with pytest.raises(RunError, match="File exists"):
        disk.put(tmp_path / "x", b"new")
    assert not (tmp_path / "victim").exists()


def test_temporary_names_cannot_be_foretold(tmp_path):
    seen = set()
    for _ in range(5):
        with disk.replacing(tmp_path / "x", ""):
            seen |= {name for name in names(tmp_path) if name != "x"}
    assert len(seen) == 5 and not any(str(os.getpid()) in name.split(".") for name in seen)


@pytest.mark.parametrize("name", ["x" * 250, "ä" * 125, "x" * 233, "x" * 232])
def test_long_names(tmp_path, name):
    disk.put(tmp_path / name, b"new")
    assert names(tmp_path) == [name]


# -- what others left ----------------------------------------------------------------------------


KILLED = """if True:
    import os, signal, sys
    from pathlib import Path
    from lifsim.files import disk
    with disk.replacing(Path(sys.argv[1]), "") as fd, disk.scratch(Path(sys.argv[1] + ".ckpt")) as folder:
        (folder / "image").write_bytes(bytes(100))
        print("ready", flush=True)
        sys.stdin.read(1)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@posix
def test_what_killed_processes_left_is_removed_and_nothing_of_a_living_one(tmp_path):
    path, others = tmp_path / "x.h5", [".x.h5.backup.tmp", ".x.h5.tmp", "x.h5", ".y.h5.0123456789abcdef.tmp", ".x.h5.log"]
    for name in others:
        (tmp_path / name).touch()
    (tmp_path / ".x.h5.4711.tmp").touch()  # of lifsim 0.1
    (tmp_path / f".x.h5.{'a' * 16}.tmp").symlink_to(tmp_path / "x.h5")
    command = [sys.executable, "-c", KILLED, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        disk.remove_abandoned(path)
        living = set(names(tmp_path)) - set(others)
        assert len(living) == 3 and f".x.h5.{'a' * 16}.tmp" in living  # a file, a folder, and the link, which is none of ours
        process.communicate(b"x")
    disk.remove_abandoned(path)
    assert set(names(tmp_path)) == {*others, f".x.h5.{'a' * 16}.tmp"}


def test_without_locks_only_what_is_old_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "lock", lambda fd: None)
    young, old = (tmp_path / f".x.{digit * 16}.tmp" for digit in "ab")
    for path in (young, old):
        path.touch()
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    disk.remove_abandoned(tmp_path / "x")
    assert names(tmp_path) == [young.name]


# -- scratch -------------------------------------------------------------------------------------


def test_scratch_is_beside_and_private(tmp_path, monkeypatch):
    def none(*_, **__):
        raise FileNotFoundError(errno.ENOENT, "no folder for temporary files")

    monkeypatch.setattr(tempfile, "mkdtemp", none)
    with disk.scratch(tmp_path / "x.h5") as folder:
        assert folder.parent == tmp_path and folder.name.startswith(".x.h5.")
        assert os.name == "nt" or folder.stat().st_mode & 0o777 == 0o700
        (folder / "part").touch()
    assert not names(tmp_path)


def test_scratch_elsewhere_where_the_folder_cannot_be_written(tmp_path, monkeypatch):
    def refused(*_, **__):
        raise PermissionError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr(disk, "_scratch", refused)
        with disk.scratch(tmp_path / "x.h5") as folder:
            assert folder.is_dir() and folder.parent != tmp_path
    assert not folder.exists()


# -- descriptors ---------------------------------------------------------------------------------

LOW = """if True:
    import os, sys
    from lifsim.files import disk
    from lifsim.results.log import LogWriter
    os.close(0), os.close(2)
    from pathlib import Path
    log = LogWriter(Path("x.log"))
    with disk.replacing(Path("x"), "") as fd:
        assert fd > 2 and log._fd > 2
        try:
            os.write(2, b"a message")
        except OSError:
            pass
    log.close()
"""


@posix
def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    done = subprocess.run([sys.executable, "-c", LOW], cwd=tmp_path, stdout=subprocess.PIPE)
    assert done.returncode == 0
    assert (tmp_path / "x").read_bytes() == b"" and b"message" not in (tmp_path / "x.log").read_bytes()


def test_hdf5_in_a_file_that_replaces_another(tmp_path):
    with disk.replacing(tmp_path / "x.h5", "") as fd:
        below = unfailing.Unfailing(fd)
        with h5py.File(below, "w") as file:
            file["x"] = [1, 2, 3]
        below.check()
    with h5py.File(tmp_path / "x.h5") as file:
        assert list(file["x"]) == [1, 2, 3]


# -- names as text -------------------------------------------------------------------------------


def test_text_of_metadata():
    assert storable("ä→\x00") == "ä→\x00"
    assert storable("x\udcff\udc80y\ud800") == r"x\xff\x80y\ud800"


@posix
@pytest.mark.parametrize("raw", [b"x\xff.h5", b"plain", "ä".encode(), rb"\xff", rb"\x5c", b"\xff\\x5c\\", b"a\\b", rb"\x5cxff", b"\\"])
def test_names_of_files_as_text_and_back(raw):
    name = os.fsdecode(raw)
    spelt = spelled(name)
    assert named(spelt.encode().decode()) == name and is_portable(spelt)
    assert (spelt == name) == (b"\\" not in raw and storable(name) == name)


def test_a_new_file_can_be_read_as_soon_as_it_is_in_its_place(tmp_path):
    """HDF5 locks what it reads (shared): whoever opens the file just after it came to its place must not be refused."""
    with disk.replacing(tmp_path / "x.h5", "nothing is lost"):
        (temporary,) = tmp_path.iterdir()
        reader = os.open(temporary, os.O_RDWR)
        assert disk.lock(reader, shared=True) is not False
        assert disk.lock(reader) is not True  # but nobody can take it for abandoned
        os.close(reader)
