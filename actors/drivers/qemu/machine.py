"""What the machine types that virtactor runs bring along: buses, slots that are taken, default devices.

Three families of x86 machines; a family is data, and whatever differs between them is a field here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from ....wire.errors import UnsupportedConfig

# (slot, function) on bus 0
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MachineFamily:
    """One family.

    root: model of pci controller 0, None where there is no PCI.
    reserved: what the machine itself has on bus 0; `places` are the devices of a definition that these are.
    video, usb_place, sound: where the primary card, the default USB controller and an ich9 sound card go if the place
        is free; `scsi_model` is the chip of a scsi controller of which nothing is said.
    buses: what disks can hang on; `keyboard` says whether there is ps2 input, `floppies` whether the machine
        has a controller for them.
    """

    name: str
    root: str | None
    buses: frozenset[str]
    interface_model: str
    usb_model: str | None = None
    keyboard: bool = True
    floppies: bool = False
    video: Place | None = None
    usb_place: Place | None = None
    sound: Place | None = None
    scsi_model: str = "lsilogic"
    reserved: dict[Place, str] = field(default_factory=dict)
    places: dict[tuple[str, int], Place] = field(default_factory=dict)

    @property
    def pcie(self) -> bool:
        """Whether PCI devices hang on PCI Express ports."""
        return self.root == "pcie-root"


PC = MachineFamily(
    name="pc",
    root="pci-root",
    buses=frozenset({"virtio", "ide", "sata", "scsi", "usb", "fdc"}),
    interface_model="rtl8139",
    usb_model="piix3-uhci",
    video=(2, 0),
    usb_place=(1, 2),
    floppies=True,
    reserved={
        (0, 0): "the host bridge",
        (1, 0): "the ISA bridge",
        (1, 1): "the machine's IDE controller",
        (1, 3): "power management",
    },
    places={("ide", 0): (1, 1)},
)

Q35 = MachineFamily(
    name="q35",
    root="pcie-root",
    buses=frozenset({"virtio", "sata", "scsi", "usb", "fdc"}),
    interface_model="rtl8139",
    usb_model="qemu-xhci",
    video=(1, 0),
    sound=(0x1B, 0),
    reserved={
        (0, 0): "the host bridge",
        (0x1F, 0): "the LPC bridge",
        (0x1F, 2): "the machine's SATA controller",
        (0x1F, 3): "the SMBus",
    },
    places={("sata", 0): (0x1F, 2)},
)

MICROVM = MachineFamily(
    name="microvm",
    root=None,
    buses=frozenset({"virtio", "scsi"}),
    interface_model="virtio",
    scsi_model="virtio-scsi",
    keyboard=False,
)

_EXACT = {"pc": PC, "q35": Q35, "microvm": MICROVM}
_PREFIXES = {"pc-i440fx-": PC, "pc-q35-": Q35}


def family_of(machine: str) -> MachineFamily:
    """The family of a machine type, given as an alias or in full. Raises UnsupportedConfig for any other machine."""
    family = _EXACT.get(machine)
    if family is None:
        family = next((family for prefix, family in _PREFIXES.items() if machine.startswith(prefix)), None)
    if family is None:
        raise UnsupportedConfig(f"machine type {machine!r}", hint="pc, q35 and microvm are known")
    return family
