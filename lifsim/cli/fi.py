"""The command fi: the f-I curve of a neuron."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.options import MODEL, OVERWRITE, SETTINGS, CountType, NewFile, TimeType, refuse_output
from lifsim.cli.program import Command, Talk, echo
from lifsim.cli.progress import Progress
from lifsim.common import units
from lifsim.common.errors import LifsimError
from lifsim.files import disk
from lifsim.files.outputs import make_folder

if TYPE_CHECKING:
    import numpy as np

_HEADS = ("I_e_pA", "rate_simulated", "rate_theory")


class CurrentType(click.ParamType):
    """A current in pA, or with a unit."""

    name = "current"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`value` in pA."""
        try:
            current = units.parse(str(value), "pA")
        except ValueError as error:
            self.fail(f"{error}; a current such as 400 (pA) or '0.4 nA'", param, ctx)
        if not abs(current) < float("inf"):
            self.fail(f"{value}; a finite current", param, ctx)
        return current


@click.command(cls=Command)
@MODEL
@SETTINGS
@click.option("--from", "start", type=CurrentType(), help="Lowest current, in pA or with a unit.  [default: below the rheobase]")
@click.option("--to", "stop", type=CurrentType(), help="Highest current.  [default: well above the rheobase]")
@click.option("--points", type=CountType(2), default=25, show_default=True, help="Number of currents.")
@click.option("--duration", type=TimeType(), default=2000.0, help="Biological time; its second half counts.  [default: 2 s]")
@click.option("--population", metavar="NAME", help="The neurons.  [default: the first with a membrane]")
@click.option(
    "-o",
    "--out",
    type=NewFile(".png", ".pdf", ".svg"),
    help="Figure to write; a CSV file goes next to it.  [default: outputs/MODEL.fi.png]",
)
@click.option("--plot/--no-plot", default=True, show_default=True, help="Draw the figure.")
@OVERWRITE
@click.pass_obj
def fi(talk: Talk, model: str, settings: tuple[str, ...], **options: Any) -> None:
    """Measure and draw the f-I curve of a neuron.

    Runs copies of a neuron of MODEL without synapses, one at each constant current, in one simulation. Prints their firing
    rates, beside those of the closed form for models that have one, and writes a table (CSV) and a figure: simulation as
    dots, theory as a line.
    """
    from lifsim.modelfile.reader import load_with_settings

    net = load_with_settings(model, list(settings))
    import numpy as np

    from lifsim.simulation import fi_measurement as measurement
    from lifsim.theory.constant_current import fi_curve, rheobase
    from lifsim.theory.population_membrane import membrane_of

    p = measurement.neuron_of(net, options["population"])
    currents = _currents(measurement.current_range(p), options["start"], options["stop"], options["points"])
    if not options["duration"] > 0:
        raise LifsimError("--duration", f"{options['duration']:g} ms", "must be above 0")
    picture: Path = options["out"] or Path("outputs") / f"{Path(model).stem}.fi.png"
    for path in (picture.with_suffix(".csv"), *((picture,) if options["plot"] else ())):
        refuse_output(path, options["overwrite"])
    unequal = measurement.unequal_parameters(p)
    if unequal:
        talk.warn(f"{p.name}: {', '.join(unequal)} differ between neurons; the curve is that of their mean")
    alone = measurement.copies(net, p, currents)
    progress = Progress(f"f-I curve of {p.name}", quiet=talk.quiet, verbose=talk.verbose)
    try:
        rates = measurement.measured_rates(alone, options["duration"], progress=progress)
    finally:
        progress.close()
    membrane = membrane_of(alone.populations[p.name])
    theory = None if membrane is None else fi_curve(currents, **membrane)
    make_folder(picture)
    disk.put(picture.with_suffix(".csv"), _csv(currents, rates, theory).encode())
    echo(_heading(p.name, p.model.name, None if membrane is None else float(rheobase(**_still(membrane)))))
    echo(_table(currents, rates, theory))
    talk.note(f"{picture.with_suffix('.csv')}: table")
    if options["plot"]:
        from lifsim import plot as plots

        dense = np.linspace(currents[0], currents[-1], 1000)
        line = None if membrane is None else (dense, fi_curve(dense, **membrane))
        edge = None if membrane is None else float(rheobase(**_still(membrane)))
        edge = edge if edge is not None and currents[0] <= edge <= currents[-1] else None
        plots.save(plots.fi_curve(currents, rates, line, rheobase=edge), picture)
        talk.note(f"{picture}: figure")


def _still(membrane: dict[str, Any]) -> dict[str, Any]:
    """The parameters on which the rheobase depends."""
    return {key: membrane[key] for key in ("tau_m", "C_m", "E_L", "V_th")}


def _currents(usual: tuple[float, float], start: float | None, stop: float | None, points: int) -> np.ndarray:
    import numpy as np

    low, high = usual[0] if start is None else start, usual[1] if stop is None else stop
    if not low < high:
        raise LifsimError("--from, --to", f"{low:g} to {high:g} pA", "the lowest current must be below the highest")
    return np.linspace(low, high, points)


def _heading(name: str, model: str, edge: float | None) -> str:
    known = f", rheobase {edge:.4g} pA: it fires above this current; theory: the closed form" if edge is not None else ""
    return f"{name} ({model})" + (known or ", no closed form: simulation alone")


def _table(currents: np.ndarray, rates: np.ndarray, theory: np.ndarray | None) -> str:
    rows = [("I_e (pA)", "simulated (1/s)", *(() if theory is None else ("theory (1/s)",)))]
    columns = [currents, rates, *(() if theory is None else (theory,))]
    rows += [tuple(f"{x:.4g}" if k == 0 else f"{x:.2f}" for k, x in enumerate(row)) for row in zip(*columns, strict=True)]
    width = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(x.rjust(w) for x, w in zip(row, width, strict=True)) for row in rows)


def _csv(currents: np.ndarray, rates: np.ndarray, theory: np.ndarray | None) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADS)
    for k, (current, rate) in enumerate(zip(currents, rates, strict=True)):
        writer.writerow([float(current), float(rate), "" if theory is None else float(theory[k])])
    return text.getvalue()
