"""Arrays as text in a page: byte planes, compressed by DEFLATE, in base64; ``assets/blocks.js`` reads them."""

from __future__ import annotations

import base64
import zlib
from typing import Any
from xml.etree.ElementTree import Element

import numpy as np

_LEVEL = 6  # of zlib; 9 takes three times as long for a hundredth less


class PageBlocks:
    """The arrays of a page, which its data refer to by the references that `add` returns."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, values: np.ndarray) -> dict[str, Any]:
        """Keep an array, 1-d; whole numbers (not negative) take as few bytes as the largest needs, others four.

        The bytes are kept in planes: first the lowest byte of all numbers, then the next one. Planes of small numbers are mostly zeros.

        Returns
        -------
        {"block": number of the array, "type": "u1", "u2", "u4" or "f4", "length": its length}.
        """
        if values.dtype.kind == "f":
            form = np.dtype("<f4")
        else:
            form = np.dtype(np.min_scalar_type(int(values.max(initial=0)))).newbyteorder("<")
            if form.itemsize > 4:
                raise ValueError("a number above 2**32 - 1")
        planes = np.ascontiguousarray(values.astype(form)).view(np.uint8).reshape(-1, form.itemsize).T
        self._texts.append(base64.b64encode(zlib.compress(planes.tobytes(), _LEVEL)).decode())
        return {"block": len(self._texts) - 1, "type": form.str[1:], "length": len(values)}

    def elements(self) -> list[Element]:
        """A `script` element with the text of each array, which a browser keeps and does not run."""
        out = []
        for k, text in enumerate(self._texts):
            element = Element("script", {"type": "text/plain", "id": f"block-{k}"})
            element.text = text
            out.append(element)
        return out
