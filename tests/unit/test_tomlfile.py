"""Model files from strangers: in a time and a memory that go with their length; and nothing that a real model needs is refused."""

from __future__ import annotations

import sys
import time
import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from peak_memory import peak_memory

import lifsim as ls
from lifsim.common.errors import MOST_CHARACTERS, MOST_SHOWN, did_you_mean
from lifsim.modelfile import toml
from lifsim.modelfile.reader import load, load_with_settings, loads
from lifsim.modelfile.shipped import template

sys.path.insert(0, str(Path(__file__).parents[2] / "bench" / "reliability"))
import bombs

SECONDS, BYTES = 2.0, 200e6
A = '[populations.a]\nn = 3\nmodel = "iaf_psc_exp"\n'
UNKNOWN = "".join(f'[[projections]]\nsource = "q{i}"\ntarget = "r{i}"\n' for i in range(5000))


def populations(n: int) -> str:
    return "".join(f'[populations.p{i}]\nn = 1\nmodel = "iaf_psc_exp"\n' for i in range(n))


def refused(text: str, **given_: object) -> ls.ModelError:
    """The error of a file that must be refused, quickly, in little memory and in few words."""
    loads(A)  # what is imported on first use
    began = time.process_time()
    with peak_memory() as peak, pytest.raises(ls.ModelError) as caught:
        loads(text, **given_)
    took = time.process_time() - began
    if took >= SECONDS:  # once more, since memory may have been traced, which takes several times as long
        began = time.process_time()
        with pytest.raises(ls.ModelError):
            loads(text, **given_)
        took = time.process_time() - began
    assert took < SECONDS, f"{took:.1f} s"
    assert peak.most < BYTES, f"{peak.most / 1e6:.0f} MB"
    assert len(str(caught.value)) < MOST_CHARACTERS + 1000
    return caught.value


HOSTILE = {
    "dotted key": (".".join("a" * 10_000) + " = 1", "32 parts"),
    "dotted key, quoted": (".".join(['"a"'] * 10_000) + " = 1", "32 parts"),
    "dotted key, spaced": (" . ".join("a" * 10_000) + " = 1", "32 parts"),
    "dotted header": ("[" + ".".join("a" * 10_000) + "]", "32 parts"),
    "dotted key of an inline table": ("x = { " + ".".join("a" * 10_000) + " = 1 }", "32 parts"),
    "nested lists": ("x = " + "[" * 10_000 + "]" * 10_000, "nested too deeply"),
    "nested lists that can be parsed": ("x = " + "[" * 60 + "]" * 60, "nested too deeply"),
    "nested inline tables": ("x = " + "{ a = " * 10_000 + "1" + " }" * 10_000, "nested too deeply"),
    "a table in a list in a table": (f"{A}[populations.a.params]\nV_th = " + "[{ a = " * 20 + "1" + " }]" * 20, "nested too deeply"),
    "decimal number": ("[run]\nseed = " + "1" * 100_000, "thousands of digits"),
    "hexadecimal number": ("[run]\nseed = 0x" + "f" * 100_000, "run.seed: a whole number of 400,000 bits"),
    "65 bits": ("[parameters]\nx = 18446744073709551616", "parameters.x: a whole number of 65 bits"),
    "long key": (f'[populations."{"a" * 5000}"]\nn = 1', "a key of 5,000 characters"),
    "quotes without end": ('x = "' + '\\"' * 200_000, "TOML"),
    "brackets in a message": (f'{A}[populations.a.params]\nV_th = "\'\\"{"[" * 100_000}"', "V_th"),
    "unknown names": (A + UNKNOWN, "projections[0].source: there is no population 'q0'"),
    "unknown names among many": (populations(5000) + UNKNOWN, "more problems"),
    "a list of unknown names": (f"{A}[[projections]]\nsource = {['b'] * 300}\ntarget = {['c'] * 300}", "there is no population 'b'"),
    "a million pairs": (f"{A}[[projections]]\nsource = {['a'] * 1000}\ntarget = {['a'] * 1000}", "1,000,000 pairs"),
    "a million recordings": (f"{A}[[record]]\npopulations = {['a'] * 1000}\nvariable = {['V'] * 1000}", "1,000,000 pairs"),
    "unknown keys": ("\n".join(f"k{i} = 1" for i in range(10_000)), "and 9,"),
    "large arrays": ("[parameters]\n" + "".join(f'p{i} = "= arange(1000000) + {i}"\n' for i in range(300)), "hold more than"),
    "large arrays, used": (
        "".join(f'{A if i == 0 else ""}[[projections]]\nsource="a"\ntarget="a"\nweight="= arange(1000000)"\n' for i in range(300)),
        "projections[0].weight",
    ),
    "large arrays in one expression": ('[parameters]\np = "= ' + "arange(1000000) + (" * 150 + "1" + ")" * 150 + '"', "hold more than"),
    "products": (
        '[parameters]\nm = "= outer(ones(1000), ones(1000))"\n' + "".join(f'p{i} = "= sum(m @ m)"\n' for i in range(300)),
        "compute more than",
    ),
    "white space in a message": (f'{A}[populations.a.params]\nV_th = "{" " * 100_000}x"', "V_th"),
    "white space after a number": (f'{A}[populations.a.params]\nV_th = "1{" " * 100_000}m V"', "V_th"),
    "a long text, used": (f'[parameters]\ns = "{"a" * 100_000}"\n' + "".join(f'p{i} = "= s"\n' for i in range(5000)), "hold more than"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_are_refused_at_once(kind):
    text, said = HOSTILE[kind]
    assert said in str(refused(text))


@pytest.mark.parametrize("kind", [k for k in dict.fromkeys(bombs.KINDS) if k is not bombs.references], ids=lambda k: k.__name__)
def test_a_few_of_the_campaign(kind):
    for seed in range(4):
        began = time.process_time()
        try:
            loads(kind(np.random.default_rng(seed)))
        except ls.LifsimError as error:
            assert str(error) and all(c.isprintable() or c == "\n" for c in str(error))
        assert time.process_time() - began < 2 * SECONDS


def test_all_problems_are_kept_and_the_first_are_shown():
    error = refused(A + '[[record]]\npopulations = "b"\n' * 3000)
    lines = str(error).splitlines()
    assert len(error.problems) == 3000 and len(lines) == MOST_SHOWN + 1
    assert lines[-1] == "… and 2,900 more problems"


def test_hints_for_many_names():
    names = [f"population_{i}" for i in range(10_000)]
    assert did_you_mean("populatoin_77", names) == "did you mean 'population_77'?"
    assert did_you_mean("x", names).endswith(" and 9,960 more")
    assert did_you_mean("a" * 10**6, ["b"]) == "allowed: b"


# -- nothing is refused that a model needs ---------------------------------------------------------


@pytest.mark.parametrize("areas", [16, pytest.param(32, marks=pytest.mark.slow)])
def test_large_models_are_read(areas):
    began = time.process_time()
    entries = "".join(f'[[projections]]\nsource = "p{i % 5000}"\ntarget = "p{i // 2}"\n' for i in range(10_000))
    net = loads(populations(5000) + entries + "".join(f'[[record]]\npopulations = "p{i}"\n' for i in range(5000)))
    assert (len(net.populations), len(net.projections), len(net.recordings)) == (5000, 10_000, 5000)
    n = 8 * areas  # populations
    names = [f"p{i}" for i in range(n)]
    net = loads(populations(n) + f"[[projections]]\nsource = {names}\ntarget = {names}\nweight = {[[1.0] * n] * n}\n")
    assert len(net.projections) == n**2
    assert time.process_time() - began < 30


def test_large_arrays_are_computed():
    text = '[parameters]\nt = "= arange(1000000) * 0.1"\nI = "= 100 * sin(2 * pi * (1 + 5 * t / 1e5) * t / 1000)"\n'
    net = loads(text + '[populations.w]\nn = 1\nmodel = "waveform_generator"\nparams = { waveform = "= I", interval = 0.1 }\n')
    t = np.arange(1_000_000) * 0.1
    assert np.allclose(net.populations["w"].params["waveform"], 100 * np.sin(2 * np.pi * (1 + 5 * t / 1e5) * t / 1000))


def test_dots_and_brackets_in_texts_and_comments_count_for_nothing():
    dots = "a." * 100
    text = f"""
name = "{dots}{"[" * 50}"
description = \"\"\"{dots}
" \\" ""{dots}{"{" * 50}\"\"\"\"
reference = '{dots}"'  # {dots}{"[" * 50}
# '{dots}
[parameters]
x = '''{dots}'''
"""
    assert toml.parsed(text, "") == tomllib.loads(text)
    assert loads(text).name == f"{dots}{'[' * 50}"


@given(st.text(alphabet="a.\"'#\\\n []{}=1,", max_size=60))
def test_what_toml_says_is_what_is_read(text):
    """Short texts are TOML or not as the parser says: looking for long keys changes nothing."""
    try:
        wanted = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        wanted = None
    try:
        assert toml.parsed(text, "") == wanted
    except ls.ModelError:
        assert wanted is None or list(toml.beyond_limits(wanted))


def test_shipped_models_and_the_template():
    for text in [template(), *(p.read_text() for p in (Path(ls.__file__).parents[1] / "models").glob("*.toml"))]:
        assert toml.parsed(text, "") == tomllib.loads(text)


@pytest.mark.parametrize("start", [b"\0" * 100, b"name = 'x'\n\0", b"\xff\xfe"])
def test_files_that_are_no_text(start, tmp_path):
    path = tmp_path / "m.toml"
    path.write_bytes(start)
    with path.open("ab") as file:
        file.truncate(1 << 36)  # sparse: nothing of it may be read
    with pytest.raises(ls.DataError, match=r"m\.toml: (byte \d+ is not|holds .* of text)"):
        load(path)


def test_settings_have_the_same_limits():
    held: list = []
    held.append(held)
    for value in (held, 10**5000, {"a": held}):
        with pytest.raises(ls.ModelError, match=r"nested too deeply|bits"):
            loads("[parameters]\ng = 1.0", g=value)
        with pytest.raises(ls.ModelError, match=r"nested too deeply|bits"):
            loads(A, overrides={"populations.a.n": value})


# -- files that a model names ----------------------------------------------------------------------

GENERATOR = '[parameters]\np = "x.h5"\n[populations.g]\nn = 1\nmodel = "{}"\nparams = {{ {} = "{}" }}\n'
BOTH = [("spike_generator", "spike_file"), ("waveform_generator", "waveform_file")]


@pytest.mark.parametrize(("model", "key"), BOTH)
@pytest.mark.parametrize("place", ["/etc/in.h5", "../in.h5", "a/../../in.h5", "= '../' if 1 else p", "link/in.h5", "..\\\\\\\\in.h5"])
def test_no_file_of_a_model_lies_elsewhere(model, key, place, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "link").symlink_to(tmp_path)
    path = tmp_path / "here" / "m.toml"
    path.write_text(GENERATOR.format(model, key, place))
    with pytest.raises(ls.ModelError, match=rf"populations\.g\.params\.{key}: .*in the folder of the model file"):
        load(path)


@pytest.mark.parametrize(("model", "key"), BOTH)
def test_what_the_user_names_may_lie_anywhere(model, key, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(GENERATOR.format(model, key, "sub/in.h5"))
    assert load(path).populations["g"].params[key] == str(tmp_path / "sub" / "in.h5")
    for place, found in (("/data/in.h5", "/data/in.h5"), ("../in.h5", str(tmp_path / "../in.h5"))):
        net = load_with_settings(path, [f"populations.g.params.{key}={place}"])
        assert net.populations["g"].params[key] == found
        assert load(path, overrides={f"populations.g.params.{key}": place}).populations["g"].params[key] == found
    path.write_text(GENERATOR.format(model, key, "= p"))
    assert load(path, p="/data/in.h5").populations["g"].params[key] == "/data/in.h5"
    assert load_with_settings(path, ["p=/data/in.h5"]).populations["g"].params[key] == "/data/in.h5"
