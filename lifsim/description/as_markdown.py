"""Descriptions as Markdown: tables of GitHub's and Jupyter's kind, formulas between dollar signs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lifsim.common.printable import one_line
from lifsim.description.sections import DescriptionSection, Formula, Grid, Part


def markdown(title: str, said: Sequence[str], sections: Sequence[DescriptionSection], references: str, drawing: str = "") -> str:
    """The description as Markdown; `drawing` is the path of the drawing, "" if there is none."""
    blocks = [f"# {_text(title)}", *map(_text, said)]
    if drawing:
        blocks.append(f"![Populations and projections of {_text(title)}](<{one_line(drawing)}>)")
    for section in sections:
        blocks += [f"## {section.heading}", *(_part(part) for part in section.parts)]
    blocks += ["## References", f"```bibtex\n{references}\n```"]
    return "\n\n".join(blocks) + "\n"


def _part(part: Part) -> str:
    if isinstance(part, Formula):
        return f"{_text(part.about)}:\n\n$${part.latex}$$"
    return "\n".join(_table(part)) if isinstance(part, Grid) else _text(part)


def _table(grid: Grid) -> Iterator[str]:
    marks = ["---:" if k in grid.numbers else "---" for k in range(len(grid.head))]
    yield from (f"**{_text(grid.caption)}**", "") if grid.caption else ()
    for row in (grid.head, marks, *grid.rows):
        yield f"| {' | '.join(cell if row is marks else _text(cell) for cell in row)} |"


def _text(text: str) -> str:
    """Text in which Markdown finds nothing of its own."""
    return re.sub(r"[\\`*\[\]<>|$#]|(?<!\w)_|_(?!\w)", lambda found: f"\\{found[0]}", one_line(text))
