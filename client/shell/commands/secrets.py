"""secret-*: secrets."""

from __future__ import annotations

import base64
import binascii
import sys

import click

from ....wire.enums.host import SecretUsageType
from ....wire.errors import InvalidArgument, SystemFailure
from ...secret import Secret
from ...values import words_of
from ..declaring import command, data
from ..render import Text, show
from ..session import Shell
from .objects import VALIDATE, Noun, acting, by_name, defining, dumping, filter_options, finish, one, show_table

SECRET = Noun(
    "secret",
    "Its UUID.",
    "secrets",
    lambda host, name: host.secrets.lookup(name),
    lambda host: [secret.name for secret in host.secrets],
    lambda secret: {"uuid": secret.name, "usage_type": words_of(secret.usage_type), "usage_id": secret.usage_id},
)
_FILTERS = {
    "ephemeral": "Kept in memory only.",
    "no-ephemeral": "Kept on disk.",
    "private": "Whose value is told nobody.",
    "no-private": "Whose value can be asked.",
}


@command("secret-list")
@filter_options(_FILTERS)
@click.pass_obj
def secret_list(shell: Shell, filters: dict[str, bool]) -> None:
    found = by_name(shell.host.secrets.list(**filters))
    show_table(shell, SECRET, ("UUID", "Usage"), found, [(one.name, _usage(one)) for one in found])


def _usage(secret: Secret) -> str:
    if secret.usage_type is SecretUsageType.NONE:
        return "Unused"
    return f"{words_of(secret.usage_type)} {secret.usage_id}"


@command("secret-set-value")
@one(SECRET)
@data("base64", help="The value, in base64.", into="encoded")
@click.option("--file", "path", type=click.Path(allow_dash=True), metavar="FILE", help="The file that has it.")
@click.option("--plain", is_flag=True, help="The file has the value itself, not in base64.")
@click.option("--interactive", is_flag=True, help="Ask for it.")
@click.pass_obj
def secret_set_value(
    shell: Shell, name: str, encoded: str | None, path: str | None, plain: bool, interactive: bool
) -> None:
    if sum((encoded is not None, path is not None, interactive)) != 1:
        raise click.UsageError("one of a value in base64, --file and --interactive")
    if plain and path is None:
        raise click.UsageError("--plain wants --file")
    secret = SECRET.find(shell.host, name)
    secret.set_value(_value(encoded, path, plain))
    finish(shell, SECRET, secret, "value set")


def _value(encoded: str | None, path: str | None, plain: bool) -> bytes:
    """What was given, typed or in a file."""
    if encoded is not None:
        return _decoded(encoded.encode())
    if path is None:
        return str(click.prompt("Value", hide_input=True, err=True)).encode()
    content = _content(path)
    return content if plain else _decoded(content)


def _content(path: str) -> bytes:
    try:
        with click.open_file(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise SystemFailure(f"cannot read {path}: {error.strerror}", errno=error.errno, object=path) from error


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except binascii.Error as error:
        raise InvalidArgument(f"the value is not base64: {error}") from error


@command("secret-get-value")
@one(SECRET)
@click.option("--plain", is_flag=True, help="The value itself, not in base64.")
@click.pass_obj
def secret_get_value(shell: Shell, name: str, plain: bool) -> None:
    secret = SECRET.find(shell.host, name)
    value = secret.value()
    if plain and not shell.options.json:
        sys.stdout.flush()
        sys.stdout.buffer.write(value)
        sys.stdout.buffer.flush()
        return
    encoded = base64.b64encode(value).decode()
    show(shell.options, {**SECRET.data(secret), "base64": encoded}, Text(encoded))


COMMANDS = {
    one.name: one
    for one in (
        acting("secret-undefine", SECRET, "undefined", Secret.undefine),
        defining(
            "secret-define", SECRET, "defined", lambda host, xml, **how: host.secrets.define(xml, **how), VALIDATE
        ),
        dumping("secret-dumpxml", SECRET, Secret.xml),
        secret_get_value,
        secret_list,
        secret_set_value,
    )
}
