"""A file object for HDF5 that stores the first error instead of raising it."""

from __future__ import annotations

import os
import threading
from typing import Any

from lifsim.files import disk


class Unfailing:
    """A file object for HDF5 whose methods do not raise the errors of writing.

    HDF5 crashes the process if it closes a file on a full disk. Therefore this object stores the first error and drops later writes.
    The caller calls `check`, which raises the stored error, after HDF5 has closed the file.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._error: OSError | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        """Raise the stored error, if any."""
        if self._error is not None:
            raise self._error

    def write(self, data: Any) -> int:
        """Write `data`, or drop it if an earlier write failed."""
        try:
            if self._error is None:
                disk.write(self._fd, data)
        except OSError as error:
            self._error = error
        return memoryview(data).nbytes

    def put(self, offset: int, data: Any) -> None:
        """Write `data` at `offset` (safe from several threads), and start its transfer to the disk."""
        with self._lock:
            self.seek(offset)
            self.write(data)
        disk.begin_sync(self._fd, offset, memoryview(data).nbytes)

    def truncate(self, size: int) -> int:
        """Shorten or extend the file to `size` bytes."""
        try:
            os.ftruncate(self._fd, size)
        except OSError as error:
            self._error = self._error or error
        return size

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` from the file, with zeros beyond its end."""
        view = memoryview(buffer).cast("B")
        got = 0
        while got < len(view) and (data := os.read(self._fd, len(view) - got)):
            view[got : got + len(data)] = data
            got += len(data)
        view[got:] = bytes(len(view) - got)
        return len(view)

    def read(self, size: int = -1) -> bytes:
        """Read `size` bytes (default: to the end of the file), with zeros beyond the end."""
        buffer = bytearray(size if size >= 0 else os.fstat(self._fd).st_size - self.tell())
        self.readinto(buffer)
        return bytes(buffer)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position in the file."""
        return os.lseek(self._fd, offset, whence)

    def tell(self) -> int:
        """The position in the file."""
        return os.lseek(self._fd, 0, os.SEEK_CUR)

    def flush(self) -> None:
        """Do nothing: writes are not buffered."""
