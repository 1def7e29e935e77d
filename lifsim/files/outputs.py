"""Checks of output paths, made before a run starts."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from lifsim.common.errors import LifsimError, OutputError
from lifsim.common.printable import shown
from lifsim.common.text import shortened, storable
from lifsim.files.run_files import log_path
from lifsim.files.untrusted import kind_of


def check_output(path: str | Path, overwrite: bool = False) -> Path:
    """Check that a run may write its results to `path`; returns it with a leading ~ expanded. Creates and removes nothing.

    Raises
    ------
    OutputError : `path` exists (unless `overwrite`), is not an ordinary file (a link, for example), is not a valid name, or its folder
        is missing.
    """
    path = expanded(path, "out", OutputError)
    log = log_path(path)
    mode = _mode(path)
    if stat.S_ISDIR(mode):
        raise OutputError(str(path), "is a folder", "give the name of a file, such as run.h5")
    refuse_link(path)
    if mode and kind_of(mode):
        raise OutputError(str(path), f"is {kind_of(mode)}", "the name of an ordinary file")
    if mode and not overwrite:
        raise OutputError(str(path), "exists already", "choose another name, or replace it with --overwrite (overwrite=True)")
    refuse_link(log)
    if _mode(log) and log.stat().st_size and not overwrite:  # a run that is killed before it begins leaves an empty log
        ways = "read it with `lifsim info`, continue it with `lifsim resume`, or start anew with --overwrite (overwrite=True)"
        raise OutputError(str(path), f"{log.name} belongs to a run that is in progress or was interrupted", ways)
    _mode(path.with_name(f"{path.name}.ckpt.prev"))  # checks the longest file name of the run
    _check_folder(path.parent)
    return path


def refuse_link(path: Path) -> None:
    """Raise OutputError if `path` is a link, even a broken one: replacing the link or its target is rarely intended.

    The folders of `path` may be links.
    """
    if path.is_symlink():
        got = f"is a link to {storable(os.readlink(path))}"
        raise OutputError(str(path), got, "the name of the file itself; or remove the link")


def expanded(path: Any, place: str, error: type[LifsimError]) -> Path:
    """Convert `path` to a Path with a leading ~ expanded; raises `error` with `place` if it is not a path."""
    if not isinstance(path, (str, Path)):
        raise error(place, shown(path), "the path of a file")
    if not str(path).strip() or Path(path) == Path():
        raise error(place, f"{str(path)!r}", "the path of a file")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # unknown user
        return Path(path)


def make_folder(path: Path) -> None:
    """Create the folder of `path` if only its last level is missing (OutputError if it cannot be created)."""
    _check_folder(path.parent)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(str(path.parent), f"cannot be created ({error.strerror})") from None


def _check_folder(folder: Path) -> None:
    """Raise OutputError if `folder` is not a folder, or if more than its last level is missing."""
    mode = _mode(folder)
    if stat.S_ISDIR(mode):
        return
    if mode:
        raise OutputError(str(folder), "is not a folder", "choose another folder")
    above = Path(os.path.abspath(folder)).parent
    if not above.is_dir() or above == above.parent:  # a new folder in the root directory is surely a mistake
        raise OutputError(shortened(str(folder)), "does not exist", "create it first")


def _mode(path: Path) -> int:
    """Type and permissions of the file at `path`; 0 if there is none; OutputError if the system does not allow such a file."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return 0
    except NotADirectoryError:
        raise OutputError(shortened(str(path.parent)), "is not a folder", "choose another folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise OutputError(shortened(str(path)), f"cannot be written ({reason})", "choose another name") from None
