"""The command line: each command parses, calls the public API, prints. Imports what it needs when it runs."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim import __version__
from lifsim.errors import LifsimError, did_you_mean
from lifsim.options import (
    EVERY,
    FILE,
    FROM,
    MAX_WALL,
    METHOD,
    MODEL,
    N_NODES,
    OVERWRITE,
    PLOT,
    POPULATION,
    PRECISION,
    SETTINGS,
    THREADS,
    TO,
    WALL,
    WEIGHTS,
    Count,
    NewFile,
    Seed,
    Threads,
    Time,
    WallTime,
    node_counts,
    refuse_output,
)
from lifsim.printable import one_line
from lifsim.program import UNFINISHED, Program, Talk, echo

if TYPE_CHECKING:
    from lifsim.network import Network
    from lifsim.results import Result


@click.group(cls=Program, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lifsim")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Fast simulation of leaky integrate-and-fire networks: a model file in, one HDF5 file out.

    \b
    lifsim models                        the networks that come with lifsim
    lifsim run brunel --plot             run one: outputs/brunel.h5 and .png
    lifsim stats outputs/brunel.h5       rates, CV of ISIs, Fano factors, correlations
    lifsim new my_model.toml             start a model file of your own
    """
    gc.set_threshold(100_000)  # what the libraries load stays: looking through it for garbage again and again took 0.05 s
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@main.command()
@MODEL
@SETTINGS
@click.option("--duration", type=Time(), help="Biological time, in ms or with a unit.  [default: from the model file]")
@click.option("--seed", type=Seed(), help="Random seed.  [default: from the model file]")
@THREADS
@PRECISION
@WEIGHTS
@METHOD
@click.option("-o", "--out", type=NewFile(".h5", ".hdf5"), help="File of results.  [default: outputs/MODEL.h5]")
@OVERWRITE
@click.option("--resume", is_flag=True, help="Go on with this very run if it was interrupted; done already: exit with 0.")
@PLOT
@EVERY
@WALL
@MAX_WALL
@click.pass_obj
def run(talk: Talk, model: str, settings: tuple[str, ...], out: Path | None, plot: bool, **options: Any) -> None:
    """Run a model.

    MODEL is a model file, or the name of a shipped one (see lifsim models). Results go to one HDF5 file. A run that is
    interrupted - by Ctrl-C, a scheduler, a full disk - loses nothing: lifsim resume goes on with it. A job script that is
    simply run again uses --resume: another model, seed, setting or duration than that of the run there is refused.
    """
    from lifsim.modelfile import load_with_settings
    from lifsim.progress import Progress
    from lifsim.runs import run as simulate

    net = load_with_settings(model, list(settings))
    out = out or Path("outputs") / f"{Path(model).stem}.h5"
    picture = out.with_suffix(".png")
    replaced = options["overwrite"] or options["resume"]
    refuse_output(out, replaced)
    if plot:
        refuse_output(picture, replaced)
    progress = Progress(Path(model).stem, quiet=talk.quiet, verbose=talk.verbose)
    try:
        result = simulate(net, out=out, progress=progress, **options)
    finally:
        progress.close()
    _tell_end(talk, result, out, picture if plot else None)


@main.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--threads", type=Threads(), help="Number of threads; never changes a result.  [default: as before]")
@PLOT
@EVERY
@click.option("--checkpoint-wall", type=WallTime(), help="Leave a checkpoint after this much wall time.  [default: as before]")
@MAX_WALL
@click.pass_obj
def resume(talk: Talk, file: Path, plot: bool, **options: Any) -> None:
    """Go on with a run that was interrupted.

    FILE is the file of results that the run was to make (or its log, FILE.log). The results are those of a run without
    interruption, bit for bit.
    """
    from lifsim.progress import Progress
    from lifsim.runs import resume as go_on

    out = file.with_suffix("") if file.suffix == ".log" else file
    progress = Progress(out.stem, quiet=talk.quiet, verbose=talk.verbose)
    try:
        result = go_on(out, progress=progress, **options)
    finally:
        progress.close()
    _tell_end(talk, result, out, out.with_suffix(".png") if plot else None)


FEW = 5  # neurons that are better shown by their potentials than in a raster


def _kind(result: Result) -> str:
    """The picture that shows most of a result."""
    potentials = any("V_m" in result.traces[name] for name in result.traces)
    few = potentials and all(len(s.recorded_ids) < FEW for s in result.spikes.values())
    return "traces" if result.traces and (few or not result.spikes) else "raster"


def _tell_end(talk: Talk, result: Result, out: Path, picture: Path | None) -> None:
    """What came out of a run, and what to do next."""
    if not result.complete:
        talk.warn(f"time is up: {result.t_stop:g} ms are saved; go on with: lifsim resume {out}")
        raise click.exceptions.Exit(UNFINISHED)
    spikes = sum(len(s.times) for s in result.spikes.values())
    factor = result.info["real_time_factor"]
    talk.note(f"{out}: {spikes:,} spikes in {result.duration:g} ms" + (f", real-time factor {factor:.3g}" if factor else ""))
    if picture:
        _draw(result, _kind(result), picture)
        talk.note(f"{picture}: picture")
    talk.note(f"next: lifsim stats {out}" + ("" if picture else f" or lifsim plot {out}"))


@main.command()
@MODEL
@SETTINGS
@THREADS
@PRECISION
@WEIGHTS
@METHOD
@click.pass_obj
def check(talk: Talk, model: str, settings: tuple[str, ...], method: str | None, **options: Any) -> None:
    """Check a model without running it.

    Prints what MODEL holds, how many synapses it will have and how much memory a run takes; exits with 2 if that is more than
    there is.
    """
    from lifsim import memory
    from lifsim.build import check as check_populations
    from lifsim.forecast import check_room, coarse_weights, estimate
    from lifsim.method import check_precision, method_of, storage_for
    from lifsim.modelfile import load_with_settings
    from lifsim.simulation import check_duration

    net = load_with_settings(model, list(settings))
    method = method_of(net, method)
    check_precision(method, options["precision"])
    options["weights"] = options["weights"] or storage_for(method)
    exact = ", exact spike times" if method == "precise" else ""
    time = f"{check_duration(net, None):g} ms" if net.duration is not None else "no duration given"
    facts = estimate(net, **options)
    _head(net)
    echo(f"{facts['neurons']:,} neurons, {facts['synapses']:,.0f} synapses; {time} in steps of {net.dt:g} ms{exact}")
    echo(f"a run takes about {memory.said(facts['bytes'])} of memory; threads: {facts['threads']}")
    _contents(talk, net)
    for warning in (*_warnings(net), *coarse_weights(net, options["weights"])):
        echo(f"warning: {warning}")
    check_populations(net, net.seed, method)
    check_room(facts)  # last: what the model holds is of use on a larger computer, too


def _warnings(net: Network) -> Iterable[str]:
    """What is allowed but hardly meant."""
    if not net.recordings:
        yield "nothing is recorded"
    used = {p.source.name for p in net.projections} | {r.view.name for r in net.recordings}
    for name, population in net.populations.items():
        if population.model.role != "neuron" and name not in used:
            yield f"populations.{name}: a {population.model.name} that is connected to nothing"


@main.command()
@FILE
@click.option("--verify", is_flag=True, help="Compare every byte with the checksums in the file.")
@N_NODES
@click.pass_obj
def info(talk: Talk, file: Path, verify: bool, n_nodes: tuple[tuple[str, int], ...]) -> None:
    """Say what a file holds.

    FILE is a file of results, finished or not, a file of weights (of a dense network too), or a model: a file, or the name
    of a shipped one.
    """
    if _is_model(file):
        return _tell_model(talk, file)
    from lifsim.weights import is_store

    if is_store(file):
        return _tell_weights(talk, file, verify)
    return _tell_result(file, verify, n_nodes)


def _tell_model(talk: Talk, file: Path) -> None:
    from lifsim.modelfile import load_with_settings

    net = load_with_settings(str(file), [])
    _head(net)
    _contents(talk, net)


def _tell_weights(talk: Talk, file: Path, verify: bool) -> None:
    from lifsim.weights import WeightStore

    with WeightStore(file) as store:
        facts = {key: value for key, value in store.file.attrs.items() if isinstance(value, str) and key != "parameters"}
        echo(f"{file}: weights" + one_line("".join(f", {key} {value}" for key, value in facts.items())))
        for m in store.verify():
            size = " × ".join(f"{n:,}" for n in m.shape)
            units = f", {m.units}" if m.units not in ("", "1") else ""
            echo(one_line(f"  {m.name}: {size} (targets × sources), {m.kind}, {m.entries:,} weights of {m.dtype}{units}"))
            for key, value in store.notes(m.name).items() if talk.verbose else ():
                echo(f"    {one_line(key)}: {_in_words(value.tolist() if hasattr(value, 'tolist') else value)}")
            if verify:
                echo(f"    sha256 {m.sha256} ok")


def _opened(talk: Talk, file: Path, n_nodes: tuple[tuple[str, int], ...]) -> Result:
    """The results in `file`; that a newer run is unfinished, or this one goes on, is said on standard error."""
    from lifsim import results

    result = results.open(file, node_counts(n_nodes))
    if result.note:
        talk.warn(f"{file}: {result.note}")
    return result


def _tell_result(file: Path, verify: bool, n_nodes: tuple[tuple[str, int], ...]) -> None:
    from lifsim import results

    result = results.open(file, node_counts(n_nodes))
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
    """What the checksums of a result have shown, so many datasets having one of their own."""
    if result.file is None:
        return "verified: every frame of the log"
    if result.file.sealed:
        return f"verified: every byte, {checked} datasets"
    if checked:
        return f"verified: {checked} datasets; nothing else has a checksum, since another program changed the file"
    return "not verified: the file has no checksums, as those of other tools; what can be read was read"


def _is_model(file: Path) -> bool:
    from lifsim.modelfile import shipped

    return file.suffix == ".toml" or (not file.suffix and file.name == str(file) and not file.exists() and file.name in shipped())


def _facts(result: Result) -> Iterator[tuple[str, Any]]:
    """What is known of a run, by name: its extent, how it was computed, how long that took, where it comes from."""
    said = result.info
    if "settings" in said or not result.complete:  # another tool's file does not say
        yield "complete", "yes" if result.complete else "no"
    yield "ignored", said.get("ignored")
    yield "duration", f"{result.duration:g} ms, from {result.t_start:g} to {result.t_stop:g} ms" + _steps_of(result)
    yield "parameters", said.get("parameters")
    if "settings" in said:  # else it is another tool's
        settings = dict(said["settings"])
        precision = settings.pop("precision", "")
        yield "seed", result.seed
        yield "threads", said.get("threads", settings.pop("threads", None))
        yield "precision", f"{precision}, weights {settings.pop('weights', None) or precision}" if precision else ""
        yield from ((key, value) for key, value in settings.items() if key != "threads")
    for key in (*_LATER, *(key for key in said if key not in (*_SAID, *_LATER))):
        yield key.replace("_", " ").replace("real time", "real-time"), said.get(key)


def _steps_of(result: Result) -> str:
    return f" in steps of {result.dt:g} ms" if result.dt > 0 else ""


_LATER = ("neurons", "synapses", "timings", "real_time_factor", "started", "finished", "host", "versions", "command", "reference")
_SAID = {
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
}
_SAID |= {"duration", "t_start", "t_stop", "steps", "dt", "parameters", "settings", "seed", "threads", "precision", "weights"}


@main.command()
@FILE
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@FROM
@TO
@POPULATION
@N_NODES
@click.pass_obj
def stats(
    talk: Talk,
    file: Path,
    as_json: bool,
    as_csv: bool,
    populations: tuple[str, ...],
    n_nodes: tuple[tuple[str, int], ...],
    **window: Any,
) -> None:
    """Statistics of each population.

    Spike count, mean rate, CV of the inter-spike intervals, Fano factor and mean pairwise correlation
    of the results in FILE.
    """
    from lifsim import analysis

    if as_json and as_csv:
        raise LifsimError("--json, --csv", "both are given", "one of them")
    result = _opened(talk, file, n_nodes)
    _refuse_window(result, **window)
    found = analysis.statistics(result, **window)
    if populations:
        found = {name: found[name] for name in _chosen(populations, found)}
    if as_json:
        echo(json.dumps({name: _defined(facts) for name, facts in found.items()}, indent=2))
    else:
        echo(analysis.as_csv(found).rstrip() if as_csv else analysis.table(found))


@main.command()
@FILE
@click.option("--kind", type=click.Choice(["raster", "rates", "traces", "isi", "space"]), default="raster", show_default=True)
@click.option("-o", "--out", type=NewFile(".png", ".pdf", ".svg"), help="Picture; next to FILE unless given.")
@FROM
@TO
@POPULATION
@N_NODES
@OVERWRITE
@click.pass_obj
def plot(
    talk: Talk,
    file: Path,
    kind: str,
    out: Path | None,
    overwrite: bool,
    populations: tuple[str, ...],
    n_nodes: tuple[tuple[str, int], ...],
    **window: Any,
) -> None:
    """Draw results.

    A raster of FILE with population rates below, or by --kind: rates, traces, ISI histograms, a map of
    neurons that have positions.
    """
    result = _opened(talk, file, n_nodes)
    _refuse_window(result, **window)
    chosen = _chosen(populations, result.populations) if populations else None
    out = out or file.with_suffix(".png" if kind == "raster" else f".{kind}.png")
    refuse_output(out, overwrite)
    _draw(result, kind, out, populations=chosen, **window)
    talk.note(f"{out}: {kind} of {file}")


@main.command()
@click.argument("file", type=NewFile(".toml"))
@OVERWRITE
@click.pass_obj
def new(talk: Talk, file: Path, overwrite: bool) -> None:
    """Write a model file to start from.

    FILE ends in .toml; its comments say what can be changed.
    """
    from lifsim import disk
    from lifsim.modelfile import template
    from lifsim.outputs import make_folder

    refuse_output(file, overwrite)
    make_folder(file)
    disk.put(file, template().encode())
    talk.note(f"{file}: edit it, then: lifsim check {file}; lifsim run {file} --plot")


@main.command()
def models() -> None:
    """List the models that come with lifsim."""
    from lifsim.modelfile import shipped

    found = shipped()
    width = max(map(len, found))
    for name, description in found.items():
        echo(f"{name:<{width}}  {one_line(description)}")


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@PRECISION
@WEIGHTS
@click.option("--all", "everything", is_flag=True, help="Every precision with every storage of weights.")
def warmup(models: tuple[str, ...], precision: str, weights: str | None, everything: bool) -> None:
    """Compile ahead of time, so that no run has to.

    For all networks of the three basic neuron models, or just what each MODEL needs. The code is kept in the cache folder.
    """
    from lifsim import memory, warmup
    from lifsim.modelfile import load_with_settings

    warmup.check_cache()
    nets = [(Path(model).stem, load_with_settings(model, [])) for model in models] or warmup.examples()
    for done in warmup.warm_up(nets, warmup.choices_of(precision, weights, everything)):
        took = "cached" if done.seconds is None else f"{done.seconds:.1f} s"
        echo(f"{done.name}: {done.precision}, weights {done.weights}: {took}")
    for folder, size in warmup.caches():
        echo(f"{folder}: {memory.said(size)}")


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@SETTINGS
@click.option("--duration", type=Time(), help="Biological time, in ms or with a unit.  [default: from the model file]")
@THREADS
@PRECISION
@WEIGHTS
@click.option("--repeats", type=Count(), default=3, show_default=True, help="Runs of each network.")
@click.option("--json", "out", type=NewFile(".json"), help="Also keep every figure here.")
@OVERWRITE
@click.pass_obj
def bench(talk: Talk, models: tuple[str, ...], settings: tuple[str, ...], out: Path | None, overwrite: bool, **options: Any) -> None:
    """Measure where the time goes on this computer.

    Runs each MODEL (brunel and cuba unless named) several times, with all spikes recorded to a file that is then
    removed. The real-time factor is wall time / biological time from the first step to the finished file, its median
    (smallest–largest); below it are its parts, in seconds of a biological second.
    """
    from lifsim import benchmark
    from lifsim.modelfile import load_with_settings
    from lifsim.simulation import check_duration

    nets = {Path(model).stem: load_with_settings(model, list(settings)) for model in models or benchmark.DEFAULTS}
    for net in nets.values():
        check_duration(net, options["duration"])
    if out:
        refuse_output(out, overwrite)
    measured = [_measure(talk, name, net, options) for name, net in nets.items()]
    if out:  # first: that nobody reads the table does not lose it
        from lifsim import disk
        from lifsim.outputs import make_folder

        make_folder(out)
        disk.put(out, (json.dumps(benchmark.report(measured), indent=2) + "\n").encode())
    click.echo(benchmark.table(measured))
    if out:
        talk.note(f"{out}: every figure")


def _measure(talk: Talk, name: str, net: Network, options: Mapping[str, Any]) -> Any:
    from lifsim.benchmark import measure
    from lifsim.progress import Progress

    shown: list[Progress] = []

    def progress(k: int) -> Progress:
        shown.append(Progress(f"{name}, run {k + 1} of {options['repeats']}", quiet=talk.quiet, verbose=talk.verbose))
        return shown[-1]

    try:
        return measure(name, net, progress=progress, **options)
    finally:
        for bar in shown:
            bar.close()


# -- what several commands print -----------------------------------------------------------------


FOLD = 12  # lines of projections, or of recordings, that are shown without -v


def _head(net: Network) -> None:
    """What a network is called and where it comes from."""
    echo(one_line(f"{net.name}: {net.description}" if net.description else net.name))
    if net.reference:
        echo(f"  {one_line(net.reference)}")


def _contents(talk: Talk, net: Network) -> None:
    """What is in a network, one line each, long lists folded."""
    for name, population in net.populations.items():
        echo(f"  {name}: {population.n:,} × {population.model.name}")
    _folded(talk, [_projection(p) for p in net.projections], "projections")
    recorded: dict[str, list[str]] = {}
    for recording in net.recordings:
        recorded.setdefault(recording.variable, []).append(str(recording.view))
    _folded(talk, [f"record {variable} of {', '.join(views)}" for variable, views in recorded.items()], "recordings")


def _projection(p: Any) -> str:
    from lifsim.connect import expected_synapses

    stored = p.source.population.model.role in ("neuron", "spikes")
    kind = f" ({p.synapse.model.name})" if p.synapse else ""
    return f"{p.source} → {p.target}: {p.rule}" + (f", {expected_synapses(p):,.0f} synapses{kind}" if stored else "")


def _folded(talk: Talk, lines: list[str], what: str) -> None:
    shown = lines if talk.verbose or len(lines) <= FOLD + 1 else lines[:FOLD]
    for line in shown:
        echo(f"  {line}")
    if len(shown) < len(lines):
        echo(f"  … and {len(lines) - len(shown)} more {what}; -v lists all")


def _draw(result: Result, kind: str, path: Path, **options: Any) -> None:
    from lifsim import plot as plots
    from lifsim.outputs import make_folder

    make_folder(path)
    plots.save(getattr(plots, kind)(result, **options), path)


def _refuse_window(result: Result, t_start: float | None, t_stop: float | None) -> None:
    if t_start is None and t_stop is None:
        return
    start, stop = (result.t_start if t_start is None else t_start), (result.t_stop if t_stop is None else t_stop)
    if not max(start, result.t_start) < min(stop, result.t_stop):
        allowed = f"a window within {result.t_start:g} to {result.t_stop:g} ms"
        raise LifsimError("--from, --to", f"nothing lies between {start:g} and {stop:g} ms", allowed)


def _chosen(wanted: Iterable[str], known: Iterable[str]) -> list[str]:
    names = list(known)
    for name in wanted:
        if name not in names:
            raise LifsimError("--population", f"there is no population {name!r}", did_you_mean(name, names))
    return list(wanted)


def _in_words(value: Any) -> str:
    """A fact of a run on one line."""
    if isinstance(value, Mapping):
        return ", ".join(f"{one_line(str(key))} {_in_words(entry)}" for key, entry in value.items())
    if isinstance(value, list) and value and isinstance(value[0], list):
        return f"({len(value)} × {len(value[0])} numbers)"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_words, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else one_line(str(value))


def _defined(facts: Mapping[str, float]) -> dict[str, float | None]:
    """`facts` for JSON, which has no nan."""
    return {key: None if value != value else value for key, value in facts.items()}
