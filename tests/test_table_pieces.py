"""A row of the table is an API, which is more than its row: its callers, its answerer, a command that leads to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import virtactor.client.shell.catalogue as catalogue
from virtactor.actors.drivers.registry import ANSWERERS
from virtactor.actors.support import answers
from virtactor.wire import pack, xdr
from virtactor.wire.callbacks import CALLBACKS
from virtactor.wire.table import EXTENSION_PROGRAM, ROWS, Kind, Row, row_of

REPOSITORY = Path(__file__).parents[1]

# A message is sent, not called: these are who sends it and who takes it.
CALLS = [row for row in ROWS.values() if row.kind is not Kind.MESSAGE]
USE = re.compile(r'ROWS\[\s*"(\w+)"\s*\]')

# What the client does by a newer procedure, which does all that the older one does: older -> newer.
OLDER = {
    "connect_domain_event_deregister": "connect_domain_event_callback_deregister_any",
    "connect_domain_event_deregister_any": "connect_domain_event_callback_deregister_any",
    "connect_domain_event_register": "connect_domain_event_callback_register_any",
    "connect_domain_event_register_any": "connect_domain_event_callback_register_any",
    "connect_list_defined_domains": "connect_list_all_domains",
    "connect_list_defined_interfaces": "connect_list_all_interfaces",
    "connect_list_defined_networks": "connect_list_all_networks",
    "connect_list_defined_storage_pools": "connect_list_all_storage_pools",
    "connect_list_domains": "connect_list_all_domains",
    "connect_list_interfaces": "connect_list_all_interfaces",
    "connect_list_networks": "connect_list_all_networks",
    "connect_list_nwfilters": "connect_list_all_nwfilters",
    "connect_list_secrets": "connect_list_all_secrets",
    "connect_list_storage_pools": "connect_list_all_storage_pools",
    "connect_num_of_defined_domains": "connect_list_all_domains",
    "connect_num_of_defined_interfaces": "connect_list_all_interfaces",
    "connect_num_of_defined_networks": "connect_list_all_networks",
    "connect_num_of_defined_storage_pools": "connect_list_all_storage_pools",
    "connect_num_of_domains": "connect_list_all_domains",
    "connect_num_of_interfaces": "connect_list_all_interfaces",
    "connect_num_of_networks": "connect_list_all_networks",
    "connect_num_of_nwfilters": "connect_list_all_nwfilters",
    "connect_num_of_secrets": "connect_list_all_secrets",
    "connect_num_of_storage_pools": "connect_list_all_storage_pools",
    "domain_abort_job": "domain_abort_job_flags",
    "domain_attach_device": "domain_attach_device_flags",
    "domain_block_stats": "domain_block_stats_flags",
    "domain_core_dump": "domain_core_dump_with_format",
    "domain_create": "domain_create_with_flags",
    "domain_define_xml": "domain_define_xml_flags",
    "domain_destroy": "domain_destroy_flags",
    "domain_detach_device": "domain_detach_device_flags",
    "domain_get_job_info": "domain_get_job_stats",
    "domain_get_scheduler_parameters": "domain_get_scheduler_parameters_flags",
    "domain_get_security_label": "domain_get_security_label_list",
    "domain_get_vcpus": "domain_get_vcpu_pin_info",
    "domain_has_current_snapshot": "domain_snapshot_current",
    "domain_migrate_begin3": "domain_migrate_begin3_params",
    "domain_migrate_confirm3": "domain_migrate_confirm3_params",
    "domain_migrate_finish": "domain_migrate_finish3_params",
    "domain_migrate_finish2": "domain_migrate_finish3_params",
    "domain_migrate_finish3": "domain_migrate_finish3_params",
    "domain_migrate_perform": "domain_migrate_perform3_params",
    "domain_migrate_perform3": "domain_migrate_perform3_params",
    "domain_migrate_prepare": "domain_migrate_prepare3_params",
    "domain_migrate_prepare2": "domain_migrate_prepare3_params",
    "domain_migrate_prepare3": "domain_migrate_prepare3_params",
    "domain_migrate_prepare_tunnel": "domain_migrate_prepare_tunnel3_params",
    "domain_migrate_prepare_tunnel3": "domain_migrate_prepare_tunnel3_params",
    "domain_pin_vcpu": "domain_pin_vcpu_flags",
    "domain_restore": "domain_restore_flags",
    "domain_save": "domain_save_flags",
    "domain_set_max_memory": "domain_set_memory_flags",
    "domain_set_memory": "domain_set_memory_flags",
    "domain_set_scheduler_parameters": "domain_set_scheduler_parameters_flags",
    "domain_set_vcpus": "domain_set_vcpus_flags",
    "domain_shutdown": "domain_shutdown_flags",
    "domain_snapshot_list_children_names": "domain_snapshot_list_all_children",
    "domain_snapshot_list_names": "domain_list_all_snapshots",
    "domain_snapshot_num": "domain_list_all_snapshots",
    "domain_snapshot_num_children": "domain_snapshot_list_all_children",
    "domain_undefine": "domain_undefine_flags",
    "network_create_xml": "network_create_xml_flags",
    "network_define_xml": "network_define_xml_flags",
    "node_device_dettach": "node_device_detach_flags",
    "node_list_devices": "connect_list_all_node_devices",
    "node_num_of_devices": "connect_list_all_node_devices",
    "nwfilter_define_xml": "nwfilter_define_xml_flags",
    "storage_pool_list_volumes": "storage_pool_list_all_volumes",
    "storage_pool_num_of_volumes": "storage_pool_list_all_volumes",
    "storage_vol_get_info": "storage_vol_get_info_flags",
    "storage_vol_wipe": "storage_vol_wipe_pattern",
}
# What only others' clients need.
UNCALLED = {"connect_set_identity", "connect_unregister_close_callback"}


def sources(folder: str) -> Iterator[Path]:
    return (REPOSITORY / folder).rglob("*.py")


def names_used(folder: str) -> set[str]:
    return {name for path in sources(folder) for name in USE.findall(path.read_text())}


def answered() -> list[Row]:
    """The calls that some driver answers."""
    return [row for row in CALLS if any(answers(driver, row) for driver in ANSWERERS)]


def test_the_client_calls_what_the_daemon_answers() -> None:
    # Callbacks are registered by their tables' rows.
    registered = {row.name for one in CALLBACKS.values() for row in (one.register, one.deregister)}
    used = names_used("client") | registered
    wanted = {row.name for row in answered()} - UNCALLED
    assert sorted(name for name in wanted if not {name, OLDER.get(name)} & used) == []


def test_what_the_client_has_no_need_of_is_a_procedure() -> None:
    assert [name for name in (*OLDER, *OLDER.values(), *UNCALLED) if name not in ROWS] == []


def test_every_call_is_answered_somewhere_or_refused_in_one_place() -> None:
    """An actor of no method for a row refuses it by the row's API (CallTarget.find_handler); nobody else has to."""
    assert len(answered()) > 100
    handlers = {row.name for row in answered()}
    ours = [row.name for row in CALLS if row.program == EXTENSION_PROGRAM or row.name.startswith("connect_open")]
    assert [name for name in ours if name not in handlers] == []


def test_drivers_publish_events_in_the_oldest_form() -> None:
    """The connection makes of it what its client asked for: by callback, or all of an id."""
    published = [name for name in names_used("actors/drivers") if ROWS[name].kind is Kind.MESSAGE]
    assert published
    assert [name for name in published if "_callback_" in name and name.replace("_callback_", "_") in ROWS] == []


def test_a_command_leads_to_every_row() -> None:
    missing = [f"{row.name}: {name}" for row in ROWS.values() for name in row.commands if name not in catalogue.MODULES]
    assert missing == []
    modules = {path.stem for path in sources("client/shell/commands")}
    assert [name for name, module in catalogue.MODULES.items() if module not in modules] == []


def test_numbers_and_names_lead_to_one_row() -> None:
    for name, row in ROWS.items():
        assert row.name == name
        assert row_of(row.program, row.number) is row
        assert row_of(row.msgpack_program, row.number) is row


def test_flags_that_are_guarded_are_arguments_of_their_row() -> None:
    def arguments(row: Row) -> set[str]:
        return {field.name for field in row.args}

    assert [row.name for row in ROWS.values() if not set(row.guarded) <= arguments(row)] == []


def test_every_row_compiles() -> None:
    for row in ROWS.values():
        pack.codec(row)
        xdr.codec(row)
