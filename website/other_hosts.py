"""Looks for what a browser would fetch from another host."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

_FETCHED = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
    "link": "href",
    "object": "data",
}
_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


class _Fetches(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(_FETCHED.get(tag, "")) or ""
        if re.match(r"(https?:)?//", address):
            self.found.append(f"<{tag}> {address}")
        self.found += _STYLE.findall(dict(attrs).get("style") or "")


def requests_to_other_hosts(site: Path) -> list[str]:
    """Each as ``FILE: what is fetched``: scripts, styles, pictures, frames of pages, and addresses in style sheets."""
    found = []
    for path in sorted(site.rglob("*.html")):
        fetches = _Fetches()
        fetches.feed(path.read_text(encoding="utf-8"))
        found += [f"{path.relative_to(site)}: {what}" for what in fetches.found]
    for path in sorted(site.rglob("*.css")):
        found += [f"{path.relative_to(site)}: {address}" for address in _STYLE.findall(path.read_text(encoding="utf-8"))]
    return found
