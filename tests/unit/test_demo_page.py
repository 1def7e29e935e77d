"""The page with sliders in a browser: its arithmetic against the engine, sliders, keys, widths. Skipped where there is no Chromium."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from chromium_page import ChromiumPage

import lifsim as ls
from lifsim.demo.page import page_text

NEURON = {"E_L": -70.0, "V_th": -55.0, "V_reset": -70.0, "C_m": 250.0, "tau_m": 10.0, "t_ref": 2.0, "I_e": 500.0}
DT, DURATION = 0.1, 200.0
STEPS = round(DURATION / DT)
DOCS = Path(__file__).parents[2] / "docs"
CASES = {
    "start values": {},
    "below rheobase": {"I_e": 370.0},
    "at rheobase": {"I_e": 375.0},
    "V_m starts at threshold": {"V_m": -55.0, "I_e": 0.0},
    "leaky": {"tau_m": 2.0, "I_e": 1500.0 * 3},
    "hardly leaky": {"tau_m": 50.0, "I_e": 120.0},
    "high threshold, low reset": {"V_th": -40.0, "V_reset": -90.0, "I_e": 1400.0},
    "reset near threshold": {"V_reset": -55.5, "I_e": 700.0},
    "no refractory time": {"t_ref": 0.0, "I_e": 1500.0},
    "refractory time between steps": {"t_ref": 3.33, "I_e": 900.0},
    "a refractory time with rounding": {"t_ref": 0.3, "I_e": 900.0},
    "long refractory time": {"t_ref": 20.0, "I_e": 900.0},
}


class Sliders(ChromiumPage):
    """The page in the browser. It is at rest when a drawing that was asked for is done."""

    at_rest = "!waiting && !!document.getElementById('spiking-text').textContent"

    def move(self, name, value):
        self.js("const s = document.getElementById(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input'))", name, value)
        self.settle()

    def value(self, name):
        return float(self.js("return document.getElementById(arguments[0]).value", name))

    def text(self, name):
        return self.js("return document.getElementById(arguments[0]).textContent", name).replace("−", "-")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return ls.demo.write_page(tmp_path_factory.mktemp("demo") / "sliders.html")


@pytest.fixture
def page(chromium, path):
    opened = Sliders(chromium, path)
    yield opened
    assert opened.complaints() == []


def engine(model, changed, noise=None):
    """V_m after each step, and the steps of the spikes, of lifsim itself. `noise`: a current for each step, 0 in the first two."""
    net = ls.Network(dt=DT)
    net.add("n", 1, model, **(NEURON | changed))
    if noise is not None:
        times = (DT * np.arange(1, STEPS - 1)).round(6).tolist()  # over a delay of a step they act from step 3 on
        net.add("noise", 1, "step_current_generator", amplitude_times=times, amplitude_values=list(noise[2:]))
        net.connect("noise", "n", delay=DT)
    net.record("n", "spikes")
    net.record("n", "V_m", interval=DT)
    result = ls.run(net, DURATION)
    return result.traces["n"]["V_m"][:, 0], np.rint(result.spikes["n"].times / DT).astype(int)


def on_page(page, changed, noise=None):
    p = {"V_m": -70.0} | NEURON | changed | {"dt": DT, "duration": DURATION}
    run = page.js("return simulate(arguments[0], arguments[1])", p, None if noise is None else list(noise))
    return np.array(run["V"]), run["spikes"]


@pytest.mark.parametrize("model", ["iaf_psc_exp", "iaf_psc_delta"])
def test_the_same_potentials_and_spikes_as_the_engine(page, model):
    for name, changed in CASES.items():
        (v, spikes), (expected, times) = on_page(page, changed), engine(model, changed)
        assert spikes == times.tolist(), name
        np.testing.assert_allclose(v, expected, rtol=0, atol=1e-9, err_msg=name)
    assert len(engine(model, CASES["start values"])[1]) == 12


def test_the_same_with_the_same_samples_of_noise(page):
    rng = np.random.default_rng(1)
    for changed in ({"I_e": 300.0}, {"I_e": 375.0, "tau_m": 20.0}, {"I_e": 900.0, "t_ref": 5.0, "V_reset": -60.0}):
        noise = np.repeat(rng.normal(0, 400, STEPS // 10), 10)
        noise[:2] = 0.0
        (v, spikes), (expected, times) = on_page(page, changed, noise), engine("iaf_psc_exp", changed, noise)
        assert spikes == times.tolist() and len(spikes)
        np.testing.assert_allclose(v, expected, rtol=0, atol=1e-9)


def test_noise_of_the_page(page):
    """Held for ten steps; standard deviation and mean to five standard errors; the same for the same seed."""
    p = NEURON | {"V_m": -70.0, "dt": DT, "duration": 2000.0}
    noise = np.array(page.js("return noiseCurrent(arguments[0], 300, 10, 7)", p))
    drawn = noise[::10]
    np.testing.assert_array_equal(np.repeat(drawn, 10), noise)
    n = len(drawn)
    assert n == 2000 and abs(drawn.mean()) < 5 * 300 / np.sqrt(n) and abs(drawn.std() - 300) < 5 * 300 / np.sqrt(2 * n)
    assert page.js("return noiseCurrent(arguments[0], 300, 10, 7)", p) == noise.tolist()
    assert page.js("return noiseCurrent(arguments[0], 300, 10, 8)", p) != noise.tolist()


def test_rheobase_rate_and_activations_of_the_page(page):
    p = NEURON | {"tau_m": 20.0, "V_th": -50.0}
    assert page.js("return rheobase(arguments[0])", p) == pytest.approx(250.0)
    assert page.js("return firingRate(arguments[0], 250)", p) == 0
    assert page.js("return firingRate(arguments[0], 500)", p) == pytest.approx(1000 / (2 + 20 * np.log(2)))
    assert page.js("return Object.keys(ACTIVATIONS).map((f) => ACTIVATIONS[f](0.5))") == pytest.approx(
        [0.5, 1 / (1 + np.exp(-0.5)), np.tanh(0.5)]
    )


def test_start_values_and_words(page):
    assert page.text("spiking-text").startswith("I_e = 500 pA, above the rheobase of 375 pA: 12 spikes in 200 ms, 62.9 spikes/s")
    assert page.text("artificial-text") == "z = w x + b = 1.5 · 1 + 0.5 = 2; ReLU(z) = 2"
    shown = {name: page.text(f"{name}-value") for name in ("tau_m", "V_th", "V_reset", "t_ref", "I_e", "noise")}
    assert shown == {"tau_m": "10 ms", "V_th": "-55 mV", "V_reset": "-70 mV", "t_ref": "2 ms", "I_e": "500 pA", "noise": "0 pA"}


def test_every_slider_changes_what_is_shown(page):
    before = page.text("spiking-text")
    for name, value, said in (
        ("tau_m", 20, "rheobase of 187.5 pA"),
        ("V_th", -50, "rheobase of 250 pA"),
        ("I_e", 100, "below the rheobase of 250 pA: 0 spikes in 200 ms, 0 spikes/s"),
        ("noise", 1000, "I_e = 100 pA with noise, on average below the rheobase of 250 pA"),
    ):
        page.move(name, value)
        assert said in page.text("spiking-text") and page.text("spiking-text") != before
        before = page.text("spiking-text")
    page.js("document.getElementById('reset').click()")
    page.settle()
    for name, value, spikes in (("t_ref", 20, 6), ("V_reset", -60, 7)):
        page.move(name, value)
        assert f" {spikes} spikes in 200 ms" in page.text("spiking-text")


def test_current_and_sum_move_each_other(page):
    page.move("x", 2)
    assert page.value("I_e") == 250 * 3.5
    page.move("I_e", 250)
    assert page.js("return [values.I_e, values.w, values.x, values.b]") == pytest.approx([250, 1.5, 1 / 3, 0.5])
    assert page.value("x") == 0.33  # the slider has steps of 0.01
    page.move("w", 0)
    page.move("I_e", 1000)
    assert page.value("b") == 4
    page.move("w", -2)
    page.move("x", 4)
    assert page.js("return values.I_e") == -1000 and page.value("I_e") == 0 and "0 spikes" in page.text("spiking-text")
    page.js("const f = document.getElementById('f'); f.value = 'sigmoid'; f.dispatchEvent(new Event('change'))")
    page.settle()
    assert page.text("artificial-text") == "z = w x + b = -2 · 4 + 4 = -4; sigmoid(z) = 0.018"
    page.move("b", -4)
    assert page.text("artificial-text").startswith("z = w x + b = -2 · 4 + (-4) = -12")
    page.move("x", -4)
    assert page.js("return [charts.curve.axes.x, charts.activation.axes.x]") == [[0, 1500], [-2, 6]]
    page.move("b", 6)
    assert page.js("return [charts.curve.axes.x, charts.activation.axes.x]") == [[0, 3500], [-2, 14]], "the points are inside"


def test_reset_stays_below_threshold(page):
    page.move("V_reset", -50)
    assert page.value("V_th") == -49
    page.move("V_th", -60)
    assert page.value("V_reset") == -61


def test_keyboard_and_pointer(page):
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    slider = page.browser.find_element("id", "I_e")
    slider.send_keys(Keys.ARROW_RIGHT * 3)
    page.settle()
    assert page.value("I_e") == 515 and page.text("I_e-value") == "515 pA"
    slider.send_keys(Keys.HOME)
    page.settle()
    assert page.value("I_e") == 0 and "below the rheobase" in page.text("spiking-text")
    ActionChains(page.browser).move_to_element(slider).click().perform()
    page.settle()
    assert page.value("I_e") == pytest.approx(750, abs=20)
    names = []
    page.js("document.getElementById('tau_m').focus()")
    for _ in range(9):
        names.append(page.js("return document.activeElement.id"))
        ActionChains(page.browser).send_keys(Keys.TAB).perform()
    assert names == ["tau_m", "V_th", "V_reset", "t_ref", "I_e", "noise", "again", "reset", "x"]


def test_touch(page):
    """A finger that drags a slider along moves it."""
    send = page.browser.execute_cdp_cmd
    send("Emulation.setDeviceMetricsOverride", {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})
    send("Emulation.setTouchEmulationEnabled", {"enabled": True})
    try:
        page.js("document.getElementById('tau_m').scrollIntoView({block: 'center'})")
        box = page.js("const r = document.getElementById('tau_m').getBoundingClientRect(); return [r.left, r.width, r.top + r.height / 2]")
        places = [box[0] + part * box[1] for part in (0.17, 0.4, 0.6, 0.8)]
        for kind, at in zip(("touchStart", "touchMove", "touchMove", "touchMove"), places, strict=True):
            send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": at, "y": box[2]}]})
        send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        page.settle()
        assert page.value("tau_m") == pytest.approx(2 + 0.8 * 48, abs=2)
    finally:
        send("Emulation.setTouchEmulationEnabled", {"enabled": False})
        send("Emulation.clearDeviceMetricsOverride", {})


def test_everything_has_a_name_and_a_value(page):
    unnamed = page.js(
        "return [...document.querySelectorAll('input, select')].filter(e => !e.labels.length).length"
        " + [...document.querySelectorAll('canvas')].filter(e => !e.getAttribute('aria-label')).length"
        " + [...document.querySelectorAll('input')].filter(e => !e.getAttribute('aria-valuetext')).length"
    )
    assert unnamed == 0


@pytest.mark.parametrize("width", [360, 800, 1280, 1920])
def test_widths(page, width):
    """Nothing is wider than the window, on a telephone as in a lecture hall; the pictures are drawn."""
    page.browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        page.js("update()")
        assert page.js("return document.documentElement.scrollWidth") <= width
        drawn = page.js(
            "return [...document.querySelectorAll('canvas')].map(c => c.width > 200 &&"
            " c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(x => x > 0))"
        )
        assert drawn == [True] * 3
        assert page.js("return Math.min(...[...document.querySelectorAll('input, button, select')].map(e => e.offsetHeight))") >= 28
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_light_and_dark(page):
    colours = []
    for scheme in ("light", "dark"):
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        colours.append(page.js("return getComputedStyle(document.body).backgroundColor"))
    page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert colours == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


# -- without a browser -------------------------------------------------------------------------------


def test_the_page_needs_nothing_else():
    text = page_text()
    assert len(text.encode()) < 200_000
    assert "default-src 'none'" in text and "unsafe" not in text
    assert not re.search(r"""(?:src|href)=["'](?!data:)|https?:|@import|url\(|\bfetch\(|eval\(|\son\w+=|innerHTML""", text)
    assert not re.search(r"<\w+[^>]*\sstyle=", text)  # the policy allows no style attributes


def test_the_page_in_the_documents_is_the_one_that_is_written():
    assert (DOCS / "sliders.html").read_text(encoding="utf-8") == page_text(), (
        "write it anew: lifsim demo --html -o docs/sliders.html --overwrite"
    )


def test_an_existing_page_is_kept(tmp_path):
    path = ls.demo.write_page(tmp_path / "page.html")
    with pytest.raises(ls.OutputError, match="exists already"):
        ls.demo.write_page(path)
    assert ls.demo.write_page(path, overwrite=True) == path
