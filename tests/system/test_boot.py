# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The boot contract: GRUB, the bootloader, and what the kernel finds (brainix/bootinfo.h)."""

import re

import pytest

from images import BOOTCHECK, filled

PASSED = 33                     # the test kernel's exit status when every check has passed

MACHINES = [
    # firmware, media, MiB, other options
    ("bios", "cdrom", 128, {}),
    ("bios", "cdrom", 256, {"cpu": "qemu64"}),
    ("bios", "cdrom", 4096, {}),
    ("bios", "disk", 128, {}),
    ("bios", "disk", 3072, {"cpus": 2}),
    ("uefi", "cdrom", 128, {}),
    ("uefi", "cdrom", 4096, {}),
    ("uefi", "disk", 256, {"cpu": "qemu64"}),
    ("uefi", "disk", 1024, {"cpus": 2, "iommu": "vtd"}),
]


def run(machine):
    """Lets the test kernel finish; returns what it said."""
    text, status = machine.finish()
    assert "FAIL" not in text, text
    assert "boot contract: all passed" in text, text
    assert status == PASSED, text
    return text


@pytest.mark.parametrize("firmware,media,mem,options", MACHINES)
def test_contract(boot, image, tmp_path, firmware, media, mem, options):
    iso = image({"kernel": BOOTCHECK, "system": filled(tmp_path, "system", 5000)},
                command_line="quiet level=3")
    text = run(boot(iso, firmware=firmware, media=media, mem=mem, **options))
    assert "BraiNIX boot: started by " + firmware.upper() in text
    assert 'command line "quiet level=3"' in text
    assert "firmware " + firmware in text
    assert "module kernel " in text and "module system 0x%016x" % 5000 in text
    free = int(re.search(r"free memory 0x([0-9a-f]+)", text).group(1), 16)
    assert (mem - 40) << 20 < free < mem << 20


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_many_and_large_modules(boot, image, tmp_path, firmware):
    sizes = {"m%d" % n: 1 + 777 * n for n in range(61)}
    sizes["large"] = 16 << 20
    sizes["one-page"] = 4096
    modules = {name: filled(tmp_path, name, size) for name, size in sizes.items()}
    text = run(boot(image({"kernel": BOOTCHECK, **modules}), firmware=firmware, mem=256))
    for name, size in sizes.items():
        assert "module %s 0x%016x" % (name, size) in text


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_no_command_line_and_no_module_but_the_kernel(boot, image, firmware):
    text = run(boot(image({"kernel": BOOTCHECK}), firmware=firmware))
    assert 'command line ""' in text


def test_same_memory_map_twice(boot, image):
    """Two boots of one image hand over the same."""
    iso = image({"kernel": BOOTCHECK})
    texts = [re.sub(r"entry ticks .*", "", run(boot(iso))) for _ in range(2)]
    assert texts[0] == texts[1]


def test_machine_from_outside(boot, image, tmp_path):
    """The harness itself: registers and a memory dump through QMP, while the machine is stopped."""
    machine = boot(image({"kernel": BOOTCHECK}), extra=["-S"])
    machine.dump(tmp_path / "memory", size=1 << 20)
    assert (tmp_path / "memory").stat().st_size == 1 << 20
    assert machine.registers()["CR3"] == 0
    machine.resume()
    run(machine)
