"""Formulas of `lifsim.theory` against quadrature, other libraries, published values, and simulations of one neuron."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, optimize, special, stats

import lifsim as ls
from lifsim.common.errors import DataError
from lifsim.common.values import Distribution
from lifsim.theory import BrunelNetwork
from lifsim.theory.input_statistics import moments

NEURON = {"tau_m": 20.0, "V_th": 20.0, "V_reset": 10.0, "t_ref": 2.0}


# -- constant current ------------------------------------------------------------------------------


def random_neurons(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    out = {"tau_m": rng.uniform(3, 40, n), "C_m": rng.uniform(50, 500, n), "E_L": rng.uniform(-80, -60, n)}
    out |= {"V_th": rng.uniform(-55, -45, n), "V_reset": rng.uniform(-85, -58, n), "t_ref": 0.1 * rng.integers(1, 60, n)}
    return out


def currents_for(p: dict[str, np.ndarray], seed: int) -> np.ndarray:
    """From just above the rheobase to four times the distance."""
    edge = p["C_m"] * (p["V_th"] - p["E_L"]) / p["tau_m"]
    return edge * (1 + np.random.default_rng(seed).uniform(0.01, 4, len(edge)))


def intervals(model: str, p: dict[str, np.ndarray], I_e: np.ndarray, dt: float, method: str) -> list[np.ndarray]:
    n = len(I_e)
    net = ls.Network(dt=dt, method=method)
    neurons = net.add("n", n, model, I_e=I_e, V_m=p["V_reset"], **p)
    net.record(neurons, "spikes")
    spikes = ls.run(net, 600.0).spikes["n"]
    return [np.diff(spikes.times[spikes.ids == k]) for k in range(n)]


@pytest.mark.parametrize("model", ["iaf_psc_delta_ps", "iaf_psc_exp_ps", "iaf_psc_alpha_ps", "iaf_psc_exp_ps_lossless"])
def test_exact_intervals_are_those_of_the_closed_form(model):
    p = random_neurons(100, 1)
    I_e = currents_for(p, 2)
    expected = p["t_ref"] + p["tau_m"] * np.log(
        (I_e * p["tau_m"] / p["C_m"] + p["E_L"] - p["V_reset"]) / (I_e * p["tau_m"] / p["C_m"] + p["E_L"] - p["V_th"])
    )
    np.testing.assert_allclose(ls.theory.spike_interval(I_e, **p), expected, rtol=1e-12)
    seen = 0
    for k, found in enumerate(intervals(model, p, I_e, 0.1, "precise")):
        seen += len(found)
        np.testing.assert_allclose(found, expected[k], rtol=0, atol=1e-9)
    assert seen > 1000


@pytest.mark.parametrize("model", ["iaf_psc_delta", "iaf_psc_exp"])
@pytest.mark.parametrize("dt", [0.1, 0.02])
def test_intervals_on_the_grid_are_rounded_up(model, dt):
    p = random_neurons(300, 3)
    I_e = currents_for(p, 4)
    RI = I_e * p["tau_m"] / p["C_m"]
    T = p["tau_m"] * np.log((RI + p["E_L"] - p["V_reset"]) / (RI + p["E_L"] - p["V_th"]))
    steps = np.rint(p["t_ref"] / dt) + np.ceil(T / dt)
    np.testing.assert_array_equal(np.rint(ls.theory.spike_interval(I_e, dt=dt, **p) / dt), steps)
    seen = 0
    for k, found in enumerate(intervals(model, p, I_e, dt, "grid")):
        seen += len(found)
        np.testing.assert_array_equal(np.rint(found / dt), steps[k])
    assert seen > 3000


def test_rheobase_and_fi_curve():
    p = {"tau_m": 10.0, "C_m": 250.0, "E_L": -70.0, "V_th": -55.0}
    assert ls.theory.rheobase(**p) == 375.0
    f = ls.theory.fi_curve([0.0, 375.0, 375.0001, 500.0, 1e9], V_reset=-70.0, t_ref=2.0, **p)
    assert f[0] == f[1] == 0.0 and 0 < f[2] < 10
    assert f[3] == pytest.approx(1000 / (2 + 10 * math.log(4)), rel=1e-14)
    assert f[4] == pytest.approx(500.0, rel=1e-5)  # 1 / t_ref
    no_leak = {"tau_m": math.inf, "C_m": 2.0, "E_L": 0.0, "V_th": 1.0}
    assert ls.theory.rheobase(**no_leak) == 0
    assert ls.theory.spike_interval([-1.0, 0.0, 0.1], V_reset=0.0, t_ref=1.0, **no_leak).tolist() == [math.inf, math.inf, 21.0]


# -- postsynaptic potentials -----------------------------------------------------------------------

TAUS = [(10.0, 0.5), (10.0, 10.0), (10.0, 10.0 + 1e-9), (10.0, 9.99), (5.0, 20.0), (20.0, 0.01), (1.0, 300.0)]


@pytest.mark.parametrize("kind", ["exp", "alpha"])
@pytest.mark.parametrize(("tau_m", "tau_syn"), TAUS)
def test_psp_solves_the_membrane_equation(kind, tau_m, tau_syn):
    def current(t: float) -> float:
        return 3.0 * math.exp(-t / tau_syn) * (1.0 if kind == "exp" else math.e * t / tau_syn)

    t = np.linspace(0, 6 * max(tau_m, tau_syn), 50)
    solved = integrate.solve_ivp(
        lambda t, v: -v / tau_m + current(t) / 250.0, (0, t[-1]), [0.0], "LSODA", t, rtol=1e-11, atol=1e-14, max_step=tau_syn
    )
    own = ls.theory.psp(kind, t, 3.0, tau_m=tau_m, C_m=250.0, tau_syn=tau_syn)
    np.testing.assert_allclose(own, solved.y[0], rtol=0, atol=1e-8 * own.max())
    time = float(ls.theory.psp_time(kind, tau_m=tau_m, tau_syn=tau_syn))
    most = optimize.minimize_scalar(
        lambda x: -ls.theory.psp(kind, x, 3.0, tau_m=tau_m, C_m=250.0, tau_syn=tau_syn),
        bounds=(0, 3 * time),
        method="bounded",
        options={"xatol": 1e-10 * time},
    )
    assert time == pytest.approx(most.x, rel=1e-6)
    peak = ls.theory.psp_peak(kind, 3.0, tau_m=tau_m, C_m=250.0, tau_syn=tau_syn)
    assert peak == pytest.approx(-most.fun, rel=1e-12)
    assert ls.theory.psc_for_psp(kind, peak, tau_m=tau_m, C_m=250.0, tau_syn=tau_syn) == pytest.approx(3.0, rel=1e-14)


def test_psp_factors_of_published_models():
    """Potjans & Diesmann (2014): 87.8085 pA for 0.15 mV; NEST's hpc_benchmark: 45.6096 pA for 0.14 mV with an alpha current."""
    assert ls.theory.psc_for_psp("exp", 0.15, tau_m=10.0, C_m=250.0, tau_syn=0.5) == pytest.approx(87.8085, rel=1e-6)
    assert ls.theory.psc_for_psp("alpha", 0.14, tau_m=10.0, C_m=250.0, tau_syn=0.32582722403722841) == pytest.approx(45.6096, rel=1e-6)


def test_psp_before_the_spike_and_wrong_kinds():
    assert ls.theory.psp("delta", [-1.0, 0.0, 20.0], 0.5, tau_m=20.0).tolist() == [0.0, 0.5, 0.5 * math.exp(-1)]
    with pytest.raises(DataError, match="did you mean 'alpha'"):
        ls.theory.psp("alfa", 1.0, 1.0, tau_m=10.0, tau_syn=1.0)
    with pytest.raises(DataError, match="tau_syn: missing"):
        ls.theory.psp_peak("exp", 1.0, tau_m=10.0)
    with pytest.raises(DataError, match="kind"):
        ls.theory.input_moments(1.0, 1.0, 1.0, "gamma", tau_m=10.0)
    with pytest.raises(DataError, match="kind"):
        ls.theory.mean_conductance(1.0, 1.0, 1.0, "delta")


def test_small_conductance_is_a_current():
    """The potential after one small conductance, solved numerically, approaches that of the current g (E_ex - E)."""
    m = ls.theory.effective_membrane(5.0, 10.0, C_m=200.0, g_L=10.0, E_L=-60.0, E_ex=0.0, E_in=-80.0, I_e=50.0)
    assert m.tau == 8.0 and m.conductance == 25.0 and float(m.E) == pytest.approx((-600 - 800 + 50) / 25)
    g0, t = 1e-3, np.linspace(0, 30, 20)

    def slope(t: float, V: np.ndarray) -> np.ndarray:
        return (-10 * (V + 60) - (5 + g0 * math.exp(-t / 2)) * V - 10 * (V + 80) + 50) / 200

    V = integrate.solve_ivp(slope, (0, 30), [float(m.E)], t_eval=t, rtol=1e-11, atol=1e-13).y[0]
    own = ls.theory.psp("exp", t, g0 * (0 - m.E), tau_m=m.tau, C_m=200.0, tau_syn=2.0)
    np.testing.assert_allclose(V - m.E, own, rtol=0, atol=1e-4 * own.max())
    assert ls.theory.mean_conductance(100.0, 2.0, 5.0) == 1.0


# -- fluctuating input -----------------------------------------------------------------------------

POINTS = [(15, 5), (21, 7.6), (0, 5), (20, 0.1), (19, 0.4), (200, 15), (40, 0.5), (-50, 30), (30, 100), (5, 2), (20.0001, 0.01)]


def siegert_mpmath(mu: float, sigma: float, shift: float = 0.0) -> float:
    """With many digits: sqrt(pi)/2 erfi(u) + u^2/sqrt(pi) 2F2(1, 1; 3/2, 2; u^2) is an antiderivative of exp(u^2) (1 + erf u).

    Far above threshold, where the two terms cancel, by quadrature.
    """
    mp = pytest.importorskip("mpmath")
    ends = [(V - mu) / sigma + shift for V in (10, 20)]
    if min(ends) < -8:
        with mp.workdps(20):
            points = [mp.mpf(ends[0]) + (ends[1] - ends[0]) * mp.mpf(k) / 6 for k in range(7)]
            whole = mp.quad(lambda u: mp.exp(u * u) * mp.erfc(-u), points)
    else:
        with mp.workdps(40 + int(max(map(abs, ends)) ** 2)):
            low, high = (
                mp.sqrt(mp.pi) / 2 * mp.erfi(u) + u**2 / mp.sqrt(mp.pi) * mp.hyp2f2(1, 1, 1.5, 2, u**2)
                for u in ((mp.mpf(V) - mu) / sigma + shift for V in (10, 20))
            )
            whole = high - low
    return float(1000 / (2 + 20 * mp.sqrt(mp.pi) * whole))


@pytest.mark.parametrize(("mu", "sigma"), POINTS)
def test_siegert_rate_is_the_integral(mu, sigma):
    assert ls.theory.siegert_rate(mu, sigma, **NEURON) == pytest.approx(siegert_mpmath(mu, sigma), rel=1e-11)


def test_siegert_rate_by_direct_quadrature():
    """The integrand exp(u^2) (1 + erf u) as it is written, in the range in which it does not overflow."""
    a, b = (10 - 15) / 5, (20 - 15) / 5
    T = integrate.quad(lambda u: math.exp(u * u) * (1 + math.erf(u)), a, b, epsrel=1e-12)[0]
    assert ls.theory.siegert_rate(15, 5, **NEURON) == pytest.approx(1000 / (2 + 20 * math.sqrt(math.pi) * T), rel=1e-12)


def test_siegert_rate_at_the_ends():
    assert ls.theory.siegert_rate(10.0, 0.5, **NEURON) == pytest.approx(siegert_mpmath(10.0, 0.5), rel=1e-11)  # 1e-171
    assert ls.theory.siegert_rate(-1e4, 0.1, **NEURON) == 0
    noiseless = ls.theory.fi_curve(25.0, tau_m=20.0, C_m=20.0, E_L=0.0, V_th=20.0, V_reset=10.0, t_ref=2.0)
    assert ls.theory.siegert_rate([25.0, 20.0, 19.0], 0.0, **NEURON) == pytest.approx([float(noiseless), 0, 0], rel=1e-14)
    assert ls.theory.siegert_rate(25.0, 1e-9, **NEURON) == pytest.approx(float(noiseless), rel=1e-12)
    many = ls.theory.siegert_rate(np.linspace(-100, 500, 50)[:, None], np.geomspace(1e-6, 1e3, 60), **NEURON)
    assert many.shape == (50, 60) and np.isfinite(many).all() and (many >= 0).all() and (many <= 500).all()
    assert (np.diff(many, axis=0) >= -1e-9).all()  # a larger mean never lowers the rate


def test_correction_for_synaptic_currents():
    """Fourcaud & Brunel (2002): both limits move by sqrt(tau_syn / tau_m) |zeta(1/2)| / sqrt(2)."""
    mp = pytest.importorskip("mpmath")
    shift = math.sqrt(2.0 / 20.0) * abs(float(mp.zeta(0.5))) * math.sqrt(2) / 2
    own = ls.theory.siegert_rate(15.0, 5.0, tau_syn=2.0, **NEURON)
    assert own == pytest.approx(siegert_mpmath(15.0, 5.0, shift), rel=1e-11)


@pytest.mark.parametrize(("mu", "sigma"), [(15, 5), (21, 7.6), (0, 5), (30, 3), (20, 40)])
def test_cv_is_the_double_integral(mu, sigma):
    a, b = (10 - mu) / sigma, (20 - mu) / sigma
    rate = float(ls.theory.siegert_rate(mu, sigma, **NEURON)) / 1000

    def inner(x: float) -> float:
        def integrand(y: float) -> float:
            return math.exp(x * x - y * y) * special.erfcx(-y) ** 2 if y < 0 else math.exp(x * x + y * y) * special.erfc(-y) ** 2

        return sum(integrate.quad(integrand, p, q, epsrel=1e-11)[0] for p, q in ((x - 10, x - 2), (x - 2, x)))

    square = 2 * math.pi * (rate * 20) ** 2 * integrate.quad(inner, a, b, epsrel=1e-10)[0]
    assert ls.theory.siegert_cv(mu, sigma, **NEURON) == pytest.approx(math.sqrt(square), rel=1e-8)


def test_cv_at_the_ends():
    assert ls.theory.siegert_cv(-20.0, 3.0, **NEURON) == pytest.approx(1.0, abs=1e-6)  # rare, random spikes
    for sigma in (1e-2, 1e-3, 1e-5):  # small noise: sigma^2 tau_m^2 / 2 (1 / (mu - V_th)^2 - 1 / (mu - V_reset)^2) is the variance
        rate = float(ls.theory.siegert_rate(25.0, sigma, **NEURON)) / 1000
        small = rate * 20 * sigma * math.sqrt((1 / 25 - 1 / 225) / 2)
        assert ls.theory.siegert_cv(25.0, sigma, **NEURON) == pytest.approx(small, rel=1e-4)
    cv = ls.theory.siegert_cv([25.0, 15.0], 0.0, **NEURON)
    assert cv[0] == 0 and math.isnan(cv[1])


def test_input_moments_are_campbells():
    """Mean and variance of the potential that shot noise causes: sums of the PSP and of its square over all spikes."""
    rate, K, w, tau_m, C_m, tau_syn = 8.0, 500, 40.0, 12.0, 200.0, 0.7
    mu, _ = ls.theory.input_moments(rate, K, w, "exp", tau_m=tau_m, C_m=C_m, tau_syn=tau_syn, weight_sd=10.0)
    events = rate * K / 1000
    shape = {"tau_m": tau_m, "C_m": C_m, "tau_syn": tau_syn}
    assert mu == pytest.approx(events * integrate.quad(lambda t: ls.theory.psp("exp", t, w, **shape), 0, 300)[0], rel=1e-8)
    mu, sigma = ls.theory.input_moments(rate, K, 0.3, tau_m=tau_m, weight_sd=0.1)
    assert mu == pytest.approx(events * 0.3 * tau_m)
    assert sigma**2 / 2 == pytest.approx(events * (0.3**2 + 0.1**2) * tau_m / 2)  # variance of the potential
    assert ls.theory.jump_of("alpha", C_m=C_m, tau_syn=tau_syn) == pytest.approx(math.e * tau_syn / C_m)


@pytest.mark.filterwarnings("ignore:divide by zero")  # inside scipy.stats.truncnorm
@pytest.mark.parametrize(
    ("value", "reference"),
    [
        (Distribution("normal", 2.0, 3.0), stats.norm(2, 3)),
        (Distribution("normal", 2.0, 3.0, min=0.0), stats.truncnorm(-2 / 3, np.inf, 2, 3)),
        (Distribution("normal", -2.0, 1.0, min=-4.0, max=0.0), stats.truncnorm(-2, 2, -2, 1)),
        (Distribution("uniform", -1.0, 4.0), stats.uniform(-1, 5)),
        (Distribution("uniform", -1.0, 4.0, max=2.0), stats.uniform(-1, 3)),
        (Distribution("lognormal", 0.3, 0.5), stats.lognorm(0.5, scale=math.exp(0.3))),
    ],
)
def test_moments_of_distributions(value, reference):
    p, mean, square = moments(value)
    assert (p, mean, square) == pytest.approx((1.0, reference.mean(), reference.moment(2)), rel=1e-9)
    for low, high in ((-math.inf, 0.0), (0.0, math.inf), (0.5, 1.5)):
        got = moments(value, low, high)
        wanted = [reference.expect(lambda x, k=k: x**k, lb=max(low, reference.ppf(0)), ub=min(high, reference.ppf(1))) for k in range(3)]
        if low < reference.ppf(1) and high > reference.ppf(0):
            assert got == pytest.approx(wanted, rel=1e-6, abs=1e-9)
        else:
            assert got == (0, 0, 0)


def test_moments_of_numbers():
    assert moments(-3.0) == (1.0, -3.0, 9.0) and moments(-3.0, 0.0) == (0.0, 0.0, 0.0)
    assert moments(np.array([1.0, -2.0, 4.0, 0.0]), 0.0) == (0.5, 1.25, 4.25)
    assert moments(Distribution("normal", 2.0, 0.0)) == (1.0, 2.0, 4.0)


# -- linear response and Brunel's network ----------------------------------------------------------


@pytest.mark.parametrize(("mu", "sigma"), [(15, 5), (21, 7.6), (17, 3), (200, 15)])
def test_slow_response_is_the_slope_of_the_rate(mu, sigma):
    by_mu, by_variance = ls.theory.rate_response(1e-3, mu, sigma, **NEURON)
    h = 1e-4
    slope = np.diff(ls.theory.siegert_rate([mu - h, mu + h], sigma, **NEURON))[0] / (2 * h)
    by_square = np.diff(ls.theory.siegert_rate(mu, np.sqrt([sigma**2 - h, sigma**2 + h]), **NEURON))[0] / (2 * h)
    assert by_mu.real == pytest.approx(slope, rel=1e-4) and by_variance.real == pytest.approx(by_square, rel=1e-4)
    assert abs(by_mu.imag) < 1e-3 * slope and abs(by_variance.imag) < 1e-3 * by_square


@pytest.mark.parametrize("frequency", [5.0, 50.0, 180.0, 500.0])
@pytest.mark.parametrize(("mu", "sigma"), [(15.0, 5.0), (21.0, 7.6)])
def test_response_against_hermite_functions(frequency, mu, sigma):
    """U(y) is the Hermite function H_{-s}(-y), computed by mpmath with a complex index."""
    mp = pytest.importorskip("mpmath")
    with mp.workdps(30):
        w = 2 * mp.pi * frequency / 1000
        s, y_th, y_r = 1j * w * 20, (20 - mp.mpf(mu)) / sigma, (10 - mp.mpf(mu)) / sigma

        def U(y):
            return mp.hermite(-s, -y)

        def dU(y):
            return 2 * s * mp.hermite(-s - 1, -y)

        def ddU(y):
            return 4 * s * (s + 1) * mp.hermite(-s - 2, -y)

        below = U(y_th) - mp.exp(-1j * w * 2) * U(y_r)
        first = complex((dU(y_th) - dU(y_r)) / (1 + s) / below)
        second = complex((ddU(y_th) - ddU(y_r)) / (2 * (2 + s)) / below)
    rate = float(ls.theory.siegert_rate(mu, sigma, **NEURON))
    by_mu, by_variance = ls.theory.rate_response(frequency, mu, sigma, **NEURON)
    assert complex(by_mu) == pytest.approx(rate / sigma * first, rel=1e-5)
    assert complex(by_variance) == pytest.approx(rate / sigma**2 * second, rel=1e-5)


@pytest.mark.parametrize(("g", "eta", "rate", "frequency"), [(6, 4, 55.8, 190), (5, 2, 38.0, None), (4.5, 0.9, 6.5, 29)])
def test_rates_and_frequencies_published_by_brunel(g, eta, rate, frequency):
    """Brunel (2000), table 1, column "theory": rate and frequency of the global oscillation in the states B, C and D."""
    network = BrunelNetwork()
    (found,) = network.rates(g, eta)
    assert found == pytest.approx(rate, abs=0.051)
    own, gain = network.oscillation(g, eta, found)
    if frequency is None:
        assert gain < 1  # the asynchronous state is stable
    else:
        assert gain > 1 and own == pytest.approx(frequency, rel=0.02)


def test_lines_of_stability():
    """On a line the loop gain is 1, and the state on one side of it oscillates."""
    network = BrunelNetwork()
    points = network.stability_lines([4.5, 6.0])
    kinds = {(p.g, p.kind) for p in points}
    assert kinds == {(4.5, "slow"), (6.0, "fast")}
    for p in points:
        assert complex(network.loop_gain(p.frequency, p.g, p.eta, p.rate)) == pytest.approx(1.0, abs=1e-6)
        assert np.abs(network.rates(p.g, p.eta) - p.rate).min() < 1e-3
    fast = next(p for p in points if p.kind == "fast")
    assert 3 < fast.eta < 3.6 and 165 < fast.frequency < 190
    for step, unstable in ((-0.3, False), (0.3, True)):
        (rate,) = network.rates(6.0, fast.eta + step)
        assert (network.oscillation(6.0, fast.eta + step, rate)[1] > 1) is unstable
    # the slow region holds state D (4.5, 0.9)
    low, high = sorted(p.eta for p in points if p.kind == "slow")
    assert low < 0.9 < high


def test_bistability_below_the_balance():
    """Brunel (2000), section 3: for g < 4 and eta < 1 a quiescent and a fast firing state, between two saddle-nodes."""
    network = BrunelNetwork()
    folds = [p.eta for p in network.stability_lines(3.9, 1.2) if p.kind == "saddle-node"]
    assert len(folds) == 2
    assert len(network.rates(3.9, np.mean(folds))) == 3 and len(network.rates(3.9, min(folds) - 0.05)) == 1


def test_a_silent_network_is_stationary():
    assert BrunelNetwork().rates(5.0, 0.0).tolist() == [0.0] and BrunelNetwork().rates(5.0, 0.1).tolist() == [0.0]


@pytest.mark.parametrize("ratio", [1e-6, 1e-3, 0.3, 1.0, 3.0, 1e3, 1e5, 1e6])
def test_peaks_of_alpha_currents_of_any_length(ratio):
    """A slow current is followed by the potential, a peak of tau_m / C_m; of a short one only the charge e tau_syn counts."""
    peak = float(ls.theory.psp_peak("alpha", 1.0, tau_m=10.0, C_m=1.0, tau_syn=10.0 * ratio))
    t = np.linspace(0.0, 1.0, 200_001)[1:] * 30.0 * max(1.0, ratio)
    a = 1 / (10.0 * ratio) - 0.1
    if ratio in (0.3, 3.0):
        shape = np.e / (10.0 * ratio) * np.exp(-t / 10.0) * (1 - (1 + a * t) * np.exp(-a * t)) / a**2
        assert peak == pytest.approx(shape.max(), rel=1e-8)
    limits = {1e5: 10.0, 1e6: 10.0, 1e3: 10.0, 1e-6: np.e * 10e-6}
    assert ratio not in limits or peak == pytest.approx(limits[ratio], rel=1e-3)
