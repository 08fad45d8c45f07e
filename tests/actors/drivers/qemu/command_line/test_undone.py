"""What a document may say and the qemu driver does not do is refused by its name; what it does is in `DONE`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from typing import get_args, get_type_hints

import pytest
from virtactor.actors.drivers.qemu.command_line.undone import DONE, VALUES, refuse_undone
from virtactor.wire.documents.domain import DomainDefinition, parse_domain
from virtactor.wire.errors import UnsupportedConfig


def document(inside: str = "", devices: str = "", os: str = "", attributes: str = "") -> str:
    return (
        f"<domain type='qemu'><name>x</name><memory>1</memory><os {attributes}><type>hvm</type>{os}</os>{inside}"
        f"<devices>{devices}</devices></domain>"
    )


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (document("<memtune><min_guarantee>5</min_guarantee></memtune>"), "element /domain/memtune/min_guarantee"),
        (document("<idmap><uid start='0' target='1' count='1'/></idmap>"), "element /domain/idmap/uid"),
        (document("<keywrap><cipher name='aes' state='on'/></keywrap>"), "element /domain/keywrap/cipher"),
        (document("<launchSecurity type='s390-pv'/>"), "element /domain/launchSecurity"),
        (document("<cputune><cachetune vcpus='0'/></cputune>"), "element /domain/cputune/cachetune"),
        (document("<numatune><memory placement='auto'/></numatune>"), "/numatune/memory/@placement of 'auto'"),
        (document("<resource><fibrechannel appid='x'/></resource>"), "/domain/resource/fibrechannel/@appid"),
        (document("<features><htm state='on'/></features>"), "/domain/features/htm/@state"),
        (document("<features><gic version='2'/></features>"), "element /domain/features/gic"),
        (document("<features><hap state='off'/></features>"), "/domain/features/hap/@state of False"),
        (document("<features><msrs unknown='ignore'/></features>"), "/domain/features/msrs/@unknown"),
        (document("<features><capabilities/></features>"), "element /domain/features/capabilities"),
        (document("<features><viridian/></features>"), "element /domain/features/viridian"),
        (document("<on_poweroff>rename-restart</on_poweroff>"), "/domain/on_poweroff of 'rename-restart'"),
        (document("<bootloader>x</bootloader>"), "element /domain/bootloader"),
        (document(os="<loader type='none'/>"), "attribute /domain/os/loader/@type of 'none'"),
        (document("<vcpu placement='auto'>2</vcpu>"), "attribute /domain/vcpu/@placement of 'auto'"),
        (document("<on_crash>rename-restart</on_crash>"), "element /domain/on_crash of 'rename-restart'"),
        (document(devices="<hostdev type='pci'/>"), "element /domain/devices/hostdev"),
        (document(devices="<disk type='volume'><target dev='vda'/></disk>"), "/devices/disk/@type of 'volume'"),
        (document(devices="<disk><source protocol='rbd'/><target dev='vda'/></disk>"), "/@protocol of 'rbd'"),
        (document(devices="<disk><target dev='sda' bus='sd'/></disk>"), "/devices/disk/target/@bus of 'sd'"),
        (document(devices="<disk rawio='yes'><target dev='vda'/></disk>"), "attribute /domain/devices/disk/@rawio"),
        (document(devices="<interface type='bridge'/>"), "interface/@type of 'bridge'"),
        (document(devices="<graphics type='sdl' display=':0'/>"), "attribute /domain/devices/graphics/@display"),
        (document(devices="<graphics type='rdp'/>"), "graphics/@type of 'rdp'"),
        (document(devices="<controller type='xenbus'/>"), "controller/@type of 'xenbus'"),
        (document(devices="<lease><key>k</key><target path='/l'/></lease>"), "element /domain/devices/lease"),
    ],
)
def test_what_libvirt_has_and_the_driver_does_not_is_refused_by_name(text: str, named: str) -> None:
    with pytest.raises(UnsupportedConfig) as caught:
        refuse_undone(parse_domain(text, strict=False))

    assert named in caught.value.message


def test_all_that_is_undone_is_named_in_one_error() -> None:
    with pytest.raises(UnsupportedConfig, match=r"/domain/bootloader, element /domain/launchSecurity"):
        refuse_undone(parse_domain(document("<bootloader>x</bootloader><launchSecurity type='s390-pv'/>")))


def classes_of(cls: type) -> Iterator[type]:
    """A class of the model and those that its fields have, however deep."""
    yield cls
    for hint in get_type_hints(cls).values():
        for part in (hint, *get_args(hint)):
            found = [each for each in (part, *get_args(part)) if isinstance(each, type) and is_dataclass(each)]
            yield from (each for each in found if each is not cls)


def all_classes(cls: type) -> dict[str, type]:
    """All classes of the model by name."""
    found: dict[str, type] = {}
    waiting = [cls]
    while waiting:
        current = waiting.pop()
        if current.__name__ not in found:
            found[current.__name__] = current
            waiting += [each for each in classes_of(current) if each is not current]
    return found


def test_what_is_done_is_in_the_model() -> None:
    classes = all_classes(DomainDefinition)
    for name, done in DONE.items():
        assert done <= {field.name for field in fields(classes[name])}, name
    assert {name.split(".")[0] for name in VALUES} <= DONE.keys()
