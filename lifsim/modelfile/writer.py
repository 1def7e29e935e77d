"""Writes networks as model files: TOML text, and explicit matrices in a weight store next to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lifsim.common.errors import ModelError
from lifsim.common.text import shortened, spelled
from lifsim.common.values import Distribution
from lifsim.files import disk
from lifsim.files.outputs import check_output, make_folder
from lifsim.modelfile.toml_writing import dumps
from lifsim.network.distance import Profile
from lifsim.network.network import Network
from lifsim.network.population import Population
from lifsim.network.projection import Projection
from lifsim.network.recordings import Recording

if TYPE_CHECKING:
    from lifsim.network.synapse_table import SynapseColumns


def save(network: Network, path: str | Path, lasting: bool = True) -> None:
    """Write `network` as a model file from which `lifsim.load` restores the same network.

    Matrices given in place of a rule are stored next to it in ``<stem>.weights.h5``, lists of synapses that came from files in
    ``<stem>.synapses.h5``. Existing files of these names are replaced, each in one step. A network that `load` would refuse is
    refused here, and nothing is written. `lasting` is False for a scratch folder, whose files need not survive a power failure.

    Raises
    ------
    ModelError : the network was changed so that no model file can describe it. OutputError : `path` cannot be written.
    RunError : the disk is full.
    """
    path = check_output(path, overwrite=True)
    store = path.with_name(f"{path.stem}.weights.h5")
    lists = path.with_name(f"{path.stem}.synapses.h5")
    matrices = {f"projection_{k}": p for k, p in enumerate(network.projections) if _is_matrix(p)}
    listed = {f"projection_{k}": _list(p) for k, p in enumerate(network.projections) if "file" in p.params}
    text = _checked(document(network, store.name, lists.name, path.parent), path)
    make_folder(path)
    if matrices:
        _store(store, matrices, lasting)
    if listed:
        from lifsim.network import synapse_file

        synapse_file.write(lists, listed, lasting)
    if lasting:
        disk.put(path, text)
    else:
        path.write_bytes(text)


def _checked(tables: Mapping[str, Any], path: Path) -> bytes:
    """The text of `tables`, after a test that it can be loaded. The test leaves out matrices and lists, which `connect` has checked."""
    from lifsim.modelfile.reader import loads

    for key in ("name", "description", "reference"):
        if not isinstance(tables[key], str):
            raise ModelError(key, shortened(repr(tables[key])), "must be a text")
    loose = [
        {key: x for key, x in p.items() if key not in ("matrix", "file")} | ({"sources": [], "targets": []} if "file" in p else {})
        for p in tables["projections"]
    ]
    try:
        text = dumps(tables).encode()
    except UnicodeEncodeError as error:
        raise ModelError("model", f"contains {error.object[error.start]!r}, which is not a character", "Unicode text") from None
    loads(dumps({**tables, "projections": loose}), place=str(path), folder=path.parent)
    return text


def document(network: Network, store: str = "", lists: str = "", folder: Path = Path()) -> dict[str, Any]:
    """The tables of a model file in `folder`, which refers to matrices in the file `store` and lists of synapses in the file `lists`."""
    store, lists = spelled(store), spelled(lists)
    run = {"dt": network.dt, "duration": network.duration, "seed": network.seed, "method": network.method}
    return {
        "name": network.name,
        "description": network.description,
        "reference": network.reference,
        "run": {key: x for key, x in run.items() if x is not None},
        "populations": {name: _population(p, folder) for name, p in network.populations.items()},
        "projections": [
            _projection(p, f"{lists if 'file' in p.params else store}:projection_{k}") for k, p in enumerate(network.projections)
        ],
        "record": [_recording(r) for r in network.recordings],
    }


def _population(population: Population, folder: Path) -> dict[str, Any]:
    out: dict[str, Any] = {"n": population.n, "model": population.model.name}
    if population.positions is not None:
        out["positions"] = population.positions.as_dict()
    for key in ("params", "initial"):
        values = {name: _plain(x) for name, x in getattr(population, key).items()}
        for name in ("spike_file", "waveform_file"):
            if values.get(name):
                values[name] = spelled(_relative(values[name], folder))
        if values:
            out[key] = values
    return out


def _relative(path: str, folder: Path) -> str:
    """`path` relative to `folder`, if it is in this folder."""
    with suppress(ValueError):
        return Path(path).resolve().relative_to(folder.resolve()).as_posix()
    return path


def _plain(value: Any) -> Any:
    """A value in the form of a model file: a distribution as a table, a single spike train as a flat list."""
    if isinstance(value, Distribution):
        return value.as_dict()
    if isinstance(value, list) and len(value) == 1:
        return value[0]
    return value


def _projection(p: Projection, reference: str) -> dict[str, Any]:
    out: dict[str, Any] = {"source": str(p.source), "target": str(p.target)}
    flags: dict[str, Any] = {key: False for key in ("allow_autapses", "allow_multapses") if not getattr(p, key)}
    if p.receptor_type:
        flags["receptor_type"] = p.receptor_type
    if p.name:
        flags["name"] = p.name
    if p.synapse:
        given = p.params["given"].by_target() if "given" in p.params else None
        own = {key: _synaptic(given.sorted(x) if given else x, key, p) for key, x in p.synapse.params.items()}
        flags["synapse"] = {"model": p.synapse.model.name, **own}
    if _is_matrix(p):
        stored = isinstance(p.delay, np.ndarray)
        return {**out, "matrix": reference, **({} if stored else {"delay": _written(p.delay, "delay")}), **flags}
    weight, delay = p.weight, p.delay
    rule: dict[str, Any]
    if "file" in p.params:
        columns = {key: x for key, x in (("weight", p.weight), ("delay", p.delay)) if not isinstance(x, np.ndarray)}
        return {**out, "rule": "explicit", "file": reference, **{key: _written(x, key) for key, x in columns.items()}, **flags}
    if "given" in p.params:
        rows = p.params["given"].by_target()
        rule = {"rule": "explicit", "sources": rows.sources, "targets": rows.targets}
        weight, delay = rows.sorted(weight), rows.sorted(delay)
    else:
        rule = {"rule": p.rule, **{key: _written(x, key) for key, x in p.params.items()}}
    return {**out, **rule, "weight": _synaptic(weight, "weight", p), "delay": _synaptic(delay, "delay", p), **flags}


def _written(value: Any, quantity: str) -> Any:
    """A value, or function of distance, in the form of a model file."""
    return value.as_dict(quantity) if isinstance(value, Profile) else _plain(value)


def _synaptic(value: Any, quantity: str, p: Projection) -> Any:
    """A weight or delay in the form of a model file; an array has the shape that `Network.connect` expects."""
    if not isinstance(value, np.ndarray):
        return _written(value, quantity)
    by_rule = {
        "all_to_all": len(p.target),
        "pairwise_bernoulli": len(p.target),
        "fixed_indegree": len(p.target),
        "fixed_outdegree": len(p.source),
    }
    return value.reshape(by_rule[p.rule], -1) if p.rule in by_rule else value


def _recording(r: Recording) -> dict[str, Any]:
    out: dict[str, Any] = {"populations": str(r.view), "variable": r.variable}
    if r.source:
        out = {"source": str(r.source), "target": str(r.view), "variable": "I" if r.kind == "probe" else "weight"}
    if r.events:
        out["events"] = True
    if r.variable != "spikes":
        out |= {} if r.events else {"interval": r.interval}
        if r.projection:
            out["projection"] = r.projection.name or int(r.projection_label)
        if r.key[1] != r.default_name:
            out["name"] = r.name
    if r.start > 0:
        out["start"] = r.start
    if r.stop < math.inf:
        out["stop"] = r.stop
    return out


def _is_matrix(p: Projection) -> bool:
    """Whether `p` is stored as a matrix. A store orders each row by source, but drawn delays follow the original order of the
    synapses. If these orders differ, the synapses are written as lists; so are synapses with individual parameters.
    """
    if p.rule != "matrix" or (p.synapse and any(isinstance(x, np.ndarray) for x in p.synapse.params.values())):
        return False
    if isinstance(p.delay, float):
        return True
    rows = p.params["given"].by_target()
    inside = np.ones(max(0, len(rows.sources) - 1), dtype=bool)
    inside[rows.ptr[(rows.ptr > 0) & (rows.ptr < len(rows.sources))] - 1] = False
    return bool((np.diff(rows.sources.astype(np.int64))[inside] >= 0).all())


def _list(p: Projection) -> SynapseColumns:
    """The columns of the synapses of a projection that came from a file."""
    from lifsim.network.synapse_table import SynapseColumns

    given = p.params["given"]
    weight, delay = (x if isinstance(x, np.ndarray) else None for x in (p.weight, p.delay))
    return SynapseColumns(given.sources, given.targets, weight, delay)


def _store(path: Path, matrices: Mapping[str, Projection], lasting: bool) -> None:
    from scipy import sparse

    from lifsim.weights.store import WeightStore

    with WeightStore(path, "w", lasting) as store:
        for name, p in matrices.items():
            rows, shape = p.params["given"].by_target(), (len(p.target), len(p.source))
            both = [
                sparse.csr_array((rows.sorted(x), rows.sources, rows.ptr), shape=shape) if isinstance(x, np.ndarray) else None
                for x in (p.weight, p.delay)
            ]
            store.put(name, both[0], delay=both[1], units=p.target.population.model.weight_unit)
