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
import hashlib
import os
import uuid
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

import h5py
import numpy as np

from lifsim import disk, hdf5, seal
from lifsim.errors import DataError, did_you_mean
from lifsim.given import first_not_finite
from lifsim.lock import WriterLock
from lifsim.untrusted import check_ordinary, kind_of, unreadable

FORMAT_VERSION = 1
_SPARSE = ("data", "indices", "indptr")
_DENSE = ("weight",)
_OWN = ("encoding-type", "encoding-version", "shape", "units", "scale", "sha256")  # attributes that the store itself writes


class Matrix(NamedTuple):
    """What a store says of a matrix: shape (n_target, n_source), what is stored, how many weights, of what type, in
    which units, and the digest of all that as computed from the bytes.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    entries: int
    dtype: str
    units: str
    sha256: str


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
            self._before = _opened(self.path)
        else:
            self._changed()

    def _changed(self) -> h5py.File:
        """The file that is to take the place of the store: begun when something is to be written."""
        if self._file is None:
            if self._mode == "r":
                raise DataError(str(self.path), "is open for reading only", 'mode "a" or "w"')
            self._file = self._ending.enter_context(hdf5.replacing(self._home, _KEPT, _hashed, self._lasting))
            if self._before is None:
                self._file.attrs["format_version"] = FORMAT_VERSION
            else:
                with readable(self.path):
                    _copy_attributes(self._before, self._file)
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
        self._mode, self._before = "a", _opened(self._home)

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
                        _copy_member(self._before, self._file, name)
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
        parts, shape = _parts(matrix)
        if delay is not None:
            parts["delay"] = _delays(self._place(name), delay, parts)
        if bias is not None:
            parts["bias"] = _bias(self._place(f"{name}/bias"), bias, parts)
        for key, array in parts.items():
            _check_finite(self._place(f"{name}/{key}"), array)
        file = self._changed()
        if name in file:
            del file[name]
        group = file.create_group(name)
        for key, array in parts.items():
            group.create_dataset(key, data=array)
        if "data" in parts:
            group.attrs.update({"encoding-type": "csc_matrix", "encoding-version": "0.1.0", "shape": np.array(shape)})
        group.attrs.update({"units": units, "scale": scale})
        group.attrs["sha256"] = _digest(parts, group.attrs)

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
            if key in _OWN:
                raise DataError(self._place(name), f"{key!r} is no name for a note", "any but " + ", ".join(_OWN))
        self._group(name)
        file = self._changed()
        if name not in file and self._before is not None:
            with readable(self.path):
                _copy_member(self._before, file, name)
        file[name].attrs.update(values)

    def notes(self, name: str) -> dict[str, Any]:
        """What is written beside the matrix `name`."""
        with readable(self.path):
            return {key: value for key, value in self._group(name).attrs.items() if key not in _OWN}

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
                found.append(Matrix(name, shape, kind, main.size, str(main.dtype), self.units(name), _digest(parts, attributes)))
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
        keys = _DENSE if "weight" in group else _SPARSE
        for key in keys:
            if key not in group:
                raise DataError(self._place(name), f"has no {key!r}", "data, indices, indptr (sparse) or weight (dense)")
        beside = [key for key in ("delay", *(("bias",) if keys == _DENSE else ())) if key in group]
        sets = {key: self._dataset(group, key) for key in (*keys, *beside)}
        parts = {key: dataset[()] for key, dataset in sets.items()}
        _check_pattern(self._place(name), parts, group.attrs)
        digest = group.attrs.get("sha256")
        if digest is not None and digest != _digest(parts, group.attrs):
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


# -- the file --------------------------------------------------------------------------------------


def _in_memory(image: bytes) -> WeightStore:
    """The store in memory of which `image` are the bytes."""
    store = WeightStore()
    store._ending.close()
    store._file = store._ending.enter_context(h5py.File(h5py.h5f.open_file_image(image, flags=h5py.h5f.ACC_RDWR)))
    return store


def _opened(path: Path) -> h5py.File:
    """The store at `path`, open for reading (DataError if it is none, or damaged)."""
    kind = kind_of(path.stat().st_mode) if path.exists() else ""
    if kind:
        raise DataError(str(path), f"is not a file but {kind}", "a store of weights")
    try:
        if path.exists():
            seal.examine(path)
        file = h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise DataError(str(path), f"cannot be opened as a store of weights ({error})") from None
    try:
        with readable(path):
            version = file.attrs.get("format_version")
        if not isinstance(version, (int, np.integer)) or version > FORMAT_VERSION:
            got = "has no format_version" if version is None else f"has format_version {version}"
            raise DataError(str(path), got, f"a store of weights of format_version {FORMAT_VERSION}")
    except BaseException:
        file.close()
        raise
    return file


def _hashed(file: h5py.File) -> Iterator[h5py.Dataset]:
    """The datasets whose content is in the digest of their matrix."""
    for name in file:
        group = file[name] if isinstance(file.get(name, getlink=True), h5py.HardLink) else None
        if isinstance(group, h5py.Group) and "sha256" in group.attrs:
            own = [key for key in (*_SPARSE, *_DENSE, "delay", "bias") if isinstance(group.get(key, getlink=True), h5py.HardLink)]
            yield from (group[key] for key in own if isinstance(group[key], h5py.Dataset))


def _copy_member(source: h5py.File, target: h5py.File, name: str) -> None:
    """Copy what is called `name` as it lies in the file; of a link to another place the link."""
    link = source.get(name, getlink=True)
    if isinstance(link, h5py.HardLink):
        source.copy(name, target, name)
    else:
        target[name] = link


def _copy_attributes(source: h5py.File, target: h5py.File) -> None:
    """Copy the attributes of a file with their types."""
    for name in source.attrs:
        old = source.attrs.get_id(name)
        new = h5py.h5a.create(target.id, name.encode(), old.get_type(), old.get_space())
        if old.shape is not None:
            values = np.empty(old.shape, old.dtype)
            old.read(values)
            new.write(values)


# -- files of strangers --------------------------------------------------------------------------


def own_dataset(group: h5py.Group, key: str, place: str) -> h5py.Dataset:
    """The dataset `key` of `group`, if its data are in this file (DataError if not, or if it claims more than is stored)."""
    if not isinstance(group.get(key, getlink=True), h5py.HardLink) or not isinstance(group[key], h5py.Dataset):
        raise DataError(place, "is not a dataset of this file")
    dataset = group[key]
    reason = unreadable(dataset)
    if reason:
        raise DataError(place, reason, "data that are in the file itself")
    return dataset


def read_dataset(path: str | Path, key: str) -> np.ndarray | None:
    """The dataset `key` of any HDF5 file, checked as those of a store are; None if there is none.

    Raises
    ------
    DataError : the file cannot be read, or the dataset is not its own.
    """
    try:
        check_ordinary(path)
        file = h5py.File(path, "r")
    except OSError as error:
        raise DataError(str(path), f"cannot be read as HDF5 ({error})") from None
    with file, readable(Path(path)):
        return own_dataset(file, key, f"{path}:{key}")[()] if key in file else None


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What h5py raises for damaged files, as a DataError."""
    try:
        yield
    except (KeyError, MemoryError, OSError, OverflowError, RuntimeError, TypeError, ValueError) as error:
        raise DataError(str(path), f"is damaged ({error})") from None


def is_store(path: str | Path) -> bool:
    """Whether the file is a store of weights."""
    try:
        check_ordinary(path)
        with h5py.File(path, "r") as file:
            return "format_version" in file.attrs and "magic" not in file.attrs
    except OSError:
        return False


# -- content -------------------------------------------------------------------------------------


def _parts(matrix: Any) -> tuple[dict[str, np.ndarray], tuple[int, ...]]:
    """The arrays that stand for `matrix`, and its shape."""
    if not hasattr(matrix, "tocsr"):
        dense = _numbers(np.asarray(matrix))
        if dense.ndim != 2:
            raise DataError("matrix", f"an array of shape {dense.shape}", "shape (n_target, n_source)")
        return {"weight": dense}, dense.shape
    csc = matrix.tocsc() if matrix.format != "coo" else _from_coo(matrix)
    return {"data": _numbers(csc.data), "indices": csc.indices, "indptr": csc.indptr}, csc.shape


def _from_coo(matrix: Any) -> Any:
    """CSC of a COO matrix with its repeated entries kept apart: `tocsc` would add them up."""
    from scipy import sparse

    order = np.lexsort((matrix.row, matrix.col))
    indptr = np.concatenate([[0], np.cumsum(np.bincount(matrix.col, minlength=matrix.shape[1]))])
    return sparse.csc_array((matrix.data[order], matrix.row[order], indptr), shape=matrix.shape)


def _numbers(array: np.ndarray) -> np.ndarray:
    return array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)


def _delays(place: str, delay: Any, parts: dict[str, np.ndarray]) -> np.ndarray:
    own = {"weight": np.asarray(delay)} if not hasattr(delay, "tocsr") else _parts(delay)[0]
    if "data" in own and "data" in parts and all(np.array_equal(own[k], parts[k]) for k in ("indices", "indptr")):
        return own["data"]
    wanted = next(iter(parts.values())).shape
    if own.get("weight", np.empty(0)).shape != wanted:
        raise DataError(place, "the delays are not those of the stored entries", f"shape {wanted}, or a matrix of the same pattern")
    return _numbers(own["weight"])


def _bias(place: str, bias: Any, parts: dict[str, np.ndarray]) -> np.ndarray:
    if "weight" not in parts:
        raise DataError(place, "a bias beside a sparse matrix", "one beside a dense layer")
    out = np.asarray(bias).astype(parts["weight"].dtype, copy=False)
    if out.shape != parts["weight"].shape[:1]:
        raise DataError(place, f"has shape {out.shape}", f"({len(parts['weight'])},), as many as targets")
    return out


def _check_finite(place: str, array: np.ndarray) -> None:
    wrong = first_not_finite(array)
    if wrong is not None:
        at = ", ".join(str(int(i)) for i in np.unravel_index(wrong, array.shape))
        raise DataError(f"{place}[{at}]", f"{array.flat[wrong]:g}", "finite numbers")


def _check_pattern(place: str, parts: dict[str, np.ndarray], attributes: Any) -> None:
    """Refuse what scipy would believe and then read out of bounds."""
    main = parts["weight" if "weight" in parts else "data"]
    if "delay" in parts and parts["delay"].shape != main.shape:
        raise DataError(f"{place}/delay", f"has shape {parts['delay'].shape}", f"{main.shape}, as the weights")
    if "bias" in parts and parts["bias"].shape != main.shape[:1]:
        raise DataError(f"{place}/bias", f"has shape {parts['bias'].shape}", f"{main.shape[:1]}, as many as targets")
    if "weight" in parts:
        return
    shape = np.asarray(attributes.get("shape", ()))
    if shape.shape != (2,) or shape.dtype.kind not in "iu" or (shape < 0).any():
        raise DataError(f"{place}/shape", f"{attributes.get('shape')!r}", "two whole numbers (n_target, n_source)")
    indices, indptr = parts["indices"], parts["indptr"].astype(np.int64)
    rising = len(indptr) == shape[1] + 1 and indptr[0] == 0 and indptr[-1] == len(main) and not (np.diff(indptr) < 0).any()
    if not rising:
        raise DataError(f"{place}/indptr", "is broken", f"must rise from 0 to {len(main)} in {shape[1] + 1} entries")
    if len(indices) != len(main) or (len(indices) and not 0 <= indices.min() <= indices.max() < shape[0]):
        raise DataError(f"{place}/indices", "is broken", f"one index of 0 to {shape[0] - 1} for each of {len(main)} entries")


def _digest(parts: dict[str, np.ndarray], attributes: Any) -> str:
    """SHA-256 over names, types, shapes and little-endian bytes, in alphabetical order."""
    shape, units, scale = attributes.get("shape", ()), attributes.get("units", ""), attributes.get("scale", 1.0)
    out = hashlib.sha256(repr([list(map(int, shape)), str(units), float(scale)]).encode())
    for key in sorted(parts):
        array = np.ascontiguousarray(parts[key])
        plain = array.astype(array.dtype.newbyteorder("<"), copy=False)
        out.update(f"{key} {plain.dtype.str} {plain.shape}".encode())
        out.update(plain.data if plain.size else b"")
    return out.hexdigest()
