"""Commands about what guests can be given: cpu-compare, cpu-baseline, cpu-models, domcapabilities, maxvcpus."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import click

from ....wire.enums.domain_tuning import CPUCompareResult
from ....wire.errors import InvalidArgument, NotSupported, OperationFailed, SystemFailure
from ...cpu_documents import cpus_in
from ...node import Hypervisor
from ..declaring import command, data
from ..render import Text, show
from ..session import Shell

Function = Callable[..., Any]
_FILE = click.Path(allow_dash=True)
# What virsh says of a comparison with the host's processor, and with the one that its hypervisor gives.
_HOST = {
    CPUCompareResult.INCOMPATIBLE: "CPU described in {} is incompatible with host CPU",
    CPUCompareResult.IDENTICAL: "CPU described in {} is identical to host CPU",
    CPUCompareResult.SUPERSET: "Host CPU is a superset of CPU described in {}",
}
_HYPERVISOR = {
    CPUCompareResult.INCOMPATIBLE: (
        "CPU described in {} is incompatible with the CPU provided by hypervisor on the host"
    ),
    CPUCompareResult.IDENTICAL: "CPU described in {} is identical to the CPU provided by hypervisor on the host",
    CPUCompareResult.SUPERSET: "The CPU provided by hypervisor on the host is a superset of CPU described in {}",
}


def of_hypervisor(emulator: str = "emulator") -> Callable[[Function], Function]:
    """Options that say which hypervisor is meant, passed as ``of``; ``emulator`` is what virsh calls that option."""

    def decorate(function: Function) -> Function:
        @wraps(function)
        def gather(*args: Any, **values: Any) -> Any:
            named = {name: values.pop(f"of_{name}") for name in Hypervisor._fields}
            return function(*args, of=Hypervisor(**named), **values)

        for name, option, help in (
            ("machine", "machine", "The machine type."),
            ("arch", "arch", "The architecture."),
            ("emulator", emulator, "The path of the emulator."),
            ("type", "virttype", "The type of the domains."),
        ):
            data(option, click.STRING, help, into=f"of_{name}")(gather)
        return gather

    return decorate


@command("domcapabilities")
@of_hypervisor("emulatorbin")
@click.pass_obj
def domcapabilities(shell: Shell, of: Hypervisor) -> None:
    xml = shell.host.domain_capabilities(of)
    show(shell.options, {"domcapabilities": xml}, Text(xml))


@command("maxvcpus")
@data("type", click.STRING, "The type of the domain.")
@click.pass_obj
def maxvcpus(shell: Shell, type: str | None) -> None:
    most = _most_vcpus(shell, type)
    show(shell.options, {"maxvcpus": most}, Text(str(most)))


def _most_vcpus(shell: Shell, type: str | None) -> int:
    """What the usual machine can have; where that is not told, what the driver says."""
    try:
        xml = shell.host.domain_capabilities(Hypervisor(type=type))
    except NotSupported:
        return shell.host.max_vcpus(type)
    told = ElementTree.fromstring(xml).find("./vcpu")
    return shell.host.max_vcpus(type) if told is None else int(told.get("max", "0"))


@command("sysinfo")
@click.pass_obj
def sysinfo(shell: Shell) -> None:
    xml = shell.host.sysinfo()
    show(shell.options, {"sysinfo": xml}, Text(xml))


@command("cpu-models")
@data("arch", click.STRING, "The architecture.", needed=True)
@click.pass_obj
def cpu_models(shell: Shell, arch: str) -> None:
    models = shell.host.cpu_models(arch)
    text = "\n".join(models) if models else "all CPU models are accepted"
    show(shell.options, {"models": models}, Text(text))


@command("cpu-compare")
@data("file", _FILE, "A file that describes a processor.", needed=True)
@click.option("--error", is_flag=True, help="Say why it is incompatible.")
@click.option("--validate", is_flag=True, help="The document must have nothing unknown.")
@click.pass_obj
def cpu_compare(shell: Shell, file: str, error: bool, validate: bool) -> None:
    _compare(shell, file, None, error, validate)


@command("hypervisor-cpu-compare")
@data("file", _FILE, "A file that describes a processor.", needed=True)
@of_hypervisor()
@click.option("--error", is_flag=True, help="Say why it is incompatible.")
@click.option("--validate", is_flag=True, help="The document must have nothing unknown.")
@click.pass_obj
def hypervisor_cpu_compare(shell: Shell, file: str, of: Hypervisor, error: bool, validate: bool) -> None:
    _compare(shell, file, of, error, validate)


def _compare(shell: Shell, file: str, of: Hypervisor | None, fail: bool, validate: bool) -> None:
    result = shell.host.compare_cpu(_described(file)[0], of, fail=fail, validate=validate)
    said = _HOST if of is None else _HYPERVISOR
    sentence = said[CPUCompareResult(result)].format(file)
    if result == CPUCompareResult.INCOMPATIBLE:
        shell.fail(OperationFailed(sentence))
    else:
        show(shell.options, {"result": int(result), "says": sentence}, Text(sentence))


@command("cpu-baseline")
@data("file", _FILE, "A file that describes processors.", needed=True)
@click.option("--features", is_flag=True, help="List the features of the model too.")
@click.option("--migratable", is_flag=True, help="Without features that forbid migration.")
@click.pass_obj
def cpu_baseline(shell: Shell, file: str, features: bool, migratable: bool) -> None:
    xml = shell.host.baseline_cpu(_described(file), expand=features, migratable=migratable)
    show(shell.options, {"cpu": xml}, Text(xml))


@command("hypervisor-cpu-baseline")
@data("file", _FILE, "A file that describes processors.")
@of_hypervisor()
@click.option("--features", is_flag=True, help="List the features of the model too.")
@click.option("--migratable", is_flag=True, help="Without features that forbid migration.")
@click.option("--model", metavar="MODEL", help="A model instead of a file.")
@click.pass_obj
def hypervisor_cpu_baseline(
    shell: Shell, file: str | None, of: Hypervisor, features: bool, migratable: bool, model: str | None
) -> None:
    if (file is None) == (model is None):
        raise click.UsageError("either a file or a --model is needed")
    described = _described(file) if file is not None else [_model(model or "", of.arch)]
    xml = shell.host.baseline_cpu(described, of, expand=features, migratable=migratable)
    show(shell.options, {"cpu": xml}, Text(xml))


def _model(name: str, arch: str | None) -> str:
    cpu = ElementTree.Element("cpu")
    ElementTree.SubElement(cpu, "arch").text = arch or "x86_64"
    ElementTree.SubElement(cpu, "model").text = name
    return ElementTree.tostring(cpu, encoding="unicode")


def _described(file: str) -> list[str]:
    """The processors that a file describes, at least one."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text()
    except OSError as error:
        raise SystemFailure(f"Failed to open file '{file}': {error.strerror}", errno=error.errno) from None
    found = cpus_in(text)
    if not found:
        raise InvalidArgument(
            f"File '{file}' does not contain any <cpu> element or valid domain XML, host capabilities XML, or "
            "domain capabilities XML"
        )
    return found


COMMANDS = {
    one.name: one
    for one in (
        *(cpu_baseline, cpu_compare, cpu_models, domcapabilities, hypervisor_cpu_baseline, hypervisor_cpu_compare),
        *(maxvcpus, sysinfo),
    )
}
