"""The files of one run: result, log, checkpoints, and the files of an earlier run that it replaces.

During a run with output ``OUT.h5``, its log is ``OUT.h5.log`` and its checkpoints are ``OUT.h5.ckpt`` and
``OUT.h5.ckpt.prev``. An earlier result stays at ``OUT.h5`` until the new one replaces it in one step. The log and the
checkpoints of an earlier unfinished run are renamed to those of ``OUT.old1.h5`` (or ``old2``, …), so that this run can be read and
resumed under that name. They are removed when the new result is complete, or get their old names back if the new run ends before
its first step.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path


def log_path(path: str | Path) -> Path:
    """The log of the run with output `path`."""
    return Path(f"{path}.log")


def checkpoint_path(path: str | Path) -> Path:
    """The last checkpoint of the run with output `path`."""
    return Path(f"{path}.ckpt")


def previous_path(path: str | Path) -> Path:
    """The checkpoint before the last one of the run with output `path`."""
    return Path(f"{path}.ckpt.prev")


@dataclass(frozen=True)
class RunFiles:
    """The files of the run with output `out`."""

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
        """The first unused name ``OUT.oldK.h5`` for this run, for which no file exists."""
        for k in count(1):
            other = self._aside(k)
            if not any(os.path.lexists(p) for p in (other.out, other.log, *other.checkpoints)):
                return other
        raise AssertionError  # count() has no end

    def last_aside(self) -> RunFiles | None:
        """The run that was last renamed to ``OUT.oldK.h5``; None if there is none."""
        own = re.compile(rf"{re.escape(self.out.stem)}\.old(\d+){re.escape(self.out.suffix)}\.log")
        try:
            found = [int(match[1]) for name in os.listdir(self.out.parent) if (match := own.fullmatch(name))]
        except OSError:  # the folder does not exist or cannot be read
            return None
        return self._aside(max(found)) if found else None

    def _aside(self, k: int) -> RunFiles:
        return RunFiles(self.out.with_name(f"{self.out.stem}.old{k}{self.out.suffix}"))

    def move_log(self, other: RunFiles) -> None:
        """Rename the log to that of `other`, replacing an existing file."""
        if self.log.exists():
            os.replace(self.log, other.log)

    def move_checkpoints(self, other: RunFiles) -> None:
        """Rename the checkpoints to those of `other`, replacing existing files."""
        for mine, new in zip(self.checkpoints, other.checkpoints, strict=True):
            if mine.exists():
                os.replace(mine, new)

    def drop_checkpoints(self) -> None:
        """Remove the checkpoints (OSError if that fails)."""
        for path in self.checkpoints:
            path.unlink(missing_ok=True)
