"""The pure parts of bench/: summaries, ratios, the table and the picture, from made-up figures."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"


@pytest.fixture(autouse=True)
def bench_on_path(monkeypatch):
    for name in ("table", "plot", "networks", "machine", "microcircuit"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.syspath_prepend(str(BENCH / "peers"))
    monkeypatch.syspath_prepend(str(BENCH))


def run(rtf, version="1.0", precision="float64", compile_s=None):
    return {"rtf": rtf, "build_s": 2.0, "compile_s": compile_s, "rate": 31.5, "version": version, "precision": precision}


@pytest.fixture
def report():
    both = {"lifsim": [run(0.5), run(0.4), run(1.0)], "NEST (wheel)": [run(10.0, "3.10"), run(12.0, "3.10"), run(15.0, "3.10")]}
    alone = {"lifsim": [run(0.1, compile_s=0.2)]}
    results = [{"network": "brunel", "threads": 1, "runs": both}, {"network": "cuba", "threads": 2, "runs": alone}]
    return {"machine": {"processor": "a processor"}, "results": results}


def test_summary_is_median_and_range():
    from table import summary

    assert summary([3.0, 1.0, 20.0]) == "3 (1–20)"
    assert summary([3.0, 1.0, 20.0], "×") == "3× (1–20)"
    assert summary([0.12345]) == "0.123"


def test_ratios_are_taken_run_by_run(report):
    from table import ratios

    runs = report["results"][0]["runs"]
    assert ratios(runs["lifsim"], runs["NEST (wheel)"]) == pytest.approx([20.0, 30.0, 15.0])
    with pytest.raises(ValueError):
        ratios(runs["lifsim"], runs["NEST (wheel)"][:2])


def test_table_has_a_line_for_every_simulator(report):
    from table import HEAD, head, rows

    lines = [*head(), *(line for result in report["results"] for line in rows(result))]
    assert len(lines) == 5
    assert {line.count("|") for line in lines} == {len(HEAD) + 1}
    assert "NEST (wheel) 3.10 | float64 | 12 (10–15) | 20× (15–30)" in lines[3]
    assert "| 0.2 |" in lines[4]


def test_picture_has_a_panel_for_every_network(report):
    from plot import draw

    axes = draw(report).axes
    assert [a.get_title(loc="left") for a in axes] == ["brunel", "cuba"]
    assert [len(a.patches) for a in axes] == [2, 1]
    assert [text.get_text() for text in axes[0].texts] == ["0.5", "12   20 times as long"]


def test_picture_from_a_file(report, tmp_path, monkeypatch):
    import plot

    (tmp_path / "r.json").write_text(json.dumps(report))
    monkeypatch.setattr(sys, "argv", ["plot.py", str(tmp_path / "r.json"), "-o", str(tmp_path / "speed.png")])
    plot.main()
    assert (tmp_path / "speed.png").read_bytes().startswith(b"\x89PNG")


def test_a_peer_may_be_named():
    from networks import parse_peer

    assert parse_peer("nest")("python3").name == "NEST"
    assert parse_peer("nest")("native=/x/python")[::2] == ("NEST (native)", "/x/python")
    assert parse_peer("nest")("/a=b/python").python == "/a=b/python"


def test_peers_that_cannot_take_part_are_said(capsys):
    from networks import Peer, installed, networks, takes_part

    assert not installed(Peer("GeNN", "genn", "/no/such/python"))
    assert not installed(Peer("GeNN", "genn", sys.executable))
    assert not takes_part(Peer("GeNN", "genn", ""), networks(1, 1)["brunel"], 2, 1.0)
    assert not takes_part(Peer("Brian2", "brian2", ""), networks(1, 1)["microcircuit"], 1, 1.0)
    assert takes_part(Peer("Brian2", "brian2", ""), networks(1, 1)["cuba"], 2, 1.0)
    assert capsys.readouterr().err.count("left out") == 4


def test_the_peers_microcircuit_is_the_shipped_one():
    import microcircuit as mc

    shipped = tomllib.loads((BENCH.parent / "models" / "microcircuit.toml").read_text(encoding="utf-8"))["parameters"]
    assert (shipped["N_full"], shipped["K_ext_full"], shipped["P"], shipped["rates_full"]) == (mc.N, mc.K_EXT, mc.P, mc.RATES)
    assert list(zip(shipped["V0_mean_optimized"], shipped["V0_sd_optimized"], strict=True)) == mc.V0
    assert sum(projection.synapses for projection in mc.projections(1, 1)) == 298_880_968
    assert all(population.I_e == 0 for population in mc.populations(1, 1))
