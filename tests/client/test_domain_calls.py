"""What each method of a domain sends and makes of the answer, against a daemon that says what the test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from virtactor.client import Domain, Host
from virtactor.client.domain.disks import BlockJob
from virtactor.client.domain.jobs import JobInfo, JobStats
from virtactor.wire.enums.domain_jobs import DomainBlockJobType, DomainJobOperation, DomainJobType
from virtactor.wire.enums.host import NodeSuspendTarget
from virtactor.wire.params import ParamType, TypedParam
from virtactor.wire.table import DomainRef

from .conftest import FakeDaemon, domain_ref

REF = DomainRef(*domain_ref("web", 3))
DISK = "<disk><target dev='vda'/></disk>"

U, UL, S, B, I = ParamType.UINT, ParamType.ULLONG, ParamType.STRING, ParamType.BOOLEAN, ParamType.INT  # noqa: E741

Call = Callable[[Domain], Any]

# A method, the row that it calls with which arguments behind the domain, the answer, and what is made of it.
CALLS: tuple[tuple[str, Call, str, tuple, tuple, Any], ...] = (
    ("attach", lambda d: d.devices.attach(DISK, live=True), "domain_attach_device_flags", (DISK, 1), (), None),
    ("detach", lambda d: d.devices.detach(DISK, config=True), "domain_detach_device_flags", (DISK, 2), (), None),
    ("update", lambda d: d.devices.update(DISK, force=True), "domain_update_device_flags", (DISK, 4), (), None),
    ("detach alias", lambda d: d.devices.detach_alias("ua-a"), "domain_detach_device_alias", ("ua-a", 0), (), None),
    ("resize in bytes", lambda d: d.disks["vda"].resize(1024), "domain_block_resize", ("vda", 1024, 1), (), None),
    (
        "threshold",
        lambda d: d.disks["vda[1]"].set_threshold(9),
        "domain_set_block_threshold",
        ("vda[1]", 9, 0),
        (),
        None,
    ),
    ("peek", lambda d: d.disks["vda"].peek(512, 4), "domain_block_peek", ("vda", 512, 4, 0), (b"abcd",), b"abcd"),
    ("pull", lambda d: d.disks["vda"].pull(), "domain_block_pull", ("vda", 0, 64), (), None),
    ("pull to a base", lambda d: d.disks["vda"].pull("/b", 7), "domain_block_rebase", ("vda", "/b", 7, 64), (), None),
    (
        "pull relatively",
        lambda d: d.disks["vda"].pull(relative=True),
        "domain_block_rebase",
        ("vda", None, 0, 64 | 16),
        (),
        None,
    ),
    (
        "commit",
        lambda d: d.disks["vda"].commit(top="/t", active=True, delete=True),
        "domain_block_commit",
        ("vda", None, "/t", 0, 2 | 4 | 16),
        (),
        None,
    ),
    (
        "copy",
        lambda d: d.disks["vda"].copy(DISK, bandwidth=5, granularity=512, reuse=True),
        "domain_block_copy",
        ("vda", DISK, [TypedParam("bandwidth", UL, 5), TypedParam("granularity", U, 512)], 2),
        (),
        None,
    ),
    (
        "block job",
        lambda d: d.disks["vda"].job(),
        "domain_get_block_job_info",
        ("vda", 1),
        (1, 4, 10, 20, 40),
        BlockJob(DomainBlockJobType.ACTIVE_COMMIT, 10, 20, 40),
    ),
    ("no block job", lambda d: d.disks["vda"].job(), "domain_get_block_job_info", ("vda", 1), (0, 0, 0, 0, 0), None),
    ("pivot", lambda d: d.disks["vda"].abort_job(pivot=True), "domain_block_job_abort", ("vda", 2), (), None),
    ("speed", lambda d: d.disks["vda"].set_job_speed(8), "domain_block_job_set_speed", ("vda", 8, 1), (), None),
    (
        "block figures",
        lambda d: d.disks["vda"].all_stats(),
        "domain_block_stats_flags",
        ("vda", 16, 0),
        ([("rd_bytes", 3, 12)], 1),
        {"rd_bytes": 12},
    ),
    ("dirty rate", lambda d: d.memory.start_dirty_rate(5), "domain_start_dirty_rate_calc", (5, 0), (), None),
    ("period", lambda d: d.memory.set_stats_period(5, live=True), "domain_set_memory_stats_period", (5, 1), (), None),
    ("memory peek", lambda d: d.memory.peek(16, 2, physical=True), "domain_memory_peek", (16, 2, 2), (b"xy",), b"xy"),
    ("plug processors", lambda d: d.vcpus.set_enabled({1, 2, 5}, True), "domain_set_vcpu", ("1-2,5", 1, 0), (), None),
    (
        "tune an iothread",
        lambda d: d.iothreads.set(2, {"poll_max_ns": 5, "poll_grow": 2, "thread_pool_min": 1}, live=True),
        "domain_set_iothread_params",
        (
            2,
            [TypedParam("poll_max_ns", UL, 5), TypedParam("poll_grow", U, 2), TypedParam("thread_pool_min", I, 1)],
            1,
        ),
        (),
        None,
    ),
    (
        "scheduler of what comes",
        lambda d: d.tuning.scheduler(config=True),
        "domain_get_scheduler_parameters_flags",
        (16, 2),
        ([("cpu_shares", 4, 5)],),
        {"cpu_shares": 5},
    ),
    (
        "scheduler",
        lambda d: d.tuning.set_scheduler({"cpu_shares": 2, "vcpu_quota": -1}),
        "domain_set_scheduler_parameters_flags",
        ([TypedParam("cpu_shares", UL, 2), TypedParam("vcpu_quota", ParamType.LLONG, -1)], 0),
        (),
        None,
    ),
    (
        "throttle group",
        lambda d: d.tuning.set_throttle_group("g", {"total_bytes_sec": 9}, live=True),
        "domain_set_throttle_group",
        ("g", [TypedParam("total_bytes_sec", UL, 9)], 1),
        (),
        None,
    ),
    (
        "no throttle group",
        lambda d: d.tuning.delete_throttle_group("g"),
        "domain_del_throttle_group",
        ("g", 0),
        (),
        None,
    ),
    ("set time", lambda d: d.agent.set_time(5, 6), "domain_set_time", (5, 6, 0), (), None),
    ("sync time", lambda d: d.agent.set_time(sync=True), "domain_set_time", (0, 0, 1), (), None),
    (
        "guest processors",
        lambda d: d.agent.vcpus(),
        "domain_get_guest_vcpus",
        (0,),
        ([("vcpus", 7, "0-1")],),
        {"vcpus": "0-1"},
    ),
    ("guest processor", lambda d: d.agent.set_vcpus("1", False), "domain_set_guest_vcpus", ("1", 0, 0), (), None),
    ("guest info", lambda d: d.agent.info(2), "domain_get_guest_info", (2, 0), ([("os.id", 7, "x")],), {"os.id": "x"}),
    (
        "agent timeout",
        lambda d: d.agent.set_response_timeout(-1),
        "domain_agent_set_response_timeout",
        (-1, 0),
        (0,),
        None,
    ),
    ("keys of a user", lambda d: d.agent.ssh_keys("u"), "domain_authorized_ssh_keys_get", ("u", 0), (["k"],), ["k"]),
    (
        "more keys",
        lambda d: d.agent.set_ssh_keys("u", ["k"], append=True),
        "domain_authorized_ssh_keys_set",
        ("u", ["k"], 1),
        (),
        None,
    ),
    (
        "agent command",
        lambda d: d.agent.command({"execute": "guest-ping"}),
        "domain_agent_command",
        ('{"execute": "guest-ping"}', -1, 0),
        ("{}",),
        "{}",
    ),
    (
        "suspend to memory",
        lambda d: d.suspend_to(NodeSuspendTarget.MEM, 5),
        "domain_pm_suspend_for_duration",
        (0, 5, 0),
        (),
        None,
    ),
    ("wake up", lambda d: d.wake_up(), "domain_pm_wakeup", (0,), (), None),
    ("start once", lambda d: d.set_autostart_once(True), "domain_set_autostart_once", (1,), (), None),
    ("starts once", lambda d: d.autostart_once(), "domain_get_autostart_once", (), (1,), True),
    (
        "definition of saved memory",
        lambda d: d.managed_save_xml(),
        "domain_managed_save_get_xml_desc",
        (0,),
        ("<a/>",),
        "<a/>",
    ),
    (
        "define saved memory",
        lambda d: d.define_managed_save("<a/>", running=True),
        "domain_managed_save_define_xml",
        ("<a/>", 2),
        (),
        None,
    ),
    (
        "save by parameters",
        lambda d: d.save_with({"file": "/f"}),
        "domain_save_params",
        ([TypedParam("file", S, "/f")], 0),
        (),
        None,
    ),
    (
        "job",
        lambda d: d.job.info(),
        "domain_get_job_info",
        (),
        (1, *range(11)),
        JobInfo(DomainJobType.BOUNDED, *range(11)),
    ),
    (
        "last job",
        lambda d: d.job.stats(completed=True, keep=True),
        "domain_get_job_stats",
        (3,),
        (3, [("operation", 1, 2)]),
        JobStats(DomainJobType.COMPLETED, {"operation": DomainJobOperation.SAVE}),
    ),
    ("abort", lambda d: d.abort_job(), "domain_abort_job", (), (), None),
    ("abort post-copy", lambda d: d.job.abort(postcopy=True), "domain_abort_job_flags", (1,), (), None),
    ("labels", lambda d: d.security.labels(), "domain_get_security_label_list", (), ([("a", 1)], 1), [("a", 1)]),
    (
        "launch measurement",
        lambda d: d.security.launch_info(),
        "domain_get_launch_security_info",
        (0,),
        ([("sev-measurement", 7, "m")],),
        {"sev-measurement": "m"},
    ),
    (
        "launch secret",
        lambda d: d.security.set_launch_state({"sev-secret": "s", "sev-secret-set-address": 4}),
        "domain_set_launch_security_state",
        ([TypedParam("sev-secret", S, "s"), TypedParam("sev-secret-set-address", UL, 4)], 0),
        (),
        None,
    ),
    ("downtime", lambda d: d.migration.max_downtime(), "domain_migrate_get_max_downtime", (0,), (300,), 300),
    ("set downtime", lambda d: d.migration.set_max_downtime(5), "domain_migrate_set_max_downtime", (5, 0), (), None),
    (
        "speed of post-copy",
        lambda d: d.migration.max_speed(postcopy=True),
        "domain_migrate_get_max_speed",
        (1,),
        (9,),
        9,
    ),
    ("set speed", lambda d: d.migration.set_max_speed(8), "domain_migrate_set_max_speed", (8, 0), (), None),
    ("cache", lambda d: d.migration.compression_cache(), "domain_migrate_get_compression_cache", (0,), (64,), 64),
    (
        "set cache",
        lambda d: d.migration.set_compression_cache(5),
        "domain_migrate_set_compression_cache",
        (5, 0),
        (),
        None,
    ),
    ("post-copy", lambda d: d.migration.start_post_copy(), "domain_migrate_start_post_copy", (0,), (), None),
    ("reload TLS", lambda d: d.devices.reload_graphics(), "domain_graphics_reload", (0, 0), (), None),
    (
        "migrate by daemons",
        lambda d: d.migration.to_uri("qemu://there/system", 1, {"bandwidth": 5}, disks=["vda"]),
        "domain_migrate_perform3_params",
        ("qemu://there/system", [TypedParam("bandwidth", UL, 5), TypedParam("migrate_disks", S, "vda")], b"", 3),
        (b"",),
        None,
    ),
)


@pytest.fixture
def host(daemon: FakeDaemon) -> Iterator[Host]:
    with daemon.connect() as host:
        yield host


@pytest.mark.parametrize(
    ("call", "row", "arguments", "answer", "result"), [one[1:] for one in CALLS], ids=[one[0] for one in CALLS]
)
def test_a_method_calls_its_row(
    daemon: FakeDaemon, host: Host, call: Call, row: str, arguments: tuple, answer: tuple, result: Any
) -> None:
    daemon.handlers["domain_lookup_by_name"] = lambda name: (REF,)
    daemon.handlers[row] = lambda *_: answer
    guest = host.domains["web"]
    assert call(guest) == result
    assert daemon.peer.calls[-1] == (row, (REF, *arguments))


def test_a_guest_moves_to_a_host_that_we_are_connected_to(daemon: FakeDaemon, host: Host) -> None:
    there = DomainRef(*domain_ref("web", 9))
    daemon.handlers |= {
        "domain_lookup_by_name": lambda name: (REF,),
        "domain_migrate_begin3_params": lambda *_: (b"begun", "<domain/>"),
        "domain_migrate_prepare3_params": lambda *_: (b"prepared", "tcp:there:1"),
        "domain_migrate_perform3_params": lambda *_: (b"performed",),
        "domain_migrate_finish3_params": lambda *_: (there, b"finished"),
        "domain_migrate_confirm3_params": lambda *_: (),
    }
    with daemon.connect() as destination:
        moved = host.domains["web"].migration.to(destination, 1)
        assert moved.id == 9
        prepared = dict(daemon.peers[1].calls)
    here = dict(daemon.peers[0].calls)
    assert prepared["domain_migrate_prepare3_params"][1] == b"begun"
    assert [param.field for param in here["domain_migrate_perform3_params"][2]] == ["destination_xml", "migrate_uri"]
    assert here["domain_migrate_perform3_params"][3] == b"prepared"
    assert prepared["domain_migrate_finish3_params"][1:] == (b"performed", 1, 0)
    assert here["domain_migrate_confirm3_params"][2:] == (b"finished", 1, 0)


def test_a_move_that_fails_is_called_off_on_both_sides(daemon: FakeDaemon, host: Host) -> None:
    from virtactor.wire.errors import OperationFailed

    def fail(*_: Any) -> tuple:
        raise OperationFailed("the network is gone")

    daemon.handlers |= {
        "domain_lookup_by_name": lambda name: (REF,),
        "domain_migrate_begin3_params": lambda *_: (b"", "<domain/>"),
        "domain_migrate_prepare3_params": lambda *_: (b"", None),
        "domain_migrate_perform3_params": fail,
        "domain_migrate_finish3_params": fail,
        "domain_migrate_confirm3_params": lambda *_: (),
    }
    with daemon.connect() as destination:
        with pytest.raises(OperationFailed, match="the network is gone"):
            host.domains["web"].migration.to(destination, 1)
        assert dict(daemon.peers[1].calls)["domain_migrate_finish3_params"][3] == 1
    assert dict(daemon.peers[0].calls)["domain_migrate_confirm3_params"][3] == 1


def test_what_is_about_files_and_forms_is_asked_of_the_host(daemon: FakeDaemon, host: Host) -> None:
    daemon.handlers |= {
        "domain_restore_flags": lambda *_: (),
        "domain_restore_params": lambda *_: (),
        "domain_save_image_get_xml_desc": lambda *_: ("<domain/>",),
        "domain_save_image_define_xml": lambda *_: (),
        "connect_domain_xml_from_native": lambda *_: ("<domain/>",),
        "connect_domain_xml_to_native": lambda *_: ("qemu -m 1",),
        "domain_attach": lambda *_: (REF,),
    }
    domains = host.domains
    domains.restore("/f", "<a/>", bypass_cache=True, reset_nvram=True)
    domains.restore_with({"file": "/f"})
    assert domains.save_image_xml("/f", secure=True) == "<domain/>"
    domains.define_save_image("/f", "<a/>", paused=True)
    assert domains.from_native("qemu-argv", "qemu -m 1") == "<domain/>"
    assert domains.to_native("qemu-argv", "<domain/>") == "qemu -m 1"
    assert domains.attach(77).name == "web"
    assert daemon.peer.calls[1:] == [
        ("domain_restore_flags", ("/f", "<a/>", 1 | 8)),
        ("domain_restore_params", ([TypedParam("file", S, "/f")], 0)),
        ("domain_save_image_get_xml_desc", ("/f", 1)),
        ("domain_save_image_define_xml", ("/f", "<a/>", 4)),
        ("connect_domain_xml_from_native", ("qemu-argv", "qemu -m 1", 0)),
        ("connect_domain_xml_to_native", ("qemu-argv", "<domain/>", 0)),
        ("domain_attach", (77, 0)),
    ]
