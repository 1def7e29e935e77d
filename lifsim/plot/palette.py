"""Colours of populations and neurons."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb, to_rgba

# Okabe & Ito's palette, which colour-blind readers can distinguish
EXCITATORY, INHIBITORY = "#0072B2", "#D55E00"
OTHERS = ("#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
_FURTHER = ("#882255", "#999933", "#332288", "#8C510A")  # three of Tol's muted colours, and brown
_FAMILIES = {EXCITATORY: ("#08306B", EXCITATORY, "#4FACE3"), INHIBITORY: ("#7F1D00", INHIBITORY, "#F09A54")}  # from dark to light
# The same hues on a dark background
_EXCITATORY_ON_DARK, _INHIBITORY_ON_DARK = "#56B4E9", "#F08A4B"
_OTHERS_ON_DARK = ("#FFFFFF", "#2CC79B", "#E5A3C9", "#F5C242", "#9BB8FF")
_FURTHER_ON_DARK = ("#D8799F", "#C9C96B", "#A79BE8", "#C9925A")
_FAMILIES_ON_DARK = {
    EXCITATORY: ("#2B7FC4", _EXCITATORY_ON_DARK, "#BCE2F8"),
    INHIBITORY: ("#D0571B", _INHIBITORY_ON_DARK, "#FBD0B0"),
}
_NEAR = 0.22  # colours whose distance in RGB (0 to 1) is smaller are taken for the same in thin lines


def colours(names: Sequence[str], shades: bool = True) -> list[str]:
    """A colour for each population: blue for excitatory names, vermilion for inhibitory names, other colours for the rest.

    Names such as "exc", "E", "L4E" and "L4e" are excitatory; names such as "inh", "I", "L4I" and "L4i" are inhibitory. All plots of a
    result use the colours of all its populations, generators last, so that a population has the same colour in each of them. Where
    matplotlib is set to a dark background (``axes.facecolor``), the colours are lighter ones of the same hues.

    Parameters
    ----------
    names : names of the populations.
    shades : several excitatory (or inhibitory) populations differ in lightness, from dark to light; otherwise they share one colour.

    Returns
    -------
    Colours as "#RRGGBB", in the order of `names`. Populations that are neither excitatory nor inhibitory all have different colours.
    """
    kinds = [_kind(name) for name in names]
    found: dict[int, str] = {}
    for kind, family in (_FAMILIES_ON_DARK if on_dark() else _FAMILIES).items():
        members = [k for k, other in enumerate(kinds) if other == kind]
        for rank, k in enumerate(members):
            found[k] = _between(family, rank / (len(members) - 1)) if shades and len(members) > 1 else family[1]
    rest = other_colours(set(found.values()))
    return [found[k] if k in found else next(rest) for k in range(len(names))]


def other_colours(taken: Iterable[str]) -> Iterator[str]:
    """Yield colours that differ clearly from all `taken` ones: `OTHERS`, `_FURTHER`, then darker and lighter versions of both.

    On a dark background, the versions of these for it; versions that are too dark for it are left out.

    The iterator has no end: when all versions have been given, they are repeated.
    """
    taken = list(taken)
    given: set[str] = set()
    dark = on_dark()
    basic = (*_OTHERS_ON_DARK, *_FURTHER_ON_DARK) if dark else (*OTHERS, *_FURTHER)
    levels = [0.0, *(sign * level for level in (0.42, 0.22, 0.55, 0.12, 0.32, 0.48) for sign in (-1, 1))]
    for level in levels:
        for colour in basic:
            made = _lighter(colour, level)
            if dark and _luminance(made) < 0.1:
                continue
            if made not in given and not any(_near(made, other) for other in taken):
                given.add(made)
                yield made
    while True:  # beyond about a hundred, colours repeat
        yield from sorted(given)


def neuron_colours(own: str, populations: Iterable[str], n: int) -> list[str]:
    """Colours of `n` neurons of a population: its `own` colour, then colours unlike those of all `populations`."""
    rest = other_colours({own, *populations})
    return [own, *(next(rest) for _ in range(n - 1))][:n]


def ink(colour: str) -> str:
    """`colour`, darker if text of it would be hard to read on white (a contrast below 3 to 1); lighter on a dark background."""
    dark = on_dark()
    for level in np.arange(0, 1, 0.05):
        made = _lighter(colour, level if dark else -level)
        if _luminance(made) >= 0.18 if dark else _luminance(made) <= 0.3:
            return made
    return "#FFFFFF" if dark else "#000000"


def faint(colour: str) -> str:
    """`colour` halfway to the background of the style in use."""
    return _hex((np.array(to_rgb(colour)) + np.array(to_rgb(paper()))) / 2)


def grey(level: float) -> str:
    """A grey between the text (0) and the background (1) of the style in use."""
    return _hex((1 - level) * np.array(to_rgb(matplotlib.rcParams["text.color"])) + level * np.array(to_rgb(paper())))


def paper() -> str:
    """The background of axes in the style in use."""
    colour = matplotlib.rcParams["axes.facecolor"]
    return _hex(to_rgb(colour)) if to_rgba(colour)[3] > 0.5 else "#FFFFFF"


def on_dark() -> bool:
    """Whether the style in use has a dark background."""
    return is_dark(paper())


def is_dark(colour: Any) -> bool:
    """Whether black text on `colour` would have a lower contrast than white text."""
    return _luminance(colour) < 0.18


def _luminance(colour: Any) -> float:
    """Relative luminance as in the Web Content Accessibility Guidelines, 0 (black) to 1 (white)."""
    linear = [x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def _kind(name: str) -> str | None:
    if re.search(r"^(?i:inh)|(?i:inh)$|^I(?![A-Za-z])|^i$|I$|(?<=[\d_])[iI](?![A-Za-z0-9])", name):
        return INHIBITORY
    if re.search(r"^(?i:exc)|(?i:exc)$|^E(?![A-Za-z])|^e$|E$|(?<=[\d_])[eE](?![A-Za-z0-9])", name):
        return EXCITATORY
    return None


def _near(one: str, other: str) -> bool:
    return float(np.linalg.norm(np.subtract(to_rgb(one), to_rgb(other)))) < _NEAR


def _between(family: Sequence[str], x: float) -> str:
    """The colour at `x` (0 to 1) on the way through the colours of `family`."""
    at = np.linspace(0, 1, len(family))
    return _hex([np.interp(x, at, channel) for channel in zip(*map(to_rgb, family), strict=True)])


def _lighter(colour: str, level: float) -> str:
    """`colour` mixed with white (0 < level < 1) or with black (-1 < level < 0)."""
    return _hex(np.array(to_rgb(colour)) * (1 - abs(level)) + max(level, 0.0))


def _hex(rgb: Sequence[float] | np.ndarray) -> str:
    return to_hex(tuple(np.clip(rgb, 0, 1))).upper()
