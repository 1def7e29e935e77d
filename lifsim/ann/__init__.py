"""Dense networks that are trained on data and converted to networks of spiking neurons with the same weights.

    m = Classifier(hidden=(64,)).fit(X, y)        # or Regressor; the interface of scikit-learn
    s = to_spiking(m, X, neuron="lif")            # an ordinary lifsim network with the same weights
    m = SpikingClassifier(hidden=(64,)).fit(X, y) # trained by surrogate gradients

Input: arrays of samples and targets. Output: a trained network, its file, or a model file of spiking neurons. `plots` has the figures.
The compiled training loops are in `lifsim.ann.kernels`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.ann.synonyms import MODULE
from lifsim.common.lazy import on_first_use, public_names

__all__ = ["Classifier", "Regressor", "SpikingClassifier", "load", "plots", "to_spiking"]

if TYPE_CHECKING:
    from lifsim.ann import plots
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
        "plots": "lifsim.ann.plots",
        "to_spiking": "lifsim.ann.conversion",
    },
    MODULE,
)

__dir__ = public_names(__name__)
