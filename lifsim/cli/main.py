"""The group of all commands, the entry point of the program ``lifsim``."""

from __future__ import annotations

import gc

import click

from lifsim.cli.program import CommandGroup
from lifsim.common.version import __version__

# Listed in the order of a typical workflow; each module is imported when its command is called.
_COMMANDS = {
    **dict.fromkeys(("run", "resume", "check"), "lifsim.cli.run"),
    "info": "lifsim.cli.inspect",
    "stats": "lifsim.cli.stats",
    "compare": "lifsim.cli.compare",
    "plot": "lifsim.cli.plot",
    "report": "lifsim.cli.report",
    "describe": "lifsim.cli.describe",
    "reproduce": "lifsim.cli.reproduce",
    "fi": "lifsim.cli.fi",
    **dict.fromkeys(("scan", "scan-plot"), "lifsim.cli.scan"),
    "demo": "lifsim.cli.demo",
    "gallery": "lifsim.cli.gallery",
    "validate": "lifsim.cli.validate",
    **dict.fromkeys(("new", "models"), "lifsim.cli.inspect"),
    "watch": "lifsim.cli.watch",
    "convert-spikes": "lifsim.cli.spikes",
    **dict.fromkeys(("warmup", "bench"), "lifsim.cli.run"),
    **dict.fromkeys(("train", "predict", "convert", "classify"), "lifsim.cli.ann"),
}


@click.group(cls=CommandGroup, homes=_COMMANDS, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="lifsim")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Fast simulation of networks of leaky integrate-and-fire neurons, from a model file to one HDF5 file of results.

    \b
    lifsim models                        list the models that come with lifsim
    lifsim run brunel --plot             run a model: outputs/brunel.h5 and .png
    lifsim stats outputs/brunel.h5       rates, CV of ISIs, Fano factors, correlations
    lifsim report outputs/brunel.h5      one HTML page: model, statistics, an interactive raster
    lifsim fi single_neuron              f-I curve of a neuron: theory and simulation
    lifsim scan single_neuron --grid tau_m=5:50:5 --keep --plot
                                         what a parameter does: tau_m, V_th, I, …
    lifsim new my_model.toml             write a template of a model file
    lifsim demo                          list demonstrations, from the artificial neuron to the spiking one
    """
    gc.set_threshold(100_000)  # objects of the libraries stay: repeated garbage collection among them took 0.05 s
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
