"""The store of weight matrices: an HDF5 file with one group a matrix.

A sparse matrix is scipy's CSC: ``data``, ``indices``, ``indptr`` with the attribute ``shape`` and
AnnData's ``encoding-type`` and ``encoding-version``; a dense one is ``weight``, shape (out, in), and if it is a layer
``bias``, shape (out,). ``delay`` lies beside them, of the same pattern. Shapes are (n_target, n_source) = (out, in), so
that ``W @ s`` is the input. Each group has ``units``, ``scale`` (value = stored number · scale) and
``sha256``, a digest of its content that is computed again from the bytes whenever it is read.

A file may come from anyone: links that leave it, storage outside of it, and shapes that its bytes
do not back are refused before any data is read.
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
    """Tells `hdf5.replacing` that the file stays as it was."""


_KEPT = "the store is as it was"
_WRITING: weakref.WeakSet[WeightStore] = weakref.WeakSet()  # stores that are open for writing


@atexit.register
def _close_all() -> None:
    """Close what is still open for writing, before HDF5 ends."""
    for store in list(_WRITING):
        store.close()


class WeightStore:
    """A file of matrices, open for reading or for writing; a context manager.

    What is written goes to a new file beside `path`, which takes its place when the store is closed, in one step: `path` is the store
    as it was or as it is to be, however a process ends. A ``with`` block that ends in an error changes nothing; `flush` keeps what
    was written so far. A store left open is closed when Python ends. Who reads meanwhile sees the store as it was.

    Appending copies what is not replaced, once, at the end: room for the new store is needed beside the old one. A store that was
    opened for appending, but not changed, is not touched.

    Parameters
    ----------
    path : the file; None keeps the matrices in memory.
    mode : "r" read, "a" read and append (to the file that a link at `path` leads to), "w" start anew.
    lasting : False for a file of a scratch folder, which need not survive a power failure.

    Raises
    ------
    DataError : the file is missing, is no store of weights, or is damaged. OutputError : another has it open for writing, or its
        folder cannot be written.
    """

    def __init__(self, path: str | Path | None = None, mode: Literal["r", "a", "w"] = "r", lasting: bool = True) -> None:
        if mode not in ("r", "a", "w"):
            raise DataError("mode", f"{mode!r}", "one of: r, a, w")
        self.path = Path("memory" if path is None else path)
        self._mode, self._lasting, self._pid = mode, lasting, os.getpid()
        self._home = Path(os.path.realpath(self.path)) if mode == "a" else self.path  # what is replaced
        self._before: h5py.File | None = None  # the store as it was
        self._file: h5py.File | None = None  # the one that takes its place
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
        """One in memory travels as its bytes, one that is open for reading as its path.

        Raises
        ------
        DataError : it is open for writing, or closed.
        """
        if self._mode == "r" and self._before is not None:
            return WeightStore, (self.path.absolute(),)
        if self._mode != "r" or self._file is None:
            state = "open for writing" if self._mode != "r" else "closed"
            raise DataError(str(self.path), f"is {state}: it cannot be pickled or copied", "a store in memory, or open for reading")
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
        """The file that is to take the place of the store: begun when something is to be written."""
        if self._file is None:
            if self._mode == "r":
                raise DataError(str(self.path), "is open for reading only", 'mode "a" or "w"')
            self._file = self._ending.enter_context(hdf5.replacing(self._home, _KEPT, hashed_datasets, self._lasting))
            if self._before is None:
                self._file.attrs["format_version"] = FORMAT_VERSION
            else:
                with readable(self.path):
                    copy_attributes(self._before, self._file)
        return self._file

    @property
    def file(self) -> h5py.File:
        """The HDF5 file whose attributes are those of the store."""
        file = self._file if self._file is not None else self._before
        if file is None:
            raise DataError(str(self.path), "is closed")
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
        """Replace the file by what was written so far, and go on.

        Raises
        ------
        DataError : what is kept of the store before cannot be read. RunError : the disk is full or failing; the file is as it was.
        """
        if self._file is None or self._lock is None:
            return
        self._finish()
        self._mode, self._before = "a", opened_file(self._home)

    def close(self) -> None:
        """Close the store; if it was changed, it takes the place of the file, sealed.

        Raises
        ------
        DataError : what is kept of the store before cannot be read. RunError : the disk is full or failing; the file is as it was.
        """
        if self._pid != os.getpid():
            return  # a forked process: the store is for the one that opened it to finish
        try:
            self._finish()
        finally:
            self.discard()

    def _finish(self) -> None:
        """Complete the new file, if there is one, and let it take its place."""
        if self._file is not None and self._before is not None:
            with readable(self.path):
                for name in self._before:
                    if name not in self._file:
                        copy_member(self._before, self._file, name)
        if self._before is not None:
            self._before.close()  # Windows replaces no open file
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
        """Store `matrix` as `name`, in place of one that was there.

        Parameters
        ----------
        matrix : array, or scipy.sparse matrix whose stored entries (zeros and repeated ones too)
            are kept apart; shape (n_target, n_source).
        delay : ms, one for each stored entry: array (dense), or matrix of the same pattern, or the
            array of its entries in CSC order (sparse).
        bias : of a dense layer, shape (n_target,); of the type of its weights.

        Raises
        ------
        DataError : an entry is no finite number, or shapes do not fit.
        """
        if name in ("", ".", "..") or "/" in name:
            raise DataError(self._place(name), "is no name for a matrix", "any text without /")
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
        DataError : there is none, or its content is damaged.
        """
        with readable(self.path):
            return self._matrix(name, "weight")

    def delay(self, name: str) -> Any:
        """The delays of `name` in ms, in the form of the matrix; None if it has none."""
        with readable(self.path):
            return self._matrix(name, "delay")

    def bias(self, name: str) -> np.ndarray | None:
        """The biases of the layer `name`, shape (n_target,); None if it has none."""
        with readable(self.path):
            return self._read(name).get("bias")

    def units(self, name: str) -> str:
        """The unit of the weights of `name`."""
        with readable(self.path):
            return str(self._group(name).attrs.get("units", ""))

    def note(self, name: str, **values: Any) -> None:
        """Write numbers or texts beside the matrix `name`, such as the scales of a conversion. They are not part of its content."""
        for key in values:
            if key in OWN:
                raise DataError(self._place(name), f"{key!r} is no name for a note", "any but " + ", ".join(OWN))
        self._group(name)
        file = self._changed()
        if name not in file and self._before is not None:
            with readable(self.path):
                copy_member(self._before, file, name)
        file[name].attrs.update(values)

    def notes(self, name: str) -> dict[str, Any]:
        """What is written beside the matrix `name`."""
        with readable(self.path):
            return {key: value for key, value in self._group(name).attrs.items() if key not in OWN}

    def verify(self) -> list[Matrix]:
        """Read every matrix and compare its content with its digest; returns what there is.

        Raises
        ------
        DataError : a digest differs, or is missing.
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
            raise DataError(self._place(name), "is not a group of this file")
        return file[name]

    def _read(self, name: str) -> dict[str, np.ndarray]:
        """All parts of `name`, checked."""
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
            raise DataError(place, f"is of type {dataset.dtype}", "numbers" if key not in ("indices", "indptr") else "whole numbers")
        if dataset.ndim != (2 if "weight" in group and key != "bias" else 1):
            raise DataError(place, f"has shape {dataset.shape}")
        return dataset

    def _place(self, name: str) -> str:
        return f"{self.path}:{name}"


def _in_memory(image: bytes) -> WeightStore:
    """The store in memory of which `image` are the bytes."""
    store = WeightStore()
    store._ending.close()
    store._file = store._ending.enter_context(h5py.File(h5py.h5f.open_file_image(image, flags=h5py.h5f.ACC_RDWR)))
    return store
