"""What a demonstration returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Demonstration:
    """A figure, and what is to be seen in it.

    Parameters
    ----------
    figure : the figure, which `lifsim.plot.save` writes to a file.
    lines : the lines that ``lifsim demo`` prints.
    numbers : the measured and the expected values behind these lines, by name.
    """

    figure: Figure
    lines: Sequence[str]
    numbers: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)
