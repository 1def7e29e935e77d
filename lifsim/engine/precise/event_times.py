"""Moments in time: `offset` ms before the end of a step. The product of step and dt, which rounds, enters no computation."""

from __future__ import annotations

import math

from lifsim.engine.compiler.jit import inlined


@inlined
def before(step, offset, other_step, other_offset):
    """Whether a moment is earlier than another."""
    return step < other_step or (step == other_step and offset > other_offset)


@inlined
def span(step, offset, other_step, other_offset, dt):
    """The ms from a moment to another."""
    return (other_step - step) * dt + (offset - other_offset)


@inlined
def later(step, offset, t, dt):
    """The moment `t` ms later."""
    beyond = t - offset
    if beyond <= 0:
        return step, -beyond
    steps = math.ceil(beyond / dt)
    return step + steps, max(steps * dt - beyond, 0.0)
