"""The command line: each command parses, calls the public API, prints. Imports what it needs when it runs."""

from __future__ import annotations

import gc
import json
import platform
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from lifsim import __version__, units
from lifsim.errors import LifsimError, OutputError, RunError, did_you_mean

if TYPE_CHECKING:
    from lifsim.network import Network
    from lifsim.results import Result

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


# -- how a command ends --------------------------------------------------------------------------


@dataclass
class Talk:
    """How much to say: -q only errors and what was asked for, -v also details. And whether Ctrl-C was pressed."""

    quiet: bool = False
    verbose: bool = False
    interrupted: bool = False

    def note(self, text: str) -> None:
        """A line for people, not for pipes."""
        if not self.quiet:
            click.echo(text)


def _talk_options() -> list[click.Option]:
    def choose(name: str) -> Callable[..., None]:
        def callback(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
            if value:
                setattr(ctx.find_object(Talk), name, True)

        return callback

    flags = {"quiet": ("-q", "Only errors and results."), "verbose": ("-v", "More detail.")}
    return [
        click.Option([short, f"--{name}"], is_flag=True, expose_value=False, callback=choose(name), help=text)
        for name, (short, text) in flags.items()
    ]


class Command(click.Command):
    """A command that takes -q and -v after its own name too."""

    def __init__(self, *args: Any, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.params += _talk_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, but a complaint always knows its command, so that it can point to its --help."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class Program(click.Group):
    """The group of all commands; turns whatever ends a command into an exit code and at most one message."""

    command_class = Command

    def __init__(self, *args: Any, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.params += _talk_options()

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command line and exit: 0 done, 2 the user's mistake, 1 a failure, 130 stopped by Ctrl-C."""
        talk = extra["obj"] = Talk()
        extra["standalone_mode"] = False
        sys.exit(_exit_code(lambda: super(Program, self).main(*args, **extra), talk))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which they are met at work, not in that of the alphabet."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command called `args[0]`, or an error that names the nearest."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise LifsimError(f"lifsim {args[0]}", "there is no such command", did_you_mean(args[0], self.commands))
        return super().resolve_command(ctx, args)


@contextmanager
def _noting_interrupts(talk: Talk) -> Iterator[None]:
    """Remember Ctrl-C: pressed while the compiler is at work it comes out as an error of the compiler."""

    def note(number: int, frame: Any) -> None:
        talk.interrupted = True
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _exit_code(work: Callable[[], Any], talk: Talk) -> int:
    try:
        with _noting_interrupts(talk):
            work()
    except LifsimError as error:
        return _fail(WRONG, str(error).splitlines())
    except click.exceptions.ClickException as error:
        return _fail(WRONG, [_usage_message(error)])
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except RunError as error:
        return _fail(FAILED, [str(error)])
    except MemoryError as error:
        return _fail(FAILED, [f"not enough memory ({error}); lifsim check MODEL says how much a run takes"])
    except Exception as error:
        return INTERRUPTED if talk.interrupted else _report(error, talk)
    return DONE


def _fail(code: int, lines: Iterable[str]) -> int:
    for line in lines:
        click.echo(f"error: {line}", err=True)
    return code


def _usage_message(error: click.exceptions.ClickException) -> str:
    """Click's complaint in the house's form, place: what was got; what is allowed."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.MissingParameter) or not isinstance(error, click.BadParameter):
        where = ctx.command_path if ctx else "lifsim"
        return f"{where}: {error.format_message().rstrip('.')}; see {where} --help"
    place = (error.param.opts[-1] if error.param else None) or "lifsim"
    return f"{place if place.startswith('-') else place.upper()}: {error.message.rstrip('.')}"


def _report(error: Exception, talk: Talk) -> int:
    """What to say of an error that lifsim did not foresee; the traceback goes to a file, or to the screen with -v."""
    details = "".join(traceback.format_exception(error))
    facts = f"lifsim {__version__}, Python {platform.python_version()}, {platform.platform()}"
    _fail(FAILED, [f"lifsim failed, sorry: {type(error).__name__}: {error}"])
    click.echo(f"This is a mistake of lifsim's, not of yours ({facts}).", err=True)
    if talk.verbose:
        click.echo(details, err=True)
        return FAILED
    with tempfile.NamedTemporaryFile("w", prefix="lifsim-report-", suffix=".txt", delete=False, encoding="utf-8") as file:
        file.write(f"{facts}\ncommand: {' '.join(sys.argv)}\n\n{details}")
    click.echo(f"Please report it with the file {file.name}", err=True)
    return FAILED


# -- what options accept -------------------------------------------------------------------------


class Time(click.ParamType):
    """A time in ms, or with a unit."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """`value` in ms."""
        if isinstance(value, float):
            return value
        try:
            time = units.parse(value, "ms")
        except ValueError as error:
            self.fail(f"{error}; a time such as 1000 (ms) or '1 s'", param, ctx)
        if not 0 <= time < float("inf"):
            self.fail(f"{value}; a time from 0 on", param, ctx)
        return time


class Threads(click.ParamType):
    """A number of threads, or auto."""

    name = "n|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """`value` as a number from 1 on, or "auto"."""
        if value == "auto":
            return "auto"
        if not str(value).isdecimal() or int(value) < 1:
            self.fail(f"{value}; a whole number from 1 on, or auto", param, ctx)
        return int(value)


class Count(click.ParamType):
    """How often."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`value` as a number from 1 on."""
        if not str(value).isdecimal() or not 1 <= int(value) <= 1000:
            self.fail(f"{value}; a whole number from 1 to 1000", param, ctx)
        return int(value)


class Seed(click.ParamType):
    """A seed of random numbers."""

    name = "n"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """`value` as a whole number of 64 bits."""
        if isinstance(value, int):
            return value
        if not (value.isascii() and value.isdecimal() and len(value) <= 20 and int(value) < 2**64):
            from lifsim.expressions import shortened

            self.fail(f"{shortened(value)} is not a whole number from 0 to {2**64 - 1}", param, ctx)
        return int(value)


class NewFile(click.ParamType):
    """A file to be written."""

    name = "file"

    def __init__(self, *suffixes: str) -> None:
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """`value` as a path with one of the endings allowed."""
        from lifsim.expressions import shortened
        from lifsim.recording import expanded

        path = expanded(value, "file", OutputError) if str(value).strip() else Path()
        if path.suffix.lower() not in self.suffixes:
            self.fail(f"{shortened(str(value)) or repr('')}; a name that ends in {' or '.join(self.suffixes)}", param, ctx)
        return path


def _refuse_output(path: Path, overwrite: bool) -> None:
    """Say before any long work that a file exists or cannot be written."""
    from lifsim.recording import check_output

    check_output(path, overwrite)
    folder = path.parent if path.parent.exists() else path.parent.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OutputError(str(path), f"cannot be written ({error.strerror})", "a folder in which you may write") from None


_model = click.argument("model")
_file = click.argument("file", type=click.Path(path_type=Path))
_set = click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Change a parameter, or run.dt and the like. Repeatable."
)
_from = click.option("--from", "t_start", type=Time(), help="Leave out what came before.")
_to = click.option("--to", "t_stop", type=Time(), help="Leave out what comes after.")
_population = click.option("--population", "populations", multiple=True, metavar="NAME", help="Only this population. Repeatable.")
_overwrite = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
_precision = click.option(
    "--precision", type=click.Choice(["float64", "float32"]), default="float64", show_default=True, help="Of the state."
)
_weights = click.option(
    "--weights", type=click.Choice(["float64", "float32", "compact"]), help="Storage of the weights; that of --precision unless given."
)
_method = click.option(
    "--method", type=click.Choice(["grid", "precise"]), help="Spike times on the grid of dt, or exact; what the model needs unless given."
)
_threads = click.option("--threads", type=Threads(), default="auto", show_default=True, help="Never changes a result.")


# -- commands ------------------------------------------------------------------------------------


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
@_model
@_set
@click.option("--duration", type=Time(), help="Biological time, in ms or with a unit; the model file's unless given.")
@click.option("--seed", type=Seed(), help="The model file's unless given.")
@_threads
@_precision
@_weights
@_method
@click.option("-o", "--out", type=NewFile(".h5", ".hdf5"), help="Results; outputs/MODEL.h5 unless given.")
@_overwrite
@click.option("--plot", is_flag=True, help="Leave a picture (PNG) next to the results.")
@click.pass_obj
def run(talk: Talk, model: str, settings: tuple[str, ...], out: Path | None, overwrite: bool, plot: bool, **options: Any) -> None:
    """Run a model.

    MODEL is a model file, or the name of a shipped one (see lifsim models). Results go to one HDF5 file.
    """
    from lifsim.modelfile import load_with_settings
    from lifsim.progress import Progress
    from lifsim.simulation import run as simulate

    net = load_with_settings(model, list(settings))
    out = out or Path("outputs") / f"{Path(model).stem}.h5"
    picture = out.with_suffix(".png")
    _refuse_output(out, overwrite)
    if plot:
        _refuse_output(picture, overwrite)
    progress = Progress(Path(model).stem, quiet=talk.quiet, verbose=talk.verbose)
    try:
        result = simulate(net, out=out, overwrite=overwrite, progress=progress, **options)
    except KeyboardInterrupt:
        talk.note(f"stopped; what was recorded so far: lifsim info {out}")
        raise
    finally:
        progress.close()
    _tell_run(talk, result, out)
    if plot:
        _draw(result, _kind(result), picture)
        talk.note(f"{picture}: picture")
    talk.note(f"next: lifsim stats {out}" + ("" if plot else f" or lifsim plot {out}"))


FEW = 5  # neurons that are better shown by their potentials than in a raster


def _kind(result: Result) -> str:
    """The picture that shows most of a result."""
    potentials = any("V_m" in result.traces[name] for name in result.traces)
    few = potentials and all(len(s.recorded_ids) < FEW for s in result.spikes.values())
    return "traces" if result.traces and (few or not result.spikes) else "raster"


def _tell_run(talk: Talk, result: Result, out: Path) -> None:
    spikes = sum(len(s.times) for s in result.spikes.values())
    talk.note(f"{out}: {spikes:,} spikes in {result.duration:g} ms, real-time factor {result.info['real_time_factor']:.3g}")


@main.command()
@_model
@_set
@_threads
@_precision
@_weights
@_method
@click.pass_obj
def check(talk: Talk, model: str, settings: tuple[str, ...], method: str | None, **options: Any) -> None:
    """Check a model without running it.

    Prints what MODEL holds, how many synapses it will have and how much memory a run takes.
    """
    from lifsim import memory
    from lifsim.forecast import coarse_weights, estimate
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
    click.echo(f"{facts['neurons']:,} neurons, {facts['synapses']:,.0f} synapses; {time} in steps of {net.dt:g} ms{exact}")
    click.echo(f"a run takes about {memory.said(facts['bytes'])} of memory; threads: {facts['threads']}")
    _contents(talk, net)
    for warning in (*_warnings(net), *coarse_weights(net, options["weights"])):
        click.echo(f"warning: {warning}")


def _warnings(net: Network) -> Iterable[str]:
    """What is allowed but hardly meant."""
    if not net.recordings:
        yield "nothing is recorded"
    connected = {p.source.name for p in net.projections}
    for name, population in net.populations.items():
        if population.model.role != "neuron" and name not in connected:
            yield f"populations.{name}: a {population.model.name} that is connected to nothing"


@main.command()
@_file
@click.pass_obj
def info(talk: Talk, file: Path) -> None:
    """Say what a file holds.

    FILE is a file of results, finished or not, or a model: a file, or the name of a shipped one.
    """
    if _is_model(file):
        from lifsim.modelfile import load_with_settings

        net = load_with_settings(str(file), [])
        _head(net)
        return _contents(talk, net)
    from lifsim import results

    result = results.open(file)
    click.echo(": ".join(filter(None, [result.name, result.info.get("description")])))
    for line in repr(result).splitlines()[1:]:
        click.echo(line)
    for label, value in _facts(result):
        if value not in ("", {}, None):
            click.echo(f"  {label}: {_in_words(value)}")
    return None


def _is_model(file: Path) -> bool:
    from lifsim.modelfile import shipped

    return file.suffix == ".toml" or (not file.suffix and file.name == str(file) and not file.exists() and file.name in shipped())


def _facts(result: Result) -> Iterator[tuple[str, Any]]:
    """What is known of a run, by name: its extent, how it was computed, how long that took, where it comes from."""
    said = result.info
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
_SAID = {"populations", "recorded_spikes", "recorded_traces", "model_text", "note", "name", "description", "complete", "ignored"}
_SAID |= {"duration", "t_start", "t_stop", "steps", "dt", "parameters", "settings", "seed", "threads", "precision", "weights"}


@main.command()
@_file
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV.")
@_from
@_to
@_population
def stats(file: Path, as_json: bool, as_csv: bool, populations: tuple[str, ...], **window: Any) -> None:
    """Statistics of each population.

    Spike count, mean rate, CV of the inter-spike intervals, Fano factor and mean pairwise correlation
    of the results in FILE.
    """
    from lifsim import analysis, results

    if as_json and as_csv:
        raise LifsimError("--json, --csv", "both are given", "one of them")
    result = results.open(file)
    _refuse_window(result, **window)
    found = analysis.statistics(result, **window)
    if populations:
        found = {name: found[name] for name in _chosen(populations, found)}
    if as_json:
        click.echo(json.dumps({name: _defined(facts) for name, facts in found.items()}, indent=2))
    else:
        click.echo(analysis.as_csv(found).rstrip() if as_csv else analysis.table(found))


@main.command()
@_file
@click.option("--kind", type=click.Choice(["raster", "rates", "traces", "isi", "space"]), default="raster", show_default=True)
@click.option("-o", "--out", type=NewFile(".png", ".pdf", ".svg"), help="Picture; next to FILE unless given.")
@_from
@_to
@_population
@_overwrite
@click.pass_obj
def plot(talk: Talk, file: Path, kind: str, out: Path | None, overwrite: bool, populations: tuple[str, ...], **window: Any) -> None:
    """Draw results.

    A raster of FILE with population rates below, or by --kind: rates, traces, ISI histograms, a map of
    neurons that have positions.
    """
    from lifsim import results

    result = results.open(file)
    _refuse_window(result, **window)
    chosen = _chosen(populations, result.populations) if populations else None
    out = out or file.with_suffix(".png" if kind == "raster" else f".{kind}.png")
    _refuse_output(out, overwrite)
    _draw(result, kind, out, populations=chosen, **window)
    talk.note(f"{out}: {kind} of {file}")


@main.command()
@click.argument("file", type=NewFile(".toml"))
@_overwrite
@click.pass_obj
def new(talk: Talk, file: Path, overwrite: bool) -> None:
    """Write a model file to start from.

    FILE ends in .toml; its comments say what can be changed.
    """
    from lifsim.modelfile import template
    from lifsim.recording import make_folder

    _refuse_output(file, overwrite)
    make_folder(file)
    file.write_text(template(), encoding="utf-8")
    talk.note(f"{file}: edit it, then: lifsim check {file}; lifsim run {file} --plot")


@main.command()
def models() -> None:
    """List the models that come with lifsim."""
    from lifsim.modelfile import shipped

    found = shipped()
    width = max(map(len, found))
    for name, description in found.items():
        click.echo(f"{name:<{width}}  {description}")


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@_precision
@_weights
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
        click.echo(f"{done.name}: {done.precision}, weights {done.weights}: {took}")
    folder, size = warmup.cache()
    click.echo(f"{folder}: {memory.said(size)}")


@main.command()
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@_set
@click.option("--duration", type=Time(), help="Biological time, in ms or with a unit; the model file's unless given.")
@_threads
@_precision
@_weights
@click.option("--repeats", type=Count(), default=3, show_default=True, help="Runs of each network.")
@click.option("--json", "out", type=NewFile(".json"), help="Also keep every figure here.")
@_overwrite
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
        _refuse_output(out, overwrite)
    measured = [_measure(talk, name, net, options) for name, net in nets.items()]
    click.echo(benchmark.table(measured))
    if out:
        from lifsim.recording import make_folder

        make_folder(out)
        out.write_text(json.dumps(benchmark.report(measured), indent=2) + "\n", encoding="utf-8")
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
    click.echo(f"{net.name}: {net.description}" if net.description else net.name)
    if net.reference:
        click.echo(f"  {net.reference}")


def _contents(talk: Talk, net: Network) -> None:
    """What is in a network, one line each, long lists folded."""
    for name, population in net.populations.items():
        click.echo(f"  {name}: {population.n:,} × {population.model.name}")
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
        click.echo(f"  {line}")
    if len(shown) < len(lines):
        click.echo(f"  … and {len(lines) - len(shown)} more {what}; -v lists all")


def _draw(result: Result, kind: str, path: Path, **options: Any) -> None:
    from lifsim import plot as plots
    from lifsim.recording import make_folder

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
        return ", ".join(f"{key} {_in_words(entry)}" for key, entry in value.items())
    if isinstance(value, list) and value and isinstance(value[0], list):
        return f"({len(value)} × {len(value[0])} numbers)"
    if isinstance(value, list):
        return "[" + ", ".join(map(_in_words, value)) + "]"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _defined(facts: Mapping[str, float]) -> dict[str, float | None]:
    """`facts` for JSON, which has no nan."""
    return {key: None if value != value else value for key, value in facts.items()}
