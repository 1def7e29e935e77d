"""The command demo."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from lifsim.cli.next_steps import command, new_file, next_line, run_of
from lifsim.cli.options import OVERWRITE, NewFile, refuse_output
from lifsim.cli.program import Command, Talk, echo
from lifsim.common.errors import LifsimError
from lifsim.demo import entries, page
from lifsim.files.outputs import make_folder

_FIGURES, _PAGES = (".png", ".pdf", ".svg"), (".html", ".htm")


@click.command(cls=Command)
@click.argument("name", required=False)
@click.option("--html", is_flag=True, help="Write the page with sliders instead of a demonstration.")
@click.option("-o", "--out", type=NewFile(), help="File to write.  [default: outputs/NAME.png, outputs/sliders.html]")
@OVERWRITE
@click.pass_obj
def demo(talk: Talk, name: str | None, html: bool, out: Path | None, overwrite: bool) -> None:
    """Show what neurons and networks of them do.

    Without NAME, lists the demonstrations. With NAME, runs one: prints what is to be seen and writes a figure. --html
    writes a page for a browser, on which sliders move the parameters of a neuron.
    """
    if html:
        return _write_page(talk, name, out, overwrite)
    if name is None:
        if out:
            raise LifsimError("--out", f"{out}, but no demonstration", f"the name of one, such as {command('demo', 'leak', '-o', out)}")
        return _list(talk)
    entries.entry_of(name)
    return _show(talk, name, _output(out, Path("outputs") / f"{name}.png", _FIGURES, overwrite))


def _list(talk: Talk) -> None:
    found = entries.names()
    width = max(map(len, found))
    for name, title in found.items():
        echo(f"{name:<{width}}  {title}")
    talk.note(next_line([_demo("threshold"), _page()]))


def _show(talk: Talk, name: str, out: Path) -> None:
    from lifsim.demo.showing import make
    from lifsim.plot.style import save

    made = make(name)
    make_folder(out)
    save(made.figure, out)
    echo(made.text)
    talk.note(f"{out}: figure")
    talk.note(next_line(_after(name)))


def _after(name: str) -> Iterable[str]:
    """The commands that may follow a demonstration: one that shows the same of a model, and the next demonstration, or the page."""
    words, found = entries.entry_of(name).of_model, list(entries.names())
    if words:
        yield (
            run_of(Path(words[1]), *words[2:]) if words[0] == "run" else command(*words, *new_file(Path("outputs") / f"{words[1]}.fi.png"))
        )
    yield _page() if name == found[-1] else _demo(found[found.index(name) + 1])


def _demo(name: str) -> str:
    return command("demo", name, *new_file(Path("outputs") / f"{name}.png"))


def _page() -> str:
    return command("demo", "--html", *new_file(Path("outputs") / "sliders.html"))


def _write_page(talk: Talk, name: str | None, out: Path | None, overwrite: bool) -> None:
    if name is not None:
        raise LifsimError("--html", f"given with the demonstration {name!r}", "one of them: the page has sliders and no demonstrations")
    out = _output(out, Path("outputs") / "sliders.html", _PAGES, overwrite)
    page.write_page(out, overwrite=overwrite)
    talk.note(f"{out}: open it in a browser")


def _output(out: Path | None, usual: Path, allowed: tuple[str, ...], overwrite: bool) -> Path:
    """The file to write, checked."""
    out = out or usual
    if out.suffix.lower() not in allowed:
        raise LifsimError("--out", str(out), f"a name that ends in {' or '.join(allowed)}")
    refuse_output(out, overwrite)
    return out
