"""The built site in a browser, as files without a server: search, widths, console, requests. Takes about a minute (pytest -m slow)."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from chromium_page import requests

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    for library in ("material", "latex2mathml", "nbclient", "ipykernel"):
        pytest.importorskip(library)
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    run = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


def test_every_page_on_a_telephone(site, chromium):
    """Nothing is wider than the screen, no picture is missing, nothing is asked of another host, the console is empty."""
    chromium.get_log("browser"), chromium.get_log("performance")
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})
    try:
        pages = [path for path in sorted(site.rglob("*.html")) if "source" not in path.parts and path.name != "404.html"]
        assert len(pages) > 50
        for path in pages:
            chromium.get(path.as_uri())
            wide, broken = chromium.execute_script(
                "return [document.documentElement.scrollWidth, [...document.images].filter(i => !i.complete || !i.naturalWidth).length]"
            )
            assert (wide, broken, chromium.get_log("browser")) == (390, 0, []), path.name
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    asked = requests(chromium)
    assert asked and {address.partition(":")[0] for address in asked} == {"file"}


def found_by(site, chromium, words: str) -> list[str]:
    """What the search finds, by name, the best first."""
    chromium.get((site / "theory.html").as_uri())
    search = chromium.find_element("css selector", "input.md-search__input")
    search.click()
    search.send_keys(words)
    end = time.monotonic() + 20
    while not (found := chromium.execute_script("return [...document.querySelectorAll('.md-search-result__link')].map(a => a.href)")):
        assert time.monotonic() < end
        time.sleep(0.1)
    return [address.removeprefix(site.as_uri() + "/").partition("?")[0] for address in found]


def test_the_search_works_without_a_server(site, chromium):
    assert "reference/theory.html" in found_by(site, chromium, "rheobase")
    assert "first_run.html" in found_by(site, chromium, "375 pA")[:4], "the answer before tables in which the words are"


def test_commands_are_copied_without_their_prompt(site, chromium):
    chromium.get((site / "first_run.html").as_uri())
    chromium.execute_script("addEventListener('copy', () => { window.copied = document.activeElement.value }, true)")
    end = time.monotonic() + 20
    while not (buttons := chromium.find_elements("css selector", ".language-console [data-clipboard-target]")):
        assert time.monotonic() < end
        time.sleep(0.1)
    buttons[0].click()
    assert chromium.execute_script("return window.copied") == "lifsim run single_neuron --plot\nlifsim stats outputs/single_neuron.h5"


def test_no_code_is_cut(site, chromium):
    for page in ("index", "demonstrations", "from_snntorch", "reference/commands"):
        chromium.get((site / f"{page}.html").as_uri())
        wide = "[...document.querySelectorAll('pre > code')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
        assert chromium.execute_script(f"return [{wide}, document.querySelectorAll('pre > code').length > 0]") == [0, True], page


def test_the_page_with_sliders_has_a_way_back(site, chromium):
    chromium.get((site / "sliders.html").as_uri())
    ways = chromium.execute_script("return [...document.links].map(a => a.href)")
    assert (site / "first_run.html").as_uri() in ways and all((site / way.rpartition("/")[2]).exists() for way in ways)
