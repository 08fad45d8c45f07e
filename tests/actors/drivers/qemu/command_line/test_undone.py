"""What a document may say and the qemu driver does not do is refused by its name; what it does is in `DONE`."""

from __future__ import annotations

from dataclasses import fields, is_dataclass

import pytest
from virtactor.actors.drivers.qemu.command_line.undone import DONE, VALUES, refuse_undone
from virtactor.wire.documents import domain as model
from virtactor.wire.documents.domain import parse_domain
from virtactor.wire.errors import UnsupportedConfig


def document(inside: str = "", devices: str = "", os: str = "", attributes: str = "") -> str:
    return (
        f"<domain type='qemu'><name>x</name><memory>1</memory><os {attributes}><type>hvm</type>{os}</os>{inside}"
        f"<devices>{devices}</devices></domain>"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (document("<memtune/>"), "element /domain/memtune"),
        (document("<vcpu cpuset='1-2'>2</vcpu>"), "attribute /domain/vcpu/@cpuset"),
        (document("<vcpu placement='auto'>2</vcpu>"), "attribute /domain/vcpu/@placement of 'auto'"),
        (document("<clock offset='absolute'/>"), "attribute /domain/clock/@offset of 'absolute'"),
        (document("<features><hyperv/></features>"), "element /domain/features/hyperv"),
        (document("<on_crash>coredump-restart</on_crash>"), "element /domain/on_crash of 'coredump-restart'"),
        (document(attributes="firmware='efi'"), "attribute /domain/os/@firmware of 'efi'"),
        (document(os="<loader type='pflash'>/x</loader>"), "attribute /domain/os/loader/@type of 'pflash'"),
        (document(os="<nvram>/x</nvram>"), "element /domain/os/nvram"),
        (document(devices="<hostdev type='pci'/>"), "element /domain/devices/hostdev"),
        (document(devices="<disk type='network'><target dev='vda'/></disk>"), "/devices/disk/@type of 'network'"),
        (document(devices="<disk><target dev='vda' bus='scsi'/></disk>"), "/devices/disk/target/@bus of 'scsi'"),
        (document(devices="<disk device='floppy'><target dev='fda'/></disk>"), "disk/@device of 'floppy'"),
        (document(devices="<disk><iotune/><target dev='vda'/></disk>"), "element /domain/devices/disk/iotune"),
        (document(devices="<interface type='bridge'/>"), "interface/@type of 'bridge'"),
        (document(devices="<graphics type='vnc' websocket='1'/>"), "attribute /domain/devices/graphics/@websocket"),
        (document(devices="<graphics type='spice'/>"), "graphics/@type of 'spice'"),
        (document(devices="<controller type='scsi'/>"), "controller/@type of 'scsi'"),
        (document(devices="<rng model='virtio'><backend model='egd'/></rng>"), "backend/@model of 'egd'"),
        (document(devices="<parallel type='pty'/>"), "element /domain/devices/parallel"),
    ],
)
def test_what_libvirt_has_and_the_driver_does_not_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(UnsupportedConfig) as caught:
        refuse_undone(parse_domain(text, strict=False))

    assert named in caught.value.message


def test_all_that_is_undone_is_named_in_one_error() -> None:
    with pytest.raises(UnsupportedConfig, match=r"/domain/memtune, element /domain/numatune"):
        refuse_undone(parse_domain(document("<memtune/><numatune/>")))


def test_what_is_done_is_in_the_model() -> None:
    classes = {name: getattr(model, name) for name in model.__all__}
    for name, done in DONE.items():
        assert is_dataclass(classes[name]), name
        assert done <= {field.name for field in fields(classes[name])}, name
    assert {name.split(".")[0] for name in VALUES} <= DONE.keys()
