"""The common base of all commands: exit codes, messages, the options -q and -v."""

from __future__ import annotations

import atexit
import os
import platform
import re
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

from lifsim.cli.synonyms import argument_hint, command_hint, option_hint
from lifsim.common import memory
from lifsim.common.errors import LifsimError, RunError, problem_of
from lifsim.common.printable import printable
from lifsim.common.streams import guarded
from lifsim.common.text import storable
from lifsim.common.version import __version__
from lifsim.modelfile.shipped import shipped_names
from lifsim.simulation.signals import Stopped, handling

DONE, FAILED, WRONG, UNFINISHED, INTERRUPTED = 0, 1, 2, 3, 130


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print `text`, parts of which may come from a file, with control characters of terminals escaped."""
    click.echo(printable(text), err=err, nl=nl)


@dataclass
class Talk:
    """The verbosity (-q: only errors and requested output; -v: also details), and the signal that stopped the command, if any."""

    quiet: bool = False
    verbose: bool = False
    stopped: Stopped | None = None

    def note(self, text: str) -> None:
        """Print a message that is not part of the requested output; a closed standard output is ignored."""
        if not self.quiet:
            with suppress(OSError, RunError):
                echo(text)

    def warn(self, text: str) -> None:
        """Print a message on standard error."""
        if not self.quiet:
            echo(text, err=True)


def _talk_options() -> list[click.Option]:
    def choose(name: str) -> Callable[..., None]:
        def callback(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
            if value:
                setattr(ctx.find_object(Talk), name, True)

        return callback

    flags = {"quiet": ("-q", "Print only errors and results."), "verbose": ("-v", "Print more details.")}
    return [
        click.Option([short, f"--{name}"], is_flag=True, expose_value=False, callback=choose(name), help=text)
        for name, (short, text) in flags.items()
    ]


class Command(click.Command):
    """A command that also accepts -q and -v after its name."""

    def __init__(self, *args: Any, **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.params += _talk_options()

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; every usage error refers to its command, so that the message can point to --help."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise


class CommandGroup(click.Group):
    """The group of all commands; turns every exception into an exit code and an error message.

    homes : the module of each command, in the order in which the commands are listed; imported when the command is called.
    """

    def __init__(self, *args: Any, homes: Mapping[str, str], **extra: Any) -> None:
        super().__init__(*args, **extra)
        self.homes = homes
        self.params += _talk_options()

    def main(self, *args: Any, **extra: Any) -> NoReturn:
        """Run a command line and exit with 0 (done), 1 (failure), 2 (wrong input), 3 (unfinished) or 128 + the number of a signal."""
        talk = extra["obj"] = Talk()
        extra["standalone_mode"] = False
        atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # no traceback for Ctrl-C while Python exits
        with guarded(), warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: talk.warn(f"warning: {message}")
            sys.exit(_exit_code(lambda: super(CommandGroup, self).main(*args, **extra), talk))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of a typical workflow, not in alphabetical order."""
        return list(self.homes)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The command `name`, whose module is imported if necessary."""
        if name in self.homes and name not in self.commands:
            self.add_command(getattr(import_module(self.homes[name]), name.replace("-", "_")))
        return super().get_command(ctx, name)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command `args[0]`, or an error that suggests the nearest name."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            hint = command_hint(args[0], self.list_commands(ctx), shipped_names())
            raise LifsimError(f"lifsim {args[0]}", "there is no such command", hint)
        return super().resolve_command(ctx, args)


def _exit_code(work: Callable[[], Any], talk: Talk) -> int:
    def note(number: int, frame: Any) -> None:
        if talk.stopped:  # second signal: exit at once; the recorded data are safe in the log
            os._exit(128 + number)
        talk.stopped = Stopped(number)  # noted here, since the compiler turns the exception into an error of its own
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
    except OSError as error:  # a full or failing disk outside the files of a run
        place = f"{error.filename}: " if error.filename else ""
        return _fail(FAILED, [f"{place}{error.strerror or error}"])
    except Exception as error:
        return talk.stopped.exit_code if talk.stopped else _report(error, talk)
    return code if isinstance(code, int) else DONE  # an int comes from click.exceptions.Exit


def _fail(code: int, lines: Iterable[str]) -> int:
    for line in lines:
        echo(f"error: {line}", err=True)
    return code


def _usage_message(error: click.exceptions.ClickException) -> str:
    """A usage error of click in the form "place: what was got; what is allowed"."""
    ctx = getattr(error, "ctx", None)
    if isinstance(error, click.MissingParameter) or not isinstance(error, click.BadParameter):
        where = ctx.command_path if ctx else "lifsim"
        hint = _hint(error, ctx) if ctx else ""
        got = error.message if hint and isinstance(error, click.NoSuchOption) else error.format_message()
        return f"{where}: {got.rstrip('.')}; {hint or f'see {where} --help'}"
    place = (error.param.opts[-1] if error.param else None) or "lifsim"
    return str(problem_of(place if place.startswith("-") else place.upper(), error.message.rstrip(".")))


def _hint(error: click.exceptions.ClickException, ctx: click.Context) -> str:
    """What is meant by an option, or an argument, that a command does not have."""
    options = {name for param in ctx.command.params for name in param.opts}
    if isinstance(error, click.NoSuchOption):
        return option_hint(error.option_name, options)
    extra = re.search(r"unexpected extra arguments? \((\S+)", error.message)
    return argument_hint(extra[1].removesuffix(")"), options) if extra else ""


def _report(error: Exception, talk: Talk) -> int:
    """Report an unexpected error; the traceback goes to a file, or with -v to standard error."""
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
    """Write `text` to a new file in the temporary folder, or else in the current one; returns its name, "" if neither is writable."""
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
