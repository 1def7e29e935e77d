"""Text of a selection of nodes, as in the name of a view: ``[0:10]``, ``[3]``, ``[3,17,5]``."""

from __future__ import annotations

import numpy as np

FEW = 16  # up to so many nodes in descending order are listed one by one


def index_text(index: range | np.ndarray) -> str:
    """The text in brackets of the node indices `index`, a range or an int64 array of shape (n,); equal indices give equal texts."""
    if len(index) == 1:
        return f"[{index[0]}]"
    r = index if isinstance(index, range) else as_range(index)
    if r is None or (r.step < 0 and len(r) <= FEW):  # a range that descends to 0 has no stop
        return f"[{','.join(map(str, index))}]"
    stop = r[-1] + (1 if r.step > 0 else -1) if len(r) else r.start
    return f"[{r.start}:{stop if stop >= 0 else ''}{'' if r.step == 1 else f':{r.step}'}]"


def listed_text(index: range | np.ndarray) -> str:
    """As `index_text`, but nodes in steps other than 1 are listed one by one if they are few: ``[3,8]`` instead of ``[3:9:5]``."""
    text = index_text(index)
    return f"[{','.join(map(str, index))}]" if text.count(":") == 2 and len(index) <= FEW else text


def as_range(ids: np.ndarray) -> range | None:
    """Indices as a range if they ascend by equal steps, else None."""
    steps = np.diff(ids)
    if len(steps) == 0 or steps[0] <= 0 or not (steps == steps[0]).all():
        return None
    return range(int(ids[0]), int(ids[-1]) + 1, int(steps[0]))
