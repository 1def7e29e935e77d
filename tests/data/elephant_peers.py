"""Makes elephant.npz: spikes and a potential of a simulated network, and what Elephant computes from them.

    python tests/data/elephant_peers.py        (needs elephant 1.2)

Elephant's bins are [a, b), those of lifsim (a, b]: it gets every spike half a time step earlier, which puts it into the same bin.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np

DT, STOP = 0.1, 2000.0  # ms
TRIGGERS = np.arange(200.0, 1800.0, 160.0)
PAIRS = 12  # neurons whose distances are compared


def simulated() -> dict[str, np.ndarray]:
    """The spikes of 40 neurons of Brunel's network, and of four with 0, 1, 2 and 3 spikes; V_m of one."""
    import lifsim as ls

    net = ls.load("brunel", order=100, g=4.5, eta=0.95)
    net.record(net["exc"][:1], "V_m", interval=1.0)
    result = ls.run(net, STOP, seed=4)
    spikes = result.spikes["exc"]
    own = spikes.ids < 40
    steps, ids = np.rint(spikes.times[own] / DT).astype(np.uint16), spikes.ids[own].astype(np.uint8)
    few_steps, few_ids = [50, 10_000, 20_000, 50, 52, 19_999], [41, 42, 42, 43, 43, 43]  # on edges of bins, too
    steps, ids = np.append(steps, few_steps).astype(np.uint16), np.append(ids, few_ids).astype(np.uint8)
    order = np.lexsort((ids, steps))
    return {"steps": steps[order], "ids": ids[order], "V_m": result.traces["exc"]["V_m"][:, 0].astype(np.float32)}


def elephant_values(steps: np.ndarray, ids: np.ndarray, trace: np.ndarray, n: int) -> dict[str, np.ndarray]:
    """What Elephant computes from spikes and a trace."""
    import neo
    import quantities as pq
    from elephant import kernels, spectral, sta, statistics
    from elephant import spike_train_correlation as correlation
    from elephant import spike_train_dissimilarity as distance
    from elephant.conversion import BinnedSpikeTrain

    at = steps.astype(float) * DT

    def trains(shift: float = DT / 2) -> list[Any]:
        return [neo.SpikeTrain(at[ids == i] - shift, STOP, "ms", t_start=-DT) for i in range(n)]

    def binned(width: float, which: slice = slice(None)) -> Any:
        return BinnedSpikeTrain(trains()[which], bin_size=width * pq.ms, t_start=0 * pq.ms, t_stop=STOP * pq.ms)

    def windows(train: Any, starts: np.ndarray, width: float) -> list[Any]:
        return [np.asarray(train)[(np.asarray(train) >= a) & (np.asarray(train) < a + width)] for a in starts]

    def fano(train: Any, starts: np.ndarray, width: float) -> float:
        return float(statistics.fanofactor([neo.SpikeTrain(x, 2 * STOP, "ms") for x in windows(train, starts, width)]))

    def rate(train: Any) -> float:
        found = statistics.mean_firing_rate(train, t_start=0 * pq.ms, t_stop=STOP * pq.ms) if len(train) else 0 * pq.Hz
        return float(found.rescale("Hz"))

    isis = [statistics.isi(train) for train in trains(0.0)]
    few = trains(0.0)[:PAIRS] + trains(0.0)[40:44]
    found: dict[str, Any] = {
        "rates": [rate(train) for train in trains()],
        "cv": [statistics.cv(x) for x in isis],
        "cv2": [statistics.cv2(x, with_nan=True) for x in isis],
        "lv": [statistics.lv(x, with_nan=True) for x in isis],
        "lvr": [statistics.lvr(x, R=5 * pq.ms, with_nan=True) for x in isis],
        "fano_factors": [fano(t, np.arange(0, STOP, 50.0), 50.0) for t in trains()],
        "trial_fano_factors": [fano(t, TRIGGERS, 100.0) for t in trains()],
        "spike_counts": binned(5.0).to_array(),
        "covariance_matrix": correlation.covariance(binned(5.0)),
        "correlation_matrix": correlation.correlation_coefficient(binned(2.0)),
        "cross_correlogram": correlation.cross_correlation_histogram(binned(1.0, slice(0, 1)), binned(1.0, slice(1, 2)), [-60, 60])[0],
        "autocorrelogram": correlation.cross_correlation_histogram(binned(1.0, slice(2, 3)), binned(1.0, slice(2, 3)), [-60, 60])[0],
        "van_rossum": distance.van_rossum_distance(few, 15 * pq.ms),
        "victor_purpura": distance.victor_purpura_distance(few, 80 * pq.Hz),
        "counts": statistics.time_histogram(trains(), 3 * pq.ms, t_start=0 * pq.ms, t_stop=STOP * pq.ms).magnitude,
    }
    shapes = {"gaussian": "Gaussian", "exponential": "Exponential", "alpha": "Alpha", "boxcar": "Rectangular"}
    in_window = [neo.SpikeTrain(np.asarray(t)[np.asarray(t) > 0], STOP, "ms") for t in trains()[38:44]]
    for name, title in shapes.items():
        kernel = getattr(kernels, f"{title}Kernel")(8 * pq.ms)
        fine = statistics.instantaneous_rate(in_window, DT * pq.ms, kernel, center_kernel=False).magnitude.T[:, : round(600 / DT)]
        found[name] = fine.reshape(len(in_window), -1, round(5 / DT)).mean(axis=2)  # over 5 ms
    activity = neo.AnalogSignal(binned(1.0).to_array().sum(axis=0)[:, None] / n * 1000.0, "Hz", sampling_period=1 * pq.ms)
    found["frequencies"], power = spectral.welch_psd(activity, frequency_resolution=4 * pq.Hz)
    found["power_spectrum"] = np.asarray(power)
    signal = neo.AnalogSignal(trace[:, None].astype(float), "mV", sampling_period=1 * pq.ms, t_start=1 * pq.ms)
    whole = np.unique(steps[ids == 0] // 10) * 1.0  # at times of samples: elsewhere Elephant takes the sample before, lifsim that after
    whole = neo.SpikeTrain(whole[whole >= 1], len(trace) + 1, "ms", t_start=1)
    found["triggered_average"] = sta.spike_triggered_average(signal, whole, (-20 * pq.ms, 20 * pq.ms)).magnitude
    return {name: np.asarray(value, float).squeeze() for name, value in found.items()}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    data = simulated()
    values = elephant_values(data["steps"], data["ids"], data["V_m"], 44)
    np.savez_compressed(Path(__file__).with_name("elephant.npz"), **data, **{f"elephant_{k}": v for k, v in values.items()})
