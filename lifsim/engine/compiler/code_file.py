"""Files of compiled code: read only if intact and written by the user or root; written atomically.

Damaged machine code crashes the process, and the index of a cache is a pickle, which can run any code. So a file begins with its length
and a digest, and its owner and permissions are checked after it is opened.

A file consists of MAGIC, the length of the payload (8 bytes, little-endian), the SHA-256 of place and payload, and the payload. The place
is the name of the folder and of the file, so a file that was copied over another one is not accepted.
"""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import uuid
from contextlib import suppress
from pathlib import Path

MAGIC = b"lifsim code 1\r\n\0"
HEADER = struct.Struct("<16sQ32s")
_OPTIONS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))  # no links, no waiting for pipes


def stranger(found: os.stat_result) -> str:
    """Why other users may have changed what was `found`; empty if it belongs to the user or root and only they can write to it.

    Windows has neither numeric owners nor these permissions; there the user's folder is protected by the system.
    """
    if not hasattr(os, "geteuid"):
        return ""
    if found.st_uid not in (0, os.geteuid()):
        return f"belongs to user {found.st_uid}, neither to you nor to root"
    return "can be written by others" if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def read(path: Path) -> bytes | None:
    """The payload of the file `path`; None if it does not exist, is damaged, is not an ordinary file, or may come from a `stranger`."""
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | _OPTIONS)) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or stranger(found):
                return None
            magic, size, digest = HEADER.unpack(file.read(HEADER.size))
            if magic != MAGIC or size != found.st_size - HEADER.size:
                return None
            payload = file.read(size)
    except (OSError, struct.error):
        return None
    return payload if digest == _digest(path, payload) else None


def write(path: Path, payload: bytes) -> None:
    """Write `payload` to the file `path` atomically. Its permissions are 0644, whatever the umask.

    Raises
    ------
    OSError : the disk is full, or the folder cannot be written. An existing file at `path` is then unchanged.
    """
    temporary = path.with_name(f"{path.name}.{uuid.uuid4().hex[:16]}.tmp")
    try:
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, 0o644)) as file:
            file.write(HEADER.pack(MAGIC, len(payload), _digest(path, payload)))
            file.write(payload)
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _digest(path: Path, payload: bytes) -> bytes:
    out = hashlib.sha256(f"{path.parent.name}/{path.name}\n".encode(errors="surrogateescape"))
    out.update(payload)
    return out.digest()
