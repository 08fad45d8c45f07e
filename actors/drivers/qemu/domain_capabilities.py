"""What domains of one emulator and machine type can have (virConnectGetDomainCapabilities).

It tells what this driver does, not all that QEMU can. Values are those that libvirt's document has a place for; which
of them work here is found by trying (trials.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ....wire.documents.domain_capabilities import (
    Choice,
    CpuMode,
    DeviceSupport,
    DomainCapabilities,
    FeatureSupport,
    ModeModel,
    OperatingSystems,
    Support,
)
from ...cpu.arithmetic import describe
from .capabilities import Capabilities, Machine
from .cpu_models import QemuCpus
from .firmware import FirmwareStore
from .trials import Trials, pieces

_NO = Support(supported=False)

_IMAGE = "<source file='/trial'/>"
# A disk for each bus; the name of its target tells where it is on it.
_BUSES = {
    bus: f"<disk type='file' device='{device}'>{_IMAGE}<target dev='{target}' bus='{bus}'/></disk>"
    for bus, target, device in (
        ("ide", "hda", "disk"),
        ("fdc", "fda", "floppy"),
        ("scsi", "sda", "disk"),
        ("virtio", "vda", "disk"),
        ("usb", "sda", "disk"),
        ("sata", "sda", "disk"),
        ("sd", "sda", "disk"),
    )
}
_LUN = "<disk type='block' device='lun'><source dev='/dev/trial'/><target dev='sda' bus='scsi'/></disk>"
_VIRTIO_MODELS = ("virtio", "virtio-transitional", "virtio-non-transitional")
_HOST_DEVICES = {
    "usb": "<source><vendor id='0x1234'/><product id='0x5678'/></source>",
    "pci": "<source><address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/></source>",
    "scsi": "<source><adapter name='scsi_host0'/><address bus='0' target='0' unit='0'/></source>",
}
_RNG_BACKENDS = {
    name: f"<rng model='virtio'>{backend}</rng>"
    for name, backend in (
        ("random", "<backend model='random'>/dev/random</backend>"),
        ("egd", "<backend model='egd' type='unix'><source mode='connect' path='/trial'/></backend>"),
        ("builtin", "<backend model='builtin'/>"),
    )
}
_END = "<source mode='connect' host='trial' service='1'/>"
_CHANNELS = {
    kind: f"{beside}<channel type='{kind}'>{source}<target type='virtio' name='trial.0'/></channel>"
    for kind, source, beside in (
        ("pty", "", ""),
        ("unix", "", ""),
        ("spicevmc", "", "<graphics type='spice'/>"),
        ("qemu-vdagent", "", ""),
        ("dbus", "<source channel='trial'/>", ""),
    )
}
_HYPERV = (
    *("relaxed", "vapic", "spinlocks", "vpindex", "runtime", "synic", "stimer", "reset", "vendor_id", "frequencies"),
    *("reenlightenment", "tlbflush", "ipi", "evmcs", "avic"),
)
_HYPERV_VALUES = {"spinlocks": " retries='8191'", "vendor_id": " value='trial'"}


def domain_capabilities(
    capabilities: Capabilities, arch: str, machine: Machine, type: str, cpus: QemuCpus | None
) -> DomainCapabilities:
    """The document of an emulator, a machine type and a domain type; ``cpus`` are known for x86 only."""
    trials = Trials(capabilities, arch, machine, type, FirmwareStore.read(Path("/")))
    return DomainCapabilities(
        path=capabilities.binary,
        domain=type,
        machine=machine.name,
        arch=arch,
        max_vcpus=machine.max_cpus,
        iothreads=Support(supported=trials.works(about="<iothreads>1</iothreads>")),
        os=_operating_systems(trials),
        cpu_modes=tuple(_modes(capabilities, type, cpus)),
        memory_backing=_memory_backing(trials),
        devices=_devices(trials),
        features=_features(trials),
    )


def _operating_systems(trials: Trials) -> OperatingSystems:
    firmware = trials.working("firmware", pieces(" firmware='{}'", ("bios", "efi")))
    loader = "<loader readonly='yes' type='{}'>/trial</loader>"
    secure = "<loader readonly='yes' secure='yes' type='pflash'>/trial</loader>"
    return OperatingSystems(
        choices=(Choice(name="firmware", values=firmware),),
        loader=_support(
            type=trials.working("os", pieces(loader, ("rom", "pflash"))),
            readonly=("yes", "no"),
            secure=("yes", "no") if trials.works(os=secure, features="<smm state='on'/>") else ("no",),
        ),
    )


def _memory_backing(trials: Trials) -> Support:
    template = "<memoryBacking><source type='{}'/></memoryBacking>"
    return _support(sourceType=trials.working("about", pieces(template, ("file", "anonymous", "memfd"))))


# -- processors --------------------------------------------------------------------------------------------------------


def _modes(capabilities: Capabilities, type: str, cpus: QemuCpus | None) -> Iterator[CpuMode]:
    yield CpuMode(name="host-passthrough", supported=type == "kvm")
    migratable = Choice(name="maximumMigratable", values=("on", "off"))
    yield CpuMode(name="maximum", supported=cpus is not None, choices=(migratable,) if cpus is not None else ())
    yield _host_model(cpus)
    models = _known_models(cpus) if cpus is not None else _named_models(capabilities)
    yield CpuMode(name="custom", supported=bool(models), models=models)


def _host_model(cpus: QemuCpus | None) -> CpuMode:
    described = describe(cpus.most, cpus.models) if cpus is not None else None
    if described is None or described.model is None:
        return CpuMode(name="host-model", supported=False)
    return CpuMode(
        name="host-model",
        supported=True,
        models=(ModeModel(fallback="forbid", name=described.model),),
        vendor=described.vendor,
        features=described.features,
    )


def _known_models(cpus: QemuCpus) -> tuple[ModeModel, ...]:
    return tuple(
        ModeModel(
            name=model.name,
            usable="yes" if model.features <= cpus.most.features else "no",
            vendor=model.vendor or "unknown",
        )
        for model in cpus.models
    )


def _named_models(capabilities: Capabilities) -> tuple[ModeModel, ...]:
    return tuple(ModeModel(name=model.name, usable="unknown") for model in capabilities.cpu_models)


# -- devices and features ----------------------------------------------------------------------------------------------


def _devices(trials: Trials) -> DeviceSupport:
    def working(template: str, *values: str) -> tuple[str, ...]:
        return trials.working("devices", pieces(template, values))

    rng = "<rng model='{}'><backend model='random'>/dev/random</backend></rng>"
    return DeviceSupport(
        disk=_disk(trials),
        graphics=_support(type=working("<graphics type='{}'/>", "sdl", "vnc", "spice", "egl-headless", "dbus")),
        video=_support(
            modelType=working(
                "<video><model type='{}'/></video>",
                *("vga", "cirrus", "vmvga", "qxl", "virtio", "none", "bochs", "ramfb"),
            )
        ),
        hostdev=_host_devices(trials),
        rng=_support(
            model=working(rng, *_VIRTIO_MODELS),
            backendModel=trials.working("devices", _RNG_BACKENDS),
        ),
        filesystem=_support(
            driverType=working(
                "<filesystem type='mount'><driver type='{}'/><source dir='/trial'/><target dir='t'/></filesystem>",
                *("path", "handle", "virtiofs"),
            )
        ),
        tpm=_tpm(trials),
        redirdev=_support(bus=working(f"<redirdev bus='{{}}' type='tcp'>{_END}</redirdev>", "usb")),
        channel=_support(type=trials.working("devices", _CHANNELS)),
    )


def _disk(trials: Trials) -> Support:
    buses = trials.working("devices", _BUSES)
    usual = next((bus for bus in ("virtio", "sata", "ide", "scsi") if bus in buses), None)
    if usual is None:
        return _NO
    disk = _BUSES[usual]
    kinds = {
        "disk": disk,
        "cdrom": _BUSES[next((bus for bus in ("sata", "ide", "scsi") if bus in buses), usual)].replace(
            "device='disk'", "device='cdrom'"
        ),
        "floppy": _BUSES["fdc"],
        "lun": _LUN,
    }
    models = pieces(_BUSES["virtio"].replace("<disk ", "<disk model='{}' "), _VIRTIO_MODELS)
    return _support(diskDevice=trials.working("devices", kinds), bus=buses, model=trials.working("devices", models))


def _host_devices(trials: Trials) -> Support:
    kinds = {
        kind: f"<hostdev mode='subsystem' type='{kind}' managed='no'>{source}</hostdev>"
        for kind, source in _HOST_DEVICES.items()
    }
    working = trials.working("devices", kinds)
    if not working:
        return _NO
    return Support(
        supported=True,
        choices=(
            Choice(name="mode", values=("subsystem",)),
            Choice(name="startupPolicy", values=("default", "mandatory", "requisite", "optional")),
            Choice(name="subsysType", values=working),
            Choice(name="capsType"),
            Choice(name="pciBackend", values=("vfio",) if "pci" in working else ()),
        ),
    )


def _tpm(trials: Trials) -> Support:
    backends = {
        "passthrough": "<backend type='passthrough'><device path='/dev/tpm0'/></backend>",
        "emulator": "<backend type='emulator' version='2.0'/>",
    }
    found = trials.working(
        "devices", {name: f"<tpm model='tpm-tis'>{backend}</tpm>" for name, backend in backends.items()}
    )
    if not found:
        return _NO
    template = f"<tpm model='{{}}'>{backends[found[0]]}</tpm>"
    models = trials.working("devices", pieces(template, ("tpm-tis", "tpm-crb", "tpm-spapr")))
    return _support(model=models, backendModel=found)


def _features(trials: Trials) -> FeatureSupport:
    hyperv = {
        name: f"<hyperv mode='custom'><{name} state='on'{_HYPERV_VALUES.get(name, '')}/></hyperv>" for name in _HYPERV
    }
    backing = (
        "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/trial'/>"
        "<backingStore type='file'><format type='raw'/><source file='/base'/></backingStore>"
        "<target dev='vda' bus='virtio'/></disk>"
    )
    return FeatureSupport(
        gic=_NO,
        vmcoreinfo=Support(supported=trials.works(features="<vmcoreinfo state='on'/>")),
        genid=Support(supported=trials.works(about="<genid/>")),
        backing_store_input=Support(supported=trials.works(devices=backing)),
        backup=_NO,
        sev=_NO,
        sgx=_NO,
        hyperv=_support(features=trials.working("features", hyperv)),
    )


def _support(**choices: tuple[str, ...]) -> Support:
    """There is something if there is something to choose, by the first of the choices."""
    if not next(iter(choices.values())):
        return _NO
    return Support(supported=True, choices=tuple(Choice(name=name, values=values) for name, values in choices.items()))
