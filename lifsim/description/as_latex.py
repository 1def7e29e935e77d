"""Descriptions as LaTeX: a document for pdflatex (and others) that needs the packages of every distribution."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lifsim.common.printable import one_line
from lifsim.description.sections import DescriptionSection, Formula, Grid, Part

_HEAD = r"""\documentclass[10pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\usepackage[a4paper,margin=18mm]{geometry}
\usepackage{amsmath,array,booktabs,graphicx,longtable}
\setlength{\parindent}{0pt}
\setlength{\parskip}{4pt}
\begin{document}
"""
_SPECIAL = {
    **{c: rf"\{c}" for c in "#$%&_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "→": r"$\rightarrow$",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "±": r"$\pm$",
    "−": "$-$",
    "√": r"$\surd$",
    "∞": r"$\infty$",
    "µ": r"$\mu$",
    "°": r"$^\circ$",
    "²": r"$^2$",
    "³": r"$^3$",
    "…": r"\dots{}",
    "–": "--",
    "—": "---",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "\u00a0": "~",
}
_GREEK = "α alpha β beta γ gamma δ delta ε epsilon η eta θ theta λ lambda μ mu ν nu π pi ρ rho σ sigma τ tau ω omega Δ Delta Ω Omega"
_SPECIAL |= {c: rf"$\{name}$" for c, name in re.findall(r"(\S) (\w+)", _GREEK)}
_NARROWEST, _WIDEST = 5, 34  # characters of a column that count for its width


def latex(title: str, said: Sequence[str], sections: Sequence[DescriptionSection], references: str, drawing: str = "") -> str:
    """The description as a LaTeX document; `drawing` is the path of a PDF or PNG file, "" if there is none."""
    blocks = [rf"\section*{{{text(title)}}}", *map(text, said)]
    if drawing:
        blocks.append(rf"\begin{{center}}\includegraphics[width=\linewidth]{{\detokenize{{{one_line(drawing)}}}}}\end{{center}}")
    for section in sections:
        blocks += [rf"\subsection*{{{text(section.heading)}}}", *map(_part, section.parts)]
    blocks.append(f"% BibTeX\n{_comment(references)}")
    return _HEAD + "\n\n".join(blocks) + "\n\\end{document}\n"


def _part(part: Part) -> str:
    if isinstance(part, Formula):
        return f"{text(part.about)}:\n\\[ {part.latex} \\]"
    return "\n".join(_table(part)) if isinstance(part, Grid) else text(part)


def _table(grid: Grid) -> Iterator[str]:
    """A table that may go over several pages, as wide as the text."""
    cells = [grid.head, *grid.rows]
    longest = [min(max(max(len(row[k]) for row in cells), _NARROWEST), _WIDEST) for k in range(len(grid.head))]
    shares = [n / sum(longest) for n in longest]
    flush = [r"\raggedleft" if k in grid.numbers else r"\raggedright" for k in range(len(grid.head))]
    width = r"p{\dimexpr %.4f\linewidth-2\tabcolsep\relax}"
    columns = "".join(rf">{{{side}\arraybackslash}}" + width % share for side, share in zip(flush, shares, strict=True))
    head = _row(grid.head) if any(grid.head) else ""
    size = r"\scriptsize" if len(grid.head) > 6 else r"\footnotesize"
    yield rf"{{{size}\setlength{{\tabcolsep}}{{2pt}}\begin{{longtable}}{{@{{}}{columns}@{{}}}}"
    if grid.caption:
        yield rf"\multicolumn{{{len(grid.head)}}}{{@{{}}l}}{{{text(grid.caption)}}}\\"
    yield r"\toprule"
    if head:
        yield from (head, r"\midrule")
    yield r"\endhead"
    yield from (r"\bottomrule", r"\endfoot")
    yield from map(_row, grid.rows)
    yield r"\end{longtable}}"


def _row(cells: Sequence[str]) -> str:
    return " & ".join(map(_cell, cells)) + r" \\"


def _cell(cell: str) -> str:
    """A cell, in which long names may be broken after "_" and before "("; a bracket at its beginning is no option of the row before."""
    return "{}" + re.sub(r"\\_|(?<=\w)\(", lambda found: r"\_\allowbreak{}" if found[0] == r"\_" else r"\allowbreak{}(", text(cell))


def text(given: str) -> str:
    """Text in which LaTeX finds nothing of its own; letters beyond those of European languages are given by their code points."""
    return "".join(_SPECIAL.get(c) or (c if c.isascii() or "¡" <= c <= "ſ" else f"[U+{ord(c):04X}]") for c in one_line(given))


def _comment(lines: str) -> str:
    return "\n".join(f"% {line}".rstrip() for line in lines.split("\n"))
