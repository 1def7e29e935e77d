"""Links between files of the repository, as links between pages of the site.

Pages are written for the repository: a link in docs/models.md to ../lifsim/network/rules.py leads to that file there. The site has a page
with the text of each file that some page links to, so that these links work in it, too.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from pathlib import Path

_LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
_LANGUAGES = {".py": "python", ".toml": "toml", ".md": "markdown", ".mplstyle": "text", ".js": "javascript"}


class Repository:
    """The files of the repository and their places in the site.

    Parameters
    ----------
    root : its folder.
    taken : the file of the repository of each page of the site that is not in docs/.
    """

    def __init__(self, root: Path, taken: Mapping[str, str]) -> None:
        self.root, self.taken = root, taken

    def path_of(self, site: str) -> str:
        """The file of the repository of which `site` is the page."""
        if site.startswith("source/"):
            return site.removeprefix("source/").removesuffix(".md")
        return self.taken.get(site, f"docs/{site}")

    def site_of(self, path: str) -> str | None:
        """The page, or file, of the site for a file of the repository; None: there is no such file."""
        for site, taken in self.taken.items():
            if path == taken:
                return site
        if path.startswith("docs/") and path.endswith(".ipynb"):
            return path.removeprefix("docs/").removesuffix(".ipynb") + ".md"
        if path.startswith("docs/"):
            return path.removeprefix("docs/")
        return f"source/{path}.md" if (self.root / path).exists() else None

    def targets(self, markdown: str, site: str) -> list[str]:
        """The files of the repository to which a page links."""
        folder = posixpath.dirname(self.path_of(site))
        return [posixpath.normpath(posixpath.join(folder, link[2])) for link in _LINK.finditer(markdown)]

    def with_site_links(self, markdown: str, site: str) -> str:
        """The text of a page, its links those of the site."""
        folder, here = posixpath.dirname(self.path_of(site)), posixpath.dirname(site)

        def moved(link: re.Match) -> str:
            target = self.site_of(posixpath.normpath(posixpath.join(folder, link[2])))
            return link[0] if target is None else link[1] + posixpath.relpath(target, here or ".") + link[3]

        return _LINK.sub(moved, markdown)

    def sources(self, texts: Mapping[str, str]) -> dict[str, str]:
        """Pages for all files outside docs/ that `texts`, the pages of the site, link to."""
        found: dict[str, str] = {}
        waiting = list(texts.items())
        while waiting:
            site, text = waiting.pop()
            for path in self.targets(text, site):
                page = self.site_of(path)
                if page and page.startswith("source/") and page not in found:
                    found[page] = self._text(path)
                    waiting.append((page, found[page]))
        return found

    def _text(self, path: str) -> str:
        file = self.root / path
        head = f"---\ntitle: {path}\nsearch:\n  exclude: true\n---\n\n"
        if file.is_dir():
            names = sorted(p.name for p in file.iterdir() if p.is_file() and p.suffix in _LANGUAGES)
            return f"{head}# {path}\n\n" + "\n".join(f"- [{name}]({posixpath.basename(path)}/{name})" for name in names)
        text = file.read_text(encoding="utf-8")
        if file.suffix == ".md":
            return head + text
        return f"{head}# {path}\n\n~~~~{_LANGUAGES.get(file.suffix, 'text')}\n{text}~~~~\n"
