"""A file of compiled code: loaded only if it is whole and comes from someone who may run code here, written whole or not at all.

Machine code that lost a byte crashes the process, and the index of a cache is a pickle, which can run anything. So a file
begins with its length and a digest, and its owner and permissions are looked at once it is open.

A file is MAGIC, the length of the payload (8 bytes, little-endian), the SHA-256 of place and payload, the payload. The place is the
last folder and the name: a file that was copied to where another belongs is not taken for it.
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
_OPTIONS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"))  # no link, no wait for a pipe


def stranger(found: os.stat_result) -> str:
    """Why others may have had a hand in what was `found`; empty if it is the user's or root's, and only they can write to it.

    Windows has neither owners by number nor these permissions: there the folder of the user is what protects.
    """
    if not hasattr(os, "geteuid"):
        return ""
    if found.st_uid not in (0, os.geteuid()):
        return f"belongs to user {found.st_uid}, neither to you nor to root"
    return "can be written by others" if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else ""


def read(path: Path) -> bytes | None:
    """The payload of the file `path`; None if there is no such file, if it is damaged, a link or not a plain file, or a `stranger`'s."""
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
    """Put `payload` into the file `path`. Who can read the folder can read it; only its owner can write it, whatever the umask.

    Raises
    ------
    OSError : the disk is full, the folder cannot be written; what was at `path` is still there.
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
