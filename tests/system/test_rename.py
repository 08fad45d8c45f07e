"""What goes along with a domain's name, and what stays: as with libvirt."""

from __future__ import annotations

from pathlib import Path

import pytest
from virtactor.client import Host, VirtError
from virtactor.wire.documents.domain import parse_domain
from virtactor.wire.enums.domain import DomainUndefineFlagsValues

from .guests import plain
from .virtactord import Virtactord


def with_variables(folder: Path) -> str:
    code, template = folder / "code.fd", folder / "template.fd"
    for path in (code, template):
        path.write_bytes(bytes(4 * 1024 * 1024))
    flash = (
        f"<loader readonly='yes' type='pflash'>{code}</loader>"
        f"<nvram template='{template}'>{folder / 'old_VARS.fd'}</nvram>"
    )
    return plain("old").replace("</os>", f"{flash}</os>")


def test_variables_stay_where_they_are_and_the_log_has_the_new_name(
    host: Host, shared: Virtactord, tmp_path: Path
) -> None:
    domain = host.domains.define(with_variables(tmp_path))
    domain.start(paused=True)
    domain.destroy()
    domain.set_autostart(True)
    domain.rename("new")
    nvram = parse_domain(domain.xml()).os.nvram
    assert nvram is not None
    assert nvram.path == str(tmp_path / "old_VARS.fd")
    assert domain.autostart()
    domain.start(paused=True)
    assert (shared.paths.log / "qemu/new.log").exists()
    domain.destroy()
    domain.undefine(DomainUndefineFlagsValues.NVRAM)
    assert not (tmp_path / "old_VARS.fd").exists()


def test_a_saved_guest_keeps_its_name(host: Host) -> None:
    domain = host.domains.define(plain("old"))
    domain.start(paused=True)
    with pytest.raises(VirtError, match="cannot rename active domain"):
        domain.rename("new")
    domain.managed_save()
    with pytest.raises(VirtError, match="managed saved state can't be renamed"):
        domain.rename("new")
    domain.remove_managed_save()
    with pytest.raises(VirtError, match="Can't rename domain to itself"):
        domain.rename("old")
