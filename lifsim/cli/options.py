"""The types of option values, and the options that several commands share."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from lifsim.common import units
from lifsim.common.errors import LifsimError, OutputError
from lifsim.common.text import shortened
from lifsim.files.outputs import check_output, expanded


class TimeType(click.ParamType):
    """A time in ms, or with a unit: from 0 on, or `above` 0."""

    name = "time"

    def __init__(self, above: bool = False) -> None:
        self.above = above

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`value` in ms."""
        if isinstance(value, float):
            return value
        try:
            time = units.parse(value, "ms")
        except ValueError as error:
            self.fail(f"{error}; a time such as 1000 (ms) or '1 s'", param, ctx)
        if not 0 <= time < float("inf") or (self.above and time == 0):
            self.fail(f"{value}; a time {'above 0' if self.above else 'from 0 on'}", param, ctx)
        return time


class WallTimeType(click.ParamType):
    """A wall time, in seconds or with a unit."""

    name = "time"

    def __init__(self, never: bool = False) -> None:
        self.never = never

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float | None:
        """`value` in seconds; None for "never", where that is allowed."""
        from lifsim.common.wall_time import seconds

        if self.never and value == "never":
            return None
        try:
            return seconds(value, param.name if param and param.name else "time")
        except LifsimError as error:
            self.fail(error.problems[0].text, param, ctx)


class ThreadsType(click.ParamType):
    """A number of threads, or auto."""

    name = "n|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """`value` as a number from 1 on, or "auto"."""
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value}; a whole number from 1 on, or auto", param, ctx)
        return int(value)


class CountType(click.ParamType):
    """A number of repetitions, or of points, from `least` to `MOST`."""

    name = "n"
    MOST = 1000

    def __init__(self, least: int = 1) -> None:
        self.least = least

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`value` as a whole number."""
        text = str(value)
        if not (text.isascii() and text.isdecimal() and len(text) <= 10) or not self.least <= int(text) <= self.MOST:
            self.fail(f"{shortened(text)}; a whole number from {self.least} to {self.MOST}", param, ctx)
        return int(value)


class SeedType(click.ParamType):
    """A random seed."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`value` as an unsigned 64-bit integer."""
        if isinstance(value, int):
            return value
        if not (value.isascii() and value.isdecimal() and len(value) <= 20 and int(value) < 2**64):
            self.fail(f"{shortened(value)} is not a whole number from 0 to {2**64 - 1}", param, ctx)
        return int(value)


class NewFile(click.ParamType):
    """A file to be written, whose name ends in one of the suffixes; without suffixes the command itself looks at the name."""

    name = "file"

    def __init__(self, *suffixes: str) -> None:
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """`value` as a path with an allowed suffix."""
        path = expanded(value, "file", OutputError) if str(value).strip() else Path()
        if self.suffixes and path.suffix.lower() not in self.suffixes:
            self.fail(f"{shortened(str(value)) or repr('')}; a name that ends in {' or '.join(self.suffixes)}", param, ctx)
        return path


class NodeCountType(click.ParamType):
    """A number of neurons, of one population or of each."""

    name = "[name=]n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """`value` as the population ("" for all) and a number from 0 on."""
        if isinstance(value, tuple):
            return value
        name, equals, number = str(value).rpartition("=")
        if not (number.isascii() and number.isdecimal() and len(number) <= 10) or (equals and not name):
            self.fail(f"{value}; a whole number such as 50, or POPULATION=50", param, ctx)
        return name, int(number)


class GroupType(click.ParamType):
    """A group of files with a name."""

    name = "name=file,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, list[Path]]:
        """`value` as the name and the paths."""
        if isinstance(value, tuple):
            return value
        name, equals, files = str(value).partition("=")
        paths = [file.strip() for file in files.split(",")]
        if not (name.strip() and equals and all(paths)):
            self.fail(f"{value}; NAME=FILE,FILE,… such as control=a1.h5,a2.h5", param, ctx)
        return name.strip(), [Path(file) for file in paths]


def _by_population(option: str, given: tuple[tuple[str, int], ...]) -> int | dict[str, int] | None:
    """The values of an option such as --n-nodes in the form that `lifsim.open` accepts."""
    if not given:
        return None
    names = [name for name, _ in given]
    if len(set(names)) < len(names) or ("" in names and len(names) > 1):
        raise LifsimError(option, "given for a population twice", "one number for all, or one for each population")
    return given[0][1] if "" in names else dict(given)


def refuse_output(path: Path, overwrite: bool) -> None:
    """Check, before any long computation, that a file can be written, and does not exist unless `overwrite` (OutputError)."""
    check_output(path, overwrite)
    folder = path.parent if path.parent.exists() else path.parent.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(str(path), f"cannot be written ({error.strerror})", "a folder in which you may write") from None


MODEL = click.argument("model")
FILE = click.argument("file", type=click.Path(path_type=Path))
SETTINGS = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Override a parameter or an entry such as run.dt. Repeatable."
)
FROM = click.option("--from", "t_start", type=TimeType(), help="Start of the time window.  [default: start of the results]")
TO = click.option("--to", "t_stop", type=TimeType(), help="End of the time window.  [default: end of the results]")
DISCARD = click.option(
    "--discard", type=TimeType(), default=0.0, help="Length of a warm-up: times up to the start of the run + TIME are left out."
)
POPULATION = click.option("--population", "populations", multiple=True, metavar="NAME", help="Only this population. Repeatable.")
GROUP = click.option("--group", "groups", type=GroupType(), multiple=True, help="Files that form a group, such as seeds. Repeatable.")
_N_NODES = click.option(
    "--n-nodes", type=NodeCountType(), multiple=True, help="Number of neurons, for spike files of other tools that lack it. Repeatable."
)
_FIRST_ID = click.option(
    "--first-id", type=NodeCountType(), multiple=True, help="Id of the first neuron, for text and NPZ files of other tools. Repeatable."
)
_DT = click.option("--dt", type=TimeType(), help="Time step in ms, for spike files of other tools that lack it.")


def HINTS(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options with what a file of another tool may lack; the command gets them as `hints`, keywords of `lifsim.open`."""

    @wraps(function)
    def called(*args: Any, n_nodes: Any, first_id: Any, dt: float | None, **named: Any) -> Any:
        hints = {"n_nodes": _by_population("--n-nodes", n_nodes), "first_id": _by_population("--first-id", first_id), "dt": dt}
        return function(*args, hints=hints, **named)

    return _N_NODES(_FIRST_ID(_DT(called)))


OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
PRECISION = click.option(
    "--precision",
    type=click.Choice(["float64", "float32"]),
    default="float64",
    show_default=True,
    help="Data type of the state variables.",
)
WEIGHTS = click.option(
    "--weights",
    type=click.Choice(["float64", "float32", "compact"]),
    help="Data type of stored weights.  [default: that of --precision]",
)
METHOD = click.option(
    "--method", type=click.Choice(["grid", "precise"]), help="Spike times on the time grid, or exact.  [default: as the model requires]"
)
THREADS = click.option(
    "--threads", type=ThreadsType(), default="auto", show_default=True, help="Number of threads; does not affect the results."
)
PLOT = click.option("--plot", is_flag=True, help="Save a figure (PNG) next to the results.")
EVERY = click.option(
    "--checkpoint-every", type=TimeType(), help="Biological time between checkpoints, in ms or with a unit (1000, or '10 s')."
)
WALL = click.option(
    "--checkpoint-wall",
    type=WallTimeType(never=True),
    default="10 min",
    show_default=True,
    help="Wall time between checkpoints, in seconds or with a unit, or never.",
)
MAX_WALL = click.option("--max-wall", type=WallTimeType(), help="Stop after this wall time ('1 h') with a checkpoint; exit code 3.")
WIDTH = click.option("--width", "width_mm", type=click.FloatRange(40, 1000), help="Width of the figure in mm, such as 85.  [default: 180]")
STYLE = click.option("--style", type=click.Choice(["light", "dark"]), help="Style of the figure.  [default: light]")
