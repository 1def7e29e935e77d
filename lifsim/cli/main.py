"""The group of all commands: what the program ``lifsim`` calls."""

from __future__ import annotations

import gc

import click

from lifsim.cli.program import CommandGroup
from lifsim.common.version import __version__

# In the order in which they are met at work; each is loaded when it is asked for.
_COMMANDS = {
    **dict.fromkeys(("run", "resume", "check"), "lifsim.cli.run"),
    **dict.fromkeys(("info", "stats", "plot", "new", "models"), "lifsim.cli.inspect"),
    **dict.fromkeys(("warmup", "bench"), "lifsim.cli.run"),
    **dict.fromkeys(("train", "predict", "convert", "classify"), "lifsim.cli.ann"),
}


@click.group(cls=CommandGroup, homes=_COMMANDS, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
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
