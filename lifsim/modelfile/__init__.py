"""Model files: networks as TOML text, with parameters, expressions and references to other files.

Reading: the path or the text of a model file, and settings, become a `Network`, or an error that lists every problem with its place.
Writing: a `Network` becomes a model file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lifsim.common.lazy import on_first_use, public_names

__all__ = ["find", "load", "load_with_settings", "loads", "save", "shipped", "template"]

if TYPE_CHECKING:
    from lifsim.modelfile.reader import load, load_with_settings, loads
    from lifsim.modelfile.shipped import find, shipped, template
    from lifsim.modelfile.writer import save

__getattr__ = on_first_use(
    __name__,
    {
        "find": "lifsim.modelfile.shipped",
        "load": "lifsim.modelfile.reader",
        "load_with_settings": "lifsim.modelfile.reader",
        "loads": "lifsim.modelfile.reader",
        "save": "lifsim.modelfile.writer",
        "shipped": "lifsim.modelfile.shipped",
        "template": "lifsim.modelfile.shipped",
    },
)

__dir__ = public_names(__name__)
