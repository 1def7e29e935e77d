"""The description of a network: populations, projections, recordings, and all models with their parameters.

Input: calls of `Network.add`, `Network.connect` and `Network.record`. Output: a checked `Network`, which can be saved as a model file
or simulated. Nothing in this package executes a network.
"""

from lifsim.common.lazy import public_names
from lifsim.network.model import MODELS
from lifsim.network.network import Network
from lifsim.network.population import Population, View
from lifsim.network.projection import Projection
from lifsim.network.recordings import Recording
from lifsim.network.synapse_models import SYNAPSES

__all__ = ["MODELS", "SYNAPSES", "Network", "Population", "Projection", "Recording", "View"]

__dir__ = public_names(__name__)
