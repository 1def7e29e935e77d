"""The files of one run: the result it makes, its log, its checkpoints, and the earlier runs that it will replace.

While a run that makes ``OUT.h5`` goes on, its log is ``OUT.h5.log`` and its checkpoints are ``OUT.h5.ckpt`` and
``OUT.h5.ckpt.prev``. An earlier result stays at ``OUT.h5`` until the new one takes its place in one step. The log and the
checkpoints of an earlier unfinished run are set aside as those of ``OUT.old1.h5`` (or ``old2``, …), which can be read and
resumed under that name. They are removed when the new result is there, or get their name back if the new run ends before
its first step.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path


def log_path(path: str | Path) -> Path:
    """Where the run that makes `path` keeps its log."""
    return Path(f"{path}.log")


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
        """A name beside `out` under which this run can be kept: nothing has it yet."""
        for k in count(1):
            other = self._aside(k)
            if not any(os.path.lexists(p) for p in (other.out, other.log, *other.checkpoints)):
                return other
        raise AssertionError  # count() has no end

    def last_aside(self) -> RunFiles | None:
        """The run that was set aside last, None if none was."""
        own = re.compile(rf"{re.escape(self.out.stem)}\.old(\d+){re.escape(self.out.suffix)}\.log")
        try:
            found = [int(match[1]) for name in os.listdir(self.out.parent) if (match := own.fullmatch(name))]
        except OSError:  # there is no such folder, or it cannot be read
            return None
        return self._aside(max(found)) if found else None

    def _aside(self, k: int) -> RunFiles:
        return RunFiles(self.out.with_name(f"{self.out.stem}.old{k}{self.out.suffix}"))

    def move_log(self, other: RunFiles) -> None:
        """Rename the log to that of `other`; what is there is replaced."""
        if self.log.exists():
            os.replace(self.log, other.log)

    def move_checkpoints(self, other: RunFiles) -> None:
        """Rename the checkpoints to those of `other`; what is there is replaced."""
        for mine, new in zip(self.checkpoints, other.checkpoints, strict=True):
            if mine.exists():
                os.replace(mine, new)

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints (OSError if they cannot be)."""
        for path in self.checkpoints:
            path.unlink(missing_ok=True)
