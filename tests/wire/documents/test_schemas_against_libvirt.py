"""Our schemas and libvirt's, where these are installed: the same documents, and the same words but for those listed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from lxml import etree
from virtactor.wire.documents.domain import complete, format_domain, parse_domain
from virtactor.wire.documents.schemas import SCHEMAS

from .test_against_libvirt import BOOT_BY_DEVICE, DIRECT_KERNEL, FULL
from .test_schemas import GUEST, compiled, corpus
from .vocabulary import vocabulary

LIBVIRTS = Path("/usr/share/libvirt/schemas")
pytestmark = pytest.mark.skipif(not LIBVIRTS.is_dir(), reason="libvirt's schemas are not installed (libvirt-daemon)")

# Words of libvirt's schemas that ours do not have, and why. Patterns of paths, by schema.
_SHARED = "one pattern for all host sides of character devices; ours have what these devices are used with"
_DISK = "libvirt's own, of a running guest's status file"
THEIRS: Mapping[str, Mapping[str, str]] = {
    "domain": {
        r"(smartcard|redirdev|rng|backend)/(source|log|backend)(/.*)?": _SHARED,
        r"devices/(smartcard|redirdev)/(log|target)": _SHARED,
        r"(smartcard|parallel|console)/target/(@.*|model)": "one pattern for all guests' sides; a serial port's",
        r"devices/(serial|parallel)/@tty": "written for consoles only, never read",
        r"(.*/)?privateData(/.*)?|interface/source/@missing": _DISK,
        r"interface/source/(@connectionid|@portgroupid|@switchid)": "VMware's switches",
        r"interface/source/(product|vendor|@macTableManager)": "one pattern for all sources: a USB device's",
        r"interface/bandwidth/@classID": "of a network's port, not of a domain",
        r"domain/datacenterpath|(domain/)?namespace(/.*)?": "other hypervisors' namespaces: VMware's, LXC's",
        r"domain/launchSecurity/handle": "of sev's session: libvirt's parser does not know it",
        r"(source|disk)/encryption/(cipher|ivgen)|encryption/(cipher|ivgen)/.*": "libvirt refuses it of domains' disks",
        r"(hostdev|devices)/(hostdev/)?(ip|route)(/.*)?": "of LXC's guests",
        r"(source/)?adapter/.*|parentaddr/address/.*": "a pool's adapter; a SCSI one has a name",
    },
    "network": {
        r"network/options|(network/)?options?/.*": "dnsmasq's namespace: networks of the qemu driver are yet to come",
        r"forward/address/@multifunction": "one pattern for all PCI addresses; no address of the host's has it",
        r"(network|portgroup)/bandwidth/@classID": "of a network's port",
    },
    "nodedev": {},
    "storagepool": {
        r"(pool/)?(config_opts|mount_opts|refresh)(/.*)?|(mount_opts|config_opts)/.*": "namespaces of pools; RBD's",
        r"parentaddr/address/@multifunction": "one pattern for all PCI addresses; no address of the host's has it",
        r"(source/)?format/(product|vendor)(/.*)?": "misplaced in libvirt's schema",
    },
    "storagevol": {r"target/encryption/@engine": "of a domain's disk; libvirt's parser of volumes does not know it"},
    "interface": {},
}
# Words of ours that libvirt's schemas do not have, and why.
_ANY = "any device may have it: written once for all of them, and read by libvirt too"
OURS: Mapping[str, Mapping[str, str]] = {
    "domain": {
        r"devices/\w+/(rom|boot|acpi|alias)|\w+/(rom|boot|acpi|alias)/@\w+": _ANY,
        r"(domain/)?devices/crypto(/.*)?|crypto/.*": "not yet in the schema of libvirt 9.0, which reads it",
        r"source/address/(@.*|zpci)": "one union of addresses for all devices",
        r"(memory/)?target/address(/@base)?": "written by libvirt for running guests",
        r"devices/graphics/@websocketGenerated": "written by libvirt for running guests",
        r"filesystem/source/@(pool|volume)|disk/blockio/@discard_granularity|devices/sound/@multichannel": (
            "read by libvirt, forgotten in its schema or of a later version"
        ),
        r"driver/guest/@(gso|mrg_rxbuf)|tpm/backend/@debug|video/model/@blob": (
            "read by libvirt, forgotten in its schema or of a later version"
        ),
    },
    "network": {
        r"network/(title|description|domain/@register)|(network/)?portgroup/port(/@isolated)?": (
            "read by libvirt, forgotten in its schema or of a later version"
        ),
    },
}


@pytest.fixture(scope="module")
def libvirts() -> etree.RelaxNG:
    return etree.RelaxNG(etree.parse(LIBVIRTS / "domain.rng"))


@pytest.mark.parametrize("name", THEIRS)
def test_a_schema_has_the_words_that_libvirts_has_but_for_those_listed(name: str) -> None:
    lacking = vocabulary(LIBVIRTS / f"{name}.rng") - vocabulary(SCHEMAS[name].path)
    assert_listed(lacking, THEIRS[name])


@pytest.mark.parametrize("name", THEIRS)
def test_a_schema_has_no_words_that_libvirts_has_not_but_for_those_listed(name: str) -> None:
    more = vocabulary(SCHEMAS[name].path) - vocabulary(LIBVIRTS / f"{name}.rng")
    assert_listed(more, OURS.get(name, {}))


def assert_listed(words: set[str], listed: Mapping[str, str]) -> None:
    """That each word is listed, and each pattern is there for some word."""
    assert sorted(word for word in words if not any(re.fullmatch(pattern, word) for pattern in listed)) == []
    assert [pattern for pattern in listed if not any(re.fullmatch(pattern, word) for word in words)] == []


def test_documents_that_libvirts_schema_has_are_in_ours(libvirts: etree.RelaxNG) -> None:
    tried = 0
    for text in (
        *(each.replace("{images}", "/images") for each in corpus()),
        FULL,
        BOOT_BY_DEVICE,
        DIRECT_KERNEL,
        GUEST,
    ):
        document = etree.fromstring(text)
        if libvirts.validate(document):
            tried += 1
            assert compiled(SCHEMAS["domain"]).validate(document), compiled(SCHEMAS["domain"]).error_log
    assert tried >= len(corpus())


def test_what_we_print_is_in_libvirts_schema(libvirts: etree.RelaxNG) -> None:
    for text in (*(each.replace("{images}", "/images") for each in corpus()), GUEST):
        printed = format_domain(complete(parse_domain(text)), secure=True)
        assert libvirts.validate(etree.fromstring(printed)), (libvirts.error_log, printed)
