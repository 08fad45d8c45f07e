"""Trees of files that look like /proc and /sys of a machine."""

from __future__ import annotations

import os
from pathlib import Path

PAGE = os.sysconf("SC_PAGE_SIZE") // 1024


def tree(root: Path, files: dict[str, str]) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text + "\n")
    return root


def two_sockets(root: Path) -> Path:
    """Two cells with a socket each, two cores with two threads each, hugepages on the second."""
    system = "sys/devices/system"
    files = {
        "sys/class/dmi/id/product_uuid": "6AA8C0B9-7E7C-4B8C-A5B8-0F5A3C1D2E3F",
        "proc/cpuinfo": "vendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 63\nstepping\t: 2\n"
        "microcode\t: 0x49\ncpu MHz\t\t: 2596.140\naddress sizes\t: 46 bits physical, 48 bits virtual\n"
        "flags\t\t: fpu avx2 bmi2 fma movbe pcid invpcid\n\nvendor_id\t: Other",
        f"{system}/cpu/online": "0-7",
        "sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "10",
        "sys/kernel/iommu_groups/0/type": "DMA",
    }
    for cell in (0, 1):
        node = f"{system}/node/node{cell}"
        files[f"{node}/meminfo"] = f"Node {cell} MemTotal:       1048576 kB"
        files[f"{node}/cpulist"] = f"{cell * 4}-{cell * 4 + 3}"
        files[f"{node}/distance"] = "10 21" if cell == 0 else "21 10"
        files[f"{node}/hugepages/hugepages-2048kB/nr_hugepages"] = str(cell * 10)
    for cpu in range(8):
        folder = f"{system}/cpu/cpu{cpu}"
        core = cpu // 2
        files[f"{folder}/topology/physical_package_id"] = str(cpu // 4)
        files[f"{folder}/topology/die_id"] = "0"
        files[f"{folder}/topology/core_id"] = str(core % 2)
        files[f"{folder}/topology/thread_siblings_list"] = f"{core * 2}-{core * 2 + 1}"
        for index, (level, type_, size) in enumerate(
            [(1, "Data", "32K"), (2, "Unified", "1024K"), (3, "Unified", "30M")]
        ):
            files[f"{folder}/cache/index{index}/level"] = str(level)
            files[f"{folder}/cache/index{index}/type"] = type_
            files[f"{folder}/cache/index{index}/size"] = size
            files[f"{folder}/cache/index{index}/id"] = str(cpu // 4)
            files[f"{folder}/cache/index{index}/shared_cpu_list"] = f"{cpu // 4 * 4}-{cpu // 4 * 4 + 3}"
    return tree(root, files)
