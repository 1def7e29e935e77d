"""Times of events: (step, offset), where `offset` is the time in ms until the end of the step. Avoids the rounding of step · dt."""

from __future__ import annotations

import math

from lifsim.engine.compiler.jit import inlined


@inlined
def before(step, offset, other_step, other_offset):
    """Whether a time (step, offset) is earlier than another."""
    return step < other_step or (step == other_step and offset > other_offset)


@inlined
def span(step, offset, other_step, other_offset, dt):
    """The time in ms from one time to another."""
    return (other_step - step) * dt + (offset - other_offset)


@inlined
def later(step, offset, t, dt):
    """The time (step, offset) `t` ms later."""
    beyond = t - offset
    if beyond <= 0:
        return step, -beyond
    steps = math.ceil(beyond / dt)
    return step + steps, max(steps * dt - beyond, 0.0)
