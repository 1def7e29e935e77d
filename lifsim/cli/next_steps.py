"""The commands that may follow a command, printed in its last line: each works as it is printed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from lifsim.files.run_files import log_path


def command(*words: str | Path) -> str:
    """A command line of lifsim, quoted for a shell."""
    return shlex.join(["lifsim", *map(str, words)])


def next_line(commands: Iterable[str]) -> str:
    """The line that names the next commands."""
    return "next: " + ", or ".join(commands)


def unused(path: Path) -> Path:
    """`path`, or if a file of this name exists, the same with a number behind the name."""
    found, number = path, 1
    while found.exists() or found.is_symlink():
        number += 1
        found = path.with_name(f"{path.stem}_{number}{path.suffix}")
    return found


def new_file(usual: Path) -> tuple[str | Path, ...]:
    """The option for the file to write, if the `usual` one exists."""
    return _option(unused(usual), usual)


def _option(out: Path, usual: Path) -> tuple[str | Path, ...]:
    return () if out == usual else ("-o", out)


def run_of(model: Path, *options: str) -> str:
    """The command that runs a model file, with a new results file if the default one, or its figure, exists."""
    usual = Path("outputs") / f"{model.stem}.h5"
    out, number = usual, 1
    while any(path.exists() or path.is_symlink() for path in (out, out.with_suffix(".png"), log_path(out))):
        number += 1
        out = usual.with_name(f"{usual.stem}_{number}.h5")
    return command("run", model, *options, *_option(out, usual))


def figure_of(results: Path, kind: str) -> Path:
    """The default file of a figure: beside the results, without the wild cards of a pattern of several files."""
    name = re.sub(r"[-_]?[*?\[\]]+", "", results.name) or "spikes"
    return results.with_name(name).with_suffix(".png" if kind == "raster" else f".{kind}.png")


def plot_of(results: Path, kind: str) -> str:
    """The command that plots results, with a new file for the figure if the default one exists."""
    return command("plot", results, *(() if kind == "raster" else ("--kind", kind)), *new_file(figure_of(results, kind)))
