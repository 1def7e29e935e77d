"""The command that runs again what a result or a figure shows: reproduce."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lifsim.cli.comparison_text import compared_exactly
from lifsim.cli.options import OVERWRITE, THREADS, NewFile, refuse_output
from lifsim.cli.program import FAILED, Command, Talk, echo
from lifsim.cli.progress import Progress
from lifsim.cli.text import refuse_model

if TYPE_CHECKING:
    from lifsim.reproduction.reproducing import Reproduced, RunAgain

_BITS = (
    "the same bits: of all recorded spikes and samples. They are promised for the same versions of lifsim, numpy, numba and llvmlite, the "
    "same precision and seed, with any number of threads; code is compiled for the processor at hand, so that other kinds of processors or "
    "systems may round differently"
)


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=NewFile(".h5", ".hdf5"), help="Keep the new results in this file.")
@click.option("--folder", type=click.Path(path_type=Path), default=Path(), help="Folder of the files to which the model refers.")
@THREADS
@OVERWRITE
@click.pass_obj
def reproduce(talk: Talk, file: Path, out: Path | None, folder: Path, threads: int | str, overwrite: bool) -> None:
    """Run again what a file shows, and compare.

    FILE is a results file or a figure (PNG, PDF, SVG) of lifsim. Its provenance (model text, parameters, seed, settings,
    duration) is enough for the run. The recorded data are compared bit by bit; a figure is drawn again and compared, too.

    Exits with 0 if all is the same, with 1 if something differs, with 2 if it cannot be reproduced.
    """
    refuse_model(file)
    if out is not None:
        refuse_output(out, overwrite)
    from lifsim.reproduction.reproducing import reproduce as reproduced

    bars: list[Progress] = []

    def progress(name: str) -> Progress:
        bars.append(Progress(name, quiet=talk.quiet, verbose=talk.verbose))
        return bars[-1]

    found = reproduced(file, out, folder=folder, overwrite=overwrite, threads=threads, progress=progress)
    for line in _lines(file, found):
        echo(line)
    if out is not None:
        talk.note(f"{out}: new results")
    if not found.same:
        raise click.exceptions.Exit(FAILED)
    if found.runs:
        talk.note(_BITS)


def _lines(file: Path, found: Reproduced) -> Iterator[str]:
    for one in found.runs:
        yield from _run_lines(file, one)
    if found.figure is not None:
        yield f"{file}: the figure, drawn again, is {'the same' if found.figure else 'different'}"
    elif found.remark:
        yield f"{file}: the figure is not compared: {found.remark}"


def _run_lines(file: Path, one: RunAgain) -> Iterator[str]:
    before, now = one.digests
    if not before:
        yield f"{file}: {one.name} ran again, {one.spikes:,} spikes; its data were in memory, so that there is no digest to compare"
    elif one.same:
        yield f"{file}: {one.name} ran again, {one.spikes:,} spikes: the same, content SHA-256 {now}"
    else:
        yield f"{file}: {one.name} ran again: different; content SHA-256 {before}, now {now}"
        if one.comparison is not None:
            yield compared_exactly(file, Path("the new run"), one.comparison)
        if one.comparison is not None and one.comparison.same:
            yield "  spikes and traces are the same; other recorded data differ (positions, transmitted weights)"
    for said in one.versions:
        yield f"  made with {said}: the same bits are not promised"
