"""What theory says of a network, printed by check and, where it takes no time, by run."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from lifsim.cli.program import Talk, echo
from lifsim.common.errors import LifsimError
from lifsim.common.printable import one_line

if TYPE_CHECKING:
    from lifsim.network.network import Network


def teach(talk: Talk, net: Network) -> None:
    """Say on standard error which neurons cannot fire. A remark is no reason to fail: if it cannot be made, nothing is said."""
    from lifsim.theory.constant_remarks import constant_input

    with suppress(Exception):
        for line in constant_input(net):
            if "no spike" in line:
                talk.warn(one_line(line))


def theory_of(talk: Talk, net: Network) -> None:
    """Print what theory predicts for `net`; with -v also why it predicts nothing."""
    from lifsim.theory.constant_remarks import constant_input
    from lifsim.theory.mean_field_remarks import mean_field_lines

    for line in constant_input(net):
        echo(one_line(line))
    try:
        lines = list(mean_field_lines(net))
    except LifsimError as error:
        if talk.verbose:
            for problem in error.problems:
                echo(one_line(f"mean field: {problem}"))
        return
    if lines:
        echo("mean field, recurrent input included:")
        for line in lines:
            echo(one_line(f"  {line}"))
