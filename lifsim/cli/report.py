"""The command report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lifsim.cli.options import DISCARD, FILE, FROM, HINTS, OVERWRITE, POPULATION, TO, NewFile, refuse_output
from lifsim.cli.program import Command, Talk
from lifsim.cli.results import opened


@click.command(cls=Command)
@FILE
@click.option("-o", "--out", type=NewFile(".html", ".htm"), help="Page to write.  [default: next to FILE]")
@FROM
@TO
@DISCARD
@POPULATION
@HINTS
@OVERWRITE
@click.pass_obj
def report(
    talk: Talk,
    file: Path,
    out: Path | None,
    overwrite: bool,
    populations: tuple[str, ...],
    hints: dict[str, Any],
    **window: Any,
) -> None:
    """Write a report: one HTML page that needs no network.

    The page shows the model, provenance, statistics, figures, and an interactive raster with the traces in FILE, which may be the
    results of an unfinished run or a spike file of another tool.
    """
    out = out or file.with_suffix(".html")
    refuse_output(out, overwrite)
    from lifsim.report.writing import write

    result = opened(talk, file, hints)
    write(result, out, populations=list(populations) or None, overwrite=overwrite, **window)
    talk.note(f"{out}: report of {file}, {out.stat().st_size / 1e6:.1f} MB; open it in a browser")
