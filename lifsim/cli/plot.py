"""The command that draws results and networks: plot."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from lifsim import analysis
from lifsim.cli.options import (
    DISCARD,
    FILE,
    FROM,
    HINTS,
    OVERWRITE,
    POPULATION,
    SETTINGS,
    STYLE,
    TO,
    WIDTH,
    NewFile,
    TimeType,
    refuse_output,
)
from lifsim.cli.program import Command, Talk
from lifsim.cli.results import chosen, opened
from lifsim.cli.text import draw
from lifsim.common import units
from lifsim.common.errors import DataError, LifsimError
from lifsim.modelfile.shipped import shipped_names

# Kinds are functions of `lifsim.plot`, with "-" for "_".
_OF_RESULTS = {
    "raster": "spikes, and population rates below",
    "rates": "population rates, and the rates of neurons",
    "traces": "recorded variables",
    "membrane": "V_m of one neuron with threshold and reset, currents below",
    "phase-plane": "V_m and current of one neuron",
    "isi": "inter-spike intervals and their CV",
    "summary": "raster, rates, CVs and synchrony of all populations",
    "correlations": "correlations of pairs of neurons",
    "correlogram": "correlograms of population activity",
    "spectrum": "power spectra of population rates",
    "psth": "trials around --triggers",
    "weight-evolution": "recorded weights over time",
    "space": "rates at the positions of neurons",
    "animation": "animated raster (GIF)",
}
_OF_MODELS = {
    "network": "populations and projections, and connection probabilities",
    "connectivity": "connectivity matrix",
    "degrees": "in- and out-degrees",
    "weights": "weights of all synapses",
}
_PARAMETERS = {  # option: what the functions that take it call it
    "--population": ("populations", "population"),
    "--from, --discard": ("t_start",),
    "--to": ("t_stop",),
    "--bin": ("rate_bin", "bin"),
    "--neuron": ("neuron",),
    "--neurons": ("max_neurons", "neurons"),
    "--triggers": ("triggers",),
    "--before": ("before",),
    "--after": ("after",),
}


class TriggersType(click.ParamType):
    """Times of triggers, or the name of a population."""

    name = "time,…|population"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[float] | str:
        """`value` as times in ms, or as it is if it does not begin with a digit."""
        if not isinstance(value, str) or not value[:1].isdigit():
            return value
        try:
            return [units.parse(part, "ms") for part in value.split(",")]
        except ValueError as error:
            self.fail(f"{error}; times such as 100,200,300 (ms), or the name of a population", param, ctx)


@click.command(
    cls=Command,
    epilog="\b\nKinds for results:\n"
    + "\n".join(f"  {kind:<17}{text}" for kind, text in _OF_RESULTS.items())
    + "\n\b\nKinds for models:\n"
    + "\n".join(f"  {kind:<17}{text}" for kind, text in _OF_MODELS.items()),
)
@FILE
@click.option("--kind", type=click.Choice([*_OF_RESULTS, *_OF_MODELS]), metavar="KIND", default="raster", help="What is drawn (below).")
@click.option("-o", "--out", type=NewFile(".png", ".pdf", ".svg", ".gif"), help="Figure to write.  [default: next to FILE]")
@FROM
@TO
@DISCARD
@POPULATION
@click.option("--neuron", type=click.IntRange(0), help="The neuron that is shown (membrane, phase-plane).")
@click.option("--neurons", type=click.IntRange(1), help="Largest number of neurons of a population that are drawn or sampled.")
@click.option("--bin", type=TimeType(above=True), help="Width of bins (of rates, counts, lags).")
@click.option("--triggers", type=TriggersType(), help="Times of triggers, or the population whose spikes they are (psth).")
@click.option("--before", type=TimeType(), help="Extent of a trial before its trigger (psth).")
@click.option("--after", type=TimeType(), help="Extent of a trial after its trigger (psth).")
@WIDTH
@STYLE
@HINTS
@SETTINGS
@OVERWRITE
@click.pass_obj
def plot(
    talk: Talk,
    file: Path,
    kind: str,
    out: Path | None,
    overwrite: bool,
    settings: tuple[str, ...],
    hints: dict[str, Any],
    width_mm: float | None,
    style: str | None,
    **given: Any,
) -> None:
    """Plot results, or the synapses of a model.

    FILE is a results file (also of an unfinished run), or for the kinds for models a model file or the name of a shipped
    model. Times are in ms or have a unit.
    """
    model = kind in _OF_MODELS
    _check_file(file, kind, settings, hints)
    suffix = ".gif" if kind == "animation" else ".png"
    usual = Path("outputs") / file.name if model else file
    out = out or usual.with_name(f"{file.stem}{suffix}" if kind == "raster" else f"{file.stem}.{kind}{suffix}")
    if (out.suffix.lower() == ".gif") != (kind == "animation"):
        moving = kind == "animation"
        allowed = "a name that ends in .gif" if moving else "a name that ends in .png, .pdf or .svg (.gif is for --kind animation)"
        raise LifsimError("--out", f"{out.name} for --kind {kind}", allowed)
    refuse_output(out, overwrite)
    options = {"width_mm": width_mm, "style": style}
    if model:
        from lifsim.modelfile.reader import load_with_settings

        net = load_with_settings(str(file), list(settings))
        shown = _fitting(kind, _values(given, given["t_start"] or given["discard"] or None, chosen(given["populations"], net.populations)))
        _draw(kind, out, net, shown, options)
    else:
        result = opened(talk, file, hints)
        start = analysis.after_warmup(result.t_start, given["t_start"], given["discard"])
        analysis.check_window(result, start, given["t_stop"])
        shown = _fitting(kind, _values(given, start, chosen(given["populations"], result.populations)))
        _draw(kind, out, result, shown, options)
    talk.note(f"{out}: {kind} of {file}")


def _draw(kind: str, out: Path, of: Any, shown: Mapping[str, Any], options: Mapping[str, Any]) -> None:
    """Write the figure. Errors name the option, not the parameter of the function that draws."""
    try:
        draw(kind, out, of, **shown, **options)
    except DataError as error:
        problem = error.problems[0]
        option = next((option for option, names in _PARAMETERS.items() if problem.where in names and problem.where in shown), None)
        if option is None:
            raise
        raise DataError(option, problem.got, problem.allowed) from None


def _check_file(file: Path, kind: str, settings: tuple[str, ...], hints: dict[str, Any]) -> None:
    """Check that the file is what the kind of plot needs: a model, or results (LifsimError)."""
    is_model = file.suffix == ".toml" or (not file.suffix and not file.exists() and file.name in shipped_names())
    if kind in _OF_MODELS and not is_model:
        raise LifsimError(f"--kind {kind}", f"{file} is not a model", "a model file (.toml), or the name of a shipped model")
    if settings and kind not in _OF_MODELS:
        raise LifsimError("--set", f"given with --kind {kind}", f"only for models: --kind {', '.join(_OF_MODELS)}")
    given = [f"--{name.replace('_', '-')}" for name, hint in hints.items() if hint is not None]
    if given and kind in _OF_MODELS:
        raise LifsimError(given[0], f"given with --kind {kind}", "only for results")


def _values(given: Mapping[str, Any], start: float | None, populations: list[str]) -> dict[str, Any]:
    """The values of the options of `_PARAMETERS` that were given."""
    values = {"--population": populations or None, "--from, --discard": start, "--to": given["t_stop"]}
    values |= {option: given[option[2:]] for option in _PARAMETERS if option not in values}
    return {option: value for option, value in values.items() if value is not None}


def _fitting(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` by the names of the parameters of the function that draws `kind` (LifsimError if it does not take one)."""
    from lifsim import plot as plots

    taken = {name: inspect.signature(getattr(plots, name.replace("-", "_"))).parameters for name in (*_OF_RESULTS, *_OF_MODELS)}
    found = {}
    for option, value in values.items():
        name = next((name for name in _PARAMETERS[option] if name in taken[kind]), None)
        if name is None:
            others = [other for other in taken if any(name in taken[other] for name in _PARAMETERS[option])]
            raise LifsimError(option, f"given with --kind {kind}", f"only for --kind {', '.join(others)}")
        if name == "population":
            if len(value) > 1:
                raise LifsimError(option, f"given {len(value)} times with --kind {kind}", "one population")
            value = value[0]
        found[name] = value
    if "triggers" in taken[kind] and "triggers" not in found:
        raise LifsimError(f"--kind {kind}", "needs --triggers", "times such as 100,200,300, or the population whose spikes are triggers")
    return found
