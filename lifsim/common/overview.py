"""Short descriptions of objects: a few lines as `repr`, a small table in notebooks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import NamedTuple, TypeVar

from lifsim.common.printable import one_line
from lifsim.common.text import shortened

T = TypeVar("T")
_WIDTH, _LONG = 110, 300  # characters of the line of a part, and of other lines
_CELL = 160  # characters of a cell, or of a line, in a notebook
_MOST = 30  # rows of a table in a notebook
_LEFT = ' style="text-align:left"'


@dataclass(frozen=True)
class Table:
    """Rows of a description.

    Parameters
    ----------
    noun : what a row is, in the plural. head : names of the columns. rows : the cells of the first rows, for a table.
    lines : the same rows as text. total : the number of rows in all. most : the largest number of lines.
    """

    noun: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    lines: Sequence[str]
    total: int
    most: int

    def as_lines(self) -> Iterator[str]:
        """The rows as text, one line each, and the number of those that are left out."""
        few = self.total <= self.most
        yield from (f"  {line}" for line in self.lines[: self.most if few else self.most - 1])
        if not few:
            yield f"  … and {self.total - self.most + 1:,} more {self.noun}"

    def as_html(self) -> Iterator[str]:
        """The table as HTML."""
        head = "".join(f"<th{_LEFT}>{_html(name)}</th>" for name in self.head)
        yield f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}<tbody>"
        for row in self.rows[:_MOST]:
            yield "<tr>" + "".join(f"<td{_LEFT}><bdi>{_html(cell)}</bdi></td>" for cell in row) + "</tr>"
        if self.total > _MOST:
            yield f'<tr><td colspan="{len(self.head)}"{_LEFT}>… and {self.total - _MOST:,} more {escape(self.noun)}</td></tr>'
        yield "</tbody></table>"


class Fact(NamedTuple):
    """A fact about an object: its `label` and `text` in a table, and how it is `said` in a line (by default both; None: not at all)."""

    label: str
    text: str
    said: str | None = ""

    def __str__(self) -> str:
        return self.said or f"{self.label} {self.text}"


@dataclass(frozen=True)
class Overview:
    """The description of an object.

    Parameters
    ----------
    kind, name : what the object is, and its name. facts : said behind the name, in the same line; in a notebook a table of their own if
        there are no other tables.
    lines : further facts, a line each. tables : of its parts.
    """

    kind: str
    name: str = ""
    facts: Sequence[Fact] = ()
    lines: Sequence[str] = ()
    tables: Sequence[Table] = ()

    def text(self) -> str:
        """The description as a few lines of text."""
        first = f"{self.kind} {self.line()}" if self.name else f"{self.kind}{self.line()}"
        rows = (shortened(one_line(line), _WIDTH) for table in self.tables for line in table.as_lines())
        return "\n".join([*(shortened(one_line(line), _LONG) for line in (first, *(f"  {line}" for line in self.lines))), *rows])

    def line(self) -> str:
        """Name and facts."""
        return self.name + (f": {self._said()}" if self._said() else "")

    def html(self) -> str:
        """The description for a notebook, in the notebook's own style. Names are text: neither HTML nor formulas."""
        title = f"<strong>{_html(self.kind)}</strong> <bdi>{_html(self.name)}</bdi>"
        tables = [table for table in self.tables if table.total]
        if self.facts and not tables:
            tables = [Table("facts", (), [fact[:2] for fact in self.facts], (), len(self.facts), 0)]
        elif self._said():
            title += f": {_html(self._said())}"
        parts = (part for table in tables for part in table.as_html())
        return f'<div class="tex2jax_ignore mathjax_ignore">{"<br>".join([title, *map(_html, self.lines)])}{"".join(parts)}</div>'

    def _said(self) -> str:
        return ", ".join(str(fact) for fact in self.facts if fact.said is not None)


class Overviewed:
    """An object whose `repr`, and whose display in a notebook, are made from an `Overview`."""

    def _overview(self) -> Overview:
        raise NotImplementedError

    def __repr__(self) -> str:
        return self._overview().text()

    def _repr_html_(self) -> str:
        return self._overview().html()


def table_of(
    noun: str, head: Sequence[str], items: Collection[T], row: Callable[[T], Sequence[str]], line: Callable[[T], str], most: int
) -> Table:
    """The `Table` of `items`; `row` gives the cells of one of them, `line` its text; at most `most` of them are shown as text."""
    some = list(islice(items, _MOST))
    return Table(noun, head, list(map(row, some)), list(map(line, some[:most])), len(items), most)


def counted(n: float, noun: str, about: bool = False) -> str:
    """A number with its noun, as in "1 spike" or "about 1,200 synapses"; the noun is given in the singular."""
    plural = noun if n == 1 else f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{'about ' if about else ''}{n:,.0f} {plural}"


def id_span(first: int, last: int) -> str:
    """Ids in words, as in "id 3" or "ids 3 to 7"."""
    return f"id {first}" if first == last else f"ids {first} to {last}"


def _html(text: str) -> str:
    return escape(shortened(one_line(text), _CELL))
