"""Text and figures of networks and results."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lifsim.cli.program import Talk, echo
from lifsim.common.errors import DataError
from lifsim.common.overview import counted
from lifsim.common.printable import one_line
from lifsim.files.outputs import make_folder
from lifsim.modelfile.shipped import shipped_names

if TYPE_CHECKING:
    from lifsim.network.network import Network

FOLD = 12  # number of projections, or of recordings, that are shown without -v


def refuse_model(file: Path) -> None:
    """Check that `file`, which should be results, is not the name of a shipped model (DataError)."""
    if not file.suffix and not file.exists() and str(file) in shipped_names():
        wanted = f"the name of its results, such as {Path('outputs') / f'{file}.h5'}, which lifsim run {file} writes"
        raise DataError(str(file), "is a model, not a file of results", wanted)


def heading_of(net: Network) -> None:
    """Print the name, description and reference of a network."""
    echo(one_line(f"{net.name}: {net.description}" if net.description else net.name))
    if net.reference:
        echo(f"  {one_line(net.reference)}")


def contents_of(talk: Talk, net: Network) -> None:
    """Print populations, projections and recordings of a network, one per line; long lists are shortened without -v."""
    for name, population in net.populations.items():
        echo(f"  {name}: {population.n:,} × {population.model.name}")
    _folded(talk, [_projection(p) for p in net.projections], "projections")
    recorded: dict[str, list[str]] = {}
    for recording in net.recordings:
        recorded.setdefault(recording.variable, []).append(str(recording.view))
    _folded(talk, [f"record {variable} of {', '.join(views)}" for variable, views in recorded.items()], "recordings")


def _projection(p: Any) -> str:
    from lifsim.network.projection import expected_synapses

    stored = p.source.population.model.role in ("neuron", "spikes")
    kind = f" ({p.synapse.model.name})" if p.synapse else ""
    return f"{p.source} → {p.target}: {p.rule}" + (f", {counted(expected_synapses(p), 'synapse')}{kind}" if stored else "")


def _folded(talk: Talk, lines: list[str], what: str) -> None:
    shown = lines if talk.verbose or len(lines) <= FOLD + 1 else lines[:FOLD]
    for line in shown:
        echo(f"  {line}")
    if len(shown) < len(lines):
        echo(f"  … and {len(lines) - len(shown)} more {what}; -v lists all")


def draw(kind: str, path: Path, of: Any, **options: Any) -> None:
    """Write a figure to `path`: what the function of `lifsim.plot` with the name of the kind ("-" for "_") draws of `of`."""
    from lifsim import plot as plots

    make_folder(path)
    plots.save(getattr(plots, kind.replace("-", "_"))(of, **options), path)
