"""Runs a recipe, and compares the activity with the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lifsim import analysis
from lifsim.analysis.comparison import Comparison, check_groups, check_known
from lifsim.analysis.distribution import RunDistributions
from lifsim.common.errors import DataError
from lifsim.files.run_files import log_path
from lifsim.modelfile.reader import load
from lifsim.network.network import Network
from lifsim.results.opening import open as open_result
from lifsim.results.result import Result
from lifsim.simulation.kept_runs import KeptRun, kept_results
from lifsim.simulation.runs import run
from lifsim.validation.recipes import ValidationRecipe
from lifsim.validation.references import POINTS, ReferenceData, published, shipped_reference

HERE = "lifsim"  # name of the group of runs
_TRIAL = 100.0  # ms
_BYTES = 16.0  # of a spike in a results file


@dataclass(frozen=True)
class Forecast:
    """How long a validation will take.

    Parameters
    ----------
    runs : number of runs that are not finished. seconds : wall time of these. bytes : size of their results files.
    real_time_factor : wall time / biological time of the trial run, after building; nan if no run is left.
    """

    runs: int
    seconds: float
    bytes: float
    real_time_factor: float


@dataclass(frozen=True, eq=False)
class Validated:
    """What `validate` returns.

    Parameters
    ----------
    files : the results file of each seed. reference : what they were compared with.
    comparison : of the groups "reference" and "lifsim".
    """

    files: Mapping[int, Path]
    reference: ReferenceData
    comparison: Comparison


def validate(
    recipe: ValidationRecipe,
    folder: str | Path,
    reference: ReferenceData | None = None,
    *,
    duration: float | None = None,
    seeds: int | None = None,
    settings: Mapping[str, Any] | None = None,
    alpha: float = 0.01,
    limit: float | None = None,
    overwrite: bool = False,
    progress: Callable[[int], Any] | None = None,
    **options: Any,
) -> Validated:
    """Run a model as a recipe says, and compare its activity with reference data.

    A run that is finished in `folder` is used again, and an interrupted one is resumed.

    Parameters
    ----------
    recipe : one of `RECIPES`. folder : folder of the results, seed-1.h5, ….
    reference : what to compare with (`read_reference`); default: that of the recipe, which is for its own parameters and duration.
    duration : biological time after the warm-up, ms. seeds : number of runs. Both as in the recipe by default.
    settings : parameters of the model, such as ``{"scale": 0.2}``, beside those of the recipe.
    alpha, limit : as for `lifsim.analysis.compare`.
    overwrite : run again, and replace what is in `folder`.
    progress : called with each seed; returns the `progress` of its run.
    options : further options of `lifsim.run`, such as `threads`.

    Returns
    -------
    The files, the reference and the comparison.

    Raises
    ------
    DataError : the reference of the recipe is not for these parameters or this duration, there are too few runs for a verdict, or `limit`
        is given and only means are known.
    ModelError : another run is in `folder`.
    """
    compared = reference or own_reference(recipe, duration, settings)
    numbers = check_runs(recipe, compared, seeds, alpha, limit)
    net, ms = _network(recipe, settings), recipe.discard + (recipe.duration if duration is None else duration)
    files = {seed: _file(folder, seed) for seed in numbers}
    planned = {seed: KeptRun(net, ms, out, {"seed": seed}) for seed, out in files.items()}
    results = kept_results(planned, overwrite, progress, **options)
    found = [_reduced(_distributions(recipe, result), compared.coarse) for _, result in results]
    groups = {"reference": compared.runs, HERE: found}
    return Validated(files, compared, analysis.compare(groups, alpha=alpha, limit=limit))


def check_runs(recipe: ValidationRecipe, reference: ReferenceData, seeds: int | None, alpha: float, limit: float | None) -> range:
    """The seeds of the runs, after a check that their number and the reference allow a verdict (DataError)."""
    numbers = range(1, (recipe.seeds if seeds is None else seeds) + 1)
    check_groups({"reference": len(reference.runs), HERE: len(numbers)}, alpha, limit)
    check_known(reference.runs, limit)
    return numbers


def own_reference(recipe: ValidationRecipe, duration: float | None = None, settings: Mapping[str, Any] | None = None) -> ReferenceData:
    """The reference of a recipe (DataError if it is not for this duration or these parameters)."""
    other = [f"{key} = {value}" for key, value in (settings or {}).items() if recipe.settings.get(key) != value]
    if other:
        raise DataError("reference", f"that of {recipe.name} is not for {', '.join(other)}", "a reference of your own (--reference)")
    if recipe.reference and duration not in (None, recipe.duration):
        ways = "the same, since distributions depend on it; or a reference of your own (--reference)"
        raise DataError("duration", f"{duration:g} ms, but the reference of {recipe.name} is of {recipe.duration:g} ms", ways)
    if recipe.reference:
        return shipped_reference(recipe.reference, recipe.reference_source)
    return published(recipe.means, recipe.reference_source)


def forecast(
    recipe: ValidationRecipe,
    folder: str | Path,
    *,
    duration: float | None = None,
    seeds: int | None = None,
    settings: Mapping[str, Any] | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Forecast:
    """Measure in a trial run of 100 ms how long the runs of a recipe will take that are not finished yet.

    Parameters
    ----------
    recipe, folder, duration, seeds, settings, overwrite, options : as for `validate`.

    Returns
    -------
    The forecast. Building the network and the warm-up are included, reading the results is not.
    """
    ms = recipe.discard + (recipe.duration if duration is None else duration)
    numbers = range(1, (recipe.seeds if seeds is None else seeds) + 1)
    left = [seed for seed in numbers if overwrite or not _finished(_file(folder, seed))]
    if not left:
        return Forecast(0, 0.0, 0.0, float("nan"))
    trial = run(_network(recipe, settings), _TRIAL, seed=left[0], **options)
    factor = trial.info["timings"]["simulate"] * 1000.0 / _TRIAL
    spikes = sum(map(len, trial.spikes.values())) * ms / _TRIAL
    each = trial.info["timings"]["build"] + factor * ms / 1000.0
    return Forecast(len(left), len(left) * each, len(left) * spikes * _BYTES, factor)


def _network(recipe: ValidationRecipe, settings: Mapping[str, Any] | None) -> Network:
    return load(recipe.model, **{**recipe.settings, **(settings or {})})


def _file(folder: str | Path, seed: int) -> Path:
    return Path(folder) / f"seed-{seed}.h5"


def _finished(path: Path) -> bool:
    return path.exists() and not log_path(path).exists() and open_result(path).complete


def _distributions(recipe: ValidationRecipe, result: Result) -> RunDistributions:
    return analysis.distributions(result, bin=recipe.bin, discard=recipe.discard, neurons=recipe.neurons)


def _reduced(run: RunDistributions, coarse: bool) -> RunDistributions:
    """The same; if the reference is `coarse`, reduced in the same way, so that it differs from no run for that reason."""
    if not coarse:
        return run
    return RunDistributions({p: {s: one.coarse(POINTS) for s, one in of.items()} for p, of in run.populations.items()}, run.conventions)
