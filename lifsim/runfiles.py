"""The files of one run: the result it makes, its log, its checkpoints, and the earlier runs that it will replace.

While a run that makes ``OUT.h5`` goes on, its log is ``OUT.h5.log`` and its checkpoints are ``OUT.h5.ckpt`` and
``OUT.h5.ckpt.prev``. An earlier result stays at ``OUT.h5`` until the new one takes its place in one step. The log and the
checkpoints of an earlier unfinished run are set aside as those of ``OUT.old1.h5`` (or ``old2``, …), which can be read and
resumed under that name. They are removed when the new result is there, or get their name back if the new run ends before
its first step.
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from lifsim.runlog import log_path


def checkpoint_path(path: str | Path) -> Path:
    """The last checkpoint of the run that makes `path`."""
    return Path(f"{path}.ckpt")


def previous_path(path: str | Path) -> Path:
    """The checkpoint before the last one."""
    return Path(f"{path}.ckpt.prev")


@dataclass(frozen=True)
class RunFiles:
    """The files of the run that makes `out`."""

    out: Path

    @property
    def log(self) -> Path:
        """The log of the run."""
        return log_path(self.out)

    @property
    def checkpoints(self) -> tuple[Path, Path]:
        """The last checkpoint, and the one before it."""
        return checkpoint_path(self.out), previous_path(self.out)

    def free_name(self) -> RunFiles:
        """A name beside `out` under which this run can be kept: nothing has it yet, but perhaps a second name of this very log."""
        for k in count(1):
            other = RunFiles(self.out.with_name(f"{self.out.stem}.old{k}{self.out.suffix}"))
            if not any(os.path.lexists(p) for p in (other.out, *other.checkpoints)) and self._may_be(other.log):
                return other
        raise AssertionError  # count() has no end

    def _may_be(self, log: Path) -> bool:
        return not os.path.lexists(log) or (self.log.exists() and log.samefile(self.log))

    def add_log_name(self, other: RunFiles) -> None:
        """Give the log the name that it has in `other` too, so that it has one at every moment."""
        if self.log.exists() and not other.log.exists():
            _link(self.log, other.log)

    def move_checkpoints(self, other: RunFiles) -> None:
        """Rename the checkpoints to those of `other`; what is there is replaced."""
        for mine, new in zip(self.checkpoints, other.checkpoints, strict=True):
            if mine.exists():
                os.replace(mine, new)

    def move_to(self, other: RunFiles) -> None:
        """Rename the checkpoints, then the log, to those of `other`; what is there is replaced."""
        self.move_checkpoints(other)
        if self.log.exists():
            os.replace(self.log, other.log)
            self.log.unlink(missing_ok=True)  # os.replace leaves two names of the same file as they are

    def drop_second_names(self) -> None:
        """Remove set-aside names of this very log: a run was killed just before it took the place of this one."""
        for path in self.out.parent.glob(f"{glob.escape(self.out.stem)}.old*{glob.escape(self.out.suffix)}.log"):
            if path.samefile(self.log):
                path.unlink()

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints (OSError if they cannot be)."""
        for path in self.checkpoints:
            path.unlink(missing_ok=True)


def _link(path: Path, new: Path) -> None:
    """Give a file a second name; where the file system has no such links, a new name in place of the old one."""
    try:
        os.link(path, new)
    except FileExistsError:
        raise
    except OSError:
        os.replace(path, new)
