"""The commands that show models and results: info, new, models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.next_steps import command, run_of
from lifsim.cli.options import FILE, HINTS, OVERWRITE, NewFile, refuse_output
from lifsim.cli.program import Command, Talk, echo
from lifsim.cli.text import contents_of, heading_of
from lifsim.common import units
from lifsim.common.errors import ModelError
from lifsim.common.overview import counted
from lifsim.common.printable import one_line
from lifsim.files import disk
from lifsim.files.outputs import make_folder
from lifsim.modelfile.shipped import shipped, template
from lifsim.modelfile.toml import parsed

if TYPE_CHECKING:
    from lifsim.results.result import Result


@click.command(cls=Command)
@FILE
@click.option("--verify", is_flag=True, help="Verify the checksums in the file.")
@HINTS
@click.pass_obj
def info(talk: Talk, file: Path, verify: bool, hints: dict[str, Any]) -> None:
    """Show the contents of a file.

    FILE is a results file (finished or not), a file of spikes of another tool, a weights file (also that of a dense
    network), a model file, or the name of a shipped model.
    """
    if _is_model(file):
        return _tell_model(talk, file)
    from lifsim.weights.store_file import is_store

    if is_store(file):
        return _tell_weights(talk, file, verify)
    return _tell_result(file, verify, hints)


def _tell_model(talk: Talk, file: Path) -> None:
    from lifsim.modelfile.reader import load_with_settings

    net = load_with_settings(str(file), [])
    heading_of(net)
    contents_of(talk, net)


def _tell_weights(talk: Talk, file: Path, verify: bool) -> None:
    from lifsim.weights.store import WeightStore

    with WeightStore(file) as store:
        facts = {key: value for key, value in store.file.attrs.items() if isinstance(value, str) and key != "parameters"}
        echo(f"{file}: weights" + one_line("".join(f", {key} {value}" for key, value in facts.items())))
        for m in store.verify():
            size = " × ".join(f"{n:,}" for n in m.shape)
            units = f", {m.units}" if m.units not in ("", "1") else ""
            echo(one_line(f"  {m.name}: {size} (targets × sources), {m.kind}, {counted(m.entries, 'weight')} of {m.dtype}{units}"))
            for key, value in store.notes(m.name).items() if talk.verbose else ():
                echo(f"    {one_line(key)}: {_in_words(value.tolist() if hasattr(value, 'tolist') else value)}")
            if verify:
                echo(f"    sha256 {m.sha256} ok")


def _tell_result(file: Path, verify: bool, hints: dict[str, Any]) -> None:
    from lifsim.results import opening

    result = opening.open(file, **hints)
    checked = result.verify() if verify else 0
    echo(one_line(": ".join(filter(None, [result.name, result.info.get("description")]))))
    for line in repr(result).split("\n")[1:]:
        echo(line)
    for label, value in _facts(result):
        if value not in ("", {}, None):
            echo(f"  {one_line(label)}: {_in_words(value)}")
    if verify:
        echo(f"  {_verified(result, checked)}")


def _verified(result: Result, checked: int) -> str:
    """The outcome of verifying a result in which `checked` datasets have a checksum of their own."""
    if result.file is None and result.path is not None and result.path.suffix == ".log":
        return "verified: every frame of the log"
    if result.file is not None and result.file.sealed:
        return f"verified: every byte, {counted(checked, 'dataset')}"
    if checked:
        return f"verified: {counted(checked, 'dataset')}; nothing else has a checksum, since another program changed the file"
    return "not verified: the file has no checksums, as is usual for other tools; all readable data were read"


def _is_model(file: Path) -> bool:
    return file.suffix == ".toml" or (not file.suffix and file.name == str(file) and not file.exists() and file.name in shipped())


def _facts(result: Result) -> Iterator[tuple[str, Any]]:
    """The metadata of a run as (label, value): duration, settings, timings, origin."""
    said = result.info
    if "settings" in said or not result.complete:  # files of other tools lack this information
        yield "complete", "yes" if result.complete else "no"
    yield "ignored", said.get("ignored")
    yield "duration", f"{result.duration:g} ms, from {result.t_start:g} to {result.t_stop:g} ms" + _steps_of(result)
    yield "parameters", _with_units(said.get("parameters"), said.get("model_text"))
    if "settings" in said:  # else the file is that of another tool
        settings = dict(said["settings"])
        precision = settings.pop("precision", "")
        yield "seed", result.seed
        yield "threads", said.get("threads", settings.pop("threads", None))
        yield "precision", f"{precision}, weights {settings.pop('weights', None) or precision}" if precision else ""
        yield from ((key, value) for key, value in settings.items() if key != "threads")
    yield "changes", "; ".join(map(_change, said.get("changes") or ()))
    for key in (*_LATER, *(key for key in said if key not in (*_SAID, *_LATER))):
        value = {part: f"{x:.3g} s" for part, x in said[key].items()} if key == "timings" and key in said else said.get(key)
        yield key.replace("_", " ").replace("real time", "real-time"), value


def _with_units(parameters: Any, text: str | None) -> Any:
    """The parameters of a run, each with the coherent unit of the quantity that stands for it in the model file."""
    try:
        written = parsed(text or "", "model").get("parameters")
    except ModelError:  # the file is not one of ours
        written = None
    if not isinstance(parameters, Mapping) or not isinstance(written, Mapping):
        return parameters
    return {name: f"{_in_words(x)} {_unit_of(written.get(name))}".rstrip() for name, x in parameters.items()}


def _unit_of(quantity: Any) -> str:
    """The coherent unit of a quantity such as "20 ms"; "" for anything else."""
    try:
        return units.coherent(units.split(quantity)[1]) or "" if isinstance(quantity, str) else ""
    except ValueError:
        return ""


def _change(entry: dict[str, Any]) -> str:
    """One entry of the changes during a run, such as "exc I_e at 100 ms" (`lifsim.simulation.changes`)."""
    when = f"at {entry['last']:g} ms" if entry["number"] == 1 else f"{entry['number']:,} times, last at {entry['last']:g} ms"
    return f"{entry['of']} {entry['set']} {when}"


def _steps_of(result: Result) -> str:
    return f" in steps of {result.dt:g} ms" if result.dt > 0 else ""


_LATER = ("neurons", "synapses", "timings", "real_time_factor", "started", "finished", "host", "versions", "command", "reference")
_SAID = {
    "changes",
    "weight_events",
    "populations",
    "recorded_spikes",
    "recorded_traces",
    "unreadable",
    "model_text",
    "note",
    "name",
    "description",
    "complete",
    "ignored",
    "duration",
    "t_start",
    "t_stop",
    "steps",
    "dt",
    "parameters",
    "settings",
    "seed",
    "threads",
    "precision",
    "weights",
}


@click.command(cls=Command)
@click.argument("file", type=NewFile(".toml"))
@OVERWRITE
@click.pass_obj
def new(talk: Talk, file: Path, overwrite: bool) -> None:
    """Write a template of a model file.

    FILE ends in .toml; its comments explain what can be changed.
    """
    refuse_output(file, overwrite)
    make_folder(file)
    disk.put(file, template().encode())
    talk.note(f"{file}: edit it, then: {command('check', file)}; {run_of(file, '--plot')}")


@click.command(cls=Command)
def models() -> None:
    """List the models that come with lifsim."""
    found = shipped()
    width = max(map(len, found))
    for name, description in found.items():
        echo(f"{name:<{width}}  {one_line(description)}")


def _in_words(value: Any) -> str:
    """An entry of the metadata as one line of text."""
    if isinstance(value, Mapping):
        return ", ".join(f"{one_line(str(key))} {_in_words(entry)}" for key, entry in value.items())
    if isinstance(value, list) and value and isinstance(value[0], list):
        return f"({len(value)} × {len(value[0])} numbers)"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_words, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value))
