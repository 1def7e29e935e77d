"""The commands for dense networks: train, predict, convert, classify."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lifsim import ann
from lifsim.ann.synonyms import parameter_hint
from lifsim.cli.next_steps import command, next_line, run_of, unused
from lifsim.cli.options import FILE, OVERWRITE, THREADS, NewFile, TimeType, refuse_output
from lifsim.cli.program import Command, Talk, echo
from lifsim.cli.progress import Progress
from lifsim.common.errors import DataError, LifsimError, did_you_mean
from lifsim.common.overview import counted
from lifsim.files import disk
from lifsim.files.outputs import make_folder
from lifsim.modelfile import toml

if TYPE_CHECKING:
    import numpy as np

    from lifsim.ann.dense_network import DenseNetwork

_data = click.option("--data", type=click.Path(path_type=Path), required=True, help="Data file: .csv, .npz (X, y) or .h5 (X, y).")
_target = click.option("--target", help="Target column of a CSV file, or name of the target array.  [default: the last column, or y]")


@click.command(cls=Command)
@click.argument("config", type=click.Path(path_type=Path))
@_data
@_target
@click.option("--set", "settings", multiple=True, metavar="NAME=VALUE", help="Override an entry of CONFIG. Repeatable.")
@click.option("-o", "--out", type=NewFile(".h5", ".hdf5"), required=True, help="HDF5 file for the trained network.")
@OVERWRITE
@click.option("--plot", is_flag=True, help="Save figures (PNG) of the learning curves and, for a classifier, of the confusion matrix.")
@click.pass_obj
def train(
    talk: Talk, config: Path, data: Path, target: str | None, settings: tuple[str, ...], out: Path, overwrite: bool, plot: bool
) -> None:
    """Train a dense network.

    CONFIG is a TOML file with the entries task ("classification", "regression" or "spiking classification"), test (the
    fraction of the data held out for the test score), and any parameter of lifsim.ann.Classifier, Regressor or
    SpikingClassifier, such as hidden = [64] or activation = "lif".
    """
    import numpy as np

    from lifsim.ann import dataset_files
    from lifsim.engine import can_keep_code, compiling

    m, test = _estimator(config, settings, progress=not talk.quiet)
    table = dataset_files.read(data, target, in_steps=_in_steps(m))
    if table.y is None:
        raise DataError(str(data), "holds no targets", "targets y as well as samples X")
    for path in (out, *(_pictures(m, out) if plot else ())):
        refuse_output(path, overwrite)
    learn, aside = _split(table.y, test, m)
    with compiling(lambda: Progress(out.stem, quiet=talk.quiet)("compile", kept=can_keep_code())):
        m.fit(table.X[learn], table.y[learn])
    _make_folder(out)
    m.save(out)
    name = "accuracy" if m.is_classifier else "R²"
    scores = {"training": m.score(table.X[learn], table.y[learn])}
    if "validation_score" in m.history:
        scores["validation"] = m.history["validation_score"][int(np.argmin(m.history["validation_loss"]))]  # of the weights that are kept
    if len(aside):
        scores["test"] = m.score(table.X[aside], table.y[aside])
    shown = [f"{name} {score:.4f} of {what}" for what, score in scores.items()]
    sizes = "-".join(map(str, m.layers_.sizes))
    talk.note(f"{out}: {sizes} of {m.activation}, {len(m.history['loss'])} epochs; {', '.join(shown)} data")
    if plot:
        some = aside if len(aside) else learn
        _draw_training(m, table.X[some], table.y[some], out)
        talk.note(", ".join(map(str, _pictures(m, out))) + ": pictures")
    from lifsim.ann.conversion import can_be_converted

    steps = [command("predict", out, "--data", data, *(("--target", target) if target else ()))]
    if can_be_converted(m):
        model = out.with_suffix(".toml")
        steps.append(command("convert", out, "-o", unused(model.with_stem(f"{out.stem}_spiking") if model.exists() else model)))
    talk.note(next_line(steps))


@click.command(cls=Command)
@FILE
@_data
@_target
@click.option("--proba", is_flag=True, help="Also print the probability of each class.")
@click.option("-o", "--out", type=NewFile(".csv"), help="CSV file for the predictions.  [default: standard output]")
@OVERWRITE
@click.pass_obj
def predict(talk: Talk, file: Path, data: Path, target: str | None, proba: bool, out: Path | None, overwrite: bool) -> None:
    """Predict with a trained network.

    FILE is a network written by lifsim train. If the data include targets, the score is printed, too.
    """
    from lifsim.ann import dataset_files

    m = ann.load(file)
    if proba and not isinstance(m, ann.Classifier):
        raise LifsimError("--proba", "the network predicts numbers", "a classifier")
    table = dataset_files.read(data, target, m.n_features_in_, _in_steps(m))
    if out:
        refuse_output(out, overwrite)
    columns: dict[str, Any] = {"prediction": m.predict(table.X)}
    if proba:
        columns |= {f"p({c})": p for c, p in zip(m.classes_, m.predict_proba(table.X).T, strict=True)}  # type: ignore[attr-defined]
    _write_columns(columns, out)
    if table.y is not None:
        echo(f"score {m.score(table.X, table.y):.4f} of {counted(len(table.X), 'sample')}", err=True)


@click.command(cls=Command)
@FILE
@click.option("-o", "--out", type=NewFile(".toml"), required=True, help="Model file to write, in the folder of FILE or above.")
@click.option("--data", type=click.Path(path_type=Path), help="Samples to scale the activations by.  [default: training data]")
@_target
@click.option(
    "--sample", type=int, help="Number of the sample of --data, from 0 on, that is the stimulus.  [default: 0; without --data the mean]"
)
@click.option(
    "--neuron",
    type=click.Choice(["lif", "if"]),
    default="lif",
    show_default=True,
    help="Leaky with hard reset (lif), or without leak and with soft reset (if).",
)
@click.option("--percentile", type=float, help="Percentile of activations mapped to the largest rate.  [default: 99, 99.9 for if]")
@click.option("--gain", type=float, default=10.0, show_default=True, help="tau_m times the largest rate (lif, for ReLU units).")
@click.option("--dt", type=TimeType(), help="Time step.  [default: 0.1 ms, or 1 ms for if]")
@click.option("--tau-m", type=TimeType(), help="Membrane time constant.  [default: 20 ms; that of training for lif units]")
@click.option("--tau-syn", type=TimeType(), default=5.0, show_default=True, help="Time constant of synaptic currents.")
@click.option("--t-ref", type=TimeType(), help="Refractory period.  [default: 0 ms; that of training for lif units]")
@OVERWRITE
@click.pass_obj
def convert(
    talk: Talk, file: Path, out: Path, data: Path | None, target: str | None, sample: int | None, overwrite: bool, **options: Any
) -> None:
    """Convert a trained network to spiking neurons.

    FILE is a network with relu or lif units written by lifsim train. The result is an ordinary model file for lifsim run
    and lifsim classify, which uses the weights in FILE unchanged.
    """
    from lifsim.ann import dataset_files
    from lifsim.ann.parameter_checks import check_sample

    m = ann.load(file)
    refuse_output(out, overwrite)
    if sample is not None and data is None:
        raise LifsimError("--sample", f"{sample}, but no --data", "give the file with the samples too: --data FILE")
    table = dataset_files.read(data, target, m.n_features_in_, _in_steps(m)) if data else None
    if table is not None and sample is not None:
        check_sample(sample, len(table.X), "--sample")
    X = None if table is None else table.X
    _with_warnings(talk, lambda: ann.to_spiking(m, X, sample=sample, **options).save(out, file))
    talk.note(f"{out}: {'-'.join(map(str, m.layers_.sizes))} as spiking neurons, with the weights of {file}")
    steps = [run_of(out)]
    if m.is_classifier:
        chosen = ("--target", target) if data and target else ()
        if sample is not None:
            chosen = (*chosen, "--sample", str(sample), "--plot", unused(out.with_suffix(".png")))
        steps.insert(0 if data else 1, command("classify", out, "--data", data or "FILE", *chosen))
    if table is not None and sample is not None:
        talk.note(f"stimulus: sample {sample} of {data}, {_as_predicted(m, table, sample)}")
    talk.note(next_line(steps))


@click.command(cls=Command)
@FILE
@_data
@_target
@click.option("--sample", type=int, help="Classify only the sample of this number, from 0 on.")
@click.option("--duration", type=TimeType(), help="Presentation time of each sample.  [default: from the model file]")
@THREADS
@click.option("-o", "--out", type=NewFile(".csv"), help="CSV file for the predicted class of each sample.")
@OVERWRITE
@click.option(
    "--plot",
    type=NewFile(".png", ".pdf", ".svg"),
    help="Figure of the accuracy over time; with --sample, of the spikes and the output over time.",
)
@click.pass_obj
def classify(
    talk: Talk,
    file: Path,
    data: Path,
    target: str | None,
    sample: int | None,
    duration: float | None,
    threads: int | str,
    out: Path | None,
    overwrite: bool,
    plot: Path | None,
) -> None:
    """Classify samples with a converted network.

    FILE is a model file written by lifsim convert. Prints, over time, how often the answer is that of the dense network
    and how often it is correct, and the number of spikes per sample; with --sample the answer for one sample.
    """
    import numpy as np

    from lifsim.ann import dataset_files
    from lifsim.ann.parameter_checks import check_sample
    from lifsim.ann.spiking_network import Spiking

    s = Spiking.read(file)
    table = dataset_files.read(data, target, s.m.n_features_in_, _in_steps(s.m))
    if sample is not None:
        check_sample(sample, len(table.X), "--sample")
    for path in (out, plot):
        if path:
            refuse_output(path, overwrite)
    bar = Progress(Path(file).stem, quiet=talk.quiet, verbose=talk.verbose)
    try:
        if sample is None:
            labels = s.classify(table.X, duration, threads=threads, progress=bar)
        else:
            watched = s.watch(table.X, sample, table.y, duration, threads=threads, progress=bar)
            labels = np.array([watched.predicted])
    finally:
        bar.close()
    course = s.course(table.X, table.y) if sample is None else None
    if out:  # files first: a closed standard output then loses none of them
        _write_columns({"prediction": labels}, out)
    if plot:
        from lifsim.ann import plots
        from lifsim.plot.style import save

        _make_folder(plot)
        save(plots.accuracy_over_time(course) if course else plots.sample_course(watched), plot)
    for line in _course_lines(course) if course else [_answer_line(watched)]:
        click.echo(line)
    samples = counted(len(table.X), "sample") if course else "1 sample"
    click.echo(f"{s.spikes_per_sample:.1f} spikes per sample in {s.last_answer().times[-1]:g} ms ({samples})")
    for path, what in ((out, "the class of each sample"), (plot, "picture")):
        if path:
            talk.note(f"{path}: {what}")


def _answer_line(watched: Any) -> str:
    true = "" if watched.true is None else f", true class {watched.true}"
    return f"sample {watched.sample}: predicted {watched.predicted} (dense network: {watched.dense}){true}"


def _course_lines(course: Any) -> Iterator[str]:
    """The lines of a table for ten times, the last one included."""
    import numpy as np

    yield f"{'ms':>8}  {'same as dense':>14}" + ("" if course.right is None else f"  {'right':>8}  {'(dense':>8} {course.dense:.4f})")
    for k in np.unique(np.linspace(0, len(course.times) - 1, 11).astype(int)[1:]):
        right = "" if course.right is None else f"  {course.right[k]:8.4f}"
        yield f"{course.times[k]:8.1f}  {course.same[k]:14.4f}{right}"


# -- training --------------------------------------------------------------------------------------


def _estimator(config: Path, settings: tuple[str, ...], progress: bool) -> tuple[DenseNetwork, float]:
    """The untrained network that a file describes, and the fraction of the data to hold out."""
    said = _read_config(config) | _settings(settings)
    task, test = said.pop("task", "classification"), said.pop("test", 0.0)
    kinds: dict[str, type[DenseNetwork]] = {"classification": ann.Classifier, "regression": ann.Regressor}
    kinds["spiking classification"] = ann.SpikingClassifier
    if not isinstance(task, str) or task not in kinds:
        raise LifsimError(f"{config}: task", f"{task!r}", did_you_mean(str(task), kinds))
    if not isinstance(test, (int, float)) or isinstance(test, bool) or not 0 <= test < 1:
        raise LifsimError(f"{config}: test", f"{test!r}", "the fraction of the data to hold out, from 0 to below 1")
    known = [name for name in kinds[task].parameter_names() if name != "progress"]
    for name in said:
        if name not in known:
            raise LifsimError(f"{config}: {name}", "there is no such entry", parameter_hint(name, ["task", "test", *known]))
    m = kinds[task](**said, progress=progress)
    try:
        m.check_parameters()
    except LifsimError as error:
        raise LifsimError(f"{config}: {error.problems[0].where}", error.problems[0].got, error.problems[0].allowed) from None
    return m, float(test)


def _read_config(path: Path) -> dict[str, Any]:
    return toml.parsed(toml.read_text(path, "a TOML file"), str(path))


def _settings(settings: tuple[str, ...]) -> dict[str, Any]:
    out = {}
    for setting in settings:
        name, equals, raw = (part.strip() for part in setting.partition("="))
        if not equals or not name:
            raise LifsimError("--set", repr(setting), "name=value, for example epochs=50")
        out[name] = toml.value(raw)
    return out


def _split(y: np.ndarray, test: float, m: DenseNetwork) -> tuple[np.ndarray, np.ndarray]:
    """The indices of the samples to train on and of those held out; the same fraction of each class."""
    import numpy as np

    rng = np.random.Generator(np.random.Philox([m.seed, 1]))
    classes = y if m.is_classifier else np.zeros(len(y))
    aside = np.zeros(len(y), bool)
    for c in np.unique(classes):
        own = rng.permutation(np.flatnonzero(classes == c))
        aside[own[: round(test * len(own))]] = True
    return np.flatnonzero(~aside), np.flatnonzero(aside)


def _pictures(m: DenseNetwork, out: Path) -> list[Path]:
    names = ("learning", "confusion") if m.is_classifier else ("learning",)
    return [out.with_name(f"{out.stem}.{name}.png") for name in names]


def _draw_training(m: DenseNetwork, X: np.ndarray, y: np.ndarray, out: Path) -> None:
    from lifsim.ann import plots
    from lifsim.plot.style import save

    save(plots.learning_curve(m.history), _pictures(m, out)[0])
    if m.is_classifier:
        save(plots.confusion_matrix(y, m.predict(X), m.classes_), _pictures(m, out)[1])  # type: ignore[attr-defined]


# -- shared by several commands ----------------------------------------------------------------------


def _in_steps(m: DenseNetwork) -> bool:
    """Whether samples may have a value for each time step."""
    return isinstance(m, ann.SpikingClassifier)


def _as_predicted(m: DenseNetwork, table: Any, sample: int) -> str:
    """What the dense network predicts for a sample, and its target if that is known."""
    predicted = f"the dense network predicts {m.predict(table.X[sample : sample + 1])[0]}"
    name = "class" if m.is_classifier else "target"
    return predicted if table.y is None else f"{name} {table.y[sample]}, {predicted}"


def _make_folder(path: Path) -> None:
    make_folder(path)


def _write_columns(columns: dict[str, Any], out: Path | None) -> None:
    """Write columns as CSV; a two-dimensional entry becomes several columns, which are numbered."""
    import csv
    import io

    import numpy as np

    flat: dict[str, Any] = {}
    for name, column in columns.items():
        flat |= {name: column} if np.ndim(column) == 1 else {f"{name}_{k}": part for k, part in enumerate(np.transpose(column))}
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([list(flat), *([x.item() for x in row] for row in zip(*flat.values(), strict=True))])
    if out is None:
        echo(text.getvalue(), nl=False)
        return
    _make_folder(out)
    disk.put(out, text.getvalue().encode())


def _with_warnings(talk: Talk, work: Any) -> None:
    """Call `work` and print its warnings in the format of the command line."""
    import warnings

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        work()
    for warning in told:
        echo(f"warning: {warning.message}", err=True)
