"""The program: its own options, its commands loaded one at a time, and what becomes of failures."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import click

from ...wire.errors import VirtError
from . import catalogue, complaints
from .declaring import SECONDS
from .session import Options, Shell

NAME = "virtactor"
COMPLETE_VARIABLE = "_VIRTACTOR_COMPLETE"
DONE, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
HELP = """Drive virtual machines through virtactord, or inside this process.

Commands and their options are virsh's. Without a command nothing is started: there is no prompt here, because your
shell is one, and `virtactor completion` teaches it the commands and the domains."""


class Program(click.Group):
    """The group of all commands, each imported when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(catalogue.MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = catalogue.MODULES.get(cmd_name)
        if module is None:
            return None
        return import_module(f".commands.{module}", __package__).COMMANDS[cmd_name]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for section in catalogue.SECTIONS:
            with formatter.section(section.title):
                formatter.write_dl([(name, catalogue.summary_of(name)) for name in section.commands], col_max=24)

    def main(self, args: Sequence[str] | None = None, *_: Any, **__: Any) -> Any:
        """Run it and exit, as click's own programs do; its test runner comes through here."""
        sys.exit(run(args))


def _print_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        click.echo(f"{NAME} {own_version()}")
        ctx.exit()


def own_version() -> str:
    """The version of this program."""
    from importlib import metadata

    return metadata.version(NAME)


@click.group(NAME, cls=Program, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-c", "--connect", "uri", metavar="URI", help="The host; else $VIRTACTOR_DEFAULT_URI, else qemu:///…")
@click.option("--root", type=click.Path(file_okay=False), help="The daemon that keeps everything below this directory.")
@click.option("-r", "--readonly", is_flag=True, help="Connect for looking only.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing that was not asked for; lists have no header.")
@click.option("--deadline", type=SECONDS, metavar="SECONDS", help="How long each call may take.")
@click.option("--json", is_flag=True, help="Print one JSON document; see docs/shell.md for its keys.")
@click.option("--trace", is_flag=True, help="Tell on stderr which way each call took, and how long.")
@click.option("-e", "--escape", default="^]", metavar="CHAR", help="What leaves a console.  [default: ^]]")
@click.option("-v", "-V", "--version", is_flag=True, expose_value=False, is_eager=True, callback=_print_version,
              help="Print the version and exit.")  # fmt: skip
@click.pass_obj
def program(shell: Shell, **given: Any) -> None:
    shell.options = Options(**given)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit status. Whatever goes wrong is told on stderr, in one line."""
    if COMPLETE_VARIABLE in os.environ:
        from .completing import answer

        return answer(program, os.environ[COMPLETE_VARIABLE])
    shell = Shell(Options())
    arguments = sys.argv[1:] if argv is None else list(argv)
    status = _guard(lambda: _invoke(shell, arguments))
    status = _guard(shell.close) or status
    if shell.options.trace:
        from .tracing import print_traces

        _guard(lambda: print_traces(shell.traces, shell.options.json))
    return status or (FAILED if shell.failures else DONE)


def _invoke(shell: Shell, arguments: list[str]) -> None:
    with program.make_context(NAME, arguments, obj=shell) as context:
        program.invoke(context)
    sys.stdout.flush()


def _guard(action: Callable[[], object]) -> int:
    """Do something; the exit status that its failure makes."""
    try:
        action()
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message(), err=True)
        return MISUSED
    except click.UsageError as misuse:
        click.echo(_usage_line(misuse), err=True)
        return MISUSED
    except click.ClickException as failure:
        click.echo(f"error: {failure.format_message()}", err=True)
        return FAILED
    except VirtError as error:
        click.echo(complaints.line_of(error), err=True)
        return FAILED
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_left()
    return DONE


def _usage_line(misuse: click.UsageError) -> str:
    path = misuse.ctx.command_path if misuse.ctx else NAME
    return f"error: {' '.join(misuse.format_message().split())} (hint: {path} --help)"


def _reader_left() -> int:
    """Who read our output has closed it: end like any other program in a pipe, and let Python's exit not mind."""
    sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - open until the process ends
    return FAILED
