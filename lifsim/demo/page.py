"""The page with sliders: one HTML file that needs no other file and no network."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import Template

from lifsim.common.content_policy import content_policy
from lifsim.files import disk
from lifsim.files.outputs import check_output, make_folder

_ASSETS = files("lifsim.demo") / "assets"
_SCRIPTS = ("neuron.js", "charts.js", "sliders.js")


def write_page(path: str | Path, *, overwrite: bool = False) -> Path:
    """Write a page for a browser on which sliders move the parameters of a neuron: V_m, spikes, f-I curve, artificial neuron.

    Parameters
    ----------
    path : the HTML file; its folder is created if necessary.
    overwrite : replace an existing file.

    Returns
    -------
    The path.

    Raises
    ------
    OutputError : the file exists and `overwrite` is false, or it cannot be written.

    Examples
    --------
    >>> lifsim.demo.write_page("sliders.html")
    """
    path = check_output(path, overwrite)
    make_folder(path)
    disk.put(path, page_text().encode())
    return path


def page_text() -> str:
    """The whole page. Its Content-Security-Policy allows its own scripts and styles, and nothing from any network."""
    scripts, styles = [_text(name) for name in _SCRIPTS], _text("sliders.css")
    return Template(_text("sliders.html")).substitute(
        policy=content_policy(scripts, styles),
        styles=f"<style>{styles}</style>",
        scripts="\n".join(f"<script>{text}</script>" for text in scripts),
    )


def _text(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")
