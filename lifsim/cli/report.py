"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lifsim.cli.options import FILE, FROM, N_NODES, OVERWRITE, POPULATION, TO, NewFile, TimeType, node_counts, refuse_output
from lifsim.cli.program import Command, Talk
from lifsim.cli.text import refuse_model


@click.command(cls=Command)
@FILE
@click.option("-o", "--out", type=NewFile(".html", ".htm"), help="Page to write.  [default: next to FILE]")
@click.option("--discard", type=TimeType(), default=0.0, help="Warm-up at the start of the run to leave out, in ms or with a unit.")
@FROM
@TO
@POPULATION
@N_NODES
@OVERWRITE
@click.pass_obj
def report(
    talk: Talk,
    file: Path,
    out: Path | None,
    overwrite: bool,
    populations: tuple[str, ...],
    n_nodes: tuple[tuple[str, int], ...],
    **window: Any,
) -> None:
    """Write a report: one HTML page that needs no network.

    The page shows the model, provenance, statistics, figures, and an interactive raster with the traces in FILE, which may be the
    results of an unfinished run or a spike file of another tool.
    """
    refuse_model(file)
    out = out or file.with_suffix(".html")
    refuse_output(out, overwrite)
    from lifsim.report.writing import write
    from lifsim.results import opening

    result = opening.open(file, node_counts(n_nodes))
    if result.note:
        talk.warn(f"{file}: {result.note}")
    write(result, out, populations=list(populations) or None, overwrite=overwrite, **window)
    talk.note(f"{out}: report of {file}, {out.stat().st_size / 1e6:.1f} MB; open it in a browser")
