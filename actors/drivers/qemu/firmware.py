"""Which firmware a guest gets that asks for a kind of it: found in the descriptors that firmware's packages bring.

A descriptor is a JSON file (docs/interop/firmware.json of QEMU) in one of `directories`. One in a later directory
replaces those of its name in the earlier ones; an empty one hides them. They are looked through in the order of their
names, and the first that fits is taken. What is chosen stands in the domain's document from then on.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ....wire.documents.domain import DomainDefinition, Features, Loader, Nvram
from ....wire.documents.replacing import replace
from ....wire.errors import UnsupportedConfig

logger = logging.getLogger("virtactor.qemu")

SUFFIX = ".json"
VARIABLES = "{name}_VARS.fd"
INTERFACES = {"efi": "uefi", "bios": "bios"}
# What a descriptor calls it, for the features that a document can ask for.
FEATURES = {"secure-boot": "secure-boot", "enrolled-keys": "enrolled-keys"}


def directories() -> tuple[Path, ...]:
    """Where descriptors are, the weightiest last."""
    config = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return (Path("/usr/share/qemu/firmware"), Path("/etc/qemu/firmware"), config / "qemu/firmware")


@dataclass(frozen=True, slots=True)
class Firmware:
    """One firmware. ``template`` is what a guest's variables begin with; None where it keeps none.

    ``targets`` are architectures with patterns of machine types; ``device`` is flash or memory.
    """

    path: str
    device: str
    template: str | None
    interfaces: frozenset[str]
    features: frozenset[str]
    targets: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def needs_smm(self) -> bool:
        return "requires-smm" in self.features

    def runs_on(self, arch: str | None, machine: str) -> bool:
        """Whether it is for a machine type, given in full."""
        return any(
            arch == target and any(fnmatchcase(machine, pattern) for pattern in patterns)
            for target, patterns in self.targets
        )


@dataclass(frozen=True, slots=True)
class FirmwareStore:
    """The firmware that there is, and the directory of guests' variables."""

    firmwares: tuple[Firmware, ...]
    variables: Path

    @classmethod
    def read(cls, variables: Path, places: Sequence[Path] | None = None) -> FirmwareStore:
        """Read all descriptors. What cannot be understood is logged and left out."""
        files: dict[str, Path] = {}
        for place in directories() if places is None else places:
            if place.is_dir():
                files |= {path.name: path for path in place.iterdir() if path.suffix == SUFFIX}
        return cls(tuple(found for name in sorted(files) if (found := _read(files[name]))), variables)


def _read(path: Path) -> Firmware | None:
    try:
        text = path.read_text()
        return _firmware(json.loads(text)) if text.strip() else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s describes no firmware: %r", path, error)
        return None


def _firmware(told: Mapping[str, Any]) -> Firmware | None:
    """The firmware of a descriptor, None for one that is no raw file."""
    mapping = told["mapping"]
    if mapping["device"] not in ("flash", "memory"):
        return None
    code = mapping if mapping["device"] == "memory" else mapping["executable"]
    template = mapping.get("nvram-template", {})
    if any(each.get("format", "raw") != "raw" for each in (code, template)):
        return None
    return Firmware(
        path=code["filename"],
        device=mapping["device"],
        template=template.get("filename"),
        interfaces=frozenset(told["interface-types"]),
        features=frozenset(told.get("features", ())),
        targets=tuple((each["architecture"], tuple(each["machines"])) for each in told["targets"]),
    )


# -- choosing ----------------------------------------------------------------------------------------------------------


def with_firmware(definition: DomainDefinition, store: FirmwareStore) -> DomainDefinition:
    """The definition with the files of its firmware, where it leaves them to us; its machine is given in full.

    Raises UnsupportedConfig when there is no such firmware here.
    """
    os = definition.os
    loader = os.loader
    if os.firmware == "efi" and (loader is None or loader.path is None):
        return _with_chosen(definition, _choose(definition, store), store)
    if loader is not None and loader.type == "pflash" and not loader.stateless and loader.readonly is not False:
        return replace(definition, os=replace(os, nvram=_nvram(definition, store, _template_of(loader, store))))
    return definition


def _template_of(loader: Loader, store: FirmwareStore) -> str | None:
    return next((each.template for each in store.firmwares if each.path == loader.path), None)


def _nvram(definition: DomainDefinition, store: FirmwareStore, template: str | None) -> Nvram | None:
    """Where the variables are. Without a file or a template said or known there are none."""
    said = definition.os.nvram or Nvram()
    template = said.template or template
    if said.path is None and template is None:
        return definition.os.nvram
    path = said.path or str(store.variables / VARIABLES.format(name=definition.name))
    return replace(said, template=template, path=path)


def _choose(definition: DomainDefinition, store: FirmwareStore) -> Firmware:
    for firmware in store.firmwares:
        if not any(_misfits(firmware, definition)):
            return firmware
    raise UnsupportedConfig(
        "Unable to find any firmware to satisfy 'efi'",
        hint=f"no descriptor in {', '.join(map(str, directories()))} fits; the package ovmf brings some",
    )


def _misfits(firmware: Firmware, definition: DomainDefinition) -> Iterator[bool]:
    os = definition.os
    loader = os.loader or Loader()
    features = definition.features or Features()
    pm = definition.pm
    yield INTERFACES[os.firmware or "bios"] not in firmware.interfaces
    yield not firmware.runs_on(os.arch, os.machine or "")
    yield firmware.device != {"rom": "memory", "pflash": "flash"}.get(loader.type or "", firmware.device)
    yield bool(loader.stateless) != (firmware.template is None and firmware.device == "flash")
    yield loader.secure is not None and loader.secure != firmware.needs_smm
    yield firmware.needs_smm and features.smm is False
    yield bool(pm and pm.suspend_to_mem) and "acpi-s3" not in firmware.features
    yield bool(pm and pm.suspend_to_disk) and "acpi-s4" not in firmware.features
    yield from (each.enabled != (FEATURES[each.name] in firmware.features) for each in os.firmware_features)


def _with_chosen(definition: DomainDefinition, firmware: Firmware, store: FirmwareStore) -> DomainDefinition:
    os = definition.os
    said = os.loader or Loader()
    if firmware.device == "memory":
        return replace(definition, os=replace(os, loader=replace(said, type="rom", path=firmware.path)))
    loader = replace(
        said, readonly=True, type="pflash", secure=True if firmware.needs_smm else said.secure, path=firmware.path
    )
    nvram = None if firmware.template is None else _nvram(definition, store, firmware.template)
    features = definition.features or Features()
    return replace(
        definition,
        os=replace(os, loader=loader, nvram=nvram),
        features=replace(features, smm=True) if firmware.needs_smm else definition.features,
    )
