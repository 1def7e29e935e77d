"""Describes a network: Markdown, LaTeX or HTML."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

from lifsim.common.errors import DataError, OutputError, did_you_mean
from lifsim.common.printable import shown
from lifsim.description import as_latex, as_markdown
from lifsim.description.contents import sections_of
from lifsim.description.references import bibtex
from lifsim.description.stored import stored_network
from lifsim.modelfile.reader import load
from lifsim.network.network import Network
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result

FORMATS = ("markdown", "latex", "html")
DRAWINGS = (".svg", ".pdf", ".png")


class Description(str):
    """The description of a network as text (``str``) in one of the formats, which notebooks show with its tables and formulas."""

    net: Network

    def _repr_html_(self) -> str:
        from lifsim.description.as_html import part_of_page  # loads matplotlib

        return _rendered(self.net, part_of_page, _svg(self.net))

    def _repr_markdown_(self) -> str:
        return _rendered(self.net, as_markdown.markdown, "")


def describe(model: Network | Result | str | Path, format: str = "markdown", *, drawing: str | Path | None = None) -> Description:
    """Describe a network for a paper, in the tables of Nordlie, Gewaltig and Plesser (2009, doi:10.1371/journal.pcbi.1000456).

    The sections are A model summary, B populations, C connectivity, D neuron model, E synapse model and plasticity, F input,
    G measurements; then the simulation, the parameters of the model file, and references in BibTeX. All values are those of the network,
    after its expressions were computed; nothing is built or run.

    Parameters
    ----------
    model : a network, the path of a model file or the name of a shipped model, or a `Result` that holds its model text.
    format : "markdown"; "latex": a document for pdflatex; "html": a page that needs no other file, with the drawing in it.
    drawing : file of the drawing (`lifsim.plot.network`), .svg, .pdf or .png, which is written, replacing an existing one, and which the
        description includes under this path; default: none (in HTML, the drawing is in the page).

    Returns
    -------
    The text, a ``str``; notebooks show it as tables with formulas and the drawing.

    Raises
    ------
    DataError : there is no such format, model or result, or the result holds no model text. ModelError : the model is wrong.
    OutputError : `drawing` has another ending (for LaTeX, also .svg, which pdflatex does not read), or cannot be written.

    Examples
    --------
    >>> print(ls.describe("brunel", "latex", drawing="brunel.pdf"))
    """
    if format not in FORMATS:
        raise DataError("format", shown(format), did_you_mean(str(format), FORMATS) or f"one of: {', '.join(FORMATS)}")
    if drawing is not None:
        check_drawing(drawing, format)
    net = network_of(model)
    if drawing is not None:
        from lifsim import plot

        plot.save(plot.network(net), drawing)
    if format == "html":
        from lifsim.description.as_html import page

        made = _rendered(net, page, _svg(net))
    else:
        made = _rendered(net, as_latex.latex if format == "latex" else as_markdown.markdown, str(drawing or ""))
    described = Description(made)
    described.net = net
    return described


def check_drawing(drawing: str | Path, format: str) -> None:
    """Check that a drawing has a format that fits that of the description (OutputError)."""
    allowed = DRAWINGS[1:] if format == "latex" else DRAWINGS
    if Path(drawing).suffix.lower() not in allowed:
        raise OutputError("drawing", f"{str(drawing)!r}", f"a name that ends in {' or '.join(allowed)}")


def network_of(model: Network | Result | str | Path) -> Network:
    """The network of what `describe` takes."""
    if isinstance(model, Network):
        return model
    if isinstance(model, Result):
        return stored_network(model)
    if not isinstance(model, (str, Path)):
        raise DataError("model", shown(model), "a Network, a Result, or the path of a model file")
    if Path(model).suffix.lower() in (".h5", ".hdf5"):
        return stored_network(open_result(model))
    return load(model)


def _rendered(net: Network, form: Callable[..., str], drawing: str) -> str:
    said = [text for text in (net.description, f"Reference: {net.reference}" if net.reference else "") if text]
    return form(net.name, said, sections_of(net), bibtex(net.reference), drawing)


def _svg(net: Network) -> str:
    """The drawing as an SVG element."""
    from lifsim import plot
    from lifsim.plot.style import picture

    data = io.BytesIO(picture(plot.network(net), "svg"))
    text = data.getvalue().decode()
    return text[text.index("<svg") :]
