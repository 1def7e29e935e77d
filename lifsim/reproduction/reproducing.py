"""Runs again what a result or a figure shows, and compares."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifsim import analysis
from lifsim.analysis.exact import ExactComparison
from lifsim.common.errors import DataError, OutputError
from lifsim.common.progress_bar import close_bar
from lifsim.description.stored import network_of_text
from lifsim.files.outputs import check_output, expanded, make_folder
from lifsim.reproduction.former_run import FormerRun
from lifsim.reproduction.redrawing import redrawn
from lifsim.results.result import Result
from lifsim.simulation.environment import versions
from lifsim.simulation.runs import run

FIGURES = (".png", ".pdf", ".svg")


@dataclass(frozen=True)
class RunAgain:
    """A run, and the same run again.

    Parameters
    ----------
    name : of the model. digests : SHA-256 of all recorded data, of the earlier run ("" if it is not known) and of this one.
    spikes : number of spikes of this one.
    comparison : spikes and traces compared exactly; None if the file of the earlier run is not there.
    versions : packages of which another version made the earlier run, in words.
    """

    name: str
    digests: tuple[str, str]
    spikes: int
    comparison: ExactComparison | None
    versions: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether all recorded data are the same bits, as far as they are known."""
        known = self.digests[0] in ("", self.digests[1])
        return known and (self.comparison is None or self.comparison.same)


@dataclass(frozen=True)
class Reproduced:
    """What `reproduce` found.

    Parameters
    ----------
    runs : each run of the file or figure, and how the same run again compares.
    figure : whether the figure, drawn again, is the same; None for a file of results, or if it could not be drawn again.
    remark : why it could not; "" otherwise.
    """

    runs: tuple[RunAgain, ...]
    figure: bool | None = None
    remark: str = ""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return all(one.same for one in self.runs) and self.figure is not False


def reproduce(
    path: str | Path,
    out: str | Path | None = None,
    *,
    folder: str | Path = ".",
    overwrite: bool = False,
    threads: int | str = "auto",
    progress: Callable[[str], Any] | None = None,
) -> Reproduced:
    """Run again what a file of results or a figure shows, and compare all recorded data bit by bit.

    The same seed gives the same bits with the same versions of lifsim, NumPy, Numba and llvmlite and the same precision, with any number
    of threads, on the same kind of processor and system: code is compiled for the processor at hand, and others may round differently.
    Other versions are told, and tried all the same. A figure is drawn again, and compared pixel by pixel (PDF and SVG: byte by byte).

    Parameters
    ----------
    path : the file of results (.h5), or a figure with provenance (.png, .pdf, .svg).
    out : file of the new results; of a figure that shows several runs, the name of each is put in front. Default: a temporary file.
    folder : folder of the files that the model refers to; default: the current one.
    overwrite : replace an existing file at `out`.
    threads : number of threads; does not affect the results.
    progress : called with the name of each run; returns the `progress` of the run, whose ``close`` is called at the end.

    Returns
    -------
    How each run compares, and the figure.

    Raises
    ------
    DataError : the file is damaged or has been changed, is not complete, was changed by a program during the run, or holds no
        provenance or no model text. ModelError : the model text is not that of the run, or refers to files that are not in `folder`.
    OutputError : `out` exists, or cannot be written. RunError : the run failed.
    """
    path = expanded(path, "file", DataError)
    if path.suffix.lower() in FIGURES:
        from lifsim.plot.origins import provenance

        about = provenance(path)
        runs, models = _runs_of(path, about), [source for source in about["sources"] if source.get("kind") == "model"]
    else:
        about, runs, models = {}, [FormerRun.of_result(path)], []
    nets = [earlier.network(Path(folder)) for earlier in runs]
    outs = _outs(out, runs, overwrite)
    with tempfile.TemporaryDirectory() as scratch:
        found: list[RunAgain] = []
        results: list[Any] = [network_of_text(source, str(path), folder) for source in models]
        for k, (earlier, net) in enumerate(zip(runs, nets, strict=True)):
            shown = None if progress is None else progress(earlier.name)
            try:
                place = outs[k] if outs else Path(scratch) / f"{k}.h5"
                options = {**earlier.options, "threads": threads, "overwrite": overwrite, "progress": shown}
                again = run(net, float(earlier.info["t_stop"]), out=place, checkpoint_wall=None, **options)
            finally:
                if shown is not None:
                    close_bar(shown)
            results.append(again)
            found.append(_compared(earlier, again))
        figure, remark = redrawn(path, about, results) if about else (None, "")
    return Reproduced(tuple(found), figure, remark)


def _runs_of(figure: Path, about: Mapping[str, Any]) -> list[FormerRun]:
    sources = about["sources"]
    if not sources:
        command = f"; it was drawn by: {about['command']}" if about.get("command") else ""
        raise DataError(str(figure), f"shows no run of lifsim that its provenance names{command}", "a figure of results")
    if not all(map(_is_source, sources)):
        raise DataError(str(figure), "shows spikes of another tool, or its provenance was changed", "a figure of a run of lifsim")
    return [FormerRun.of_source(figure, source) for source in sources if source.get("kind") == "run"]


def _is_source(source: Any) -> bool:
    """Whether an entry of a figure's provenance has what a run, or a network, needs, in the right types."""
    if not isinstance(source, Mapping) or not isinstance(source.get("parameters", {}), Mapping):
        return False
    if source.get("kind") == "model":
        return True
    numbers = all(isinstance(source.get(key, 0), (int, float)) for key in ("t_start", "duration")) and isinstance(source.get("seed"), int)
    return source.get("kind") == "run" and numbers and isinstance(source.get("settings"), Mapping)


def _outs(out: str | Path | None, runs: list[FormerRun], overwrite: bool) -> list[Path]:
    """The files of the new results, checked."""
    if out is None:
        return []
    path = expanded(out, "out", OutputError)
    make_folder(path)
    many = len(runs) > 1
    return [check_output(path.with_name(f"{k + 1}_{r.name}_{path.name}") if many else path, overwrite) for k, r in enumerate(runs)]


def _compared(earlier: FormerRun, again: Result) -> RunAgain:
    digests = earlier.digest, str(again.info["content_sha256"])
    comparison = None
    if earlier.result is not None and len(earlier.result.spikes):
        comparison = analysis.compare_exactly(earlier.result, again, tolerance=0.0)
    return RunAgain(earlier.name, digests, _spikes(again), comparison, tuple(earlier.other_versions(versions())))


def _spikes(result: Result) -> int:
    return sum(sum(map(len, result.stream(name).pieces())) for name in result.spikes)
