"""Chooses fonts for names in any script. Characters that no installed font has become escapes such as ``\\u9525``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import matplotlib
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.font_manager import FontEntry, FontProperties, fontManager, get_font
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, NullFormatter, ScalarFormatter

from lifsim.plot.number_labels import SPECIAL, NumberLabels

# Common fonts of many scripts, which are looked into first. Of the others, at most _MOST.
_PREFERRED = (
    "Noto Sans", "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei",
    "Droid Sans Fallback", "Arial Unicode MS", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo", "Microsoft YaHei", "SimHei",
    "Yu Gothic", "MS Gothic", "Malgun Gothic", "Nirmala UI", "Segoe UI", "Segoe UI Symbol", "Segoe UI Emoji", "Noto Emoji",
    "Noto Sans Symbols", "Noto Sans Symbols2", "Symbola", "FreeSans", "Unifont",
)  # fmt: skip
_MOST = 400
# Fonts that draw a box or nothing for every character, and colour bitmaps, which matplotlib cannot draw
_USELESS = re.compile(r"last ?resort|adobe blank|color emoji|colou?r", re.IGNORECASE)
_JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")  # select a form of the character before; most fonts lack them


def showable(text: str) -> str:
    r"""`text` with an escape such as ``\u9525`` for each character that no installed font has."""
    if text.isascii():
        return text
    if any(_font_of(c) is None for c in text):
        text = _JOINERS.sub("", text)
    return "".join(c if _font_of(c) is not None else _escape(c) for c in text)


def fit_fonts(*axes: Axes) -> None:
    """Give the texts of `axes` fonts that have their characters."""
    for ax in axes:
        for text in _texts(ax):
            missing = [_font_of(c) for c in text.get_text() if not c.isascii() and _font_of(c)]
            if missing:
                text.set_fontfamily([*matplotlib.rcParams["font.family"], *dict.fromkeys(str(name) for name in missing)])


def _texts(ax: Axes) -> Iterator[Text]:
    yield from ax.texts
    yield from (ax.title, ax._left_title, ax._right_title)  # type: ignore[attr-defined]
    for axis in (ax.xaxis, ax.yaxis):
        yield axis.label
        yield from _tick_labels(axis)
    legend = ax.get_legend()
    if legend is not None:
        yield from (legend.get_title(), *legend.get_texts())


def _tick_labels(axis: Axis) -> Iterator[Text]:
    """The labels of ticks that may need another font. To ask for labels computes all ticks, which takes long: not done for numbers."""
    for minor, formatter in ((False, axis.get_major_formatter()), (True, axis.get_minor_formatter())):
        plain = isinstance(formatter, (NumberLabels, ScalarFormatter, LogFormatter)) and not any(map(_font_of, SPECIAL))
        if not plain and not isinstance(formatter, NullFormatter):
            yield from axis.get_ticklabels(minor=minor)


def _font_of(character: str) -> str | None:
    """Name of a font that has `character`: "" if the standard fonts have it, None if no font has."""
    if character.isascii() or character.isspace():
        return ""
    return _looked_up(character, tuple(matplotlib.rcParams["font.family"]), len(fontManager.ttflist))


@cache
def _looked_up(character: str, family: tuple[str, ...], fonts: int) -> str | None:
    """`_font_of`, where matplotlib is set to a `family` and knows that number of `fonts`, both of which users can change."""
    if any(ord(character) in _characters(path) for path in _standard(family)):
        return ""
    return next((font.name for font in _fonts(fonts) if ord(character) in _characters(font.fname)), None)


@cache
def _standard(family: tuple[str, ...]) -> tuple[str, ...]:
    """Files of the fonts of a family."""
    return tuple(fontManager._find_fonts_by_props(FontProperties(family=list(family))))


@cache
def _fonts(known: int) -> tuple[FontEntry, ...]:
    """Upright fonts of normal weight of all that matplotlib knows, one for each name; `_PREFERRED` ones first."""
    found: dict[str, FontEntry] = {}
    for font in fontManager.ttflist[:known]:
        if font.style == "normal" and font.weight in (400, "normal", "regular", "book") and not _USELESS.search(font.name):
            found.setdefault(font.name, font)
    names = [name for name in _PREFERRED if name in found]
    return tuple(found[name] for name in dict.fromkeys([*names, *found]))[: len(names) + _MOST]


@cache
def _characters(path: str) -> frozenset[int]:
    try:
        return frozenset(get_font(path).get_charmap())
    except (OSError, RuntimeError, ValueError):  # a font that FreeType cannot read
        return frozenset()


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
