"""nwfilter-*: network filters and their bindings."""

from __future__ import annotations

import click

from ...nwfilter import NWFilter, NWFilterBinding
from ..declaring import command
from ..session import Shell
from .objects import VALIDATE, Noun, acting, by_name, defining, dumping, editing, named, show_table

FILTER = named("nwfilter", "nwfilters", lambda host: host.nwfilters)
BINDING = Noun(
    "binding",
    "The host's interface that is filtered.",
    "bindings",
    lambda host, name: host.nwfilter_bindings.lookup(name),
    lambda host: [binding.port_dev for binding in host.nwfilter_bindings],
    lambda binding: {"port_dev": binding.port_dev, "filter": binding.filter_name},
)


@command("nwfilter-list")
@click.pass_obj
def nwfilter_list(shell: Shell) -> None:
    found = by_name(shell.host.nwfilters)
    show_table(shell, FILTER, ("UUID", "Name"), found, [(str(one.uuid), one.name) for one in found])


@command("nwfilter-binding-list")
@click.pass_obj
def nwfilter_binding_list(shell: Shell) -> None:
    found = by_name(shell.host.nwfilter_bindings)
    show_table(shell, BINDING, ("Port Dev", "Filter"), found, [(one.port_dev, one.filter_name) for one in found])


COMMANDS = {
    one.name: one
    for one in (
        acting("nwfilter-binding-delete", BINDING, "deleted", NWFilterBinding.delete),
        acting("nwfilter-undefine", FILTER, "undefined", NWFilter.undefine),
        defining(
            "nwfilter-binding-create",
            BINDING,
            "created",
            lambda host, xml, **how: host.nwfilter_bindings.create(xml, **how),
            VALIDATE,
        ),
        defining(
            "nwfilter-define", FILTER, "defined", lambda host, xml, **how: host.nwfilters.define(xml, **how), VALIDATE
        ),
        dumping("nwfilter-binding-dumpxml", BINDING, NWFilterBinding.xml),
        dumping("nwfilter-dumpxml", FILTER, NWFilter.xml),
        editing("nwfilter-edit", FILTER, NWFilter.xml, lambda host, xml: host.nwfilters.define(xml)),
        nwfilter_binding_list,
        nwfilter_list,
    )
}
