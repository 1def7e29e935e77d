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
    if len(shown) != 1:
        return None, f"it shows {len(shown)} runs, and only figures of one are drawn again"
    if not isinstance(call, Mapping):
        return None, "it was put together from several plots, or in axes of a figure of another program"
    name, options = str(call.get("function")), call.get("options") or {}
    function = getattr(plot, name, None) if name in plot.__all__ else None
    if function is None or not set(options) <= set(inspect.signature(function).parameters):
        return None, f"this version of lifsim has no such plot ({name})"
    try:
        made = picture(function(shown[0], **options), path.suffix[1:].lower(), about)
    except (LifsimError, TypeError, ValueError) as error:
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
