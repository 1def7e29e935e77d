"""The store of weight matrices: an HDF5 file with one group for each matrix.

A sparse matrix has SciPy's CSC format: datasets ``data``, ``indices`` and ``indptr``, the attribute ``shape``, and
AnnData's ``encoding-type`` and ``encoding-version``. A dense matrix is a dataset ``weight``, shape (out, in), and, if it is a
layer, ``bias``, shape (out,). ``delay`` is stored in the same group, with the same sparsity pattern. Shapes are
(n_target, n_source) = (out, in), so that ``W @ s`` is the input. Each group has the attributes ``units``, ``scale``
(value = stored number · scale) and ``sha256``, a digest of its content that is verified at every read.

A file may come from an untrusted source. Links and data outside of the file, and shapes that claim more data than the file
holds, are refused before any data is read.
"""

from __future__ import annotations

import atexit
import os
import uuid
import weakref
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import h5py
import numpy as np

from lifsim.common.errors import DataError, did_you_mean
from lifsim.files import disk, hdf5
from lifsim.files.hdf5_reading import own_dataset, readable
from lifsim.files.lock import WriterLock
from lifsim.weights.matrix import DENSE, SPARSE, Matrix, bias_vector, check_finite, check_pattern, delays_like, digest_of, stored_parts
from lifsim.weights.store_file import FORMAT_VERSION, OWN, copy_attributes, copy_member, hashed_datasets, opened_file


class _Discarded(Exception):
    """Tells `hdf5.replacing` to leave the file unchanged."""


_KEPT = "the store is unchanged"
_WRITING: weakref.WeakSet[WeightStore] = weakref.WeakSet()  # stores that are open for writing


@atexit.register
def _close_all() -> None:
    """Close stores that are still open for writing, before HDF5 shuts down."""
    for store in list(_WRITING):
        store.close()


class WeightStore:
    """A store of weight matrices, open for reading or writing; a context manager.

    Changes are written to a new file next to `path`, which replaces `path` in one step when the store is closed. So `path` always holds
    the complete old or the complete new store, even if the process is killed; concurrent readers see the old store until then. A
    ``with`` block that ends in an error changes nothing, except for what `flush` has saved. A store left open is closed when Python ends.

    Appending copies the matrices that are not replaced when the store is closed, so the disk must have room for both stores. A store
    that was opened for appending but not changed is not written.

    Parameters
    ----------
    path : the file; None (default): the store is kept in memory.
    mode : "r" (default): read; "a": read and append (a link at `path` is followed); "w": create, replacing an existing file.
    lasting : False for a file in a scratch folder, which need not survive a power failure.

    Raises
    ------
    DataError : the file is missing, is not a weight store, or is damaged, or `mode` is not known. OutputError : the file is open for
        writing elsewhere, or its folder cannot be written.
    """

    def __init__(self, path: str | Path | None = None, mode: Literal["r", "a", "w"] = "r", lasting: bool = True) -> None:
        if mode not in ("r", "a", "w"):
            raise DataError("mode", f"{mode!r}", "one of: r, a, w")
        self.path = Path("memory" if path is None else path)
        self._mode, self._lasting, self._pid = mode, lasting, os.getpid()
        self._home = Path(os.path.realpath(self.path)) if mode == "a" else self.path  # the file that is replaced
        self._before: h5py.File | None = None  # the old file
        self._file: h5py.File | None = None  # the new file
        self._ending = ExitStack()
        self._lock: WriterLock | None = None
        try:
            if path is None:
                self._file = self._ending.enter_context(h5py.File(uuid.uuid4().hex, "w", driver="core", backing_store=False))
                self._file.attrs["format_version"] = FORMAT_VERSION
            else:
                self._open()
        except BaseException:
            self.discard()
            raise

    def __reduce__(self) -> Any:
        """Pickle a store in memory as its bytes, and one that is open for reading as its path.

        Raises
        ------
        DataError : the store is open for writing, or closed.
        """
        if self._mode == "r" and self._before is not None:
            return WeightStore, (self.path.absolute(),)
        if self._mode != "r" or self._file is None:
            state = "open for writing" if self._mode != "r" else "closed"
            raise DataError(
                str(self.path), f"is {state}: it cannot be pickled or copied", "a store in memory, or one that was opened for reading"
            )
        self._file.flush()
        return _in_memory, (self._file.id.get_file_image(),)

    def _open(self) -> None:
        if self._mode != "r":
            self._lock = WriterLock(self._home)
            disk.remove_abandoned(self._home)
            _WRITING.add(self)
        if self._mode == "r" or (self._mode == "a" and self.path.exists()):
            self._before = opened_file(self.path)
        else:
            self._changed()

    def _changed(self) -> h5py.File:
        """The new file, which is created at the first change."""
        if self._file is None:
            if self._mode == "r":
                raise DataError(str(self.path), "is open for reading only", 'open it with mode "a" or "w"')
            self._file = self._ending.enter_context(hdf5.replacing(self._home, _KEPT, hashed_datasets, self._lasting))
            if self._before is None:
                self._file.attrs["format_version"] = FORMAT_VERSION
            else:
                with readable(self.path):
                    copy_attributes(self._before, self._file)
        return self._file

    @property
    def file(self) -> h5py.File:
        """The HDF5 file that holds the attributes of the store: the new file if there is one, else the old one."""
        file = self._file if self._file is not None else self._before
        if file is None:
            raise DataError(str(self.path), "is closed", "open the store again")
        return file

    def __enter__(self) -> WeightStore:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def __del__(self) -> None:
        if hasattr(self, "_ending"):
            self.close()

    def flush(self) -> None:
        """Save all changes to the file; the store remains open.

        Raises
        ------
        DataError : matrices to copy from the old file cannot be read. RunError : the disk is full or failing; the file is unchanged.
        """
        if self._file is None or self._lock is None:
            return
        self._finish()
        self._mode, self._before = "a", opened_file(self._home)

    def close(self) -> None:
        """Close the store. If it was changed, the new file is sealed and replaces the old one.

        Raises
        ------
        DataError : matrices to copy from the old file cannot be read. RunError : the disk is full or failing; the file is unchanged.
        """
        if self._pid != os.getpid():
            return  # a forked process: only the process that opened the store completes it
        try:
            self._finish()
        finally:
            self.discard()

    def _finish(self) -> None:
        """Complete the new file, if there is one, and replace the old file with it."""
        if self._file is not None and self._before is not None:
            with readable(self.path):
                for name in self._before:
                    if name not in self._file:
                        copy_member(self._before, self._file, name)
        if self._before is not None:
            self._before.close()  # Windows cannot replace an open file
        self._before = self._file = None
        self._ending.close()

    def discard(self) -> None:
        """Close the store without changing the file."""
        if self._pid != os.getpid():
            return
        _WRITING.discard(self)
        with suppress(_Discarded):
            self._ending.__exit__(_Discarded, _Discarded(), None)
        if self._before is not None:
            self._before.close()
        self._before = self._file = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def names(self) -> list[str]:
        """Names of the matrices."""
        with readable(self.path):
            return sorted({*self.file, *(self._before or ())})

    def put(self, name: str, matrix: Any, delay: Any = None, units: str = "pA", scale: float = 1.0, bias: Any = None) -> None:
        """Store a matrix, replacing one of the same name.

        Parameters
        ----------
        name : name of the matrix, any text without /.
        matrix : array or scipy.sparse matrix of shape (n_target, n_source). All stored entries of a sparse matrix are kept, including
            zeros and duplicates.
        delay : delays in ms, one for each stored entry; default: none. For a dense matrix an array of its shape; for a sparse matrix a
            matrix of the same sparsity pattern, or an array of its entries in CSC order.
        units : unit of the weights. scale : factor by which stored numbers are multiplied when they are read; default 1.
        bias : biases of a dense layer, shape (n_target,), converted to the type of its weights; default: none.

        Raises
        ------
        DataError : an entry is not a finite number, shapes do not match, `name` is not valid, or the store is open for reading only.
        """
        if name in ("", ".", "..") or "/" in name:
            raise DataError(self._place(name), "is not a valid name of a matrix", "a text without /, other than . and ..")
        parts, shape = stored_parts(matrix)
        if delay is not None:
            parts["delay"] = delays_like(self._place(name), delay, parts)
        if bias is not None:
            parts["bias"] = bias_vector(self._place(f"{name}/bias"), bias, parts)
        for key, array in parts.items():
            check_finite(self._place(f"{name}/{key}"), array)
        file = self._changed()
        if name in file:
            del file[name]
        group = file.create_group(name)
        for key, array in parts.items():
            group.create_dataset(key, data=array)
        if "data" in parts:
            group.attrs.update({"encoding-type": "csc_matrix", "encoding-version": "0.1.0", "shape": np.array(shape)})
        group.attrs.update({"units": units, "scale": scale})
        group.attrs["sha256"] = digest_of(parts, group.attrs)

    def get(self, name: str) -> Any:
        """The matrix `name`: scipy.sparse.csc_array or array, shape (n_target, n_source).

        Raises
        ------
        DataError : the store has no such matrix, or its content is damaged.
        """
        with readable(self.path):
            return self._matrix(name, "weight")

    def delay(self, name: str) -> Any:
        """The delays of the matrix `name` in ms, in the form of the matrix; None if it has none. DataError as in `get`."""
        with readable(self.path):
            return self._matrix(name, "delay")

    def bias(self, name: str) -> np.ndarray | None:
        """The biases of the layer `name`, shape (n_target,); None if it has none. DataError as in `get`."""
        with readable(self.path):
            return self._read(name).get("bias")

    def units(self, name: str) -> str:
        """The unit of the weights of the matrix `name`."""
        with readable(self.path):
            return str(self._group(name).attrs.get("units", ""))

    def note(self, name: str, **values: Any) -> None:
        """Store metadata of the matrix `name`, such as the scales of a conversion. Its digest does not cover them.

        Parameters
        ----------
        name : name of the matrix.
        **values : numbers or strings, by name.

        Raises
        ------
        DataError : the store has no such matrix or is open for reading only, or a name is used by the store itself.
        """
        for key in values:
            if key in OWN:
                raise DataError(self._place(name), f"{key!r} cannot be the name of a note", "any name except " + ", ".join(OWN))
        self._group(name)
        file = self._changed()
        if name not in file and self._before is not None:
            with readable(self.path):
                copy_member(self._before, file, name)
        file[name].attrs.update(values)

    def notes(self, name: str) -> dict[str, Any]:
        """The metadata of the matrix `name`, as stored by `note`."""
        with readable(self.path):
            return {key: value for key, value in self._group(name).attrs.items() if key not in OWN}

    def verify(self) -> list[Matrix]:
        """Read every matrix and compare its content with its digest; returns a description of each.

        Raises
        ------
        DataError : a digest does not match, or is missing.
        """
        found = []
        for name in self.names():
            with readable(self.path):
                attributes = self._group(name).attrs
                if "sha256" not in attributes:
                    raise DataError(self._place(name), "has no sha256", "a digest of its content")
                parts = self._read(name)
                main = parts["weight" if "weight" in parts else "data"]
                shape = main.shape if "weight" in parts else tuple(map(int, attributes["shape"]))
                kind = ("dense" if "weight" in parts else "sparse") + "".join(f", {key}" for key in ("bias", "delay") if key in parts)
                found.append(Matrix(name, shape, kind, main.size, str(main.dtype), self.units(name), digest_of(parts, attributes)))
        return found

    # -- reading ---------------------------------------------------------------------------------

    def _matrix(self, name: str, what: str) -> Any:
        parts, attributes = self._read(name), self._group(name).attrs
        dense = "weight" in parts
        if what == "delay":
            data = parts.get("delay")
        else:
            scale = float(attributes.get("scale", 1.0))
            stored = parts["weight" if dense else "data"]
            data = stored if scale == 1.0 else stored * scale
        if dense or data is None:
            return data
        from scipy import sparse

        return sparse.csc_array((data, parts["indices"], parts["indptr"]), shape=tuple(map(int, attributes["shape"])))

    def _group(self, name: str) -> h5py.Group:
        if name not in self.names():
            raise DataError(str(self.path), f"there is no matrix {name!r}", did_you_mean(name, self.names()))
        file = self._before if self._before is not None and name not in self.file else self.file
        hard = isinstance(file.get(name, getlink=True), h5py.HardLink)
        if not hard or not isinstance(file[name], h5py.Group):
            raise DataError(self._place(name), "is a link, or not a group", "a group in the file itself")
        return file[name]

    def _read(self, name: str) -> dict[str, np.ndarray]:
        """All arrays of the matrix `name`, checked for consistency and against the digest."""
        group = self._group(name)
        keys = DENSE if "weight" in group else SPARSE
        for key in keys:
            if key not in group:
                raise DataError(self._place(name), f"has no {key!r}", "data, indices, indptr (sparse) or weight (dense)")
        beside = [key for key in ("delay", *(("bias",) if keys == DENSE else ())) if key in group]
        sets = {key: self._dataset(group, key) for key in (*keys, *beside)}
        parts = {key: dataset[()] for key, dataset in sets.items()}
        check_pattern(self._place(name), parts, group.attrs)
        digest = group.attrs.get("sha256")
        if digest is not None and digest != digest_of(parts, group.attrs):
            raise DataError(self._place(name), "its content does not match its sha256", "the file was changed or is damaged")
        return parts

    def _dataset(self, group: h5py.Group, key: str) -> h5py.Dataset:
        place = self._place(f"{group.name.strip('/')}/{key}")
        dataset = own_dataset(group, key, place)
        if dataset.dtype.kind not in ("iu" if key in ("indices", "indptr") else "fiu"):
            raise DataError(place, f"has type {dataset.dtype}", "numbers" if key not in ("indices", "indptr") else "whole numbers")
        dimensions = 2 if "weight" in group and key != "bias" else 1
        if dataset.ndim != dimensions:
            raise DataError(place, f"has shape {dataset.shape}", "(n_target, n_source)" if dimensions == 2 else "one dimension")
        return dataset

    def _place(self, name: str) -> str:
        return f"{self.path}:{name}"


def _in_memory(image: bytes) -> WeightStore:
    """Restore a store in memory from its bytes."""
    store = WeightStore()
    store._ending.close()
    store._file = store._ending.enter_context(h5py.File(h5py.h5f.open_file_image(image, flags=h5py.h5f.ACC_RDWR)))
    return store
