"""Checkpoints: files that hold everything needed to continue a run with bit-identical results.

Input: the state of a simulation and its network. Output: a file, and the state and network read back from it. A network that this
version of lifsim interprets differently is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Checkpoint", "NetworkImage", "Schedule"]

if TYPE_CHECKING:
    from lifsim.checkpoint.checkpoint_file import Checkpoint
    from lifsim.checkpoint.network_archive import NetworkImage
    from lifsim.checkpoint.schedule import Schedule

__getattr__ = on_first_use(
    __name__,
    {
        "Checkpoint": "lifsim.checkpoint.checkpoint_file",
        "NetworkImage": "lifsim.checkpoint.network_archive",
        "Schedule": "lifsim.checkpoint.schedule",
    },
)

__dir__ = public_names(__name__)
