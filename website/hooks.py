"""What MkDocs calls while it builds the site: pages made of other files of the repository, links, equations, and a last check."""

from __future__ import annotations

import re
from pathlib import Path

from formulas import as_mathml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page
from notebook_pages import NotebookPage
from other_hosts import requests_to_other_hosts
from reference_pages import reference_pages
from repository_links import Repository

ROOT = Path(__file__).parents[1]
TAKEN = {"index.md": "README.md", "CONTRIBUTING.md": "CONTRIBUTING.md", "CHANGELOG.md": "CHANGELOG.md"}  # pages that lie outside docs/
FIRST = {"first_run.md", "demonstrations.md", "from_artificial_to_spiking.md"}  # of what the search finds
WORKER = "https://unpkg.com/iframe-worker/shim"  # what the plugin "offline" asks for; assets/file_worker.js does the same
BACK = '<p><a href="index.html">lifsim</a> · <a href="first_run.html">First run</a> · <a href="demonstrations.html">Demonstrations</a></p>'

repository = Repository(ROOT, TAKEN)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are not in docs/: of the repository, of notebooks, the reference, and source code that pages link to."""
    made: dict[str, str | bytes] = {site: (ROOT / path).read_text(encoding="utf-8") for site, path in TAKEN.items()}
    for path in sorted((ROOT / "docs" / "notebooks").glob("*.ipynb")):
        page = NotebookPage(path, ROOT, config.extra["run_notebooks"])
        made[f"notebooks/{path.stem}.md"] = page.markdown
        made |= {f"notebooks/{name}": picture for name, picture in page.pictures.items()}
    made |= reference_pages()
    texts = {file.src_uri: file.content_string for file in files.documentation_pages()} | {
        site: text for site, text in made.items() if isinstance(text, str)
    }
    sources = repository.sources(texts)
    for site, content in (made | sources).items():
        level = InclusionLevel.NOT_IN_NAV if site in sources else InclusionLevel.UNDEFINED
        files.append(File.generated(config, site, content=content, inclusion=level))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to files of the repository become links to their pages.

    What MkDocs would read from a page's front matter is said here, since GitHub shows that as a table: the first page needs no navigation
    beside it, and the search finds explanations before reference.
    """
    site = page.file.src_uri
    page.meta |= {"hide": ["navigation"]} if site == "index.md" else {}
    page.meta.setdefault("search", {"boost": 3 if site in FIRST else 0.3 if site.startswith("reference/") else 1})
    return repository.with_site_links(markdown, site)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Equations become MathML, which browsers draw themselves."""
    try:
        return as_mathml(html)
    except ValueError as error:
        raise PluginError(f"{page.file.src_uri}: {error}") from None


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Say the language of a page, NAME.LANGUAGE.md, by which browsers choose the letters and screen readers the voice."""
    language = re.search(r"\.(\w\w)\.md$", page.file.src_uri)
    return output.replace('<html lang="en"', f'<html lang="{language[1]}"', 1) if language else output


def on_post_build(config: MkDocsConfig) -> None:
    """Take the search's stand-in for workers from the site itself; fail if a page would still ask another host for anything.

    The page with sliders, which is a file by itself elsewhere, gets a way back.
    """
    site = Path(config.site_dir)
    sliders = site / "sliders.html"
    sliders.write_text(sliders.read_text(encoding="utf-8").replace("<header>", f"<header>\n{BACK}", 1), encoding="utf-8")
    for path in site.rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        own = "../" * (len(path.relative_to(site).parts) - 1) + "assets/file_worker.js"
        if WORKER in text:
            path.write_text(text.replace(WORKER, own), encoding="utf-8")
    found = requests_to_other_hosts(site)
    if found:
        raise PluginError("requests to other hosts:\n" + "\n".join(found))
