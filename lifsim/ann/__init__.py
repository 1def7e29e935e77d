"""Dense networks that train on data, and whose weights run as networks of spiking neurons.

    m = Classifier(hidden=(64,)).fit(X, y)        # or Regressor; the calls of scikit-learn
    s = to_spiking(m, X, neuron="lif")            # an ordinary lifsim network of the same weights
    m = SpikingClassifier(hidden=(64,)).fit(X, y) # trained through its spikes

In: arrays of samples and targets. Out: a trained network, its file, or a model file of spiking neurons with the same weights.
The compiled epochs are in `lifsim.ann.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use

__all__ = ["Classifier", "Regressor", "SpikingClassifier", "load", "to_spiking"]

if TYPE_CHECKING:
    from lifsim.ann.classifier import Classifier
    from lifsim.ann.conversion import to_spiking
    from lifsim.ann.loading import load
    from lifsim.ann.regressor import Regressor
    from lifsim.ann.spiking_classifier import SpikingClassifier

__getattr__ = on_first_use(
    __name__,
    {
        "Classifier": "lifsim.ann.classifier",
        "Regressor": "lifsim.ann.regressor",
        "SpikingClassifier": "lifsim.ann.spiking_classifier",
        "load": "lifsim.ann.loading",
        "to_spiking": "lifsim.ann.conversion",
    },
)
