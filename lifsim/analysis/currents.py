"""Balance of excitatory and inhibitory currents."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from lifsim.common.errors import DataError


class CurrentBalance(NamedTuple):
    """Balance of the synaptic currents of each neuron; each is float64 (n_neurons,), nan where undefined.

    excitatory, inhibitory : mean currents, in the unit given (inhibitory ones are negative).
    net : mean of their sum.
    ratio : -inhibitory / excitatory; 1 if they cancel.
    correlation : Pearson correlation over time of the excitatory current with the inhibitory one, whose sign is reversed; 1 if
        inhibition follows excitation at once.
    """

    excitatory: np.ndarray
    inhibitory: np.ndarray
    net: np.ndarray
    ratio: np.ndarray
    correlation: np.ndarray


def current_balance(excitatory: np.ndarray, inhibitory: np.ndarray) -> CurrentBalance:
    """Balance of the excitatory and inhibitory synaptic currents of each neuron.

    Mean inhibition over mean excitation (C. van Vreeswijk, H. Sompolinsky, Science 274, 1724, 1996: 1 in a balanced network, apart from
    the threshold), and the correlation of both over time (M. Okun, I. Lampl, Nat. Neurosci. 11, 535, 2008).

    Parameters
    ----------
    excitatory, inhibitory : currents of the same neurons at the same times, (n_samples, n_neurons) or (n_samples,), such as
        ``traces["I_syn_ex"]`` and ``traces["I_syn_in"]``, pA. Inhibitory currents are negative.

    Returns
    -------
    `CurrentBalance`; each of its arrays is float64 (n_neurons,). Without samples all are nan, as is `ratio` without excitation, and
    `correlation` if a current is constant.

    Raises
    ------
    DataError : the shapes differ, or have more than two dimensions.
    """
    e, i = np.asarray(excitatory, np.float64), np.asarray(inhibitory, np.float64)
    if e.shape != i.shape or e.ndim not in (1, 2):
        raise DataError("excitatory, inhibitory", f"have shapes {e.shape} and {i.shape}", "the same shape, (n_samples, n_neurons)")
    if e.ndim == 1:
        e, i = e[:, None], i[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean_e, mean_i = e.sum(axis=0) / np.float64(len(e)), i.sum(axis=0) / np.float64(len(i))
        de, di = e - mean_e, mean_i - i
        correlation = (de * di).sum(axis=0) / np.sqrt((de**2).sum(axis=0) * (di**2).sum(axis=0))
        ratio = np.where(mean_e != 0, -mean_i / mean_e, np.nan)
    return CurrentBalance(mean_e, mean_i, mean_e + mean_i, ratio, correlation)
