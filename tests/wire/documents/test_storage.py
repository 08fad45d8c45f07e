"""Pool and volume documents: round trips, libvirt's own texts, what each type of pool makes of a definition."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from virtactor.wire.documents.storage import (
    KINDS,
    Permissions,
    PoolDefinition,
    PoolSource,
    PoolTarget,
    SourceDevice,
    SourceHost,
    VolumeDefinition,
    complete_pool,
    complete_volume,
    format_pool,
    format_sources,
    format_volume,
    parse_pool,
    parse_source,
    parse_sources,
    parse_volume,
)
from virtactor.wire.enums.error import ErrorNumber
from virtactor.wire.errors import UnsupportedConfig, VirtError, XMLError

from .instances import any_of
from .test_round_trip import QUICK

DEFAULT_POOL = """\
<pool type='dir'>
  <name>default-pool</name>
  <uuid>dfe224cb-28fb-8dd0-c4b2-64eb3f0f4566</uuid>
  <capacity unit='bytes'>107374182400</capacity>
  <allocation unit='bytes'>0</allocation>
  <available unit='bytes'>107374182400</available>
  <source>
  </source>
  <target>
    <path>/default-pool</path>
  </target>
</pool>
"""
# As libvirt 9.0 prints it.
VOLUME = """\
<volume type='file'>
  <name>x</name>
  <key>/default-pool/x</key>
  <capacity unit='bytes'>1024</capacity>
  <allocation unit='bytes'>3072</allocation>
  <target>
    <path>/default-pool/x</path>
    <format type='qcow2'/>
    <permissions>
      <mode>0600</mode>
    </permissions>
    <encryption format='luks'>
      <secret type='passphrase' uuid='2ec115d7-3a88-3ceb-bc12-0ac909a6fd87'/>
    </encryption>
    <compat>1.1</compat>
    <clusterSize unit='B'>65536</clusterSize>
    <features>
      <lazy_refcounts/>
      <extended_l2/>
    </features>
  </target>
  <backingStore>
    <path>/b</path>
    <format type='raw'/>
    <permissions>
      <mode>0600</mode>
      <owner>1</owner>
    </permissions>
  </backingStore>
</volume>
"""
# A source that has what any type needs.
FULL = PoolSource(
    hosts=(SourceHost(name="h"),),
    devices=(SourceDevice(path="/dev/vdz"),),
    dir="/export",
    name="n",
    initiator="iqn.x",
)


@QUICK
@given(any_of(PoolDefinition))
def test_any_pool_is_parsed_to_what_was_formatted(definition: PoolDefinition) -> None:
    text = format_pool(definition)

    assert parse_pool(text) == definition
    assert format_pool(parse_pool(text)) == text


@QUICK
@given(any_of(VolumeDefinition))
def test_any_volume_is_parsed_to_what_was_formatted(definition: VolumeDefinition) -> None:
    text = format_volume(definition)

    assert parse_volume(text) == definition
    assert format_volume(parse_volume(text)) == text


@QUICK
@given(st.lists(any_of(PoolSource), max_size=3).map(tuple))
def test_any_sources_are_parsed_to_what_was_formatted(sources: tuple[PoolSource, ...]) -> None:
    assert parse_sources(format_sources(sources)) == sources


@QUICK
@given(any_of(PoolDefinition))
def test_completing_a_pool_is_refused_or_changes_nothing_the_second_time(definition: PoolDefinition) -> None:
    try:
        once = complete_pool(definition)
    except VirtError:
        return
    assert complete_pool(once) == once


@QUICK
@given(any_of(VolumeDefinition), st.sampled_from(sorted(KINDS)))
def test_completing_a_volume_is_refused_or_changes_nothing_the_second_time(
    definition: VolumeDefinition, pool_type: str
) -> None:
    try:
        once = complete_volume(definition, pool_type)
    except VirtError:
        return
    assert complete_volume(once, pool_type) == once


def test_libvirts_default_pool_is_read() -> None:
    pool = parse_pool(DEFAULT_POOL)

    assert (pool.type, pool.name, pool.capacity, pool.available) == ("dir", "default-pool", 100 << 30, 100 << 30)
    assert pool.target == PoolTarget(path="/default-pool")


def test_a_volume_is_written_as_libvirt_writes_it() -> None:
    assert format_volume(parse_volume(VOLUME)) == VOLUME


@pytest.mark.parametrize("pool_type", sorted(KINDS))
def test_a_pool_of_each_type_keeps_what_the_type_has(pool_type: str) -> None:
    adapter = parse_source("<source><adapter name='scsi_host1'/></source>").adapter
    given = PoolDefinition(
        type=pool_type,  # pyright: ignore[reportArgumentType]
        name="p",
        source=replace(FULL, adapter=adapter),
        target=PoolTarget(path="/somewhere"),
    )
    source = complete_pool(given).source

    has = {name for name in PoolSource.__dataclass_fields__ if getattr(source, name)}
    assert has - {"format"} == set(KINDS[pool_type].parts) - {"format", "protocol_version"}
    assert source.format == (KINDS[pool_type].formats[0] if KINDS[pool_type].formats else None)


@pytest.mark.parametrize(
    ("pool_type", "source", "lacks"),
    [
        ("dir", "", "missing storage pool target path"),
        ("fs", "", "missing storage pool source device name"),
        ("netfs", "", "missing storage pool source host name"),
        ("netfs", "<host name='h'/>", "missing storage pool source path"),
        ("scsi", "", "missing storage pool source adapter"),
        ("iscsi-direct", "<host name='h'/>", "missing initiator IQN"),
        ("rbd", "<host name='h'/>", "element 'name' is mandatory"),
        ("fs", "<device path='/d'/><format type='zzz'/>", "unknown pool format type zzz"),
        (
            "netfs",
            "<host name='h'/><dir path='/e'/><format type='cifs'/><protocol ver='3'/>",
            "storage pool protocol ver unsupported for pool type 'cifs'",
        ),
    ],
)
def test_a_pool_that_lacks_what_its_type_needs_is_refused(pool_type: str, source: str, lacks: str) -> None:
    pool = parse_pool(f"<pool type='{pool_type}'><name>p</name><source>{source}</source></pool>")
    with pytest.raises((XMLError, UnsupportedConfig), match=lacks):
        complete_pool(pool)


def test_a_logical_pool_is_below_the_name_of_its_group() -> None:
    pool = parse_pool("<pool type='logical'><name>p</name><source><name>V</name></source></pool>")
    completed = complete_pool(pool)
    assert completed.target == PoolTarget(path="/dev/V")
    assert completed.source.format == "lvm2"


@pytest.mark.parametrize(
    ("given", "kept"), [("/x/", "/x"), ("/x/../y//z", "/x/../y/z"), ("//", "//"), ("/", "/"), ("x/", "x")]
)
def test_a_target_path_has_single_slashes(given: str, kept: str) -> None:
    pool = parse_pool(f"<pool type='dir'><name>p</name><target><path>{given}</path></target></pool>")
    assert complete_pool(pool).target == PoolTarget(path=kept)


def test_an_owner_of_minus_one_is_none() -> None:
    permissions = "<permissions><mode>0755</mode><owner>-1</owner><group>0</group></permissions>"
    pool = parse_pool(f"<pool type='dir'><name>p</name><target><path>/x</path>{permissions}</target></pool>")
    target = complete_pool(pool).target
    assert target is not None
    assert target.permissions == Permissions(mode=0o755, group=0)


def test_sizes_are_bytes_unless_a_unit_is_said() -> None:
    volume = parse_volume(
        "<volume><name>v</name><capacity unit='MiB'>1</capacity><allocation unit='KB'>1</allocation></volume>"
    )
    assert (volume.capacity, volume.allocation) == (1 << 20, 1000)


def test_a_volume_without_allocation_takes_its_capacity() -> None:
    volume = complete_volume(parse_volume("<volume><name>v</name><capacity>5</capacity></volume>"), "dir")
    assert (volume.type, volume.allocation, volume.target.format) == ("file", 5, "raw")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<volume><capacity>1</capacity></volume>", "missing volume name element"),
        ("<volume><name>v</name></volume>", "missing capacity element"),
        (
            "<volume><name>v</name><capacity>1</capacity><target><format type='foo'/></target></volume>",
            "unknown volume format type foo",
        ),
    ],
)
def test_a_volume_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises((XMLError, UnsupportedConfig), match=message):
        complete_volume(parse_volume(text), "dir")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("<volume>", ErrorNumber.XML_DETAIL),
        ("<pool/>", ErrorNumber.XML_ERROR),
        ("<volume><name>v</name><capacity>xx</capacity></volume>", ErrorNumber.XML_ERROR),
        ("<volume><name>v</name><capacity unit='q'>1</capacity></volume>", ErrorNumber.XML_ERROR),
        ("<volume><target><permissions><mode>9</mode></permissions></target></volume>", ErrorNumber.XML_ERROR),
        ("<volume><target><compat>x</compat></target></volume>", ErrorNumber.XML_ERROR),
    ],
)
def test_a_malformed_volume_is_an_error_of_xml(text: str, code: ErrorNumber) -> None:
    with pytest.raises(XMLError) as caught:
        parse_volume(text)
    assert caught.value.code == code
