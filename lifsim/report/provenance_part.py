"""Where a result comes from: run, seed, versions, command, changes, digests."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from lifsim.common.command import without_folders
from lifsim.common.version import __version__
from lifsim.report.markup import element, facts, section, table
from lifsim.results.result import Result

_SECONDS = {"build", "compile", "simulate", "record", "total"}


def provenance_part(result: Result, window: str) -> Element:
    """The section "Provenance"; `window` says which part of the run the report is about. Nothing in it names the machine or its folders."""
    info, parts = result.info, [facts(_run(result, window))]
    changes = info.get("changes") or ()
    if changes:
        rows = [(str(c["of"]), str(c["set"]), _when(c), str(c.get("value", ""))) for c in changes]
        parts.append(table("Changes during the run", ("of", "set", "when", "last value"), rows))
    hashes = list(_digests(info))
    if hashes:
        parts.append(table("Digests (SHA-256)", ("of", "digest"), [(of, element("code", digest)) for of, digest in hashes]))
    return section("provenance", "Provenance", *parts)


def _run(result: Result, window: str) -> Iterator[tuple[str, str]]:
    info = result.info
    yield "Run", f"({result.t_start:g}, {result.t_stop:g}] ms" + (f" in steps of {result.dt:g} ms" if result.dt > 0 else "")
    yield "Report on", window
    if not result.complete:
        yield "Complete", "no: the run did not reach its end, and more may follow"
    if "settings" in info:
        yield "Seed", str(result.seed)
        settings = dict(info["settings"])
        yield "Precision", f"{settings.get('precision')}, weights {settings.get('weights') or settings.get('precision')}"
        yield "Method", str(settings.get("method", "grid"))
        yield "Threads", str(info.get("threads", settings.get("threads", "")))
    for key, name in (("neurons", "Neurons"), ("synapses", "Synapses")):
        if isinstance(info.get(key), int):
            yield name, f"{info[key]:,}"
    timings = info.get("timings")
    if isinstance(timings, Mapping):
        yield "Wall time", ", ".join(f"{name} {value:.3g} s" for name, value in timings.items() if name in _SECONDS)
    if isinstance(info.get("real_time_factor"), float):
        yield "Real-time factor", f"{info['real_time_factor']:.3g} (wall time of the simulation over biological time)"
    for key in ("started", "finished"):
        if info.get(key):
            yield key.capitalize(), str(info[key])
    if info.get("versions"):
        yield "Versions", ", ".join(f"{name} {version}" for name, version in info["versions"].items())
    if info.get("command"):
        yield "Command", without_folders(str(info["command"]))
    for key, name in (("reference", "Reference"), ("note", "Note"), ("ignored", "Ignored")):
        if info.get(key):
            yield name, str(info[key])
    for name, why in (info.get("unreadable") or {}).items():
        yield "Left out", f"{name}: {why}"
    yield "Report by", f"lifsim {__version__}"


def _when(change: Mapping[str, Any]) -> str:
    """When a variable was set, such as "at 100 ms"."""
    if change.get("number", 1) == 1:
        return f"at {change['last']:g} ms"
    return f"{change['number']:,} times, from {change['first']:g} to {change['last']:g} ms"


def _digests(info: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if info.get("content_sha256"):
        yield "all data and metadata of the file", str(info["content_sha256"])
    if info.get("network_sha256"):
        yield "the network: all that decides its behaviour", str(info["network_sha256"])
    if info.get("model_text"):
        yield "the model text", hashlib.sha256(str(info["model_text"]).encode()).hexdigest()
