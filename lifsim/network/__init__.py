"""The description of a network: populations, projections, recordings, and all models with their parameters. It knows no execution.

In: calls of `Network.add`, `Network.connect`, `Network.record`. Out: a checked `Network`, which a model file can hold and a run takes.
"""

from lifsim.network.model import MODELS
from lifsim.network.network import Network
from lifsim.network.population import Population, View
from lifsim.network.projection import Projection
from lifsim.network.recordings import Recording
from lifsim.network.synapse_models import SYNAPSES

__all__ = ["MODELS", "SYNAPSES", "Network", "Population", "Projection", "Recording", "View"]
