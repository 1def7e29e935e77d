"""Reports in a real browser: zoom, pan, toggles, keys, statistics of the window in view. Skipped where there is no Chromium."""

from __future__ import annotations

import time

import h5py
import numpy as np
import pytest
from chromium_page import ChromiumPage, requests

import lifsim as ls
from lifsim.report import raster_data

pytestmark = pytest.mark.usefixtures("unarranged_figures")

NAMES = ["exc <img src=x onerror=alert(1)>", "inh", "one"]


def network_file(path, times, ids, n=(300, 80, 1), stop=1000.0):
    """Spikes of three populations as another tool writes them; the grid is 0.1 ms."""
    with h5py.File(path, "w") as file:
        for k, name in enumerate(NAMES):
            group = file.require_group("spikes").create_group(name)
            group.attrs["n_nodes"], group.attrs["t_stop"] = n[k], stop
            group["timestamps"], group["node_ids"] = times[k], ids[k]
            group["timestamps"].attrs["units"] = "ms"
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(result, page) of a run with spikes and potentials."""
    folder = tmp_path_factory.mktemp("report")
    net = ls.Network(dt=0.1)
    p = {"tau_m": 20.0, "V_th": 20.0, "V_reset": 10.0, "E_L": 0.0, "t_ref": 2.0, "V_m": 0.0}
    exc, inh = net.add("exc", 400, "iaf_psc_delta", **p), net.add("inh", 100, "iaf_psc_delta", **p)
    ext = net.add("ext", 1, "poisson_generator", rate=20_000.0)
    net.connect(ext, [exc, inh], weight=0.1, delay=1.5)
    net.connect(exc, [exc, inh], "fixed_indegree", indegree=40, weight=0.5, delay=1.5)
    net.connect(inh, [exc, inh], "fixed_indegree", indegree=10, weight=-2.5, delay=1.5)
    net.record([exc, inh], "spikes")
    net.record(exc[:7], "V_m", interval=0.5)
    result = ls.run(net, 800.0, seed=3)
    return result, ls.report.write(result, folder / "page.html")


class Page(ChromiumPage):
    """A page in the browser. It is at rest when plots, table and status line follow the view."""

    at_rest = "document.getElementById('explorer').getAttribute('aria-busy') === 'false'"

    def __init__(self, browser, path):
        super().__init__(browser, path)
        self.js("const wait = setTimeout; window.setTimeout = (act, delay) => wait(act, Math.min(delay, 10))")  # 120 ms for each change

    def do(self, act, *arguments):
        act(*arguments)
        self.settle()
        return self.view

    @property
    def view(self):
        """The window that the statistics are of, in ms."""
        return tuple(float(self.js(f"return document.getElementById('status').dataset.{key}")) for key in ("start", "stop"))

    def table(self):
        rows = self.js(
            "return [...document.querySelectorAll('#in-view tbody tr')].map(r =>"
            " [r.cells[0].textContent, ...[...r.cells].slice(1).map(c => c.dataset.value)])"
        )
        keys = ("neurons", "spikes", "rate", "rate_sd", "cv_isi", "cv_neurons", "fano")
        return {name: dict(zip(keys, map(float, values), strict=True)) for name, *values in rows}

    def over(self, k=0):
        return self.browser.find_elements("css selector", ".u-over")[k]

    def keys(self, *keys):
        self.js("document.getElementById('plots').focus()")
        self.actions().send_keys(*keys).perform()

    def actions(self):
        from selenium.webdriver import ActionChains

        return ActionChains(self.browser, duration=20)

    def pixels(self, k=0):
        """Coloured pixels of a plot's canvas, in tenths of its width."""
        return self.js(
            """const drawn = document.querySelectorAll(".uplot canvas")[arguments[0]], c = drawn.cloneNode();
            const context = c.getContext("2d", {willReadFrequently: true});
            context.drawImage(drawn, 0, 0);
            const d = context.getImageData(0, 0, c.width, c.height).data, out = Array(10).fill(0);
            for (let i = 0; i < d.length; i += 4)
              if (d[i + 3] > 40 && Math.abs(d[i] - d[i + 2]) > 60) out[Math.floor(((i / 4) % c.width) / c.width * 10)] += 1;
            return out;""",
            k,
        )


@pytest.fixture
def page(chromium, made):
    """The page of `made`, with all of it in view."""
    if chromium.current_url != made[1].as_uri():
        opened = Page(chromium, made[1])
    else:
        opened = object.__new__(Page)
        opened.browser = chromium
        opened.js("scrollTo(0, 0); document.activeElement.blur(); document.querySelector('[data-do=home]').click()")
        opened.settle()
    yield opened
    assert opened.complaints() == []


def same(page, result, window, tolerance=1e-9):
    """The table of the page is `lifsim.analysis.statistics` of the same window."""
    expected, found = ls.analysis.statistics(result, *window), page.table()
    assert list(found) == list(expected)
    for name, values in found.items():
        for key, value in values.items():
            np.testing.assert_allclose(value, expected[name][key], rtol=tolerance, err_msg=f"{name} {key} {window}")


def test_the_whole_run(page, made):
    assert page.view == (0.0, 800.0)
    same(page, made[0], (None, None))
    assert not page.js("return document.getElementById('explorer').hidden")
    assert page.js("return document.getElementById('unavailable').hidden")


def test_the_wheel_zooms_about_the_mouse(page, made):
    width = page.over().size["width"]
    for _ in range(4):
        page.js(
            "const o = document.querySelector('.u-over'), r = o.getBoundingClientRect();"
            "o.dispatchEvent(new WheelEvent('wheel', {deltaY: -120, clientX: r.left + r.width / 4, clientY: r.top + 20, cancelable: true}))"
        )
    start, stop = page.do(page.settle)
    assert stop - start < 400.0
    assert (start + (stop - start) / 4) == pytest.approx(200.0, abs=800.0 / width + 0.1)
    same(page, made[0], (start, stop))


def test_a_real_wheel_and_a_double_click(page):
    from selenium.webdriver.common.actions.wheel_input import ScrollOrigin

    page.js("document.getElementById('plots').scrollIntoView()")
    origin = ScrollOrigin.from_element(page.over())
    start, stop = page.do(page.actions().scroll_from_origin(origin, 0, -300).perform)
    assert 0 < start < 400 < stop < 800
    assert page.do(page.actions().double_click(page.over()).perform) == (0.0, 800.0)


def test_a_box_zooms_times_and_rows(page, made):
    page.js("document.getElementById('plots').scrollIntoView()")
    over = page.over()
    wide, high = over.size["width"], over.size["height"]
    box = page.actions().move_to_element_with_offset(over, -wide // 4, -high // 4).click_and_hold()
    start, stop = page.do(box.move_by_offset(wide // 4, high // 4).release().perform)
    assert (start, stop) == (pytest.approx(200.0, abs=2), pytest.approx(400.0, abs=2))
    same(page, made[0], (start, stop))
    page.do(page.keys, "\ue011")  # Home
    assert page.view == (0.0, 800.0)


def test_shift_and_drag_moves(page):
    from selenium.webdriver import Keys

    page.js("document.getElementById('plots').scrollIntoView()")
    page.do(page.keys, "+", "+")  # 300 to 500 ms
    wide = page.over().size["width"]
    drag = page.actions().key_down(Keys.SHIFT).click_and_hold(page.over()).move_by_offset(wide // 4, 0).release().key_up(Keys.SHIFT)
    assert page.do(drag.perform) == (pytest.approx(250.0, abs=1), pytest.approx(450.0, abs=1))


def test_two_fingers_zoom_and_one_moves(page):
    over = page.over()
    page.js("arguments[0].scrollIntoView()", over)
    box = page.js("const r = arguments[0].getBoundingClientRect(); return [r.left, r.top, r.width, r.height]", over)
    y = box[1] + box[3] / 2

    def touch(kind, *shares):
        points = [{"x": box[0] + x * box[2], "y": y, "id": k} for k, x in enumerate(shares)]
        page.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", 0.4, 0.6)
    for spread in np.linspace(0.1, 0.4, 7):
        touch("touchMove", 0.5 - spread, 0.5 + spread)
    touch("touchEnd")
    page.settle()
    start, stop = page.view
    assert (start, stop) == (pytest.approx(300.0, abs=8), pytest.approx(500.0, abs=8))
    touch("touchStart", 0.5)
    for x in np.linspace(0.5, 0.75, 6):
        touch("touchMove", x)
    touch("touchEnd")
    page.settle()
    assert page.view[0] == pytest.approx(start - 50.0, abs=8)


def test_keys_alone(page, made):
    from selenium.webdriver import Keys

    reached = []
    for _ in range(40):  # by Tab from the top of the page
        page.actions().send_keys(Keys.TAB).perform()
        reached.append(page.js("return document.activeElement.id || document.activeElement.textContent"))
        if reached[-1] == "plots":
            break
    assert "plots" in reached and "+" in reached and "from-start" in reached
    assert page.js("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    for key, expected in (
        ("+", (200.0, 600.0)),
        (Keys.ARROW_LEFT, (120.0, 520.0)),
        (Keys.ARROW_RIGHT, (200.0, 600.0)),
        ("+", (300.0, 500.0)),
        (Keys.PAGE_DOWN, (500.0, 700.0)),
        (Keys.PAGE_UP, (300.0, 500.0)),
        ("-", (200.0, 600.0)),
    ):
        assert page.do(page.actions().send_keys(key).perform) == expected
    same(page, made[0], page.view)
    assert page.do(page.actions().send_keys(Keys.HOME).perform) == (0.0, 800.0)


def test_typed_limits(page, made):
    def type_in(key, text):
        page.js(
            "const i = arguments[0]; i.value = arguments[1]; i.dispatchEvent(new Event('change'))",
            page.js(f"return document.getElementById('from-{key}')"),
            text,
        )

    page.do(type_in, "stop", "333.3")
    assert page.do(type_in, "start", "123.4") == (pytest.approx(123.4), pytest.approx(333.3))
    same(page, made[0], page.view)
    assert page.do(type_in, "stop", "5") == (pytest.approx(123.4), pytest.approx(333.3))  # not a window: put right
    assert page.js("return document.getElementById('from-stop').value") == "333.3"


def test_shortest_window(page, made):
    page.do(page.keys, *"+" * 20)
    start, stop = page.view
    assert stop - start == pytest.approx(1.0)
    same(page, made[0], (start, stop))


def test_populations_on_and_off(page):
    both = sum(page.pixels())
    box = page.browser.find_elements("css selector", "#in-view input")[0]
    page.do(box.send_keys, " ")  # the space bar
    assert "populations shown" in page.js("return document.getElementById('status').textContent")
    number = int(page.js("return document.getElementById('status').textContent").split(":")[2].split()[0].replace(",", ""))
    assert number == page.table()["inh"]["spikes"]
    assert 0 < sum(page.pixels()) != both
    page.do(box.send_keys, " ")
    assert sum(page.pixels()) == both


def test_the_raster_draws_every_spike_where_it_is(chromium, tmp_path, no_figures):
    """In the left half only the first, in the right half only the second population spikes."""
    rng = np.random.default_rng(1)
    times = [np.sort(rng.integers(1, 4000, 900)) / 10, np.sort(rng.integers(6000, 9990, 900)) / 10, np.zeros(0)]
    file = network_file(tmp_path / "x.h5", times, [rng.integers(0, n, len(t)) for n, t in zip((300, 80, 1), times, strict=True)])
    page = Page(chromium, ls.report.write(file, tmp_path / "x.html"))
    found = np.array(page.pixels())
    assert (found[2:4] > 50).all() and found[5] == 0 and (found[7:9] > 50).all()
    same(page, ls.open(file), (None, None))
    assert list(page.table()) == NAMES  # names are text, and no script ran
    assert requests(page.browser) == [(tmp_path / "x.html").as_uri()]  # that it is listed shows that requests are seen
    assert page.complaints() == []


def test_many_spikes_are_sampled(chromium, tmp_path, monkeypatch, no_figures):
    """Beyond the limit: statistics in view are those of the neurons whose spikes are in the page."""
    monkeypatch.setattr(raster_data, "ALL", 3000)
    rng = np.random.default_rng(2)
    times = [np.sort(rng.integers(1, 10_000, n)) / 10 for n in (6000, 900, 5)]
    ids = [rng.integers(0, n, len(t)) for n, t in zip((300, 80, 1), times, strict=True)]
    file = network_file(tmp_path / "x.h5", times, ids)
    page = Page(chromium, ls.report.write(file, tmp_path / "x.html"))
    found = page.table()
    assert found["inh"]["spikes"] == 900 and found["one"]["spikes"] == 5
    kept = found[NAMES[0]]
    assert 90 <= kept["neurons"] <= 110 and kept["rate"] == pytest.approx(20.0, rel=0.1)
    assert kept["spikes"] + 905 <= 3000
    text = page.js("return document.getElementById('explore').textContent")
    assert "6,905 spikes, too many" in text and f"{int(kept['spikes']) + 905:,} spikes one by one" in text
    assert min(page.pixels()[2:9]) > 50  # the density
    title = "return document.querySelector('#plots h3').textContent"
    assert page.js(title).startswith("Density of all spikes")
    page.do(page.keys, *"+" * 9)
    assert page.js(title).startswith(f"Spikes of {int(kept['neurons']) + 81} of 381 neurons")
    assert page.complaints() == []


def test_exact_times(chromium, tmp_path, no_figures):
    """Statistics of times on no grid, which the page rounds to a nanosecond."""
    rng = np.random.default_rng(4)
    times = [np.sort(rng.random(n) * 1000.0) for n in (3000, 900, 5)]
    file = network_file(tmp_path / "x.h5", times, [rng.integers(0, n, len(t)) for n, t in zip((300, 80, 1), times, strict=True)])
    page = Page(chromium, ls.report.write(file, tmp_path / "x.html"))
    assert page.do(page.keys, "+") == (250.0, 750.0)
    same(page, ls.open(file), page.view, 1e-5)
    assert page.complaints() == []


def test_a_browser_that_cannot(chromium, made, tmp_path):
    """It says so; the figures remain."""
    broken = tmp_path / "x.html"
    text = made[1].read_text(encoding="utf-8")
    place = text.index('id="block-0"')
    broken.write_text(text[:place] + text[place:].replace(">", ">AAAA", 1), encoding="utf-8")
    chromium.get(broken.as_uri())
    end = time.monotonic() + 10
    while "cannot show" not in chromium.execute_script("return document.getElementById('unavailable').textContent"):
        assert time.monotonic() < end
    assert (
        chromium.execute_script(
            "const u = document.getElementById('unavailable'); return u.hidden || !document.getElementById('explorer').hidden"
        )
        is False
    )
    chromium.get_log("browser")


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone(chromium, made, dark):
    """No part is wider than the screen; texts of the plots stand out from the page."""
    features = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True})
    try:
        page = Page(chromium, made[1])
        assert page.js("return document.documentElement.scrollWidth") <= 360
        assert page.js("return getComputedStyle(document.body).backgroundColor") == ("rgb(20, 23, 26)" if dark else "rgb(255, 255, 255)")
        assert sum(page.pixels()) > 0 and page.complaints() == []
    finally:
        chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_plots_have_one_time_axis(page):
    edges = page.js(
        "return [...document.querySelectorAll('.u-over')].map(o => { const r = o.getBoundingClientRect(); return [r.left, r.right] })"
    )
    assert len(edges) == 3 and all(edge == edges[0] for edge in edges)


def test_what_assistive_technology_is_told(page):
    named = page.js(
        "return [...document.querySelectorAll('button, input, [role=group], [role=region], nav, img')].filter(e =>"
        " !(e.getAttribute('aria-label') || e.alt || e.labels?.length)).map(e => e.outerHTML.slice(0, 80))"
    )
    assert named == []
    assert page.js("return document.getElementById('status').getAttribute('role')") == "status"
    assert page.js("return [...document.querySelectorAll('canvas')].every(c => c.closest('[aria-hidden=true]'))")


def test_nothing_may_be_loaded(page):
    """The policy forbids requests and scripts that are not the page's own."""
    assert page.js("return fetch('data:text/plain,x').then(() => 'loaded', () => 'refused')") == "refused"
    page.js("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)")
    assert page.js("return window.ran") is None
    refused = [entry["message"] for entry in page.browser.get_log("browser")]
    assert refused and all("Content Security Policy" in text for text in refused)
