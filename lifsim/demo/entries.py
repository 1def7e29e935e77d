"""The demonstrations by name."""

from __future__ import annotations

from typing import NamedTuple

from lifsim.common.errors import LifsimError, did_you_mean


class DemoEntry(NamedTuple):
    """A demonstration: the module whose `demonstrate` makes it, what it shows, and a command that shows the same of a whole model.

    The command is given as its words, without the file that it writes.
    """

    module: str
    title: str
    of_model: tuple[str, ...] = ()


ENTRIES = {
    "ann": DemoEntry("lifsim.demo.ann", "layers, forward pass, loss, backpropagation, gradient descent: one neuron, XOR, a regression"),
    "neuron": DemoEntry("lifsim.demo.neuron", "the artificial and the spiking neuron on the same inputs, weights and bias"),
    "inputs": DemoEntry("lifsim.demo.inputs", "inputs times weights, summed in time and in space, and how many reach threshold"),
    "leak": DemoEntry("lifsim.demo.leak", "the membrane integrates its input and forgets it with tau_m"),
    "threshold": DemoEntry(
        "lifsim.demo.threshold", "why no spike below 375 pA, the rheobase, the current that just reaches V_th", ("fi", "single_neuron")
    ),
    "reset": DemoEntry("lifsim.demo.reset", "after a spike the potential starts again from V_reset"),
    "refractory": DemoEntry("lifsim.demo.refractory", "t_ref limits the firing rate"),
    "fi": DemoEntry(
        "lifsim.demo.fi", "firing rate and input current; what tau_m, V_th and the input strength do to it", ("fi", "single_neuron")
    ),
    "poisson": DemoEntry("lifsim.demo.poisson", "random input: a potential that fluctuates, and irregular spikes"),
    "ei-balance": DemoEntry(
        "lifsim.demo.balance", "excitation and inhibition that cancel: irregular spikes at a low rate", ("run", "brunel", "--plot")
    ),
    "stdp": DemoEntry("lifsim.demo.stdp", "a synapse that learns from the times of spikes"),
    "ann-to-spikes": DemoEntry("lifsim.demo.ann_to_spikes", "a trained network and the same weights as spiking neurons: digits"),
}


def names() -> dict[str, str]:
    """The name of each demonstration, and what it shows, in the order from the artificial to the spiking neuron."""
    return {name: entry.title for name, entry in ENTRIES.items()}


def entry_of(name: str) -> DemoEntry:
    """The demonstration `name`.

    Raises
    ------
    LifsimError : there is no such demonstration.
    """
    if name not in ENTRIES:
        raise LifsimError("demo", f"there is no demonstration {name!r}", did_you_mean(str(name), ENTRIES))
    return ENTRIES[name]
