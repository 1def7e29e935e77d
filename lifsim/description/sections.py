"""The parts of a description, whatever its format: sections with sentences, tables and formulas."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias


@dataclass(frozen=True)
class Grid:
    """A table. `numbers` are the columns that are set flush right; the first column names the row.

    `caption` is "" if the heading of the section says what the table is.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()


@dataclass(frozen=True)
class Formula:
    """A formula in LaTeX, and what it is about, in words."""

    about: str
    latex: str


Part: TypeAlias = str | Grid | Formula


@dataclass(frozen=True)
class DescriptionSection:
    """A section with its letter in Nordlie's scheme ("" if it has none there), its title and its parts."""

    letter: str
    title: str
    parts: list[Part] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """Letter and title."""
        return f"{self.letter} {self.title}".strip()
