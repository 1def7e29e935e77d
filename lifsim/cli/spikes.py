"""The command that converts files of spikes: convert-spikes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.options import HINTS, OVERWRITE, NewFile, refuse_output
from lifsim.cli.program import Command, Talk
from lifsim.common.errors import DataError, OutputError
from lifsim.common.printable import one_line

if TYPE_CHECKING:
    from lifsim.results.result import Result


@click.command(cls=Command)
@click.argument("sources", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...")
@click.argument("out", type=NewFile(".h5", ".hdf5", ".npz", ".csv"))
@HINTS
@OVERWRITE
@click.pass_obj
def convert_spikes(talk: Talk, sources: tuple[Path, ...], out: Path, hints: dict[str, Any], overwrite: bool) -> None:
    """Convert a file of spikes to SONATA (OUT.h5), NPZ or CSV.

    FILE is anything that lifsim opens: results, SONATA of any tool, NPZ, CSV, or the files of NEST (also several of
    them, a pattern, a folder, or the beginning of their names).
    """
    from lifsim.results import opening, spike_writing

    for source in sources:
        if out.exists() and source.exists() and out.samefile(source):
            raise OutputError(str(out), "is the file that is read", "another name")
    refuse_output(out, overwrite)
    result = opening.open(sources[0] if len(sources) == 1 else list(sources), **hints)
    spikes = {name: result.spikes[name] for name in result.spikes}
    if not spikes:
        raise DataError(", ".join(map(str, sources)), "holds no spikes to convert", "results of a run that recorded spikes")
    spike_writing.write_spikes(out, spikes, overwrite)
    total = sum(map(len, spikes.values()))
    kept = [name for name, each in spikes.items() if len(each) or out.suffix.lower() != ".csv"]
    talk.note(f"{out}: {total:,} spike{'' if total == 1 else 's'} of {', '.join(map(one_line, kept)) or 'no population'}")
    for text in [*_left_out(result), *spike_writing.lost(out, spikes)]:
        talk.warn(one_line(f"{out}: not kept: {text}"))


def _left_out(result: Result) -> list[str]:
    """What a result holds beside spikes."""
    kinds: dict[str, Mapping[str, Any]] = {"traces": result.traces, "weight events": result.weight_events, "positions": result.positions}
    found = [f"{kind} of {', '.join(there)}" for kind, there in kinds.items() if there]
    return found + (["model, settings and origin of the run"] if "settings" in result.info else [])
