"""What tests of several files need."""

from __future__ import annotations

import io

import pytest


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal():
    """A stream that is a terminal and keeps what is written to it."""
    return Terminal()
