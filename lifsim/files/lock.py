"""A lock for replacing a file: only one process at a time holds it."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from lifsim.common.errors import OutputError
from lifsim.files import disk


class WriterLock:
    """The lock for replacing `path`, held until `close`: the lock of the file ``.NAME.lock`` in the same folder.

    The system releases the lock when the process ends, even if it is killed; the empty lock file that then remains has no effect.

    Raises
    ------
    OutputError : another writer holds the lock, another program has `path` open for writing, or the folder cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name}.lock")
        self._pid = os.getpid()
        self._fd = self._taken(path)
        try:
            _refuse_written(path)
        except BaseException:
            self.close()
            raise

    def _taken(self, path: Path) -> int:
        while True:
            try:
                fd = disk.open_file(self._path, os.O_RDWR | os.O_CREAT)
            except OSError as error:
                raise OutputError(str(path), f"cannot be written ({error.strerror})", "a folder in which you may write") from None
            if disk.lock(fd) is False:
                os.close(fd)
                raise OutputError(str(path), _WRITTEN, _LATER)
            if disk.same_file(fd, self._path):
                return fd
            os.close(fd)  # its owner removed it before it was locked here

    def close(self) -> None:
        """Release the lock. In a forked process, this has no effect."""
        if self._fd < 0 or self._pid != os.getpid():
            return
        if os.name != "nt":  # while still locked, so that no other writer can hold it
            self._path.unlink(missing_ok=True)
        os.close(self._fd)
        self._fd = -1
        if os.name == "nt":
            with suppress(OSError):
                self._path.unlink(missing_ok=True)


_WRITTEN, _LATER = "is open for writing elsewhere", "close it there first"


def _refuse_written(path: Path) -> None:
    """Raise OutputError if another program, such as h5py, has the file open for writing."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK if os.name != "nt" else os.O_RDONLY)
    except OSError:  # the file does not exist or cannot be read
        return
    try:
        if disk.lock(fd, shared=True) is False:
            raise OutputError(str(path), _WRITTEN, _LATER)
    finally:
        os.close(fd)
