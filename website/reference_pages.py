"""The reference: a page for each public module, of its docstrings, and one of the commands.

The docstrings are in a compact form of NumPy's, ``a, b : text. c : text.``, which other generators do not read.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import click

MODULES = ("analysis", "ann", "demo", "nir", "plot", "report", "scans", "theory", "weights")


class _Made:
    def __repr__(self) -> str:
        return "…"


_MADE = _Made()  # stands for a default that a dataclass makes for each object


def reference_pages() -> dict[str, str]:
    """All pages of the reference, by their place in the site."""
    import lifsim

    own = [name for name in lifsim.__all__ if not inspect.ismodule(getattr(lifsim, name)) and not name.startswith("__")]
    pages = {"reference/lifsim.md": _module_page("lifsim", own, "import lifsim as ls")}
    for name in MODULES:
        module = import_module(f"lifsim.{name}")
        names = getattr(module, "__all__", None) or [n for n, x in vars(module).items() if getattr(x, "__module__", "") == module.__name__]
        pages[f"reference/{name}.md"] = _module_page(f"lifsim.{name}", [n for n in names if not n.startswith("_")])
    pages["reference/commands.md"] = _commands()
    pages["reference/index.md"] = _index(pages)
    return pages


def _index(pages: dict[str, str]) -> str:
    rows = ["# Reference", "", "Made from the docstrings, and from what the commands say with `--help`.", "", "| | |", "|---|---|"]
    for page in ("commands", "lifsim", *MODULES):
        title, text, *_ = pages[f"reference/{page}.md"].removeprefix("# ").split("\n\n")
        rows.append(f"| [{title}]({page}.md) | {' '.join(text.split())} |")
    return "\n".join(rows) + "\n"


def _commands() -> str:
    from lifsim.cli.main import main

    parts = ["# Commands", "All commands with their arguments and options: what `lifsim COMMAND --help` prints."]
    parts.append("[First run](../first_run.md) and [How do I …?](../how_to.md) show them at work.")
    with click.Context(main, info_name="lifsim") as context:
        for name in main.list_commands(context):
            command = main.get_command(context, name)
            inner = click.Context(command, info_name=name, parent=context, terminal_width=84, max_content_width=84)
            parts.append(f"## lifsim {name}\n\n```text\n{command.get_help(inner)}\n```")
    return "\n\n".join(parts) + "\n"


def _module_page(place: str, names: list[str], first: str = "") -> str:
    module = import_module(place)
    parts = [f"# {place}", _text(inspect.getdoc(module) or "")]
    if first:
        parts.append(f"```python\n{first}\n```")
    for name in sorted(names, key=str.lower):
        thing = getattr(module, name)
        if not callable(thing):
            parts.append(f"## {name}\n\n```python\n{name} = {thing!r}\n```")
        else:
            parts += _entry(name, thing, "##")
            parts += _members(thing) if inspect.isclass(thing) and not issubclass(thing, Exception) else []
    return "\n\n".join(parts) + "\n"


def _members(owner: type) -> Iterator[str]:
    for name in sorted(dir(owner)):
        member = inspect.getattr_static(owner, name)
        function = getattr(member, "__func__", getattr(member, "fget", member))
        if name.startswith("_") or not inspect.isfunction(function) or not function.__module__.startswith("lifsim"):
            continue
        if isinstance(member, property):
            yield f"### {owner.__name__}.{name}\n\n" + _text(inspect.getdoc(member) or "")
        else:
            yield from _entry(f"{owner.__name__}.{name}", getattr(owner, name), "###")


def _entry(name: str, thing: Any, level: str) -> list[str]:
    signature = _signature(thing)
    doc = inspect.getdoc(thing) or ""
    parts = [f"{level} {name}"]
    if signature is not None and not (inspect.isclass(thing) and issubclass(thing, Exception)):
        parts.append(f"```python\n{_folded(name, signature)}\n```")
    known = set(signature.parameters) if signature else set()
    return [*parts, *_sections(doc, known)]


def _signature(thing: Any) -> inspect.Signature | None:
    try:
        found = inspect.signature(thing)
    except (ValueError, TypeError):
        return None
    plain = [p.replace(annotation=p.empty) for p in found.parameters.values() if p.name not in ("self", "cls")]
    plain = [p.replace(default=_MADE) if "factory" in repr(p.default) else p for p in plain]
    return found.replace(parameters=plain, return_annotation=found.empty)


def _folded(name: str, signature: inspect.Signature) -> str:
    """The call in lines of at most 88 characters."""
    line, lines = f"{name}(", []
    for piece in re.findall(r"(?:[^,(\[{]|[(\[{][^)\]}]*[)\]}])+,?\s?", str(signature)[1:]):
        if len(line) + len(piece) > 88:
            lines.append(line.rstrip())
            line = "    "
        line += piece
    return "\n".join([*lines, line])


def _sections(doc: str, known: set[str]) -> Iterator[str]:
    pieces = re.split(r"(?m)^(\w[\w ]*)\n-{3,}\n", doc)
    yield _text(pieces[0].strip())
    for title, body in zip(pieces[1::2], pieces[2::2], strict=True):
        body = body.strip()
        if title == "Examples":
            yield f"**{title}**\n\n```pycon\n{body}\n```"
        else:
            names = {"Parameters": known, "Raises": _errors()}.get(title)
            yield f"**{title}**\n\n" + (_text(body) if names is None else _table(body, names))


def _errors() -> set[str]:
    import lifsim

    return {name for name in lifsim.__all__ if inspect.isclass(x := getattr(lifsim, name)) and issubclass(x, BaseException)}


def _table(body: str, known: set[str]) -> str:
    """``a, b : text. c : text`` as a table with a row for each; names are those of the signature, or of errors."""
    one = r"`?\*{0,2}\w+`?"
    starts = []
    for match in re.finditer(rf"(?:^|(?<=[.;)]\s)|(?<=\n))({one}(?:, {one})*) : ", body):
        names = re.findall(r"\w+", match[1])
        at_line = match.start() == 0 or body[match.start() - 1] == "\n"
        if at_line or known.issuperset(names):
            starts.append(match)
    if not starts or starts[0].start() != 0:
        return _text(body)
    rows = ["| | |", "|---|---|"]
    for match, end in zip(starts, [*(m.start() for m in starts[1:]), len(body)], strict=True):
        text = " ".join(_text(body[match.end() : end]).split()).replace("|", "\\|")
        names = ", ".join(f"`{name}`" for name in re.findall(r"[*]*\w+", match[1]))
        rows.append(f"| {names} | {text} |")
    return "\n".join(rows)


def _text(doc: str) -> str:
    """Markdown of a docstring: what looks like HTML or emphasis is neither."""
    pieces = re.split(r"(``.+?``|`[^`]+`)", doc)
    return "".join(p if p.startswith("`") else re.sub(r"([<*$])", r"\\\1", p).replace("\\<", "&lt;") for p in pieces)
