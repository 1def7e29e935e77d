"""Builds the elements of a page. Text of any origin becomes text of the page: the standard library escapes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

from lifsim.common.printable import one_line, printable
from lifsim.common.text import storable


def element(tag: str, *children: Element | str | None, **attributes: str) -> Element:
    """An element with `attributes` (``class_`` for class, ``aria_label`` for aria-label) and children, elements or texts; None: none."""
    out = Element(tag, {key.rstrip("_").replace("_", "-"): one_line(storable(value)) for key, value in attributes.items()})
    for child in children:
        if isinstance(child, Element):
            out.append(child)
        elif child is not None:
            text = printable(storable(child))
            if len(out):
                out[-1].tail = (out[-1].tail or "") + text
            else:
                out.text = (out.text or "") + text
    return out


def table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str | Element]], numbers: Iterable[int] = ()) -> Element:
    """A table that scrolls sideways by itself where the screen is narrow. `numbers` are the columns that are set flush right."""
    right = set(numbers)
    body = element("table", element("caption", element("span", caption)))
    top = SubElement(SubElement(body, "thead"), "tr")
    top.extend(element("th", name, scope="col", class_="number" if k in right else "text") for k, name in enumerate(head))
    lines = SubElement(body, "tbody")
    for row in rows:
        line = SubElement(lines, "tr")
        for k, cell in enumerate(row):
            kind = "number" if k in right else "text"
            line.append(element("th", cell, scope="row", class_=kind) if k == 0 else element("td", cell, class_=kind))
    return element("div", body, class_="scroll", tabindex="0", role="region", aria_label=caption)


def facts(pairs: Iterable[tuple[str, str]]) -> Element:
    """A list of facts: names and what is said of them."""
    out = element("dl")
    for name, said in pairs:
        out.append(element("div", element("dt", name), element("dd", said)))
    return out


def section(key: str, title: str, *children: Element | str | None) -> Element:
    """A part of the page with a heading, which links reach under #`key`."""
    return element("section", element("h2", title, id=f"{key}-title"), *children, id=key, aria_labelledby=f"{key}-title")


def folded(title: str, *children: Element | str | None) -> Element:
    """A part that is shown when its `title` is chosen."""
    return element("details", element("summary", title), *children)


def html(parts: Iterable[Element]) -> str:
    """The elements as HTML."""
    return "\n".join(tostring(part, encoding="unicode", method="html") for part in parts)
