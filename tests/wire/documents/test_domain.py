"""What domain documents are read to, and how those are refused that cannot be."""

from __future__ import annotations

import sys
import timeit

import pytest
from virtactor.wire.documents.domain import (
    Channel,
    Console,
    Disk,
    DiskDriver,
    DomainDefinition,
    Graphics,
    Interface,
    Listen,
    OperatingSystem,
    PciAddress,
    Serial,
    VirtioSerialAddress,
    complete,
    format_domain,
    mirror_console,
    parse_domain,
    without_live,
)
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.errors import UnsupportedConfig, VirtError, XMLError

MINIMAL = "<domain type='test'>{}<name>x</name><memory>1024</memory><os><type>hvm</type></os></domain>"


def domain(inside: str = "", *, devices: str = "") -> str:
    return MINIMAL.format(inside + (f"<devices>{devices}</devices>" if devices else ""))


def card(inside: str) -> str:
    return domain(devices=f"<interface type='user'>{inside}</interface>")


def refusal(text: str) -> VirtError:
    with pytest.raises(VirtError) as caught:
        parse_domain(text)
    return caught.value


# --- reading


def test_parsing_gives_what_the_document_says_and_no_defaults() -> None:
    definition = parse_domain(domain())

    assert definition == DomainDefinition(type="test", name="x", memory=1024, os=OperatingSystem(type="hvm"))
    assert (definition.uuid, definition.vcpus, definition.clock, definition.on_crash) == (None, None, None, None)


def test_a_readonly_disk_is_read_and_formatted_with_its_flag() -> None:
    text = domain(
        devices="<disk type='file' device='cdrom'><driver name='qemu' type='raw' io='threads'/>"
        "<target dev='hda' bus='ide'/><readonly/></disk>"
    )
    disk = Disk(
        device="cdrom", driver=DiskDriver(name="qemu", type="raw", io="threads"), target="hda", bus="ide", readonly=True
    )

    definition = parse_domain(text)

    assert definition.devices.disks == (disk,)
    assert "      <target dev='hda' bus='ide'/>\n      <readonly/>\n    </disk>\n" in format_domain(definition)


@pytest.mark.parametrize(
    ("written", "kibibytes"),
    [
        ("<memory>5</memory>", 5),
        ("<memory unit='KiB'>5</memory>", 5),
        ("<memory unit='k'>5</memory>", 5),
        ("<memory unit='b'>1025</memory>", 2),
        ("<memory unit='bytes'>1024</memory>", 1),
        ("<memory unit='KB'>1</memory>", 1),
        ("<memory unit='KB'>1024</memory>", 1000),
        ("<memory unit='MB'>1</memory>", 977),
        ("<memory unit='M'> 2 </memory>", 2048),
        ("<memory unit='mib'>2</memory>", 2048),
        ("<memory unit='G'>1</memory>", 1048576),
        ("<memory unit='TiB'>1</memory>", 2**30),
        ("<memory unit='EiB'>15</memory>", 15 * 2**50),
    ],
)
def test_memory_is_kibibytes_whatever_its_unit(written: str, kibibytes: int) -> None:
    definition = parse_domain(domain().replace("<memory>1024</memory>", written))

    assert definition.memory == kibibytes
    assert f"  <memory unit='KiB'>{kibibytes}</memory>\n" in format_domain(definition)


@pytest.mark.parametrize(
    "written", ["<memory/>", "<memory unit='x'>1</memory>", "<memory>-1</memory>", "<memory unit='EiB'>16</memory>"]
)
def test_an_impossible_memory_size_is_refused(written: str) -> None:
    error = refusal(domain().replace("<memory>1024</memory>", written))

    assert isinstance(error, XMLError)
    assert "/domain/memory is <memory" in error.message
    assert "expected a size with a unit" in error.message


def test_live_information_is_part_of_the_model() -> None:
    text = format_domain(
        parse_domain(
            domain(
                devices="<serial type='pty'><source path='/dev/pts/3'/><alias name='serial0'/></serial>"
                "<console type='pty' tty='/dev/pts/3'><source path='/dev/pts/3'/><target type='serial'/></console>"
                "<channel type='unix'><target type='virtio' name='a' state='connected'/></channel>"
                "<graphics type='vnc' port='5903' autoport='yes'/>"
            ).replace("<domain type='test'>", "<domain type='test' id='7'>")
        )
    )

    assert "<domain type='test' id='7'>" in text
    assert "<console type='pty' tty='/dev/pts/3'>" in text
    assert "<target type='virtio' name='a' state='connected'/>" in text
    assert "<graphics type='vnc' port='5903' autoport='yes'/>" in text


def test_metadata_is_kept_with_the_namespaces_that_it_uses() -> None:
    written = '<a:x xmlns:a="urn:a" k="1">one<!-- kept --> <b xmlns="urn:b"/>\n  two</a:x>'
    definition = parse_domain(
        domain(f"<metadata>\n  {written}\n</metadata>").replace("<domain ", "<domain xmlns:unused='urn:c' ")
    )

    assert [item.namespace for item in definition.metadata] == ["urn:a"]
    assert definition.metadata[0].xml == written
    assert f"  <metadata>\n    {written}\n  </metadata>\n" in format_domain(definition)


def test_metadata_without_a_namespace_of_its_own_is_refused() -> None:
    assert "has no namespace" in refusal(domain("<metadata><x/></metadata>")).message
    twice = "<metadata><x xmlns='urn:a'/><y xmlns='urn:a'/></metadata>"
    assert "namespace 'urn:a' is there already" in refusal(domain(twice)).message


def test_a_password_is_formatted_only_when_secrets_are_asked_for() -> None:
    definition = parse_domain(domain(devices="<graphics type='vnc' port='-1' passwd='secret'/>"))

    assert "passwd" not in format_domain(definition)
    assert "<graphics type='vnc' port='-1' passwd='secret'/>" in format_domain(definition, secure=True)


def test_text_and_attributes_are_escaped() -> None:
    definition = parse_domain(
        domain(
            "<title>a &lt;b&gt; &amp; 'c' \"d\"\n\te&#13;</title>",
            devices="<disk><source file='/&apos;&quot;&lt;&#10;&#9;'/><target dev='vda'/></disk>",
        )
    )

    assert definition.title == "a <b> & 'c' \"d\"\n\te\r"
    assert definition.devices.disks[0].source == "/'\"<\n\t"
    text = format_domain(definition)
    assert "<title>a &lt;b&gt; &amp; &apos;c&apos; &quot;d&quot;\n\te&#13;</title>" in text
    assert "<source file='/&apos;&quot;&lt;&#10;&#9;'/>" in text


def test_comments_do_not_cut_a_text() -> None:
    assert parse_domain(domain("<title>a<!-- c -->b</title>")).title == "ab"


def test_a_declared_encoding_does_not_matter_for_text_that_is_decoded() -> None:
    text = "<?xml version='1.0' encoding='iso-8859-1'?>" + domain("<title>é€</title>")

    assert parse_domain(text).title == "é€"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (
            "<address type='pci' bus='0x01' slot='0x1f' function='7' multifunction='on'/>",
            PciAddress(bus=1, slot=31, function=7, multifunction=True),
        ),
        (
            "<address type='virtio-serial' controller='1' bus='0' port='0x10'/>",
            VirtioSerialAddress(controller=1, port=16),
        ),
    ],
)
def test_addresses_are_told_apart_by_their_type(written: str, read: object) -> None:
    text = domain(devices=f"<interface type='user'>{written}</interface>")

    assert parse_domain(text).devices.interfaces[0].address == read


# --- refusing


@pytest.mark.parametrize(
    ("inside", "devices", "named"),
    [
        ("<q:commandline xmlns:q='urn:q'/>", "", "element /domain/q:commandline"),
        ("<vcpu colour='red'>1</vcpu>", "", "attribute 'colour' of /domain/vcpu"),
        ("<features><flight/></features>", "", "element /domain/features/flight"),
        ("", "<teleporter/>", "element /domain/devices/teleporter"),
        ("", "<disk><taste/><target dev='vda'/></disk>", "element /domain/devices/disk/taste"),
    ],
)
def test_what_nobody_knows_is_refused_by_name(inside: str, devices: str, named: str) -> None:
    error = refusal(domain(inside, devices=devices))

    assert isinstance(error, UnsupportedConfig)
    assert named in error.message
    assert error.line == 1


@pytest.mark.parametrize("inside", ["<q:commandline xmlns:q='urn:q'/>", "<flight/>", "stray", "<title>again</title>"])
def test_what_nobody_knows_is_passed_over_where_libvirt_is_to_be_followed(inside: str) -> None:
    plain = domain("<title>t</title>")
    text = domain(f"<title>t</title>{inside}")

    assert parse_domain(text, strict=False) == parse_domain(plain)


@pytest.mark.parametrize(
    ("inside", "devices", "told"),
    [
        ("<vcpus><vpcu/></vcpus>", "", "element /domain/vcpus/vpcu (line 1, did you mean 'vcpu'?)"),
        ("<vcpu curent='1'>1</vcpu>", "", "attribute 'curent' of /domain/vcpu (line 1, did you mean 'current'?)"),
        ("", "<dsk/>", "element /domain/devices/dsk (line 1, did you mean 'disk'?)"),
        ("<title x='1'/>", "", "attribute 'x' of /domain/title (line 1, expected none)"),
        ("<title><b/></title>", "", "element /domain/title/b (line 1, expected none)"),
        (
            "<vcpu colour='red'>1</vcpu>",
            "",
            "attribute 'colour' of /domain/vcpu (line 1, expected one of 'placement', 'cpuset', 'current')",
        ),
    ],
)
def test_what_was_probably_meant_or_has_a_place_is_told(inside: str, devices: str, told: str) -> None:
    assert refusal(domain(inside, devices=devices)).message == f"unsupported configuration: {told}"


@pytest.mark.parametrize(
    ("inside", "devices", "told"),
    [
        ("<os><type>hvm</type><boot/></os>", "", "/domain/os/boot is empty, expected attribute 'dev'"),
        ("<os><type>hvm</type><initarg/></os>", "", "/domain/os/initarg is empty, expected a text"),
        ("<metadata>x</metadata>", "", "/domain/metadata has the text 'x', expected none"),
        ("", "<disk><target dev='a'/><mirror>x<b/></mirror></disk>", "mirror has the text 'x', expected none"),
        ("", "<disk><target dev='a'/><mirror><b xmlns='u'/></mirror></disk>", "element /domain/devices/disk/mirror/b"),
        ("", "<disk><target dev='a'/><mirror a:b='c' xmlns:a='u'/></disk>", "attribute '{u}b' of /domain/devices/disk"),
    ],
)
def test_what_would_be_dropped_is_refused(inside: str, devices: str, told: str) -> None:
    text = domain(inside, devices=devices)
    if "<os>" in inside:
        text = text.removesuffix("<os><type>hvm</type></os></domain>") + "</domain>"
    assert told in refusal(text).message


def test_everything_that_nobody_claims_is_named_in_one_error_with_its_line() -> None:
    error = refusal(domain("\n<flight/>\n<fright/>", devices="\n<taste/>"))

    assert error.message.startswith(
        "unsupported configuration: element /domain/flight (line 2, expected one of 'name', "
    )
    assert (
        "), element /domain/fright (line 3), element /domain/devices/taste (line 4, expected one of 'em"
        in error.message
    )
    assert error.message.endswith("'crypto')")
    assert error.line == 2


def test_many_leftovers_are_counted() -> None:
    assert refusal(domain("<a/>" * 12)).message.endswith("and 2 more")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (domain("<vcpu>two</vcpu>"), "/domain/vcpu is 'two', expected a whole number"),
        (domain("<uuid>12</uuid>"), "/domain/uuid is '12', expected a UUID"),
        (domain("<uuid>zzzzzzzz-2222-3333-4444-555555555555</uuid>"), "expected a UUID"),
        (domain("<on_reboot>dance</on_reboot>"), "expected one of 'destroy', 'restart', 'rename-restart'"),
        (domain("<title>a</title><title>b</title>"), "/domain/title is given twice, expected once"),
        (domain("stray"), "/domain has the text 'stray', expected none"),
        (domain("<features><acpi/>stray</features>"), "/domain/features has the text 'stray', expected none"),
        (domain(devices="<interface type='warp'/>"), "interface: type is 'warp', expected one of 'user'"),
        (card("<mac address='01:00:5e:00:00:01'/>"), "expected a unicast MAC"),
        (card("<address type='x'/>"), "address: type is 'x', expected one of 'pci'"),
        (card("<address/>"), "address: the attribute 'type' is missing, expected one of 'pci'"),
        (domain(devices="<disk/>"), "/domain/devices/disk lacks something, expected attribute 'target/@dev'"),
        (domain(devices="<disk><readonly>yes</readonly></disk>"), "has the text 'yes', expected none"),
        (domain().replace("<name>x</name>", ""), "missing name information"),
        (domain().replace(">x<", ">a/b<"), "expected a name that is not blank"),
        (domain().replace(">x<", ">..<"), "expected a name that is not blank"),
        (domain().replace("type='test'", "type='warp'"), "/domain: type is 'warp', expected one of 'kvm', 'qemu'"),
        ("<network/>", "the root element is <network>, expected <domain>"),
    ],
)  # fmt: skip
def test_an_impossible_value_is_refused_with_what_was_expected(text: str, expected: str) -> None:
    error = refusal(text)

    assert isinstance(error, XMLError)
    assert expected in error.message
    assert error.line == 1


def test_an_error_tells_its_line() -> None:
    error = refusal(domain("\n\n<vcpu>two</vcpu>"))

    assert error.line == 3
    assert "line 3: /domain/vcpu" in error.message


@pytest.mark.parametrize(
    "text", ["", " ", "<", "<domain>", "<domain", "no", "<domain>\x00</domain>", "<domain>\ud800</domain>", "<a/><b/>"]
)
def test_malformed_text_is_an_xml_error(text: str) -> None:
    assert isinstance(refusal(text), XMLError)


def test_a_malformed_text_has_libvirts_code_for_it_and_a_line() -> None:
    error = refusal("<domain>\n<name></domain>")

    assert (error.code, error.line) == (ErrorNumber.XML_DETAIL, 2)


@pytest.mark.parametrize(
    "prolog",
    [
        "<!DOCTYPE domain [<!ENTITY e 'boom'>]>",
        "<?xml version='1.0'?>\n<!-- c -->\n<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>",
        "<!DOCTYPE domain [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
    ],
)
def test_document_types_and_with_them_entities_are_refused(prolog: str) -> None:
    error = refusal(prolog + domain("<title>&e;</title>" if "ENTITY" in prolog else ""))

    assert error.message == "XML error: line 1: a document type declaration is not accepted"


def test_an_entity_that_is_not_declared_is_refused() -> None:
    assert "not defined" in refusal(domain("<title>&e;</title>")).message


def test_depth_and_size_are_bounded() -> None:
    deep = domain("<a>" * 5000 + "</a>" * 5000)
    assert isinstance(refusal(deep), XMLError)
    assert "longer than 4194304 characters" in refusal(" " * 4194305).message


# --- completing


def completed(inside: str = "", *, devices: str = "") -> DomainDefinition:
    return complete(
        parse_domain(domain(inside, devices=devices)), new_uuid=lambda: "11111111-2222-3333-4444-555555555555"
    )


def test_completing_fills_in_what_any_driver_needs() -> None:
    definition = completed()

    assert (
        format_domain(definition)
        == """\
<domain type='test'>
  <name>x</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='KiB'>1024</memory>
  <currentMemory unit='KiB'>1024</currentMemory>
  <vcpu placement='static'>1</vcpu>
  <os>
    <type>hvm</type>
    <boot dev='hd'/>
  </os>
  <clock offset='utc'/>
  <on_poweroff>destroy</on_poweroff>
  <on_reboot>restart</on_reboot>
  <on_crash>destroy</on_crash>
  <devices/>
</domain>
"""
    )


def test_the_first_console_is_the_first_serial_port() -> None:
    only_console = completed(devices="<console type='pty'/>")
    only_serial = completed(devices="<serial type='file'><source path='/x'/></serial>")

    assert only_console.devices.serials == (Serial(type="pty", target_port=0),)
    assert only_console.devices.consoles == (Console(type="pty", target_type="serial", target_port=0),)
    assert only_serial.devices.consoles == (
        Console(type="file", source_path="/x", target_type="serial", target_port=0),
    )


def test_a_virtio_console_comes_behind_the_one_that_mirrors_the_serial_port() -> None:
    devices = completed(devices="<serial type='pty'/><console type='pty'><target type='virtio'/></console>").devices

    assert [(console.target_type, console.target_port) for console in devices.consoles] == [
        ("serial", 0),
        ("virtio", 0),
    ]


def test_a_first_console_is_the_serial_port_whatever_it_says() -> None:
    devices = completed(devices="<serial type='pty'/><console type='file'><source path='/x'/></console>").devices

    assert [(console.type, console.source_path) for console in devices.consoles] == [("pty", None)]


def test_a_live_console_follows_its_serial_port() -> None:
    live = parse_domain(
        domain(
            devices="<serial type='pty'><source path='/dev/pts/9'/><alias name='serial0'/></serial>"
            "<console type='pty'><target type='serial' port='0'/></console>"
        )
    )
    console = mirror_console(live).devices.consoles[0]

    assert (console.source_path, console.tty, console.alias) == ("/dev/pts/9", "/dev/pts/9", "serial0")


def test_macs_follow_from_the_uuid_and_differ() -> None:
    first = completed(devices="<interface type='user'/><interface type='user'/>").devices.interfaces
    again = completed(devices="<interface type='user'/><interface type='user'/>").devices.interfaces

    assert first == again
    assert first[0].mac != first[1].mac
    assert all(interface.mac and interface.mac.startswith("52:54:00:") for interface in first)


def test_live_information_does_not_survive_a_new_definition() -> None:
    text = domain(
        devices="<interface type='user'><alias name='net0'/></interface>"
        "<interface type='user'><alias name='ua-mine'/></interface>"
        "<channel type='unix'><target type='virtio' name='a' state='connected'/></channel>"
        "<graphics type='vnc' port='5901' autoport='yes'/>"
        "<serial type='pty'><source path='/dev/pts/1'/></serial>"
    ).replace("<domain type='test'>", "<domain type='test' id='7'>")

    definition = without_live(parse_domain(text))

    assert definition.id is None
    assert definition.devices.interfaces == (Interface(), Interface(alias="ua-mine"))
    assert definition.devices.channels == (Channel(type="unix", target_type="virtio", name="a"),)
    assert definition.devices.graphics == (Graphics(port=-1, autoport=True),)
    assert definition.devices.serials == (Serial(type="pty"),)


@pytest.mark.parametrize(
    ("devices", "expected"),
    [
        ("<graphics type='vnc'/>", Graphics(port=-1, autoport=True, listens=(Listen(type="address"),))),
        (
            "<graphics type='vnc' port='5901' listen='::1'/>",
            Graphics(port=5901, autoport=False, listen="::1", listens=(Listen(type="address", address="::1"),)),
        ),
    ],
)
def test_a_display_gets_a_port_and_a_listen_element(devices: str, expected: Graphics) -> None:
    assert completed(devices=devices).devices.graphics == (expected,)


@pytest.mark.parametrize(
    ("inside", "devices", "message"),
    [
        ("<vcpu current='3'>2</vcpu>", "", "maximum vCPU count must not be less than current vCPU count (2 < 3)"),
        ("<vcpu>0</vcpu>", "", "the number of vcpus is 0"),
        ("<vcpu>2</vcpu><cpu><topology sockets='1' cores='3' threads='1'/></cpu>", "", "CPU topology makes 3 vcpus"),
        ("<clock offset='timezone'/>", "", "timezone"),
        ("<clock offset='absolute' start='1' adjustment='3'/>", "", "adjustment and basis with offset 'absolute'"),
        ("", "<disk><target dev='vda'/></disk>", "missing source information for device vda"),
        ("", "<disk><source file='/x'/><target dev='xy'/></disk>", "Unknown disk name 'xy' and no address specified"),
        ("", "<disk><source file='/x'/><target dev='vda'/></disk>" * 2, "target 'vda' duplicated"),
        ("", "<disk><source file='/x'/><target dev='vda'/><boot order='0'/></disk>", "boot order is 0"),
        (
            "",
            "<interface type='user'><boot order='1'/></interface>" * 2,
            "boot order 1 is used for more than one device",
        ),
        ("", "<interface type='user'><alias name='ua-a'/></interface>" * 2, "non unique alias detected: ua-a"),
        ("", "<controller type='usb' index='0'/>" * 2, "Multiple 'usb' controllers with index '0'"),
        ("", "<graphics type='vnc' passwd='123456789'/>", "9 characters long"),
        ("", "<graphics type='vnc' port='80'/>", "vnc port 80 is not in range"),
        ("", "<input type='tablet' bus='ps2'/>", "ps2 bus does not support tablet"),
        ("", "<serial type='file'/>", "serial 0 of type 'file' has no path"),
        ("", "<serial type='null'><target port='1'/></serial>" * 2, "target port 1 is used for more than one serial"),
        ("", "<console type='null'/>" * 2, "Only the first console can be a serial port"),
        ("", "<video><model type='vga' primary='yes'/></video>" * 2, "Only one primary video device"),
        ("", "<video><model type='none'/></video><video/>", "must be the only video device"),
    ],
)
def test_values_that_do_not_fit_together_are_refused(inside: str, devices: str, message: str) -> None:
    with pytest.raises((XMLError, UnsupportedConfig)) as caught:
        completed(inside, devices=devices)
    assert message in caught.value.message


def test_boot_orders_exclude_each_other() -> None:
    text = domain(devices="<interface type='user'><boot order='1'/></interface>").replace(
        "</type>", "</type><boot dev='hd'/>"
    )

    with pytest.raises(UnsupportedConfig, match="per-device boot elements"):
        complete(parse_domain(text))


# --- cost

FORTY_LINES = """\
<domain type='kvm'>
  <name>guest</name>
  <uuid>11111111-2222-3333-4444-555555555555</uuid>
  <memory unit='KiB'>524288</memory>
  <currentMemory unit='KiB'>524288</currentMemory>
  <vcpu placement='static'>2</vcpu>
  <os>
    <type arch='x86_64' machine='pc-q35-7.2'>hvm</type>
    <boot dev='hd'/>
  </os>
  <features>
    <acpi/>
    <apic/>
  </features>
  <clock offset='utc'/>
  <on_crash>destroy</on_crash>
  <pm/>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2'/>
      <source file='/var/lib/a.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <address type='pci' domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
    </disk>
    <interface type='user'>
      <mac address='52:54:00:11:22:33'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'>
      <target type='isa-serial' port='0'/>
    </serial>
    <channel type='unix'>
      <target type='virtio' name='org.qemu.guest_agent.0'/>
    </channel>
    <rng model='virtio'>
      <backend model='random'>/dev/urandom</backend>
    </rng>
  </devices>
</domain>
"""


def test_a_forty_line_guest_is_parsed_and_formatted_within_a_millisecond() -> None:
    assert FORTY_LINES.count("\n") == 40
    best = min(timeit.repeat(lambda: format_domain(parse_domain(FORTY_LINES)), number=5, repeat=60)) / 5

    assert best < 0.001


def test_a_definition_takes_a_few_kibibytes() -> None:
    def size(value: object, seen: set[int]) -> int:
        if id(value) in seen:
            return 0
        seen.add(id(value))
        parts = [getattr(value, name) for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ())]
        items = list(value) if isinstance(value, tuple) else parts
        return sys.getsizeof(value) + sum(size(item, seen) for item in items)

    assert size(parse_domain(FORTY_LINES), set()) < 8 * 1024


@pytest.mark.parametrize(
    "sources",
    [
        "<source mode='bind' host='a' service='1'/><source mode='connect' host='b' service='2'/>",
        "<source/><source mode='bind' service='2'/>",
    ],
)
def test_both_ends_of_udp_are_kept(sources: str) -> None:
    text = domain(f"<devices><serial type='null'/><serial type='udp'>{sources}</serial></devices>")
    definition = parse_domain(text)
    assert parse_domain(format_domain(definition)) == definition
    assert definition.devices.serials[1].second_service == "2"


def test_a_third_end_is_refused() -> None:
    ends = "<source mode='bind'/><source mode='connect'/><source mode='bind'/>"
    with pytest.raises(XMLError, match="given twice"):
        parse_domain(domain(f"<devices><serial type='udp'>{ends}</serial></devices>"))
