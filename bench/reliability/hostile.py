"""R10: malicious HDF5 files, for each of lifsim's readers. All must be refused before data are read.

    python bench/reliability/hostile.py

Valid files of each kind are manipulated at each of their datasets in turn: links and storage that lead to another file, virtual datasets,
cycles, datasets that declare a petabyte or unpack to gigabytes, other types, ranks and lengths, indices out of range. The other file
is a FIFO, so that a reader that opens it hangs. Files count as failures if they are not refused with one of lifsim's own errors, or if
refusing takes more than a second or more than 50 MB. (A file may be read if the manipulation changes nothing that the reader uses.)
"""

from __future__ import annotations

import collections
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from flips import _unfinished, saved, trained
from nets import digest, forked, network
from scipy import sparse

import lifsim as ls
from lifsim.ann import dataset_files
from lifsim.ann.loading import load as load_net
from lifsim.checkpoint import checkpoint_file
from lifsim.weights import WeightStore

SECONDS, MEGABYTES = 1.0, 50.0


# -- good files, and how they are read -------------------------------------------------------------


def results(folder: Path) -> Path:
    path = folder / "run.h5"
    ls.run(network("grid", 1), 30.0, out=path)
    return path


def read_results(path: Path) -> None:
    digest(ls.open(path))


def spikes(folder: Path) -> Path:
    path = folder / "spikes.h5"
    with h5py.File(path, "w") as file:
        file["spikes/cells/timestamps"] = np.arange(1.0, 20.0)
        file["spikes/cells/timestamps"].attrs["units"] = "ms"
        file["spikes/cells/node_ids"] = np.arange(19) % 3
    return path


def read_spikes(path: Path) -> None:
    net = ls.Network()
    net.add("g", 3, "spike_generator", spike_file=str(path))
    net.add("n", 3, "iaf_psc_exp")
    net.connect("g", "n", weight=1.0, delay=1.0)
    ls.run(net, 30.0)


def weights(folder: Path) -> Path:
    path = folder / "weights.h5"
    with WeightStore(path, "w") as store:
        w = sparse.random(6, 5, 0.5, "csc", rng=np.random.default_rng(1))
        store.put("a", w, delay=np.full(w.nnz, 1.5))
        store.put("b", np.ones((2, 3)), bias=np.ones(2), units="1")
    return path


def read_weights(path: Path) -> None:
    with WeightStore(path) as store:
        for name in store.names():
            store.get(name), store.delay(name), store.bias(name)


def synapses(folder: Path) -> Path:
    path = folder / "list.h5"
    with h5py.File(path, "w") as file:
        file["source"], file["target"], file["weight"], file["delay"] = [0, 1, 2], [0, 1, 1], [1.0, 2.0, 3.0], [1.0, 1.0, 2.0]
    return path


def read_synapses(path: Path) -> None:
    net = ls.Network()
    net.add("n", 3, "iaf_psc_exp")
    net.connect("n", "n", "explicit", file=str(path))
    ls.run(net, 5.0)


def edges(folder: Path) -> Path:
    path = folder / "some_edges.h5"
    with h5py.File(path, "w") as file:
        top = file.create_group("edges/x")
        top["source_node_id"], top["target_node_id"], top["edge_type_id"] = [0, 1, 2], [0, 1, 1], [1, 1, 2]
        top["edge_group_id"], top["edge_group_index"] = [0, 1, 0], [0, 0, 1]
        top["0/syn_weight"], top["0/nsyns"], top["1/delay"] = [1.0, 2.0], [1, 2], [1.5]
    for name in (folder / "some_edge_types.csv", folder / "bad-some_edge_types.csv"):
        name.write_text("edge_type_id syn_weight delay\n1 3.0 1.0\n2 4.0 2.0\n")
    return path


def read_edges(path: Path) -> None:
    net = ls.Network()
    net.add("n", 3, "iaf_psc_exp")
    net.connect("n", "n", "explicit", file=f"{path}:edges/x")
    ls.run(net, 5.0)


def waveform(folder: Path) -> Path:
    path = folder / "wave.h5"
    with h5py.File(path, "w") as file:
        file["x"] = np.sin(np.arange(50.0))
    return path


def read_waveform(path: Path) -> None:
    net = ls.Network()
    net.add("w", 1, "waveform_generator", waveform_file=f"{path}:x", interval=0.1)
    net.add("n", 1, "iaf_psc_exp")
    net.connect("w", "n")
    ls.run(net, 5.0)


def samples(folder: Path) -> Path:
    path = folder / "table.h5"
    with h5py.File(path, "w") as file:
        file["X"], file["y"] = np.random.default_rng(1).normal(size=(20, 3)), np.arange(20) % 2
    return path


def read_trained(path: Path) -> None:
    load_net(path).predict(np.zeros((2, 5)))


READERS: dict[str, tuple[Callable[[Path], Path], Callable[[Path], object]]] = {
    "results": (results, read_results),
    "SONATA spikes as input": (spikes, read_spikes),
    "weights": (weights, read_weights),
    "list of synapses": (synapses, read_synapses),
    "SONATA edges": (edges, read_edges),
    "waveform": (waveform, read_waveform),
    "table of samples": (samples, lambda path: dataset_files.read(path)),
    "trained network": (trained, read_trained),
    "checkpoint": (lambda folder: saved(folder), checkpoint_file.read),
}


# -- what is done to them --------------------------------------------------------------------------


def replaced(make: Callable[[h5py.Group, str, h5py.Dataset], object]) -> Callable[[h5py.File, str, Path], None]:
    """A manipulation that replaces a dataset by another object with the same attributes."""

    def harm(file: h5py.File, name: str, canary: Path) -> None:
        old, group, last = file[name], file[name].parent, name.rpartition("/")[2]
        kept = dict(old.attrs)
        file.move(name, "aside-of-harm")
        made = make(group, last, file["aside-of-harm"])
        del file["aside-of-harm"]
        if isinstance(made, h5py.Dataset):
            made.attrs.update(kept)

    return harm


def elsewhere(kind: str) -> Callable[[h5py.File, str, Path], None]:
    """A manipulation that makes a dataset refer to the FIFO `canary`."""

    def harm(file: h5py.File, name: str, canary: Path) -> None:
        shape, dtype, kept = file[name].shape or (1,), file[name].dtype, dict(file[name].attrs)
        del file[name]
        if kind == "link":
            file[name] = h5py.ExternalLink(str(canary), "/x")
        elif kind == "storage":
            file.create_dataset(name, shape, dtype, external=[(str(canary), 0, h5py.h5f.UNLIMITED)]).attrs.update(kept)
        else:
            layout = h5py.VirtualLayout(shape, dtype)
            layout[...] = h5py.VirtualSource(str(canary), "x", shape=shape)
            file.create_virtual_dataset(name, layout).attrs.update(kept)

    return harm


def cycle(file: h5py.File, name: str, canary: Path) -> None:
    del file[name]
    file[name] = h5py.SoftLink(f"/{name}")


def group_of_itself(file: h5py.File, name: str, canary: Path) -> None:
    group = file[name].parent
    del file[name]
    group[name.rpartition("/")[2]] = group


HARMS: dict[str, Callable[[h5py.File, str, Path], None]] = {
    "external link": elsewhere("link"),
    "external storage": elsewhere("storage"),
    "virtual dataset": elsewhere("virtual"),
    "soft link to itself": cycle,
    "group in place of data, a cycle": group_of_itself,
    "a petabyte": replaced(lambda g, n, x: petabyte(g, n, x)),
    "a bomb": replaced(lambda g, n, x: bomb(g, n, x)),
    "text of variable length": replaced(lambda g, n, x: g.create_dataset(n, data=["a", "b"], dtype=h5py.string_dtype())),
    "references": replaced(lambda g, n, x: g.create_dataset(n, (3,), h5py.ref_dtype)),
    "compound type": replaced(lambda g, n, x: g.create_dataset(n, (3,), np.dtype([("a", "f8"), ("b", "i4")]))),
    "one dimension more": replaced(lambda g, n, x: g.create_dataset(n, data=np.zeros((2, 2, *x.shape), x.dtype))),
    "a scalar": replaced(lambda g, n, x: g.create_dataset(n, data=np.zeros((), x.dtype))),
    "no data space": replaced(lambda g, n, x: g.create_dataset(n, data=h5py.Empty(x.dtype))),
    "an entry less": replaced(lambda g, n, x: g.create_dataset(n, data=x[()].ravel()[:-1] if x.ndim == 1 else x[()][:-1])),
    "negative numbers": replaced(lambda g, n, x: g.create_dataset(n, data=-np.abs(x[()] * 1.0).astype(signed(x)) - 1)),
    "enormous numbers": replaced(lambda g, n, x: g.create_dataset(n, data=np.full(x.shape, 2**62 if x.dtype.kind in "iu" else 1e308))),
    "not a number": replaced(lambda g, n, x: g.create_dataset(n, data=np.full(x.shape, np.nan))),
    "falling numbers": replaced(lambda g, n, x: g.create_dataset(n, data=np.sort(x[()], axis=0)[::-1])),
}


ALLOWED = {
    "falling numbers",
    "an entry less",
    "negative numbers",
    "one dimension more",
    "a scalar",
    "enormous numbers",
}  # may be valid in some datasets


def signed(x: h5py.Dataset) -> str:
    return "i8" if x.dtype.kind in "iu" else "f8"


def petabyte(group: h5py.Group, name: str, x: h5py.Dataset) -> h5py.Dataset:
    """A dataset that declares a petabyte, without any stored data."""
    tail = (x.shape or (1,))[1:]
    return group.create_dataset(name, (2**50 // x.dtype.itemsize, *tail), x.dtype, chunks=(1024, *tail))


def bomb(group: h5py.Group, name: str, x: h5py.Dataset) -> h5py.Dataset:
    """Zeros that unpack to 2 GB."""
    tail = (x.shape or (1,))[1:]
    rows = 2**31 // (x.dtype.itemsize * max(1, int(np.prod(tail))))
    made = group.create_dataset(name, (rows, *tail), x.dtype, chunks=(max(1, rows // 16), *tail), compression="gzip", compression_opts=9)
    made[: rows // 16] = 0
    for k in range(1, 16):
        made.id.write_direct_chunk((k * (rows // 16), *(0,) * len(tail)), made.id.read_direct_chunk((0,) * x.ndim)[1])
    return made


# -- the trial -------------------------------------------------------------------------------------


def tried(read: Callable[[Path], object], path: Path) -> tuple[str, float, float]:
    """Read `path` in a forked process; returns the outcome, the time (s) and the memory (MB)."""
    out, into = os.pipe()

    def work() -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        try:
            read(path)
            said = "read"
        except ls.LifsimError:
            said = "refused"
        except Exception as error:
            said = f"NOT A CLEAR ERROR {error!r}"[:200]
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        os.write(into, f"{said}|{time.perf_counter() - began}|{grown}".encode())

    child = forked(work)
    os.close(into)
    deadline = time.time() + 10
    while time.time() < deadline and os.waitpid(child, os.WNOHANG) == (0, 0):
        time.sleep(0.002)
    if time.time() >= deadline:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(out)
        return "HANGS (it opened the other file)", 10.0, 0.0
    with os.fdopen(out) as pipe:
        parts = pipe.read().rsplit("|", 2)
    return (parts[0], float(parts[1]), float(parts[2])) if len(parts) == 3 else ("CRASH", 0.0, 0.0)


def load_code() -> None:
    """Compile the code for networks with equal, different and float64 weights, so that compilation is not measured."""
    for weight in (1.0, [1.0, 2.0], [0.1, 0.2]):
        net = ls.Network()
        net.add("n", 2, "iaf_psc_exp")
        net.connect("n", "n", "one_to_one", weight=weight)
        ls.run(net, 5.0)


def datasets(path: Path) -> list[str]:
    found: list[str] = []
    with h5py.File(path, "r") as file:
        file.visititems(lambda name, x: found.append(name) if isinstance(x, h5py.Dataset) else None)
    return found


def main() -> None:
    seen: collections.Counter[str] = collections.Counter()
    slowest, largest = 0.0, 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        canary = folder / "canary"
        os.mkfifo(canary)
        _unfinished(folder)
        load_code()
        for kind, (make, read) in READERS.items():
            path = make(folder)
            read(path)
            usual = tried(read, path)
            own: collections.Counter[str] = collections.Counter()
            for place in datasets(path):
                for what, harm in HARMS.items():
                    bad = folder / f"bad-{path.name}"
                    bad.write_bytes(path.read_bytes())
                    try:
                        with h5py.File(bad, "r+") as file:
                            harm(file, place, canary)
                    except (OSError, ValueError, TypeError, KeyError, IndexError, RuntimeError):
                        continue  # HDF5 itself cannot write this
                    said, seconds, grown = tried(read, bad)
                    seconds, grown = seconds - usual[1], grown - usual[2]
                    slowest, largest = max(slowest, seconds), max(largest, grown)
                    own[said.split(" /")[0].split(" Value")[0] if said.isupper() else said[:60]] += 1
                    if said not in ("refused", "read") or seconds > SECONDS or grown > MEGABYTES:
                        seen["WRONG"] += 1
                        print(f"WRONG: {kind}: {place}: {what}: {said}, {seconds:.2f} s, {grown:.0f} MB", flush=True)
                    elif said == "read" and what not in ALLOWED:
                        own[f"read although: {what}"] += 1
            print(f"{kind}: " + ", ".join(f"{n} {key}" for key, n in own.items()), flush=True)
            seen += own
    print(f"{seen['refused']} refused, {seen['read']} read, {seen['WRONG']} wrong; {slowest:.2f} s and {largest:.0f} MB at most")
    sys.exit(seen["WRONG"] > 0)


if __name__ == "__main__":
    main()
