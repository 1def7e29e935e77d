"""The commands for scans of parameters: scan, scan-plot."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.next_steps import command, next_line, unused
from lifsim.cli.options import (
    METHOD,
    MODEL,
    OVERWRITE,
    PRECISION,
    SETTINGS,
    STYLE,
    WEIGHTS,
    WIDTH,
    CountType,
    NewFile,
    SeedType,
    TimeType,
    refuse_output,
)
from lifsim.cli.program import FAILED, Command, Talk
from lifsim.common.errors import LifsimError
from lifsim.common.overview import counted
from lifsim.modelfile import toml

if TYPE_CHECKING:
    from lifsim.scans import ScanTable


class WholeNumberType(click.ParamType):
    """A whole number from 1 on."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`value` as a number."""
        if not (str(value).isascii() and str(value).isdecimal() and 0 < int(value) < 2**31):
            self.fail(f"{value}; a whole number from 1 on", param, ctx)
        return int(value)


@click.command(cls=Command)
@MODEL
@click.option(
    "--grid", "grid", multiple=True, metavar="NAME=VALUES", help="A parameter and its values, such as g=3:8:0.5. Repeatable; see below."
)
@click.option("--points", type=click.Path(path_type=Path), help="Table (.csv) with a column for each parameter and a row for each point.")
@click.option("--random", "samples", type=WholeNumberType(), help="Number of random points in the intervals --grid NAME=LOW:HIGH.")
@click.option("--random-seed", type=SeedType(), help="Seed of these random points.  [default: 1]")
@click.option("--seeds", metavar="SEEDS", help="Seeds of each point: 1:3 (1, 2, 3), or 1,5,7.  [default: from the model file]")
@SETTINGS
@click.option("--duration", type=TimeType(), help="Biological time of each run, in ms or with a unit.  [default: from the model file]")
@click.option("--discard", type=TimeType(), help="Time at the beginning that the statistics leave out.  [default: 0]")
@click.option("--statistics", "names", metavar="NAME,…", help="Which statistics, or all.  [default: rate,cv,fano,correlation]")
@click.option("-j", "--jobs", type=WholeNumberType(), help="Number of runs at a time.  [default: processors / threads]")
@click.option("--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler, whose workers make the runs.")
@click.option("--threads", type=CountType(), default=1, show_default=True, help="Threads of each run.")
@PRECISION
@WEIGHTS
@METHOD
@click.option("--keep", is_flag=True, help="Keep the HDF5 file of each run, in OUT/points.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="Folder of the scan.  [default: outputs/MODEL-scan]")
@click.option("--overwrite", is_flag=True, help="Start anew, instead of adding to the scan in OUT.")
@click.option("--plot", is_flag=True, help="Draw the mean rates: OUT/scan.png (as lifsim scan-plot).")
@click.pass_obj
def scan(
    talk: Talk,
    model: str,
    settings: tuple[str, ...],
    grid: tuple[str, ...],
    seeds: str | None,
    duration: float | None,
    names: str | None,
    out: Path | None,
    overwrite: bool,
    plot: bool,
    **options: Any,
) -> None:
    """Run a model with many values of its parameters.

    Makes a run of MODEL at each point of the grid with each seed, side by side, and writes one table, OUT/table.csv: parameters,
    seed, statistics of each population, wall time, digest of the spikes. OUT/summary.csv has means and 95 % confidence intervals
    over the seeds. The same command, given again, makes only the runs that are missing: after an interruption, or with more
    values or seeds.

    \b
    What do tau_m, the threshold, and the strength of the input do?
      lifsim scan single_neuron --grid tau_m=5:50:5 --keep --plot
      lifsim scan single_neuron --grid V_th=-65:-45:1 --keep --plot -o outputs/threshold
      lifsim scan single_neuron --grid I=0:1000:50 --keep --plot -o outputs/input

    \b
    Two parameters, three seeds, a map:
      lifsim scan brunel --grid g=3:8:0.5 --grid eta=0.5:4:0.5 --seeds 1:3 --discard 300 --plot

    \b
    NAME is a parameter of the model (g), or a path (populations.exc.params.tau_m). VALUES are
      3:8:0.5        3, 3.5, 4, … 8 (start:stop:step)
      3,4,5          these values; "10 ms,20 ms" with a unit
      log:5:50:8     8 values from 5 to 50 in equal ratios
      3:8, log:3:8   an interval, with --random
    """
    from lifsim.analysis.population_sums import DEFAULT
    from lifsim.analysis.summary import chosen_names
    from lifsim.modelfile.reader import split_settings
    from lifsim.scans.axis import axis
    from lifsim.scans.job import SharedSettings
    from lifsim.scans.points import seeds_of
    from lifsim.scans.request import Request
    from lifsim.scans.running import Scan
    from lifsim.scans.scanning import in_folder
    from lifsim.scans.source import model_source

    request = Request(
        axes=tuple(axis(text) for text in grid),
        points=options["points"],
        samples=options["samples"],
        random_seed=options["random_seed"],
        seeds=None if seeds is None else tuple(seeds_of(seeds, "--seeds")),
        discard=options["discard"],
    )
    for text in settings:
        if text.partition("=")[0].strip() in {one.name for one in request.axes}:
            raise LifsimError("--set", f"{text}, which --grid scans", "one of them")
    own = SharedSettings(duration=duration, **{name: options[name] for name in ("threads", "precision", "weights", "method")})
    name = Path(model).stem
    asked = Scan(
        name=name,
        source=model_source(model, *split_settings(settings)),
        request=request,
        settings=own,
        statistics=tuple(chosen_names(DEFAULT if names is None else names if names == "all" else names.split(","), "--statistics")),
        keep=options["keep"],
        jobs=options["jobs"],
        scheduler=options["scheduler"],
        quiet=talk.quiet,
    )
    folder = out or Path("outputs") / f"{name}-scan"
    table = in_folder(asked, folder, overwrite)
    _tell_end(talk, table, folder, plot)


def _tell_end(talk: Talk, table: ScanTable, folder: Path, plot: bool) -> None:
    """Print what is in the folder; draw the figure."""
    failed = f", {table.failed:,} of them failed (column error)" if table.failed else ""
    talk.note(f"{folder / 'table.csv'}: {counted(len(table), 'run')}{failed}; {folder / 'summary.csv'}: means over seeds")
    if plot:
        picture = folder / "scan.png"
        _draw(table, picture)
        talk.note(f"{picture}: picture")
    else:
        talk.note(next_line([command("scan-plot", folder)]))
    if table.failed:
        raise click.exceptions.Exit(FAILED)


@click.command(cls=Command)
@click.argument("folder", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--statistic", default="rate", show_default=True, metavar="NAME", help="Statistic to draw: rate, cv_isi, fano, …")
@click.option("--population", "populations", multiple=True, metavar="NAME", help="Only this population. Repeatable.")
@click.option("--where", multiple=True, metavar="NAME=VALUE", help="Only the runs with this value of a parameter. Repeatable.")
@click.option("-o", "--out", type=NewFile(".png", ".pdf", ".svg"), help="Figure to write.  [default: OUT/STATISTIC.png]")
@WIDTH
@STYLE
@OVERWRITE
@click.pass_obj
def scan_plot(
    talk: Talk,
    folder: Path,
    statistic: str,
    populations: tuple[str, ...],
    where: tuple[str, ...],
    out: Path | None,
    overwrite: bool,
    **look: Any,
) -> None:
    """Plot a scan.

    Draws a statistic of the scan in the folder OUT: curves with 95 % confidence bands over the seeds for one scanned parameter,
    a map with contours for two, a map for each value of the third for three.
    """
    from lifsim.scans.points import cells_of
    from lifsim.scans.scan_folder import read_scan

    table = read_scan(folder)
    for text in where:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or name not in table.parameters:
            raise LifsimError("--where", text, f"PARAMETER=VALUE, with one of: {', '.join(table.parameters)}")
        table = table.only(name, cells_of({name: toml.value(value)})[name])
    out = out or unused(folder / f"{statistic}.png")
    refuse_output(out, overwrite)
    _draw(table, out, statistic=statistic, populations=populations or None, **look)
    talk.note(f"{out}: {statistic} of {folder}")


def _draw(table: ScanTable, path: Path, **options: Any) -> None:
    from lifsim import plot as plots

    plots.save(plots.scan(table, **options), path)
