"""Synchrony of a population: of its spikes, and of its potentials."""

from __future__ import annotations

import math

import numpy as np

from lifsim.analysis.bins import fano_factor
from lifsim.common.errors import DataError
from lifsim.results.spike_stream import SpikeStream
from lifsim.results.spikes import Spikes


def synchrony(spikes: Spikes | SpikeStream, bin: float = 3.0) -> float:
    """Synchrony of a population's spikes: variance over mean of its spike count, across bins.

    T. C. Potjans, M. Diesmann, Cereb. Cortex 24, 785, 2014, fig. 6 (bins of 3 ms). This is `fano_factor` with their bin. Independent
    Poisson neurons have 1, whatever their number. It grows with the number of recorded neurons, if they are correlated: compare
    populations of which equal numbers were recorded.

    Parameters
    ----------
    spikes : the spikes of one population. bin : width of the bins, ms.

    Returns
    -------
    Variance (divided by n) over mean; nan without spikes.

    Raises
    ------
    DataError : `bin` is not above 0.
    """
    return fano_factor(spikes, bin)


def chi_synchrony(potentials: np.ndarray) -> float:
    """Synchrony chi of a population's membrane potentials.

    chi² = var_t(mean_i V_i) / mean_i(var_t V_i), with variances over time (D. Golomb, J. Rinzel, Phys. Rev. E 48, 4810, 1993; Physica D
    72, 259, 1994). 1 if all potentials are the same; about 1/sqrt(n) if n neurons are independent.

    Parameters
    ----------
    potentials : (n_samples, n_neurons), such as ``result.traces["exc"]["V_m"]``; any variable can be used.

    Returns
    -------
    chi, from 0 to 1; nan without samples or neurons, or if all potentials are constant.

    Raises
    ------
    DataError : the array does not have two dimensions.
    """
    potentials = np.asarray(potentials, np.float64)
    if potentials.ndim != 2:
        raise DataError("potentials", f"have shape {potentials.shape}", "(n_samples, n_neurons)")
    if not potentials.size:
        return math.nan
    each = potentials.var(axis=0).mean()
    return math.sqrt(potentials.mean(axis=1).var() / each) if each > 0 else math.nan
