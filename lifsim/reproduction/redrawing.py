"""Draws a figure again from its provenance, and compares."""

from __future__ import annotations

import inspect
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lifsim.common.errors import LifsimError


def redrawn(path: Path, about: Mapping[str, Any], shown: Sequence[Any]) -> tuple[bool | None, str]:
    """Whether a figure, drawn again, is the same.

    Parameters
    ----------
    path : the figure. about : its provenance. shown : what it shows, results and networks, made again.

    Returns
    -------
    True or False, and ""; or None and the reason why it cannot be drawn again.
    """
    from lifsim import plot
    from lifsim.plot.origins import matplotlib_version
    from lifsim.plot.style import picture

    call = about.get("drawing")
    if not isinstance(call, Mapping):
        return None, "it was not drawn by one call of lifsim.plot alone, whose options are known"
    name, options, names = str(call.get("function")), call.get("options") or {}, call.get("names") or []
    function = getattr(plot, name) if name in plot.__all__ else None
    taken = set(inspect.signature(function).parameters) if callable(function) else set()
    if not callable(function) or not {"ax", "width_mm", *options} <= taken:  # others do not draw
        return None, f"this version of lifsim has no such plot ({name})"
    try:
        made = picture(function(dict(zip(names, shown, strict=True)) if names else shown[0], **options), path.suffix[1:].lower(), about)
    except (LifsimError, TypeError, ValueError, LookupError, AttributeError) as error:  # options that another program wrote
        return None, f"it cannot be drawn again ({error})"
    there = path.read_bytes()
    same = made == there or (path.suffix.lower() == ".png" and _same_pixels(made, there))
    if not same and about.get("matplotlib") != matplotlib_version():
        return None, f"matplotlib {about.get('matplotlib')} drew it, and {matplotlib_version()}, which is here, draws it differently"
    return same, ""


def _same_pixels(one: bytes, other: bytes) -> bool:
    import numpy as np
    from PIL import Image

    images = [Image.open(io.BytesIO(data), formats=("PNG",)) for data in (one, other)]
    return images[0].mode == images[1].mode and np.array_equal(np.asarray(images[0]), np.asarray(images[1]))
