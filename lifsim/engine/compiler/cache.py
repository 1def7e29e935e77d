"""The cache of compiled code: which folder, what is found in it, when it is left alone.

Numba's own cache looks only at the file of the outermost function, so a change in a function called from another file goes unseen;
it finds code by the path of the sources; and it loads whatever the files hold. Here the folder's name carries a hash of all sources of
the engine and of what compiles them, code is found by the names of module and function, and every file is checked (`codefile`).
So code is never stale, and any checkout or environment with the same sources and versions finds it.

Nothing that is wrong with a cache ends a run: code that cannot be loaded is compiled, code that cannot be kept is used all the same.
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
KEPT = 4  # versions beside the current one
_VERSION = re.compile(r"engine-[0-9a-f]{16}")  # the folder of a version
_CODE = re.compile(r".+\.(nbi|nbc|o)(\.tmp\.[0-9a-f]{16}|\.[0-9a-f]{16}\.tmp)?")  # its files, also those of earlier formats

# Numba's settings from the environment that change the code of a function, beside those that its own keys know (the processor).
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
    "USING_SVML",  # a program may have loaded Numba with it before
)


# -- versions --------------------------------------------------------------------------------------


_KERNELS = ("engine", "ann/kernels", "plan")  # folders of the package: kernels, and the numbers of plans, which are frozen into them


@lru_cache(None)
def _hash_of(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


def source_hash() -> str:
    """Hash of the sources of all kernels and of the numbers that are frozen into them, of the compiler's versions and settings."""
    digest = hashlib.sha256()
    package = Path(__file__).parents[2]
    for path in sorted(path for folder in _KERNELS for path in (package / folder).rglob("*.py")):
        digest.update(path.relative_to(package).as_posix().encode())
        digest.update(_hash_of(path))
    settings = [getattr(config, name, None) for name in _SETTINGS]
    digest.update(f"{numba.__version__} {llvmlite.__version__} {np.__version__} {sys.version} {settings}".encode())
    return digest.hexdigest()[:16]


VERSION = f"engine-{source_hash()}"  # taken now: of the sources that are being loaded, whatever becomes of them later


# -- folders ---------------------------------------------------------------------------------------


class Folders(NamedTuple):
    """The folders in which code is looked for, the one in which it is kept (None: in none, for the reason `refused`)."""

    read: tuple[Path, ...]
    kept: Path | None
    refused: OutputError | None = None


@lru_cache(1)
def folders() -> Folders:
    """Where this process finds and keeps compiled code.

    A folder that ``$LIFSIM_CACHE_DIR`` names and that can only be read (root's, for all users of a computer) is read; what is not in
    it is kept in the user's own.
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
    return Folders((chosen,), None, OutputError(str(chosen.parent), "cannot be written, so no compiled code can be kept", ALLOWED))


def cache_root() -> Path:
    """The folder that holds those of all versions: ``$LIFSIM_CACHE_DIR`` or the user's cache folder.

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
    except OSError as error:  # the current folder is gone
        raise OutputError(str(path), f"cannot hold compiled code: {error.strerror or error}", ALLOWED) from None


def _opened(root: Path) -> tuple[Path, bool]:
    """The folder of this version's code in `root`, and whether it can be written. Both are made if they are missing; old ones are removed.

    Raises
    ------
    OutputError : there is no `root` and none can be made, or what is in them might come from others.
    """
    folder = root / VERSION
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        _refuse_strangers(root)
        with suppress(OSError):  # it is there; the medium is read-only or full
            folder.mkdir(mode=0o700)
            folder.chmod(0o700 | root.stat().st_mode & 0o055)  # who may read one may read the other
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
    """Refuse a folder in which others may have put something. The user's own is closed to them, and emptied of what it may hold from them.

    A folder with other things in it is left as it is: others may have to write to it.
    """
    found = folder.stat()
    own = code_file.stranger(found) and found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX
    if own and (_VERSION.fullmatch(folder.name) or all(_VERSION.fullmatch(name) for name in os.listdir(folder))):
        folder.chmod(stat.S_IMODE(found.st_mode) & ~(stat.S_IWGRP | stat.S_IWOTH))
        _remove_code(folder)
        found = folder.stat()
    if reason := code_file.stranger(found):
        raise OutputError(str(folder), f"{reason}, so the code in it might be theirs", ALLOWED)


def _prune(current: Path) -> None:
    """Remove the user's code of old versions, all but that of the `KEPT` used last. Other processes may be at it too."""
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
    """Remove the files of compiled code in `folder`, and folders in it that are empty then; nothing else is touched."""
    for place, inner, files in os.walk(folder, topdown=False):
        for name in filter(_CODE.fullmatch, files):
            with suppress(OSError):
                os.unlink(os.path.join(place, name))
        for name in inner:
            with suppress(OSError):
                os.rmdir(os.path.join(place, name))


# -- what is kept ----------------------------------------------------------------------------------

_not_kept = ""  # why the first code that could not be kept was not


def not_kept() -> str:
    """Why code that was compiled in this process was not kept; empty if all was."""
    return _not_kept


def can_keep_code() -> bool:
    """Whether compiled code can be kept for later processes."""
    return folders().kept is not None and not _not_kept


def _say(why: str) -> None:
    global _not_kept
    if not _not_kept:
        _not_kept = why
        warnings.warn(f"compiled code is not kept, so later runs compile it again: {why}", stacklevel=2)


def place_and_stamp(function: Callable[..., Any]) -> tuple[str, bytes]:
    """Where `function` is defined, as part of a file's name, and the hash of the file with its source."""
    place = f"{function.__module__}.{function.__qualname__}".replace("<", "").replace(">", "")
    return place, _hash_of(Path(function.__code__.co_filename))


def find(name: str) -> bytes | None:
    """What is kept under `name`; None if there is nothing, or nothing that may be loaded."""
    return next((kept for folder in folders().read if (kept := code_file.read(folder / name)) is not None), None)


def keep(name: str, payload: bytes) -> None:
    """Keep `payload` under `name`, if that can be done."""
    _keeping(lambda folder: code_file.write(folder / name, payload))


def _keeping(write: Callable[[Path], None]) -> None:
    """Let `write` put code into the folder for it. Why that cannot be done is said once."""
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
    """The compiled forms of one function: an index of the types it is called with, and a file for each, in all `folders`. With `linked`
    only other code calls them (`linkedonly`).
    """

    _index_key: Any = FunctionCache._index_key  # types, processor, bytes of the function and of what it encloses

    def __init__(self, function: Callable[..., Any], linked: bool = False) -> None:
        self._loading = linked_only if linked else nullcontext
        place, self._stamp = place_and_stamp(function)
        abi = f"py{sys.version_info.major}{sys.version_info.minor}{getattr(sys, 'abiflags', '')}"
        self._py_func = function  # Numba's name, which its key asks for
        self._name = f"{place}-{function.__code__.co_firstlineno}.{abi}"
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The folder, for Numba's statistics."""
        return str(folders().kept or "")

    def enable(self) -> None:
        """Load and keep code."""
        self._enabled = True

    def disable(self) -> None:
        """Leave the files alone."""
        self._enabled = False

    def flush(self) -> None:
        """Forget all forms that are kept."""
        kept = folders().kept
        if kept is not None:
            with suppress(OSError):
                self._path(kept).unlink()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The form for the types `sig`; None if there is none that can be loaded, whatever the reason: it is compiled then."""
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
        """Keep the form that was compiled for the types `sig`, if it can be."""
        if not self._enabled or data.library.has_dynamic_globals or not all(part.can_cache for part in data.lifted):
            return
        key, payload = self._index_key(sig, data.codegen), dumps(data._reduce())
        _keeping(lambda folder: self._save(folder, key, payload))

    def _save(self, folder: Path, key: Any, payload: bytes) -> None:
        forms = self._forms(folder)
        # A name is never used for a second form: an index that another process read before must not lead to it.
        name = forms.setdefault(key, f"{self._name}.{uuid.uuid4().hex[:16]}.nbc")
        code_file.write(folder / name, payload)
        code_file.write(self._path(folder), dumps((self._stamp, forms)))

    def _path(self, folder: Path) -> Path:
        return folder / f"{self._name}.nbi"

    def _forms(self, folder: Path) -> dict[Any, str]:
        """The names of the files in `folder` that hold a form of the function as it is now, by their keys."""
        payload = code_file.read(self._path(folder))
        if payload is None:
            return {}
        try:
            stamp, forms = pickle.loads(payload)
        except Exception:
            return {}
        return dict(forms) if stamp == self._stamp else {}
