"""Devices by their XML: attach-device, detach-device, update-device, detach-device-alias."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ..declaring import command, data, domain
from ..session import Shell
from ..values import Impact, affecting
from .actions import finish
from .definitions import read

if TYPE_CHECKING:
    from ...domain import Domain

FILE = click.Path(allow_dash=True)


def lasting_impact(domain: Domain, impact: Impact, lasting: bool) -> Impact:
    """What --persistent means: the guest where it runs, and its next start."""
    if not lasting:
        return impact
    return {"config": True, "live": impact["live"] or domain.is_active()}


@command("attach-device")
@domain()
@data("file", FILE, "The device's XML.", needed=True)
@affecting(persistent=True)
@click.pass_obj
def attach_device(shell: Shell, name: str, file: str, impact: Impact, lasting: bool) -> None:
    xml = read(file)
    chosen = shell.domain(name)
    chosen.devices.attach(xml, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "device attached")


@command("detach-device")
@domain()
@data("file", FILE, "The device's XML.", needed=True)
@affecting(persistent=True)
@click.pass_obj
def detach_device(shell: Shell, name: str, file: str, impact: Impact, lasting: bool) -> None:
    xml = read(file)
    chosen = shell.domain(name)
    chosen.devices.detach(xml, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "device detached")


@command("update-device")
@domain()
@data("file", FILE, "The device's XML.", needed=True)
@affecting(persistent=True)
@click.option("--force", is_flag=True, help="Open a drive's tray although the guest holds it shut.")
@click.pass_obj
def update_device(shell: Shell, name: str, file: str, impact: Impact, lasting: bool, force: bool) -> None:
    xml = read(file)
    chosen = shell.domain(name)
    chosen.devices.update(xml, force=force, **lasting_impact(chosen, impact, lasting))
    finish(shell, chosen, "device updated")


@command("detach-device-alias")
@domain()
@data("alias", help="The device's alias.", needed=True)
@affecting()
@click.pass_obj
def detach_device_alias(shell: Shell, name: str, alias: str, impact: Impact) -> None:
    chosen = shell.domain(name)
    chosen.devices.detach_alias(alias, **impact)
    finish(shell, chosen, f"device {alias} is asked to be detached")


COMMANDS = {one.name: one for one in (attach_device, detach_device, detach_device_alias, update_device)}
