"""The command that describes models for papers: describe."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lifsim.cli.options import OVERWRITE, SETTINGS, NewFile, refuse_output
from lifsim.cli.program import Command, Talk, echo
from lifsim.common.errors import LifsimError
from lifsim.files import disk
from lifsim.files.outputs import make_folder

if TYPE_CHECKING:
    from lifsim.network.network import Network

_SUFFIXES = {".md": "markdown", ".tex": "latex", ".html": "html", ".htm": "html"}
_DRAWINGS = (".svg", ".pdf", ".png")


@click.command(cls=Command)
@click.argument("model")
@SETTINGS
@click.option("--format", "form", type=click.Choice(["markdown", "latex", "html"]), help="Format.  [default: by the name of --out]")
@click.option("-o", "--out", type=NewFile(*_SUFFIXES), help="File to write.  [default: standard output]")
@click.option("--drawing", type=NewFile(*_DRAWINGS), help="Also write the drawing of the network to this file, and include it.")
@OVERWRITE
@click.pass_obj
def describe(
    talk: Talk, model: str, settings: tuple[str, ...], form: str | None, out: Path | None, drawing: Path | None, overwrite: bool
) -> None:
    """Describe a model for a paper.

    Prints the tables of Nordlie et al. (2009): populations, connectivity, neuron and synapse models with their equations,
    input, measurements, parameters with units; and references in BibTeX. MODEL is a model file, the name of a shipped
    model, or a results file. In HTML, the drawing is in the page.
    """
    form = form or (_SUFFIXES[out.suffix.lower()] if out else "markdown")
    if drawing is not None and form == "latex" and drawing.suffix.lower() == ".svg":
        raise LifsimError("--drawing", f"{drawing} for LaTeX", "a name that ends in .pdf or .png, which pdflatex reads")
    for path in filter(None, (out, drawing)):
        refuse_output(path, overwrite)
    net = _network(model, settings)
    from lifsim.description.describing import describe as described

    if drawing is not None:
        make_folder(drawing)
    text = described(net, form, drawing=drawing)
    if out is None:
        echo(text, nl=False)
    else:
        make_folder(out)
        disk.put(out, text.encode())
        talk.note(f"{out}: description of {model}")
    if drawing is not None and out is not None:
        talk.note(f"{drawing}: drawing")


def _network(model: str, settings: tuple[str, ...]) -> Network:
    if Path(model).suffix.lower() in (".h5", ".hdf5"):
        if settings:
            raise LifsimError("--set", f"given with {model}", "only for models; a file of results has the values of its run")
        from lifsim.description.describing import network_of

        return network_of(model)
    from lifsim.modelfile.reader import load_with_settings

    return load_with_settings(model, list(settings))
