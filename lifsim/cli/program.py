"""What all commands of the command line have in common: how they end, what they say, -q and -v."""

from __future__ import annotations

import atexit
import os
import platform
import shlex
import signal
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Any, NoReturn

import click

from lifsim.common import memory
from lifsim.common.errors import LifsimError, RunError, did_you_mean
from lifsim.common.printable import printable
from lifsim.common.streams import guarded
from lifsim.common.text import storable
from lifsim.common.version import __version__
from lifsim.simulation.signals import Stopped, handling

DONE, FAILED, WRONG, UNFINISHED, INTERRUPTED = 0, 1, 2, 3, 130


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print `text`, parts of which may come from a file: what a terminal would obey is shown as an escape."""
    click.echo(printable(text), err=err, nl=nl)


@dataclass
class Talk:
    """How much to say: -q only errors and what was asked for, -v also details. And the signal that stopped the work, if one did."""

    quiet: bool = False
    verbose: bool = False
    stopped: Stopped | None = None

    def note(self, text: str) -> None:
        """A line for people, not for pipes; where it cannot be written, the work goes on."""
        if not self.quiet:
            with suppress(OSError, RunError):
                echo(text)

    def warn(self, text: str) -> None:
        """A line for people on standard error."""
        if not self.quiet:
            echo(text, err=True)


def _talk_options() -> list[click.Option]:
    def choose(name: str) -> Callable[..., None]:
        def callback(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
            if value:
                setattr(ctx.find_object(Talk), name, True)

        return callback

    flags = {"quiet": ("-q", "Only errors and results."), "verbose": ("-v", "More detail.")}
    return [
        click.Option([short, f"--{name}"], is_flag=True, expose_value=False, callback=choose(name), help=text)
        for name, (short, text) in flags.items()
    ]


class Command(click.Command):
    """A command that takes -q and -v after its own name too."""

    def __init__(self, *args: Any, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.params += _talk_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does it, but a complaint always knows its command, so that it can point to its --help."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class CommandGroup(click.Group):
    """The group of all commands; turns whatever ends a command into an exit code and at most one message.

    homes : the module of each command, in the order in which commands are listed; a module is imported when its command is asked for.
    """

    def __init__(self, *args: Any, homes: Mapping[str, str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.homes = homes
        self.params += _talk_options()

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command line and exit: 0 done, 2 the user's mistake, 1 a failure, 130 and the like: a signal."""
        talk = extra["obj"] = Talk()
        extra["standalone_mode"] = False
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # what is left to do then is not worth a traceback
        with guarded(), warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: talk.warn(f"warning: {message}")
            sys.exit(_exit_code(lambda: super(CommandGroup, self).main(*args, **extra), talk))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order in which they are met at work, not in that of the alphabet."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command called `name`, whose module is imported now."""
        if name in self.homes and name not in self.commands:
            self.add_command(getattr(import_module(self.homes[name]), name))
        return super().get_command(ctx, name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command called `args[0]`, or an error that names the nearest."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise LifsimError(f"lifsim {args[0]}", "there is no such command", did_you_mean(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


def _exit_code(work: Callable[[], Any], talk: Talk) -> int:
    def note(number: int, frame: Any) -> None:
        if talk.stopped:  # asked again: at once, for what was recorded is safe in the log
            os._exit(128 + number)
        talk.stopped = Stopped(number)  # while the compiler is at work it comes out as an error of the compiler
        raise talk.stopped

    try:
        with handling(note), warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: talk.warn(f"warning: {message}")
            code = work()
    except LifsimError as error:
        return _fail(WRONG, str(error).split("\n"))
    except click.exceptions.ClickException as error:
        return _fail(WRONG, [_usage_message(error)])
    except (click.Abort, KeyboardInterrupt) as error:  # click makes an Abort of every KeyboardInterrupt, and of every EOFError
        cause = error.__cause__ or error.__context__
        if isinstance(cause, EOFError):
            return _report(cause, talk)
        stopped = next((e for e in (error, cause, talk.stopped) if isinstance(e, Stopped)), None)
        if stopped is None:
            return INTERRUPTED
        talk.warn(str(stopped))
        return stopped.exit_code
    except RunError as error:
        return _fail(FAILED, [str(error)])
    except MemoryError as error:
        limit = memory.free()
        return _fail(FAILED, [f"not enough memory ({error}); {memory.said(limit.free)} are free {limit.place}"])
    except OSError as error:  # a disk that is full or failing where nothing of a run is written
        place = f"{error.filename}: " if error.filename else ""
        return _fail(FAILED, [f"{place}{error.strerror or error}"])
    except Exception as error:
        return talk.stopped.exit_code if talk.stopped else _report(error, talk)
    return code if isinstance(code, int) else DONE  # that of click.exceptions.Exit


def _fail(code: int, lines: Iterable[str]) -> int:
    for line in lines:
        echo(f"error: {line}", err=True)
    return code


def _usage_message(error: click.exceptions.ClickException) -> str:
    """Click's complaint in the house's form, place: what was got; what is allowed."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.MissingParameter) or not isinstance(error, click.BadParameter):
        where = ctx.command_path if ctx else "lifsim"
        return f"{where}: {error.format_message().rstrip('.')}; see {where} --help"
    place = (error.param.opts[-1] if error.param else None) or "lifsim"
    return f"{place if place.startswith('-') else place.upper()}: {error.message.rstrip('.')}"


def _report(error: Exception, talk: Talk) -> int:
    """What to say of an error that lifsim did not foresee; the traceback goes to a file, or to the screen with -v."""
    details = "".join(traceback.format_exception(error))
    facts = f"lifsim {__version__}, Python {platform.python_version()}, {platform.platform()}"
    _fail(FAILED, [f"lifsim failed, sorry: {type(error).__name__}: {error}"])
    echo(f"This is a mistake of lifsim's, not of yours ({facts}).", err=True)
    if talk.verbose:
        echo(details, err=True)
        return FAILED
    name = _write_report(storable(f"{facts}\ncommand: {shlex.join(sys.argv)}\n\n{details}"))
    echo(f"Please report it with the file {name}" if name else f"Please report it with this:\n{details}", err=True)
    return FAILED


def _write_report(text: str) -> str:
    """The name of a new file of `text`, in the folder for temporary files or else in this one; "" if neither can be written."""
    for folder in (None, os.curdir):
        try:
            with tempfile.NamedTemporaryFile(
                "w", prefix="lifsim-report-", suffix=".txt", dir=folder, delete=False, encoding="utf-8"
            ) as file:
                file.write(text)
            return file.name
        except OSError:
            continue
    return ""
