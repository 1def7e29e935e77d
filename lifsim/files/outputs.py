"""Where a run may write its results: what is wrong with a place is said before any work."""

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
    """`path`, a leading ~ expanded, if a run may write its results there. Creates and removes nothing.

    Raises
    ------
    OutputError : it exists already, is no ordinary file (a link among others), its name cannot be used, or its folder is missing.
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
    if _mode(log) and log.stat().st_size and not overwrite:  # an empty one was left by a run that was killed before it began
        ways = "read it with `lifsim info`, go on with `lifsim resume`, or start anew with --overwrite (overwrite=True)"
        raise OutputError(str(path), f"{log.name} is left of a run that goes on or was interrupted", ways)
    _mode(path.with_name(f"{path.name}.ckpt.prev"))  # the longest name that will be needed
    _check_folder(path.parent)
    return path


def refuse_link(path: Path) -> None:
    """Refuse to write to a link, even one that leads nowhere: neither it nor what it leads to is meant to be replaced (OutputError).

    A folder on the way may well be a link.
    """
    if path.is_symlink():
        got = f"is a link to {storable(os.readlink(path))}"
        raise OutputError(str(path), got, "the name of the file itself; or remove the link")


def expanded(path: Any, place: str, error: type[LifsimError]) -> Path:
    """`path` as a Path, a leading ~ expanded; `error` at `place` if it is none."""
    if not isinstance(path, (str, Path)):
        raise error(place, shown(path), "the path of a file")
    if not str(path).strip() or Path(path) == Path():
        raise error(place, f"{str(path)!r}", "the path of a file")
    try:
        return Path(path).expanduser()
    except RuntimeError:  # there is no such user
        return Path(path)


def make_folder(path: Path) -> None:
    """Create the folder of `path` if only its last level is missing (OutputError if it cannot be)."""
    _check_folder(path.parent)
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(str(path.parent), f"cannot be created ({error.strerror})") from None


def _check_folder(folder: Path) -> None:
    """Refuse a folder that is none, or of which more than the last level is missing."""
    mode = _mode(folder)
    if stat.S_ISDIR(mode):
        return
    if mode:
        raise OutputError(str(folder), "is not a folder")
    above = Path(os.path.abspath(folder)).parent
    if not above.is_dir() or above == above.parent:  # nobody means to have a new folder at the root
        raise OutputError(shortened(str(folder)), "does not exist", "create it first")


def _mode(path: Path) -> int:
    """The type and permissions of what is at `path`, 0 if there is nothing; OutputError if the system knows that it never can be."""
    try:
        return os.stat(path).st_mode
    except FileNotFoundError:
        return 0
    except NotADirectoryError:
        raise OutputError(shortened(str(path.parent)), "is not a folder") from None
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise OutputError(shortened(str(path)), f"cannot be written ({said})", "another name") from None
