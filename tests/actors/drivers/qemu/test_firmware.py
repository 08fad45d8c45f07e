"""Firmware is chosen by its descriptors when a domain is defined; its variables are made, kept, and removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from virtactor.actors.drivers.qemu.defaults import complete_definition
from virtactor.actors.drivers.qemu.firmware import FirmwareStore
from virtactor.wire.documents.domain import DomainDefinition, Loader, Nvram, parse_domain
from virtactor.wire.enums.domain import DomainCreateFlags, DomainUndefineFlagsValues
from virtactor.wire.errors import InvalidArgument, OperationInvalid, UnsupportedConfig

from ....raw_client import RawClient
from ...served import Served

EFI = """<domain type='qemu'><name>g</name><memory unit='MiB'>64</memory>
<os firmware='efi'><type arch='x86_64' machine='{machine}'>hvm</type>{os}</os>
<features><acpi/>{features}</features>{top}
</domain>"""
OVMF = Path("/usr/share/OVMF/OVMF_CODE_4M.ms.fd")


def descriptor(
    code: str, *, template: str | None = None, machines: str = "pc-q35-*", features: str = ""
) -> dict[str, Any]:
    mapping: dict[str, Any] = {"device": "flash", "executable": {"filename": code, "format": "raw"}}
    if template is not None:
        mapping["nvram-template"] = {"filename": template, "format": "raw"}
    return {
        "interface-types": ["uefi"],
        "mapping": mapping,
        "targets": [{"architecture": "x86_64", "machines": machines.split()}],
        "features": features.split(),
    }


@pytest.fixture
def store(tmp_path: Path) -> FirmwareStore:
    """Descriptors as distributions have them, one replaced and one hidden by the administrator."""
    shipped, local = tmp_path / "share", tmp_path / "etc"
    descriptors = {
        shipped / "40-enrolled.json": descriptor(
            "/ms", template="/ms-vars", features="requires-smm secure-boot enrolled-keys acpi-s3"
        ),
        shipped / "50-secure.json": descriptor(
            "/secure", template="/vars", features="requires-smm secure-boot acpi-s3"
        ),
        shipped / "55-hidden.json": descriptor("/hidden", template="/vars"),
        shipped / "60-plain.json": descriptor("/old", template="/vars", machines="pc-q35-* pc-i440fx-*"),
        shipped / "70-stateless.json": descriptor("/stateless"),
        local / "60-plain.json": descriptor(
            "/plain", template="/vars", machines="pc-q35-* pc-i440fx-*", features="acpi-s3"
        ),
    }
    for place in (shipped, local):
        place.mkdir()
    for path, content in descriptors.items():
        path.write_text(json.dumps(content))
    (local / "55-hidden.json").touch()
    (local / "10-broken.json").write_text("{")
    return FirmwareStore.read(Path("/nvram"), (shipped, local))


def completed(store: FirmwareStore, xml: str) -> DomainDefinition:
    definition = parse_domain(xml)
    machine = {"pc": "pc-i440fx-7.2", "q35": "pc-q35-7.2"}[definition.os.machine or "pc"]
    return complete_definition(definition, machine=machine, emulator="/qemu", firmware=store)


def efi(machine: str = "q35", os: str = "", features: str = "", top: str = "") -> str:
    return EFI.format(machine=machine, os=os, features=features, top=top)


@pytest.mark.parametrize(
    ("xml", "chosen"),
    [
        (efi(), "/ms"),
        (efi("pc"), "/plain"),
        (efi(features="<smm state='off'/>"), "/plain"),
        (efi(os="<loader secure='no'/>"), "/plain"),
        (efi(os="<loader secure='yes'/>"), "/ms"),
        (efi(os="<loader stateless='yes'/>"), "/stateless"),
        (efi(os="<firmware><feature enabled='no' name='enrolled-keys'/></firmware>"), "/secure"),
        (efi(os="<firmware><feature enabled='no' name='secure-boot'/></firmware>"), "/plain"),
    ],
)
def test_the_first_firmware_that_fits_is_chosen(store: FirmwareStore, xml: str, chosen: str) -> None:
    loader = completed(store, xml).os.loader
    assert loader is not None
    assert loader.path == chosen


def test_what_the_firmware_needs_is_in_the_document_and_stays(store: FirmwareStore) -> None:
    definition = completed(store, efi())

    assert definition.os.loader == Loader(readonly=True, secure=True, type="pflash", path="/ms")
    assert definition.os.nvram == Nvram(template="/ms-vars", path="/nvram/g_VARS.fd")
    assert definition.features is not None
    assert definition.features.smm
    assert complete_definition(definition, machine="pc-q35-7.2", emulator="/qemu", firmware=store) == definition


def test_variables_and_their_template_can_be_named(store: FirmwareStore) -> None:
    definition = completed(store, efi(os="<nvram template='/mine'>/here</nvram>"))
    assert definition.os.nvram == Nvram(template="/mine", path="/here")


def test_a_loader_that_a_descriptor_tells_of_has_its_template(store: FirmwareStore) -> None:
    xml = efi(os="<loader readonly='yes' type='pflash'>/plain</loader>").replace(" firmware='efi'", "")
    assert completed(store, xml).os.nvram == Nvram(template="/vars", path="/nvram/g_VARS.fd")


def test_a_firmware_that_is_not_there_is_refused(store: FirmwareStore) -> None:
    with pytest.raises(UnsupportedConfig, match="Unable to find any firmware to satisfy 'efi'"):
        completed(store, efi("pc", os="<loader secure='yes'/>"))
    with pytest.raises(UnsupportedConfig, match="Unable to find any firmware"):
        completed(store, efi(top="<pm><suspend-to-disk enabled='yes'/></pm>"))


# -- in a daemon


@pytest.fixture
def client(serve: Callable[..., Served], root: Path) -> RawClient:
    return serve(root).opened("qemu:///system")


def variables_of(root: Path) -> Path:
    return root / "lib/qemu/nvram/g_VARS.fd"


@pytest.fixture
def defined(client: RawClient, root: Path) -> Any:
    """A domain with UEFI of made-up files: what QEMU runs does not matter here."""
    for name, size in (("code", 1 << 20), ("template", 1 << 18)):
        (root / name).write_bytes(b"\xff" * size)
    os = f"<loader readonly='yes' type='pflash'>{root}/code</loader><nvram template='{root}/template'/>"
    return client.call("domain_define_xml_flags", efi(os=os).replace(" firmware='efi'", ""), 0)


def test_variables_are_made_at_the_first_start_and_kept(client: RawClient, root: Path, defined) -> None:
    assert not variables_of(root).exists()
    client.call("domain_create_with_flags", defined, DomainCreateFlags.PAUSED)
    assert variables_of(root).read_bytes() == (root / "template").read_bytes()
    assert variables_of(root).stat().st_mode & 0o777 == 0o600

    client.call("domain_destroy_flags", defined, 0)
    variables_of(root).write_bytes(b"\0" * (1 << 18))
    client.call("domain_create_with_flags", defined, DomainCreateFlags.PAUSED)
    assert variables_of(root).read_bytes() == b"\0" * (1 << 18)

    client.call("domain_destroy_flags", defined, 0)
    client.call("domain_create_with_flags", defined, DomainCreateFlags.PAUSED | DomainCreateFlags.RESET_NVRAM)
    assert variables_of(root).read_bytes() == (root / "template").read_bytes()
    client.call("domain_destroy_flags", defined, 0)


def test_undefine_asks_what_becomes_of_the_variables(client: RawClient, root: Path, defined) -> None:
    variables_of(root).touch()
    flags = DomainUndefineFlagsValues
    with pytest.raises(OperationInvalid, match="cannot undefine domain with nvram"):
        client.call("domain_undefine_flags", defined, 0)
    with pytest.raises(InvalidArgument, match="both keep and delete nvram"):
        client.call("domain_undefine_flags", defined, flags.NVRAM | flags.KEEP_NVRAM)
    assert client.names() == {"g"}

    client.call("domain_undefine_flags", defined, flags.NVRAM)
    assert not variables_of(root).exists()
    assert client.names() == set()


def test_undefine_can_keep_the_variables(client: RawClient, root: Path, defined) -> None:
    variables_of(root).touch()
    client.call("domain_undefine_flags", defined, DomainUndefineFlagsValues.KEEP_NVRAM)
    assert variables_of(root).exists()


def test_a_start_without_a_template_or_variables_is_refused(client: RawClient, root: Path, defined) -> None:
    (root / "template").unlink()
    with pytest.raises(Exception, match="cannot be made from"):
        client.call("domain_create_with_flags", defined, DomainCreateFlags.PAUSED)
    assert list(variables_of(root).parent.iterdir()) == []


@pytest.mark.skipif(not OVMF.exists(), reason="ovmf is not installed")
def test_a_guest_starts_with_the_hosts_own_firmware(client: RawClient, root: Path) -> None:
    xml = efi().replace("<memory unit='MiB'>64", "<memory unit='MiB'>256")
    defined = client.call("domain_define_xml_flags", xml, 0)
    client.call("domain_create_with_flags", defined, DomainCreateFlags.PAUSED)

    assert variables_of(root).read_bytes() == Path("/usr/share/OVMF/OVMF_VARS_4M.ms.fd").read_bytes()
    live = parse_domain(client.call("domain_get_xml_desc", defined, 0))
    assert live.os.loader == Loader(readonly=True, secure=True, type="pflash", path=str(OVMF))
    client.call("domain_destroy_flags", defined, 0)
