"""The cache of compiled code: its folder, finding and storing code, and removal of old versions.

Numba's own cache checks only the file of the outermost function, so it misses a change in a function from another file; it finds code
by the path of the sources; and it loads files unchecked. Here, the name of the folder has a hash of all sources of the engine and of the
versions of the compiler, code is found by the names of module and function, and every file is checked (`code_file`). So code is never
stale, and every checkout or environment with the same sources and versions shares it.

A faulty cache never ends a run: code that cannot be loaded is compiled, and code that cannot be stored is used anyway.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import sys
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numpy as np

from lifsim.common.errors import OutputError
from lifsim.engine.compiler import code_file
from lifsim.engine.compiler.settings import numba_version, setting

VARIABLE = "LIFSIM_CACHE_DIR"
ALLOWED = f"a folder of your own, in which only you may write: set the environment variable {VARIABLE} to one"
KEPT = 4  # number of old versions that are kept beside the current one
_VERSION = re.compile(r"engine-[0-9a-f]{16}")  # the folder of a version
_CODE = re.compile(r".+\.(nbi|nbc|o)(\.tmp\.[0-9a-f]{16}|\.[0-9a-f]{16}\.tmp)?")  # files of code, including those of earlier formats

# Numba's settings (from the environment) that change compiled code and are not part of Numba's own keys, which have the processor.
_SETTINGS = (
    "OPT",
    "LOOP_VECTORIZE",
    "SLP_VECTORIZE",
    "BOUNDSCHECK",
    "DEBUGINFO_DEFAULT",
    "EXTEND_VARIABLE_LIFETIMES",
    "LLVM_REFPRUNE_PASS",
    "LLVM_REFPRUNE_FLAGS",
    "ENABLE_PROFILING",
    "ENABLE_AVX",
    "USING_SVML",  # another program may have loaded Numba with this setting on
)


# -- versions --------------------------------------------------------------------------------------


_KERNELS = ("engine", "ann/kernels", "plan")  # folders with kernels, and with constants of plans that are compiled into them


@lru_cache(None)
def _hash_of(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def source_hash() -> str:
    """Hash of the sources of all kernels and their constants, and of the versions and settings of the compiler."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[2]
    for path in sorted(path for folder in _KERNELS for path in (package / folder).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(_hash_of(path))
    settings = [setting(name) or 0 for name in _SETTINGS]
    digest.update(f"{numba_version()} {llvmlite.__version__} {np.__version__} {sys.version} {settings}".encode())
    return digest.hexdigest()[:16]


VERSION = f"engine-{source_hash()}"  # computed on import, of the sources that are loaded: they may be changed later


# -- folders ---------------------------------------------------------------------------------------


class Folders(NamedTuple):
    """The folders from which code is read, and the one in which it is stored (None: nowhere, for the reason `refused`)."""

    read: tuple[Path, ...]
    kept: Path | None
    refused: OutputError | None = None


@lru_cache(1)
def folders() -> Folders:
    """The folders from which this process reads compiled code and in which it stores it.

    If ``$LIFSIM_CACHE_DIR`` names a read-only folder (of root, for all users of a computer), code is read from it, and other code is
    stored in the user's own folder.
    """
    try:
        chosen, writable = _opened(cache_root())
    except OutputError as error:
        return Folders((), None, error)
    if writable:
        return Folders((chosen,), chosen)
    if os.environ.get(VARIABLE):
        with suppress(OutputError):
            own, writable = _opened(_user_root())
            if writable:
                return Folders((chosen, own), own)
    return Folders((chosen,), None, OutputError(str(chosen.parent), "cannot be written, so no compiled code can be stored", ALLOWED))


def cache_root() -> Path:
    """The folder that has the folders of all versions: ``$LIFSIM_CACHE_DIR`` or the user's cache folder.

    Raises
    ------
    OutputError : the variable names the home of a user who does not exist.
    """
    given = os.environ.get(VARIABLE)
    return _absolute(Path(given)) if given else _user_root()


def _user_root() -> Path:
    from platformdirs import user_cache_dir

    return _absolute(Path(user_cache_dir("lifsim", appauthor=False)))


def _absolute(path: Path) -> Path:
    try:
        return path.expanduser().absolute()
    except RuntimeError:
        raise OutputError(str(path), "is in the home of a user who is not known here", ALLOWED) from None
    except OSError as error:  # the current folder was removed
        raise OutputError(str(path), f"cannot hold compiled code: {error.strerror or error}", ALLOWED) from None


def _opened(root: Path) -> tuple[Path, bool]:
    """The folder of this version in `root`, and whether it is writable. Missing folders are made, and old versions removed.

    Raises
    ------
    OutputError : `root` does not exist and cannot be made, or other users may have put files into one of the folders.
    """
    folder = root / VERSION
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_strangers(root)
        with suppress(OSError):  # it exists, or the disk is read-only or full
            folder.mkdir(mode=0o700)
            folder.chmod(0o700 | root.stat().st_mode & 0o055)  # readable by the users who can read the root folder
        if not folder.exists():
            return folder, False
        _refuse_strangers(folder)
    except OSError as error:
        raise OutputError(str(root), f"cannot hold compiled code: {error.strerror or error}", ALLOWED) from None
    writable = os.access(folder, os.R_OK | os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids)
    if writable:
        _prune(folder)
    return folder, writable


def _refuse_strangers(folder: Path) -> None:
    """Refuse a folder into which other users may have put files (OutputError).

    If the folder belongs to the user and has only compiled code, the write permission of others is removed, and the code in it deleted.
    A folder with other files is left unchanged, because others may need to write to it.
    """
    found = folder.stat()
    own = code_file.stranger(found) and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
    if own and (_VERSION.fullmatch(folder.name) or all(_VERSION.fullmatch(name) for name in os.listdir(folder))):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))
        _remove_code(folder)
        found = folder.stat()
    if reason := code_file.stranger(found):
        raise OutputError(str(folder), f"{reason}, so it may contain code of other users", ALLOWED)


def _prune(current: Path) -> None:
    """Remove the code of old versions except for the `KEPT` last used. Other processes may do the same at the same time."""
    with suppress(OSError):
        os.utime(current)
    old: list[tuple[float, Path]] = []
    with suppress(OSError):
        for entry in os.scandir(current.parent):
            with suppress(OSError):
                if _VERSION.fullmatch(entry.name) and entry.name != current.name and entry.is_dir(follow_symlinks=False):
                    old.append((entry.stat().st_mtime, Path(entry.path)))
    for _, folder in sorted(old, reverse=True)[KEPT:]:
        _remove_code(folder)
        with suppress(OSError):
            folder.rmdir()


def _remove_code(folder: Path) -> None:
    """Remove the files of compiled code in `folder`, and its subfolders that are then empty; other files stay."""
    for place, inner, files in os.walk(folder, topdown=False):
        for name in filter(_CODE.fullmatch, files):
            with suppress(OSError):
                os.unlink(os.path.join(place, name))
        for name in inner:
            with suppress(OSError):
                os.rmdir(os.path.join(place, name))


# -- finding and storing code ----------------------------------------------------------------------

_not_kept = ""  # reason why code could not be stored, the first time this happened


def not_kept() -> str:
    """The reason why code compiled in this process was not stored; empty if all was."""
    return _not_kept


def can_keep_code() -> bool:
    """Whether compiled code can be stored for later processes."""
    return folders().kept is not None and not _not_kept


def _say(why: str) -> None:
    global _not_kept
    if not _not_kept:
        _not_kept = why
        warnings.warn(f"compiled code is not stored, so later runs compile it again: {why}", stacklevel=2)


def place_and_stamp(function: Callable[..., Any]) -> tuple[str, bytes]:
    """The qualified name of `function` without characters that file names cannot have, and the hash of its source file."""
    place = f"{function.__module__}.{function.__qualname__}".replace("<", "").replace(">", "")
    return place, _hash_of(Path(function.__code__.co_filename))


def find(name: str) -> bytes | None:
    """The code stored under `name`; None if there is none, or none that may be loaded."""
    return next((kept for folder in folders().read if (kept := code_file.read(folder / name)) is not None), None)


def holds(name: str) -> bool:
    """Whether there is code under `name`, which may be damaged."""
    return any((folder / name).exists() for folder in folders().read)


def keep(name: str, payload: bytes) -> None:
    """Store `payload` under `name`, if possible."""
    keeping(lambda folder: code_file.write(folder / name, payload))


def keeping(write: Callable[[Path], None]) -> None:
    """Call `write` with the folder in which code is stored; if that fails, warn once."""
    found = folders()
    if found.kept is None:
        _say(str(found.refused))
        return
    try:
        found.kept.mkdir(mode=0o700, exist_ok=True)  # another version may have removed it
        write(found.kept)
    except OSError as error:
        _say(f"{found.kept}: {error.strerror or error}")
