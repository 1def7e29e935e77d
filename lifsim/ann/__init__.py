"""Dense networks that train on data, and whose weights run as networks of spiking neurons.

    m = Classifier(hidden=(64,)).fit(X, y)        # or Regressor; the calls of scikit-learn
    s = to_spiking(m, X, neuron="lif")            # an ordinary lifsim network of the same weights
    m = SpikingClassifier(hidden=(64,)).fit(X, y) # trained through its spikes

`activations` and `losses` are what units and outputs do, `layers` is the network, `training` the loop around the compiled
epoch (`lifsim.engine.dense`), `estimators` the calls, `netfile` the file. `convert` is the way to spikes, `modeltext` the
model file it leads to, `spiking` runs it. `surrogate` (`lifsim.engine.through_time`) trains spiking layers as such, for
`spiking_classifier`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Classifier": "lifsim.ann.estimators",
    "Regressor": "lifsim.ann.estimators",
    "SpikingClassifier": "lifsim.ann.spiking_classifier",
    "load": "lifsim.ann.netfile",
    "to_spiking": "lifsim.ann.convert",
}
__all__ = ["Classifier", "Regressor", "SpikingClassifier", "load", "to_spiking"]

if TYPE_CHECKING:
    from lifsim.ann.convert import to_spiking
    from lifsim.ann.estimators import Classifier, Regressor
    from lifsim.ann.netfile import load
    from lifsim.ann.spiking_classifier import SpikingClassifier


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module 'lifsim.ann' has no attribute {name!r}")
