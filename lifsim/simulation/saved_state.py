"""Converts the state of a simulation to the arrays of a checkpoint, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from lifsim.building.stimuli import Stimuli
from lifsim.checkpoint.checkpoint_file import COLLECTED, STATE, STIMULI, WEIGHTS, Checkpoint
from lifsim.checkpoint.compatibility import changed_rules
from lifsim.common.errors import DataError
from lifsim.network import Network
from lifsim.simulation.environment import versions
from lifsim.simulation.options import Progress
from lifsim.simulation.recorder import Recorder
from lifsim.simulation.synapse_access import SynapseAccess

if TYPE_CHECKING:
    from lifsim.engine import RunningEngine


class Parts(NamedTuple):
    """The parts of a simulation that have a state."""

    engine: RunningEngine
    recorder: Recorder
    stimuli: Stimuli
    synapses: SynapseAccess


def arrays_of(parts: Parts) -> dict[str, Any]:
    """All arrays of a checkpoint, by name."""
    engine, recorder, stimuli, synapses = parts
    arrays = {f"{STATE}{key}": x for key, x in engine.saved().items()}
    arrays |= {f"{COLLECTED}{key}": x for key, x in recorder.saved().items()}
    arrays |= {f"{STIMULI}{key}": x for key, x in stimuli.saved().items()}
    return arrays | {f"{WEIGHTS}{key}": x for key, x in synapses.saved().items()}


def load(saved: Checkpoint, parts: Parts) -> None:
    """Load the arrays of a checkpoint into the parts of a simulation that were just built.

    Raises
    ------
    DataError : the arrays are those of another network.
    """
    if not (saved.arrays or saved.about.step):
        return  # the initial state, which follows from the seed
    engine, recorder, stimuli, synapses = parts
    try:
        synapses.restore(saved.part(WEIGHTS))
        changed = saved.part(STIMULI)
        if changed:
            engine.restimulate(stimuli.restore(engine.plan, saved.about.step, changed))
            for name in stimuli.histories:
                recorder.change(name, stimuli.histories[name].now, saved.about.step)
        engine.restore(saved.about.step, saved.part(STATE))
        recorder.restore(saved.part(COLLECTED))
    except (ValueError, IndexError, KeyError) as error:
        raise DataError(str(saved.path), f"holds a state that does not fit its network ({error})", "an undamaged checkpoint") from None


def warn_of_versions(saved: Checkpoint, progress: Progress) -> None:
    """Warn if a checkpoint was written with other versions of lifsim or its dependencies."""
    if saved.about.versions != versions():
        known = ", ".join(f"{name} {x}" for name, x in saved.about.versions.items() if versions().get(name) != x)
        progress("warning", text=f"{saved.path} was written with {known}: the last digits of further results may differ")


def check_unchanged(net: Network, saved: Checkpoint) -> None:
    """Check that this version interprets the network of a checkpoint as the version that wrote it did (DataError)."""
    changed = changed_rules(net, saved.about.format)
    if changed:
        got = f"was made by lifsim {saved.about.versions.get('lifsim', '?')}, which interpreted its network differently: "
        raise DataError(str(saved.path), got + "; ".join(f"{p.where}: {p.got}" for p in changed[:5]), changed[0].allowed)
