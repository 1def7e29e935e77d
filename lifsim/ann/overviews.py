"""What a notebook shows of an estimator: the parameters that are not the defaults, the layers, and the last numbers of the training."""

from __future__ import annotations

import inspect
from typing import Any

from lifsim.common.overview import Fact, Overview
from lifsim.common.printable import shown


def overview_of(m: Any) -> Overview:
    """The overview of a `Classifier`, `Regressor` or `SpikingClassifier`."""
    standard = inspect.signature(type(m).__init__).parameters
    changed = {name: value for name, value in m.get_params().items() if value != standard[name].default}
    facts = [Fact(name, shown(value)) for name, value in changed.items()]
    if not m.is_trained:
        return Overview(type(m).__name__, "(not trained)", facts)
    history = {key: values for key, values in m.history.items() if values and key != "validation_score"}  # it has a second name
    facts += [Fact("layers", " → ".join(map(str, m.layers_.sizes))), Fact("parameters", f"{len(m.layers_.theta):,}")]
    facts += [Fact("epochs trained", str(len(history["loss"])))] if "loss" in history else []
    facts += [Fact(f"{key.replace('_', ' ')} of the last epoch", f"{values[-1]:.4g}") for key, values in history.items()]
    return Overview(type(m).__name__, "", facts)
