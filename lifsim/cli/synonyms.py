"""What newcomers type on the command line: names of commands and options that lifsim does not have, and hints for them."""

from __future__ import annotations

import shlex
from collections.abc import Collection

from lifsim.common.errors import did_you_mean, nearest

_COMMANDS = {
    **dict.fromkeys(("simulate", "sim", "start", "exec", "execute", "go"), "run"),
    **dict.fromkeys(("list", "ls", "examples"), "models"),
    **dict.fromkeys(("analyze", "analyse", "analysis", "statistics", "rates", "summary"), "stats"),
    **dict.fromkeys(("show", "inspect", "describe", "cat", "view"), "info"),
    **dict.fromkeys(("raster", "figure", "draw", "traces"), "plot"),
    **dict.fromkeys(("html", "page", "dashboard"), "report"),
    **dict.fromkeys(("demos", "demonstrate", "tutorial", "teach", "sliders"), "demo"),
    **dict.fromkeys(("init", "create", "template"), "new"),
    **dict.fromkeys(("verify", "lint", "test"), "check"),
    **dict.fromkeys(("diff", "cmp", "ks", "difference"), "compare"),
    **dict.fromkeys(("continue", "restart", "restore"), "resume"),
    **dict.fromkeys(("compile", "precompile", "build"), "warmup"),
    **dict.fromkeys(("benchmark", "speed", "time", "profile"), "bench"),
    **dict.fromkeys(("fit", "learn"), "train"),
    **dict.fromkeys(("evaluate", "score", "infer"), "predict"),
    **dict.fromkeys(("help", "version"), "--{0}"),
    **dict.fromkeys(("monitor", "tail", "follow", "live", "top", "progress"), "watch"),
    **dict.fromkeys(("convert_spikes", "convertspikes", "export", "export-spikes"), "convert-spikes"),
    **dict.fromkeys(("sweep", "grid", "vary", "explore", "batch", "scans", "parameter-scan"), "scan"),
    **dict.fromkeys(("plot-scan", "scanplot", "scan_plot", "plot_scan"), "scan-plot"),
    "to_spiking": "convert",
}
_OPTIONS = {
    **dict.fromkeys(("--simtime", "--sim-time", "--time", "--t-sim", "--tstop", "--t-stop", "-t", "-T", "-d"), "--duration"),
    **dict.fromkeys(("--force", "-f", "--yes", "-y", "--replace", "--clobber"), "--overwrite"),
    **dict.fromkeys(("-n", "-j", "--jobs", "--num-threads", "--n-threads", "--cores", "--cpus", "--workers", "--n-jobs"), "--threads"),
    **dict.fromkeys(("--output", "--outfile", "--output-file", "--results", "--file", "--save"), "--out"),
    **dict.fromkeys(("--param", "--parameter", "-p", "--params", "-s", "-P", "--override", "-D"), "--set"),
    **dict.fromkeys(("--figure", "--raster", "--png", "--picture"), "--plot"),
    **dict.fromkeys(("--random-seed", "--rng-seed", "--rng", "--random-state"), "--seed"),
    **dict.fromkeys(("--dtype", "--float", "--single"), "--precision"),
    **dict.fromkeys(("--exact", "--precise"), "--method"),
    **dict.fromkeys(("--continue", "--restart"), "--resume"),
    **dict.fromkeys(("--start", "--t-start", "--begin"), "--from"),
    **dict.fromkeys(("--stop", "--end", "--until"), "--to"),
    **dict.fromkeys(("--populations", "--pop"), "--population"),
    **dict.fromkeys(("--warmup", "--warm-up", "--transient", "--burn-in", "--skip"), "--discard"),
    **dict.fromkeys(("--bin-size", "--binsize", "--bin-width", "--binwidth"), "--bin"),
    **dict.fromkeys(("--stats", "--measures", "--measure"), "--statistics"),
    **dict.fromkeys(("--pairs", "--n-neurons", "--sample"), "--neurons"),
    **dict.fromkeys(("--groups", "--condition"), "--group"),
    **dict.fromkeys(("--tol", "--atol", "--eps", "--epsilon"), "--tolerance"),
    **dict.fromkeys(("--ks", "--ks-distance", "--limit", "--max-distance"), "--distance"),
    **dict.fromkeys(("--significance", "--p", "--p-value", "--level"), "--alpha"),
    **dict.fromkeys(("--ref", "--refs", "--references", "--against"), "--reference"),
    **dict.fromkeys(("--label", "--labels", "--y"), "--target"),
    **dict.fromkeys(("--dataset", "--input", "--train", "-i", "--X"), "--data"),
}
_JOBS = ("-n", "--n-jobs", "--num-jobs", "--workers", "--n-workers", "--processes", "--parallel", "--cores", "--cpus")
_RUN_TABLE = ("dt", "duration", "seed", "method")


def command_hint(word: str, commands: Collection[str], models: Collection[str]) -> str:
    """The command that is meant by `word`, which is none of `commands`. `models` are the names of shipped models."""
    if word in models or word.endswith(".toml"):
        return f"write lifsim run {shlex.quote(word)}"
    if word.endswith((".h5", ".hdf5")):
        return f"write lifsim info {shlex.quote(word)}"
    meant = _COMMANDS.get(word.lower())
    return f"write lifsim {meant.format(word.lower())}" if meant else did_you_mean(word, commands)


def option_hint(option: str, options: Collection[str]) -> str:
    """The option that is meant by `option`, which is none of the `options` of a command; "" if that is not known."""
    meant, name = _OPTIONS.get(option, ""), option.lstrip("-").replace("-", "_")
    if "--jobs" in options and option in _JOBS:
        return "write --jobs"
    if meant in options:
        return f"write {meant}"
    near = nearest(option.lstrip("-"), [known.lstrip("-") for known in options if known.startswith("--")])
    if near:
        return f"did you mean '--{near}'?"
    if "--set" in options and option.startswith("--") and name.isidentifier():
        of_run = name in _RUN_TABLE and "--threads" in options  # the parameters of training have no tables
        return f"write --set {'run.' if of_run else ''}{name}=VALUE"
    return ""


def argument_hint(word: str, options: Collection[str]) -> str:
    """What is meant by an argument `word` that is too many; "" if that is not known."""
    return f"write --set {shlex.quote(word)}" if "=" in word and "--set" in options else ""
