"""The commands that run networks: run, resume, check, warmup, bench."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim.cli.next_steps import command, next_line, plot_of
from lifsim.cli.options import (
    EVERY,
    MAX_WALL,
    METHOD,
    MODEL,
    OVERWRITE,
    PLOT,
    PRECISION,
    SETTINGS,
    THREADS,
    WALL,
    WEIGHTS,
    CountType,
    NewFile,
    SeedType,
    ThreadsType,
    TimeType,
    WallTimeType,
    refuse_output,
)
from lifsim.cli.program import UNFINISHED, Command, Talk, echo
from lifsim.cli.progress import Progress
from lifsim.cli.text import contents_of, draw, heading_of, refuse_model
from lifsim.cli.theory_lines import teach, theory_of
from lifsim.common import memory
from lifsim.common.overview import counted
from lifsim.files import disk
from lifsim.files.outputs import make_folder

if TYPE_CHECKING:
    from lifsim.network.network import Network
    from lifsim.results.result import Result


@click.command(cls=Command)
@MODEL
@SETTINGS
@click.option("--duration", type=TimeType(), help="Biological time, in ms or with a unit.  [default: from the model file]")
@click.option("--seed", type=SeedType(), help="Random seed.  [default: from the model file]")
@THREADS
@PRECISION
@WEIGHTS
@METHOD
@click.option("-o", "--out", type=NewFile(".h5", ".hdf5"), help="HDF5 file of results.  [default: outputs/MODEL.h5]")
@OVERWRITE
@click.option("--resume", is_flag=True, help="Resume this run if it was interrupted; exit with 0 if it is complete.")
@PLOT
@EVERY
@WALL
@MAX_WALL
@click.pass_obj
def run(talk: Talk, model: str, settings: tuple[str, ...], out: Path | None, plot: bool, **options: Any) -> None:
    """Run a model.

    MODEL is a model file or the name of a shipped model (see lifsim models). The results go to one HDF5 file. A run that
    is interrupted (Ctrl-C, a scheduler, a full disk) loses no data: lifsim resume continues it. Use --resume in job
    scripts that may be submitted again: it starts, resumes or accepts the run in the results file, and refuses one with
    another model, seed, setting or duration.
    """
    from lifsim.modelfile.reader import load_with_settings

    net = load_with_settings(model, list(settings))
    from lifsim.simulation.runs import run as simulate  # imports HDF5: after the model has been checked

    out = out or Path("outputs") / f"{Path(model).stem}.h5"
    picture = out.with_suffix(".png")
    replaced = options["overwrite"] or options["resume"]
    refuse_output(out, replaced)
    if plot:
        refuse_output(picture, replaced)
    teach(talk, net)
    progress = Progress(Path(model).stem, quiet=talk.quiet, verbose=talk.verbose)
    try:
        result = simulate(net, out=out, progress=progress, **options)
    finally:
        progress.close()
    _tell_end(talk, result, out, picture if plot else None)


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--threads", type=ThreadsType(), help="Number of threads; does not affect the results.  [default: as before]")
@PLOT
@EVERY
@click.option("--checkpoint-wall", type=WallTimeType(), help="Wall time between checkpoints.  [default: as before]")
@MAX_WALL
@click.pass_obj
def resume(talk: Talk, file: Path, plot: bool, **options: Any) -> None:
    """Resume an interrupted run.

    FILE is the results file that the run was to write, or its log, FILE.log. The results are identical, bit for bit, to
    those of an uninterrupted run.
    """
    refuse_model(file)
    from lifsim.simulation.resuming import resume as go_on

    out = file.with_suffix("") if file.suffix == ".log" else file
    progress = Progress(out.stem, quiet=talk.quiet, verbose=talk.verbose)
    try:
        result = go_on(out, progress=progress, **options)
    finally:
        progress.close()
    _tell_end(talk, result, out, out.with_suffix(".png") if plot else None)


FEW = 5  # fewer neurons than this are plotted as membrane potentials rather than as a raster


def _kind(result: Result) -> str:
    """The kind of figure that suits a result."""
    potentials = any(result.traces[name].named("V_m") for name in result.traces)
    few = potentials and all(len(s.recorded_ids) < FEW for s in result.spikes.values())
    if few and _one_neuron(result):
        return "membrane"
    return "traces" if result.traces and (few or not result.spikes) else "raster"


def _one_neuron(result: Result) -> bool:
    """Whether all traces are of one neuron, and such as the figure "membrane" shows: potential, threshold, refractory time, currents."""
    recorded = [(name, variable) for name, traces in result.traces.items() for variable in traces]
    shown = all(re.match(r"(V_m|V_th|t_ref_remaining|I_\w+)(?=\W|$)", result.traces[name].variable_of(v)) for name, v in recorded)
    return shown and len({(name, int(i)) for name, v in recorded for i in result.traces[name].ids_of(v)}) == 1


def _tell_end(talk: Talk, result: Result, out: Path, picture: Path | None) -> None:
    """Print a summary of a run and the next steps; draw the figure."""
    if not result.complete:
        talk.warn(f"time is up: {result.t_stop:g} ms are saved; go on with: {command('resume', out)}")
        raise click.exceptions.Exit(UNFINISHED)
    spikes = sum(len(s.times) for s in result.spikes.values())
    factor = result.info["real_time_factor"]
    talk.note(f"{out}: {counted(spikes, 'spike')} in {result.duration:g} ms" + (f", real-time factor {factor:.3g}" if factor else ""))
    if picture:
        draw(_kind(result), picture, result)
        talk.note(f"{picture}: picture")
    talk.note(next_line(_after_run(result, out, picture)))


def _after_run(result: Result, out: Path, picture: Path | None) -> Iterable[str]:
    """The commands that may follow a run: those for which it recorded something."""
    if len(result.spikes):
        yield command("stats", out)
    elif picture or not len(result.traces):
        yield command("info", out)
    if not picture and (len(result.spikes) or len(result.traces)):
        yield plot_of(out, _kind(result))


@click.command(cls=Command)
@MODEL
@SETTINGS
@THREADS
@PRECISION
@WEIGHTS
@METHOD
@click.pass_obj
def check(talk: Talk, model: str, settings: tuple[str, ...], method: str | None, **options: Any) -> None:
    """Check a model without running it.

    Prints the contents of MODEL, its number of synapses and the memory that a run needs; exits with 2 if there is not
    enough memory.
    """
    from lifsim.building.builder import check as check_populations
    from lifsim.building.needs import coarse_weights, estimate
    from lifsim.modelfile.reader import load_with_settings
    from lifsim.network.method import check_precision, method_of, storage_for
    from lifsim.simulation.room import check_room
    from lifsim.simulation.settings import check_duration

    net = load_with_settings(model, list(settings))
    method = method_of(net, method)
    check_precision(method, options["precision"])
    options["weights"] = options["weights"] or storage_for(method)
    exact = ", exact spike times" if method == "precise" else ""
    time = f"{check_duration(net, None):g} ms" if net.duration is not None else "no duration given"
    facts = estimate(net, **options)
    heading_of(net)
    echo(f"{counted(facts['neurons'], 'neuron')}, {counted(facts['synapses'], 'synapse')}; {time} in steps of {net.dt:g} ms{exact}")
    echo(f"a run takes about {memory.said(facts['bytes'])} of memory; threads: {facts['threads']}")
    contents_of(talk, net)
    theory_of(talk, net)
    for warning in (*_warnings(net), *coarse_weights(net, options["weights"])):
        echo(f"warning: {warning}")
    check_populations(net, net.seed, method)
    check_room(facts)  # last: the output above is useful even if the model needs a larger computer


def _warnings(net: Network) -> Iterable[str]:
    """Warnings about parts of a model that are valid but probably unintended."""
    if not net.recordings:
        yield "nothing is recorded"
    used = {p.source.name for p in net.projections} | {r.view.name for r in net.recordings}
    for name, population in net.populations.items():
        if population.model.role != "neuron" and name not in used:
            yield f"populations.{name}: a {population.model.name} that is connected to nothing"


@click.command(cls=Command)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@PRECISION
@WEIGHTS
@click.option("--all", "everything", is_flag=True, help="Every combination of --precision and --weights.")
def warmup(models: tuple[str, ...], precision: str, weights: str | None, everything: bool) -> None:
    """Compile the simulation code in advance.

    Compiles the code for each MODEL, or, without one, for all networks of the three basic neuron models. The code is
    stored in the cache folder, and later runs need not compile it.
    """
    from lifsim.modelfile.reader import load_with_settings
    from lifsim.simulation import warmup

    warmup.check_cache()
    nets = [(Path(model).stem, load_with_settings(model, [])) for model in models] or warmup.examples()
    for done in warmup.warm_up(nets, warmup.choices_of(precision, weights, everything)):
        took = "cached" if done.seconds is None else f"{done.seconds:.1f} s"
        echo(f"{done.name}: {done.precision}, weights {done.weights}: {took}")
    for folder, size in warmup.caches():
        echo(f"{folder}: {memory.said(size)}")


@click.command(cls=Command)
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@SETTINGS
@click.option("--duration", type=TimeType(), help="Biological time, in ms or with a unit.  [default: from the model file]")
@THREADS
@PRECISION
@WEIGHTS
@click.option("--repeats", type=CountType(), default=3, show_default=True, help="Runs of each network.")
@click.option("--json", "out", type=NewFile(".json"), help="Also write all measurements to this file.")
@OVERWRITE
@click.pass_obj
def bench(talk: Talk, models: tuple[str, ...], settings: tuple[str, ...], out: Path | None, overwrite: bool, **options: Any) -> None:
    """Measure the speed of simulations on this computer.

    Runs each MODEL (default: brunel and cuba) several times, with all spikes recorded to a temporary file. The real-time
    factor is wall time / biological time from the first step to the finished file: median (smallest–largest). Its parts
    are listed below it, in seconds per biological second.
    """
    from lifsim.modelfile.reader import load_with_settings
    from lifsim.simulation import benchmark
    from lifsim.simulation.settings import check_duration

    nets = {Path(model).stem: load_with_settings(model, list(settings)) for model in models or benchmark.DEFAULTS}
    for net in nets.values():
        check_duration(net, options["duration"])
    if out:
        refuse_output(out, overwrite)
    measured = [_measure(talk, name, net, options) for name, net in nets.items()]
    if out:  # first: a closed standard output then does not lose the file
        make_folder(out)
        disk.put(out, (json.dumps(benchmark.report(measured), indent=2) + "\n").encode())
    click.echo(benchmark.table(measured))
    if out:
        talk.note(f"{out}: all measurements")


def _measure(talk: Talk, name: str, net: Network, options: Mapping[str, Any]) -> Any:
    from lifsim.simulation.benchmark import measure

    shown: list[Progress] = []

    def progress(k: int) -> Progress:
        shown.append(Progress(f"{name}, run {k + 1} of {options['repeats']}", quiet=talk.quiet, verbose=talk.verbose))
        return shown[-1]

    try:
        return measure(name, net, progress=progress, **options)
    finally:
        for bar in shown:
            bar.close()
