"""Perl's Sys::Virt, which links libvirt's client library and knows nothing of ours."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from ..system.guests import plain
from .conftest import said

LIVES = """
use strict; use warnings; use Sys::Virt;
my ($uri, $xml) = @ARGV;
my $conn = Sys::Virt->new(uri => $uri);
print "type ", $conn->get_type(), "\\n";
my $dom = $conn->define_domain($xml);
print "defined ", $dom->get_name(), " ", join(",", map { $_->get_name() } $conn->list_all_domains()), "\\n";
$dom->create(Sys::Virt::Domain::START_PAUSED);
print "state ", ($dom->get_state())[0], " active ", $dom->is_active(), "\\n";
print "memory ", $dom->get_info()->{maxMem}, "\\n";
$dom->resume();
print "state ", ($dom->get_state())[0], "\\n";
$dom->destroy();
$dom->undefine();
my @left = $conn->list_all_domains();
print "left ", scalar(@left), "\\n";
eval { $conn->get_domain_by_name("nobody") };
print "error ", $@->code, "\\n";
"""

EVENTS = """
use strict; use warnings; use Sys::Virt; use Sys::Virt::Event;
my ($uri, $xml) = @ARGV;
Sys::Virt::Event::register_default();
my $conn = Sys::Virt->new(uri => $uri);
my @seen;
$conn->domain_event_register_any(undef, Sys::Virt::Domain::EVENT_ID_LIFECYCLE,
    sub { my ($c, $d, $event, $detail) = @_; push @seen, $event; });
my $dom = $conn->define_domain($xml);
$dom->create(Sys::Virt::Domain::START_PAUSED);
$dom->destroy();
Sys::Virt::Event::run_default() while @seen < 4;
print join(" ", @seen), "\\n";
"""


@pytest.fixture
def perl(environment: dict[str, str]):
    """Runs a script with Sys::Virt and gives what it printed, or skips."""
    program = shutil.which("perl")
    asked = program and subprocess.run([program, "-MSys::Virt", "-e", "1"], capture_output=True, check=False)
    if not program or not asked or asked.returncode != 0:
        pytest.skip("Perl's Sys::Virt is not installed (Debian: libsys-virt-perl)")
    return lambda script, *arguments: said([program, "-e", script, *arguments], environment)


def test_a_guest_lives(perl, qemu_uri: str) -> None:
    assert perl(LIVES, qemu_uri, plain("perl")).splitlines() == [
        "type QEMU",
        "defined perl perl",
        "state 3 active 1",
        "memory 16384",
        "state 1",
        "left 0",
        "error 42",
    ]


def test_events_come(perl, qemu_uri: str) -> None:
    assert perl(EVENTS, qemu_uri, plain("perl")).split() == ["0", "2", "3", "5"]
