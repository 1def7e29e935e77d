"""Checkpoints: everything that a run needs to go on, in one file, bit for bit.

In: the state of a simulation and its network. Out: a file; and back, with a network that is refused if it means something else by now.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

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
