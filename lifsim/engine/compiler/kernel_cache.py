"""The cache of kernels that are called only by other compiled code, and of those that Python calls: Numba's form of code, in our files."""

from __future__ import annotations

import pickle
import sys
import uuid
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any

from numba.core.caching import FunctionCache, _Cache
from numba.core.compiler import CompileResult
from numba.core.serialize import dumps

from lifsim.engine.compiler import cache, code_file
from lifsim.engine.compiler.linked_only import linked_only


class KernelCache(_Cache):
    """The compiled versions of one function: an index by types of arguments, and a file for each, in all `folders`.

    With `linked`, only other compiled code calls them (`linked_only`).
    """

    _index_key: Any = FunctionCache._index_key  # types, processor, bytecode of the function and its closure

    def __init__(self, function: Callable[..., Any], linked: bool = False) -> None:
        self._loading = linked_only if linked else nullcontext
        place, self._stamp = cache.place_and_stamp(function)
        abi = f"py{sys.version_info.major}{sys.version_info.minor}{getattr(sys, 'abiflags', '')}"
        self._py_func = function  # the name that Numba's `_index_key` uses
        self._name = f"{place}-{function.__code__.co_firstlineno}.{abi}"
        self._enabled = True

    @property
    def cache_path(self) -> str:
        """The folder in which code is stored, for Numba's statistics."""
        return str(cache.folders().kept or "")

    def enable(self) -> None:
        """Let the cache load compiled code from files and store it there."""
        self._enabled = True

    def disable(self) -> None:
        """Stop the cache from loading compiled code and storing it."""
        self._enabled = False

    def flush(self) -> None:
        """Remove the index of all stored versions."""
        kept = cache.folders().kept
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
            for folder in cache.folders().read:
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
        cache.keeping(lambda folder: self._save(folder, key, payload))

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
