"""What tests of several files need."""

from __future__ import annotations

import io
import os
import shutil
from importlib import import_module
from importlib.util import find_spec
from types import SimpleNamespace

import pytest


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal():
    """A stream that is a terminal and keeps what is written to it."""
    return Terminal()


COARSE = 50  # dots per inch
_RESOLUTIONS = (("lifsim.plot.style", "DPI"), ("lifsim.report.figures_part", "_DPI"))


@pytest.fixture(scope="session", autouse=True)
def coarse_figures():
    """Figures are saved, and put into reports, in few pixels, which take most of the time; tests of pixels ask for `fine_figures`."""
    with pytest.MonkeyPatch.context() as patch:
        fine = {f"{module}.{name}": getattr(import_module(module), name) for module, name in _RESOLUTIONS}
        for place in fine:
            patch.setattr(place, COARSE)
        yield fine


@pytest.fixture
def fine_figures(coarse_figures, monkeypatch):
    """Figures are saved as users have them."""
    for place, dpi in coarse_figures.items():
        monkeypatch.setattr(place, dpi)


@pytest.fixture
def unsaved_figures(monkeypatch):
    """Figures of reports are drawn, but not written as PNG, which takes far longer than all else: for tests of other parts of the page."""
    from lifsim.report.markup import element

    monkeypatch.setattr("lifsim.report.figures_part._figure", lambda figure, caption: element("figure", element("figcaption", caption)))


@pytest.fixture
def no_figures(unsaved_figures, monkeypatch):
    """Figures of reports are not drawn, only named: for tests that look at spikes, traces and statistics in the page."""
    nothing = dict.fromkeys(("raster", "isi", "traces", "space"), lambda *arguments, **options: None)
    monkeypatch.setattr("lifsim.report.figures_part.plot", SimpleNamespace(**nothing))


@pytest.fixture(scope="module")
def unarranged_figures():
    """Figures are saved as matplotlib places them by default, without the layout, which takes three quarters of the time of drawing.

    For whole files of tests whose point is not where things are in a figure; test_plot_layout.py and others look at that. One test of
    each kind of figure asks for `arranged_figures`, where no other file draws that kind with its layout.
    """
    from lifsim.plot.style import Picture

    arranged = Picture.savefig

    def savefig(self, *arguments, **options):
        if engine := self.get_layout_engine():
            engine.execute = lambda figure: None
        return arranged(self, *arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "savefig", savefig)
        yield arranged


@pytest.fixture(scope="module")
def undrawn_figures():
    """Figures are made, but saved as empty ones with their size and metadata: for whole files whose point is what leads to a figure.

    Each kind of figure is drawn in other files.
    """
    from matplotlib.figure import Figure

    from lifsim.plot.style import Picture

    def savefig(self, *arguments, **options):
        Figure(self.get_size_inches()).savefig(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Picture, "savefig", savefig)
        yield


@pytest.fixture
def arranged_figures(unarranged_figures, monkeypatch):
    """Figures are saved as users have them, in a file of tests that otherwise saves them without the layout."""
    from lifsim.plot.style import Picture

    monkeypatch.setattr(Picture, "savefig", unarranged_figures)


_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@pytest.fixture(scope="session")
def chromium(tmp_path_factory):
    """A headless Chromium, driven by selenium; skips the test where one of them, or the driver, is missing."""
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _CHROMIUM)), None)
    driver = os.environ.get("CHROMEDRIVER") or shutil.which("chromedriver")
    missing = [
        name for name, found in {"selenium": find_spec("selenium"), "chromium": program, "chromedriver": driver}.items() if not found
    ]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}: pip install selenium; apt-get install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--window-size=1200,1000"]
    for argument in [*arguments, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"]:
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    browser = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield browser
    browser.quit()
