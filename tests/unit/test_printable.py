"""Text from files never commands a terminal, and is text in figures."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from click.testing import CliRunner

import lifsim as ls
from lifsim.cli.main import main
from lifsim.common.printable import one_line, printable, shown

pytestmark = pytest.mark.usefixtures("unarranged_figures")

EVIL = "\x1b]8;;http://x\x07\x9b2J\u202e\u2066\r\x85\u2028\ufeff"
ORDINARY = "µ 中文 é → ∞ 👩\u200d🔬 עברית"


def safe(text: str) -> bool:
    return all(c.isprintable() or c in "\n\u200d" for c in text)


def test_what_a_terminal_would_obey_is_shown():
    assert printable(EVIL) == r"\u001b]8;;http://x\u0007\u009b2J\u202e\u2066\u000d\u0085\u2028\ufeff"
    assert printable("a\udcffb\ud800") == r"a\xffb\ud800"
    assert printable("\U000e0041") == r"\U000e0041"
    assert printable(ORDINARY + "\n\t") == ORDINARY + "\n\t"
    assert one_line("  a\n\tb  \r\n c") == "  a b c"


def test_every_control_character_is_shown():
    for code in [*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x61C]:
        assert safe(printable(chr(code))) or chr(code) == "\t"


class Broken:
    def __repr__(self) -> str:
        raise RuntimeError


def test_values_in_messages():
    held: list = []
    held.append(held)
    assert shown(10**5000) == "a int that cannot be shown" and shown(Broken()) == "a Broken that cannot be shown"
    assert len(shown("a" * 10**6)) == 60 and shown(held) == "[[...]]"


@pytest.fixture
def foreign(tmp_path) -> Path:
    """A file of spikes of another tool, every text in it evil."""
    path = tmp_path / "f.h5"
    with h5py.File(path, "w") as file:
        for name in ("a" + EVIL.replace("/", ""), "$x_", "_$\\frac", "l\nfake: yes"):
            group = file.create_group(f"spikes/{name}")
            group["timestamps"], group["node_ids"] = np.arange(1.0, 40.0), np.arange(39) % 3
            group["timestamps"].attrs["units"] = "ms"
    return path


@pytest.mark.parametrize("command", [["info"], ["stats"], ["stats", "--csv"], ["stats", "--json"], ["plot", "--population", "x\x1b[2J"]])
def test_foreign_results(command, foreign):
    outcome = CliRunner().invoke(main, [command[0], str(foreign), *command[1:]])
    assert outcome.exit_code in (0, 2), outcome.output
    assert safe(outcome.output) and "u001b" in outcome.output
    assert safe(repr(ls.open(foreign))) and "\nfake" not in repr(ls.open(foreign))


@pytest.mark.parametrize("kind", ["raster", "rates", "isi"])
def test_names_are_text_in_figures(kind, foreign, tmp_path):
    out = tmp_path / "x.svg"
    outcome = CliRunner().invoke(main, ["plot", str(foreign), "--kind", kind, "-o", str(out)])
    assert outcome.exit_code == 0, outcome.output
    drawn = out.read_text(encoding="utf-8")
    assert "$x_" in drawn and "_$\\frac" in drawn and "\x1b" not in drawn


POPULATION = '[populations.a]\nn = 1\nmodel = "iaf_psc_exp"\n'


def test_models(tmp_path):
    path = tmp_path / "m.toml"
    text = "".join(f"\\u{ord(c):04x}" for c in EVIL)
    path.write_text(f'name = "n"\ndescription = "{text}\\nverified: yes {ORDINARY}"\nreference = "{text}"\n{POPULATION}', encoding="utf-8")
    outcome = CliRunner().invoke(main, ["check", str(path)])
    assert outcome.exit_code == 0 and safe(outcome.output)
    assert ORDINARY in outcome.output and "\nverified" not in outcome.output
    path.write_text(f'[populations."{text}"]\nn = 1\nmodel = "{text}"\n"{text}" = 1\n', encoding="utf-8")
    outcome = CliRunner().invoke(main, ["check", str(path)])
    assert outcome.exit_code == 2 and safe(outcome.output)
    with pytest.raises(ls.ModelError) as caught:
        ls.load(path)
    assert safe(str(caught.value))


def test_names_on_the_command_line():
    for arguments in (["run", EVIL], ["info", EVIL], ["check", "brunel", "--set", f"{EVIL}=1"], [EVIL], ["run", "brunel", f"--{EVIL}"]):
        outcome = CliRunner().invoke(main, arguments)
        assert outcome.exit_code == 2 and safe(outcome.output), outcome.output


KNOWN = [pytest.param(name, marks=pytest.mark.slow) for name in ("module://matplotlib_inline.backend_inline", "TkAgg", "")]


@pytest.mark.parametrize("backend", ["module://nowhere", "nonsense", *KNOWN])  # a name that matplotlib takes, and one that it refuses
def test_any_backend_will_do(backend, foreign, tmp_path):
    """A program started from a notebook inherits MPLBACKEND, which may name what is not installed. Nor does a figure need pyplot."""
    code = """import os, sys
from lifsim import plot
import lifsim.ann.plots
figure = plot.raster(sys.argv[1], width_mm=40)
figure.set_layout_engine("none")
plot.save(figure, sys.argv[2])
print(os.environ["MPLBACKEND"], "matplotlib.pyplot" in sys.modules)"""
    out = tmp_path / "x.png"
    environment = {**os.environ, "MPLBACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code, str(foreign), str(out)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert out.stat().st_size > 1000 and done.stdout == f"{backend} False\n"
