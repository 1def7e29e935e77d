"""Equations in LaTeX as MathML."""

from __future__ import annotations

import html
import re

from latex2mathml.converter import convert

_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)

_FUNCTION = re.compile(r"(<m[io]>(?:ln|log|exp|tanh|max|min)</m[io]>)(?!<mo[^>]*>&#x00028;)")  # its argument is not in brackets


def as_mathml(page: str) -> str:
    r"""Replace what the Markdown extension arithmatex found, ``\(…\)`` and ``\[…\]``.

    Raises
    ------
    ValueError : LaTeX that cannot be converted, or a dollar sign that begins a formula where none was meant.
    """
    return _FORMULA.sub(_one, page)


def _one(match: re.Match) -> str:
    latex = html.unescape(match[3]).strip()
    block = match[2] == "["
    try:
        mathml = convert(latex.replace(r"\dfrac", r"\frac"), display="block" if block else "inline")
    except Exception as error:
        raise ValueError(f"the formula {latex!r} cannot be converted ({type(error).__name__})") from None
    if re.search(r">[^<]*\\[a-zA-Z]", mathml):
        raise ValueError(f"the formula {latex!r} has a command that is not known")
    mathml = _FUNCTION.sub(r'<mspace width="0.17em"/>\1<mspace width="0.17em"/>', mathml)
    return f'<div class="formula" tabindex="0">{mathml}</div>' if block else mathml
