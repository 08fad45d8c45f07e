"""Commands that tell how domains are: domstate, dominfo, domcontrol."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ....wire.enums.domain import ConnectListAllDomainsFlags as Flags
from ....wire.enums.domain import DomainControlErrorReason, DomainControlState
from ....wire.errors import NotSupported
from ....wire.table import ROWS, DomainRef
from ...domain import state_and_reason
from ...values import member_or_number, words_of
from ..declaring import command, domains
from ..render import Pairs, Table, Text, show
from ..selection import Selection
from ..session import Shell
from ..wording import control_word, state_word
from .actions import as_data
from .states import ask_state

if TYPE_CHECKING:
    from ...bulk import Errand

_INFO = ROWS["domain_get_info"]
_CONTROL = ROWS["domain_get_control_info"]
# What `dominfo` tells by a procedure of its own, and how the answer is to be read.
_PARTS = {
    "os_type": (ROWS["domain_get_os_type"], str),
    "persistent": (ROWS["domain_is_persistent"], bool),
    "autostart": (ROWS["domain_get_autostart"], bool),
    "updated": (ROWS["domain_is_updated"], bool),
}
_MANAGED_SAVE = ROWS["domain_has_managed_save_image"]
_SECURITY_MODEL = ROWS["node_get_security_model"]
_SECURITY_LABEL = ROWS["domain_get_security_label"]
_MESSAGES = ROWS["domain_get_messages"]
_SECURITY = (
    ("Security model", "security_model"),
    ("Security DOI", "security_doi"),
    ("Security label", "security_label"),
)


@command("domstate")
@domains()
@click.option("--reason", is_flag=True, help="Tell how it came about, too.")
@click.pass_obj
def domstate(shell: Shell, selection: Selection, reason: bool) -> None:
    answers = shell.ask(shell.choose(selection), ask_state)
    data = [{**as_data(domain.ref), "state": state, "reason": why} for domain, (state, why) in answers]
    lines = [
        (
            domain.name,
            f"{state} ({why})" if reason else state,
        )
        for domain, (state, why) in answers
    ]
    _show_each(shell, selection, data, lines, "State")


@command("domcontrol")
@domains(applies=Flags.ACTIVE)
@click.pass_obj
def domcontrol(shell: Shell, selection: Selection) -> None:
    answers = shell.ask(shell.choose(selection), _ask_control)
    data = [{**as_data(domain.ref), **answer} for domain, answer in answers]
    _show_each(shell, selection, data, [(domain.name, answer["text"]) for domain, answer in answers], "Control")


def _show_each(
    shell: Shell, selection: Selection, data: list[dict[str, Any]], lines: list[tuple[str, str]], title: str
) -> None:
    """One answer as it is, several as a table."""
    if selection.is_one and lines:
        view = Text(lines[0][1])
    elif selection.is_one and not shell.options.json:
        return
    else:
        view = Table(("Name", title), lines, states=1)
    show(shell.options, {"domains": data}, view)


@command("dominfo")
@domains()
@click.pass_obj
def dominfo(shell: Shell, selection: Selection) -> None:
    answers = shell.ask(shell.choose(selection), _ask_info)
    described = [{**as_data(domain.ref), **answer} for domain, answer in answers]
    show(shell.options, {"domains": described}, *(Pairs(_pairs(info)) for info in described))


def _ask_control(ref: DomainRef) -> Errand[dict[str, Any]]:
    state, details, milliseconds = yield _CONTROL, (ref, 0)
    known = member_or_number(DomainControlState, state)
    why = member_or_number(DomainControlErrorReason, details)
    return {
        "control": words_of(known),
        "details": words_of(why),
        "for_seconds": milliseconds / 1000,
        "text": control_word(known, why, milliseconds),
    }


def _ask_info(ref: DomainRef) -> Errand[dict[str, Any]]:
    state, max_memory, memory, vcpus, cpu_time = yield _INFO, (ref,)
    info: dict[str, Any] = {
        "state": state_word(state_and_reason(state, 0)[0]),
        "max_memory_kib": max_memory,
        "memory_kib": memory,
        "vcpus": vcpus,
        "cpu_time_ns": cpu_time,
    }
    for name, (row, kind) in _PARTS.items():
        info[name] = kind((yield row, (ref,))[0])
    info |= yield from _ask_what_some_lack(ref)
    return info


def _ask_what_some_lack(ref: DomainRef) -> Errand[dict[str, Any]]:
    """What not every driver can tell: saved memory, security, messages."""
    found: dict[str, Any] = {}
    with suppress(NotSupported):
        found["managed_save"] = (yield _MANAGED_SAVE, (ref, 0))[0] > 0
    with suppress(NotSupported):
        model, doi = yield _SECURITY_MODEL, ()
        if model:
            found["security_model"], found["security_doi"] = model, doi
            label, enforcing = yield _SECURITY_LABEL, (ref,)
            if label:
                found["security_label"] = f"{label} ({'enforcing' if enforcing else 'permissive'})"
    with suppress(NotSupported):
        found["messages"] = (yield _MESSAGES, (ref, 0))[0]
    return found


def _pairs(info: dict[str, Any]) -> list[tuple[str, str]]:
    used = [("CPU time", f"{info['cpu_time_ns'] / 1e9:.1f}s")] if info["cpu_time_ns"] else []
    return [
        ("Id", "-" if info["id"] is None else str(info["id"])),
        ("Name", info["name"]),
        ("UUID", info["uuid"]),
        ("OS Type", info["os_type"]),
        ("State", info["state"]),
        ("CPU(s)", str(info["vcpus"])),
        *used,
        ("Max memory", f"{info['max_memory_kib']} KiB"),
        ("Used memory", f"{info['memory_kib']} KiB"),
        ("Persistent", "yes" if info["persistent"] else "no"),
        ("Autostart", "enable" if info["autostart"] else "disable"),
        *([("Managed save", "yes" if info["managed_save"] else "no")] if "managed_save" in info else []),
        *((label, info[key]) for label, key in _SECURITY if key in info),
        *(("Messages" if number == 0 else "", text) for number, text in enumerate(info.get("messages", ()))),
    ]


COMMANDS = {one.name: one for one in (domcontrol, dominfo, domstate)}
