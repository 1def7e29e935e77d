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
import pickle
import re
import stat
import sys
import uuid
import warnings
from collections.abc import Callable
from contextlib import nullcontext, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import numba
import numpy as np
from numba import config
from numba.core.caching import FunctionCache, _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from lifsim.common.errors import OutputError
from lifsim.engine.compiler import code_file
from lifsim.engine.compiler.linked_only import linked_only

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
    settings = [getattr(config, name, None) for name in _SETTINGS]
    digest.update(f"{numba.__version__} {llvmlite.__version__} {np.__version__} {sys.version} {settings}".encode())
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


def keep(name: str, payload: bytes) -> None:
    """Store `payload` under `name`, if possible."""
    _keeping(lambda folder: code_file.write(folder / name, payload))


def _keeping(write: Callable[[Path], None]) -> None:
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


class KernelCache(_Cache):
    """The compiled versions of one function: an index by types of arguments, and a file for each, in all `folders`.

    With `linked`, only other compiled code calls them (`linked_only`).
    """

    _index_key: Any = FunctionCache._index_key  # types, processor, bytecode of the function and its closure

    def __init__(self, function: Callable[..., Any], linked: bool = False) -> None:
        self._loading = linked_only if linked else nullcontext
        place, self._stamp = place_and_stamp(function)
        abi = f"py{sys.version_info.major}{sys.version_info.minor}{getattr(sys, 'abiflags', '')}"
        self._py_func = function  # the name that Numba's `_index_key` uses
        self._name = f"{place}-{function.__code__.co_firstlineno}.{abi}"
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The folder in which code is stored, for Numba's statistics."""
        return str(folders().kept or "")

    def enable(self) -> None:
        """Let the cache load compiled code from files and store it there."""
        self._enabled = True

    def disable(self) -> None:
        """Stop the cache from loading compiled code and storing it."""
        self._enabled = False

    def flush(self) -> None:
        """Remove the index of all stored versions."""
        kept = folders().kept
        if kept is not None:
            with suppress(OSError):
                self._path(kept).unlink()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compiled version for the types `sig`; None if none can be loaded, for whatever reason: it is then compiled."""
        target_context.refresh()
        if not self._enabled:
            return None
        try:
            key = self._index_key(sig, target_context.codegen())
            for folder in folders().read:
                name = self._forms(folder).get(key)
                payload = code_file.read(folder / name) if name else None
                if payload is not None:
                    with self._loading(target_context.codegen()):
                        return CompileResult._rebuild(target_context, *pickle.loads(payload))
        except Exception:
            return None
        return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Store the version that was compiled for the types `sig`, if possible."""
        if not self._enabled or data.library.has_dynamic_globals or not all(part.can_cache for part in data.lifted):
            return
        key, payload = self._index_key(sig, data.codegen), dumps(data._reduce())
        _keeping(lambda folder: self._save(folder, key, payload))

    def _save(self, folder: Path, key: Any, payload: bytes) -> None:
        forms = self._forms(folder)
        # File names are never reused: an old index, read by another process, must not lead to a newer version.
        name = forms.setdefault(key, f"{self._name}.{uuid.uuid4().hex[:16]}.nbc")
        code_file.write(folder / name, payload)
        code_file.write(self._path(folder), dumps((self._stamp, forms)))

    def _path(self, folder: Path) -> Path:
        return folder / f"{self._name}.nbi"

    def _forms(self, folder: Path) -> dict[Any, str]:
        """The names of the files in `folder` with compiled versions of the current source of the function, by key."""
        payload = code_file.read(self._path(folder))
        if payload is None:
            return {}
        try:
            stamp, forms = pickle.loads(payload)
        except Exception:
            return {}
        return dict(forms) if stamp == self._stamp else {}
