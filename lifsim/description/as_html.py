"""Descriptions as HTML: a page, or a part of one, that needs no other file and no network."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Sequence
from html import escape

from matplotlib import rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import math_to_image

from lifsim.common.printable import one_line, printable
from lifsim.description.sections import DescriptionSection, Formula, Grid, Part

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1a1a1a; background: #fff; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2rem; border-bottom: 1px solid #bbb; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-size: 0.88rem; }
caption { text-align: left; font-weight: 600; padding-bottom: 0.3rem; }
th, td { text-align: left; vertical-align: top; padding: 0.2rem 0.7rem 0.2rem 0; border-bottom: 1px solid #ddd; }
thead th { border-bottom: 1px solid #555; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
.formula { display: flex; flex-wrap: wrap; gap: 1rem; align-items: center; margin: 0.4rem 0; }
.formula span { min-width: 15rem; color: #444; }
.drawing svg { width: 100%; height: auto; }
pre { overflow-x: auto; background: #f4f4f4; padding: 0.8rem; font-size: 0.85rem; }
"""


def page(title: str, said: Sequence[str], sections: Sequence[DescriptionSection], references: str, drawing: str = "") -> str:
    """A whole page; `drawing` is an SVG element, "" if there is none."""
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{_text(title)}</title>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head>{head}<style>{_STYLE}</style></head>\n<body>\n'
        f"{part_of_page(title, said, sections, references, drawing)}\n</body></html>\n"
    )


def part_of_page(title: str, said: Sequence[str], sections: Sequence[DescriptionSection], references: str, drawing: str = "") -> str:
    """The same for a page that exists already, such as a notebook."""
    blocks = [f"<h1>{_text(title)}</h1>", *(f"<p>{_text(line)}</p>" for line in said)]
    if drawing:
        blocks.append(f'<div class="drawing" role="img" aria-label="Populations and projections of {_text(title)}">{drawing}</div>')
    for section in sections:
        blocks += [f"<h2>{_text(section.heading)}</h2>", *map(_part, section.parts)]
    blocks += ["<h2>References</h2>", f"<pre>{escape(printable(references))}</pre>"]
    return "\n".join(blocks)


def _part(part: Part) -> str:
    if isinstance(part, Formula):
        return f'<div class="formula"><span>{_text(part.about)}</span>{_formula(part.latex)}</div>'
    return "".join(_table(part)) if isinstance(part, Grid) else f"<p>{_text(part)}</p>"


def _table(grid: Grid) -> Iterator[str]:
    kinds = ["number" if k in grid.numbers else "text" for k in range(len(grid.head))]
    yield f'<div class="scroll"><table>{f"<caption>{_text(grid.caption)}</caption>" if grid.caption else ""}'
    if any(grid.head):
        yield f"<thead><tr>{_cells('th', grid.head, kinds)}</tr></thead>"
    yield from ("<tbody>", *(f"<tr>{_cells('td', row, kinds)}</tr>" for row in grid.rows), "</tbody></table></div>\n")


def _cells(tag: str, cells: Sequence[str], kinds: Sequence[str]) -> str:
    return "".join(f'<{tag} class="{kind}">{_text(cell)}</{tag}>' for cell, kind in zip(cells, kinds, strict=True))


def _formula(latex: str) -> str:
    """A formula as a picture in the page (SVG), with its LaTeX for those who do not see it."""
    data = io.BytesIO()
    with rc_context({"svg.hashsalt": "lifsim", "mathtext.fontset": "cm"}):
        math_to_image(f"${latex}$", data, prop=FontProperties(size=15), dpi=72, format="svg")
    return f'<img alt="{escape(latex)}" src="data:image/svg+xml;base64,{base64.b64encode(data.getvalue()).decode()}">'


def _text(text: str) -> str:
    return escape(one_line(text))
