"""Networks of snnTorch and Norse, their NIR files and their spikes: `python tests/data/nir_peers.py` writes nir.npz.

Of each network: `NAME/file` (the bytes of its NIR file), `NAME/input` (steps, inputs) and of each way to reset `NAME/spikes/RESET`,
(steps, outputs), where RESET is the reset mechanism and whether it has snnTorch's delay: subtract_True.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

STEPS, IN, HIDDEN, OUT = 200, 6, 8, 4
BOTH = (True, False)
CASES = {  # how each network can reset
    "leaky": [*itertools.product(("subtract", "zero"), BOTH)],
    "synaptic": [*itertools.product(("subtract", "zero"), BOTH)],
    "rleaky": [*itertools.product(("subtract", "zero"), BOTH)],
    "norse": [("zero", False)],
}


def made(name: str) -> dict[str, np.ndarray]:
    """The network's file, its input, and its spikes."""
    import torch

    torch.manual_seed(11)
    given = (torch.rand(STEPS, IN) < 0.3).float()
    out: dict[str, np.ndarray] = {"input": given.numpy().astype(np.uint8)}
    for reset, delay in CASES[name]:
        torch.manual_seed(12)
        net = _norse(torch) if name == "norse" else _snntorch(torch, name, reset, delay)
        if "file" not in out:
            out["file"] = np.frombuffer(_exported(torch, name, net), np.uint8)
        step = _stepper(name, net)
        with torch.no_grad():
            spikes = [step(x[None, :])[0].numpy() for x in given]
        out[f"spikes/{reset}_{delay}"] = np.array(spikes).astype(np.uint8)
    return out


def _linear(torch: Any, n_in: int, n_out: int, scale: float) -> Any:
    layer = torch.nn.Linear(n_in, n_out)
    with torch.no_grad():
        layer.weight += 0.15
        layer.weight *= scale
    return layer


def _snntorch(torch: Any, name: str, reset: str, delay: bool) -> Any:
    import snntorch as snn

    own = {"init_hidden": True, "reset_mechanism": reset, "reset_delay": delay}

    def leaky(n: int, **more: Any) -> dict[str, Any]:
        return {"beta": torch.linspace(0.6, 0.95, n), "threshold": torch.linspace(0.8, 1.2, n), **own, **more}

    match name:
        case "leaky":
            hidden, last = snn.Leaky(**leaky(HIDDEN)), snn.Leaky(**leaky(OUT), output=True)
        case "synaptic":
            hidden, last = (snn.Synaptic(alpha=torch.linspace(0.3, 0.8, n), **leaky(n)) for n in (HIDDEN, OUT))
            last.output = True
        case _:
            hidden, last = snn.RLeaky(linear_features=HIDDEN, **leaky(HIDDEN)), snn.Leaky(**leaky(OUT), output=True)
    scale = {"synaptic": 0.3, "leaky": 0.6, "rleaky": 0.8}[name]
    return torch.nn.Sequential(_linear(torch, IN, HIDDEN, scale), hidden, _linear(torch, HIDDEN, OUT, scale), last)


def _norse(torch: Any) -> Any:
    import norse.torch as norse

    def neurons(n: int) -> Any:
        p = norse.LIFBoxParameters(
            tau_mem_inv=torch.linspace(50.0, 400.0, n), v_th=torch.linspace(0.1, 0.2, n), v_leak=torch.linspace(-0.1, 0.05, n)
        )
        return norse.LIFBoxCell(p._replace(v_reset=torch.zeros(n)))

    return norse.SequentialState(_linear(torch, IN, HIDDEN, 1.0), neurons(HIDDEN), _linear(torch, HIDDEN, OUT, 0.8), neurons(OUT))


def _stepper(name: str, net: Any) -> Callable[[Any], Any]:
    """A step of the network: from its input to its output spikes."""
    state = [None]

    def step(x: Any) -> Any:
        if name != "norse":
            return net(x)[0]
        out, state[0] = net(x, state[0])
        return out

    return step


def _exported(torch: Any, name: str, net: Any) -> bytes:
    import nir

    if name == "norse":
        import norse.torch as norse

        graph = norse.to_nir(net, torch.zeros(IN))
    else:
        from snntorch.export_nir import export_to_nir

        graph = export_to_nir(net, torch.zeros(IN))
    with tempfile.TemporaryDirectory() as folder:
        nir.write(Path(folder) / "net.nir", graph)
        return (Path(folder) / "net.nir").read_bytes()


if __name__ == "__main__":
    found = {f"{name}/{key}": x for name in CASES for key, x in made(name).items()}
    np.savez_compressed(Path(__file__).parent / "nir.npz", **found)
    for key, x in found.items():
        print(key, x.shape, x.sum(axis=0) if "spikes" in key else "")
