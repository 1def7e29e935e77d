"""The state of a simulation as the arrays of a checkpoint, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lifsim.checkpoint.checkpoint_file import COLLECTED, STATE, Checkpoint
from lifsim.checkpoint.compatibility import changed_rules
from lifsim.common.errors import DataError
from lifsim.network import Network
from lifsim.simulation.environment import versions
from lifsim.simulation.options import Progress
from lifsim.simulation.recorder import Recorder

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine


def arrays_of(engine: RunningEngine, recorder: Recorder) -> dict[str, Any]:
    """All arrays of a checkpoint, by name."""
    arrays = {f"{STATE}{key}": x for key, x in engine.saved().items()}
    return arrays | {f"{COLLECTED}{key}": x for key, x in recorder.saved().items()}


def load(saved: Checkpoint, engine: RunningEngine, recorder: Recorder) -> None:
    """Load the arrays of a checkpoint into an engine and a recorder that were just built.

    Raises
    ------
    DataError : they are of another network.
    """
    if not (saved.arrays or saved.about.step):
        return  # the state that follows from the seed
    try:
        engine.restore(saved.about.step, saved.part(STATE))
        recorder.restore(saved.part(COLLECTED))
    except (ValueError, IndexError, KeyError) as error:
        raise DataError(str(saved.path), f"does not fit its network ({error})") from None


def warn_of_versions(saved: Checkpoint, progress: Progress) -> None:
    """Say so if a checkpoint was written with other versions of what computes."""
    if saved.about.versions != versions():
        known = ", ".join(f"{name} {x}" for name, x in saved.about.versions.items() if versions().get(name) != x)
        progress("warning", text=f"{saved.path} was written with {known}: the last digits of what follows may differ from then")


def check_unchanged(net: Network, saved: Checkpoint) -> None:
    """Refuse a checkpoint whose network means something else by now (DataError, with the places)."""
    changed = changed_rules(net, saved.about.format)
    if changed:
        got = f"was made by lifsim {saved.about.versions.get('lifsim', '?')}, for which its network meant something else: "
        raise DataError(str(saved.path), got + "; ".join(f"{p.where}: {p.got}" for p in changed[:5]), changed[0].allowed)
