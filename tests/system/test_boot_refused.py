# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the bootloader refuses: one line on the serial port, and the machine stands still."""

import pytest

from images import BOOTCHECK, PF_R, PF_W, PF_X, Kernel, filled

WINDOW = 0xFFFF_FFFF_8000_0000
FIRMWARES = ["bios", "uefi"]


def refused(machine, reason):
    """The line comes, and after it nothing: neither a kernel nor a reset."""
    machine.expect_text("BraiNIX boot: %s; stopped" % reason)
    machine.expect_silence(r"[A-Za-z]", 0.5)
    assert machine.qmp("query-status")["running"]
    registers = machine.registers()
    flags = registers["RFL"] if "RFL" in registers else registers["EFL"]
    assert flags & 1 << 9 == 0              # interrupts are off: halted for good


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_no_kernel(boot, image, tmp_path, firmware):
    refused(boot(image({"system": filled(tmp_path, "system", 100)}), firmware=firmware),
            'there is no module "kernel"')


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_too_many_modules(boot, image, tmp_path, firmware):
    modules = {"m%d" % n: filled(tmp_path, "m%d" % n, 10) for n in range(64)}
    refused(boot(image({"kernel": BOOTCHECK, **modules}), firmware=firmware),
            "there are more than 64 modules")


def not_elf(kernel):
    kernel.bytes[0] = 0


def cut_short(kernel):
    del kernel.bytes[40:]


def cut_segment(kernel):
    del kernel.bytes[0x3100:]
    kernel.set("phoff", 64)


DAMAGES = {
    "not ELF": (not_elf, "the kernel's file is not ELF"),
    "cut in the header": (cut_short, "the kernel's file is too short for ELF"),
    "cut in a segment": (cut_segment, "a kernel segment is cut short in the file"),
    "32 bits": (lambda k: k.set("machine", 3), "the kernel is not a static x86-64 executable"),
    "shared object": (lambda k: k.set("type", 3), "the kernel is not a static x86-64 executable"),
    "dynamic": (lambda k: k.segment(1, "type", 2), "the kernel is not a static x86-64 executable"),
    "no segments": (lambda k: k.set("phnum", 0), "the kernel's program headers are malformed"),
    "headers outside": (lambda k: k.set("phoff", 1 << 63),
                        "the kernel's program headers are malformed"),
    "writable text": (lambda k: k.segment(0, "flags", PF_R | PF_W | PF_X),
                      "a kernel segment is writable and executable"),
    "executable data": (lambda k: k.segment(2, "flags", PF_R | PF_W | PF_X),
                        "a kernel segment is writable and executable"),
    "unreadable": (lambda k: k.segment(1, "flags", PF_X),
                   "a kernel segment has odd permissions"),
    "user addresses": (lambda k: k.segment(0, "vaddr", 0x400000),
                       "a kernel segment lies outside the kernel's window"),
    "behind the window": (lambda k: k.segment(2, "memsz", 33 << 20),
                          "a kernel segment lies outside the kernel's window"),
    "wrapping": (lambda k: k.segment(2, "memsz", (1 << 64) - 4096),
                 "a kernel segment lies outside the kernel's window"),
    "unaligned": (lambda k: k.segment(1, "vaddr", k.segment(1, "vaddr") + 16),
                  "a kernel segment does not begin on a page"),
    "overlapping": (lambda k: k.segment(1, "vaddr", WINDOW),
                    "kernel segments overlap or are not in order"),
    "file larger than memory": (lambda k: k.segment(2, "memsz", 4),
                                "a kernel segment is empty or larger in the file than in memory"),
    "entry in data": (lambda k: k.set("entry", k.segment(2, "vaddr")),
                      "the kernel's entry point is not in its code"),
    "entry nowhere": (lambda k: k.set("entry", 0),
                      "the kernel's entry point is not in its code"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_bad_kernel(boot, image, tmp_path, name):
    damage, reason = DAMAGES[name]
    kernel = Kernel()
    damage(kernel)
    refused(boot(image({"kernel": kernel.write(tmp_path / "kernel")})), reason)


def test_bad_kernel_under_uefi(boot, image, tmp_path):
    kernel = Kernel().segment(0, "flags", PF_R | PF_W | PF_X)
    refused(boot(image({"kernel": kernel.write(tmp_path / "kernel")}), firmware="uefi"),
            "a kernel segment is writable and executable")


def test_too_little_memory(boot, image, tmp_path):
    kernel = Kernel().segment(2, "memsz", 30 << 20)
    refused(boot(image({"kernel": kernel.write(tmp_path / "kernel")}), mem=24),
            "there is not enough memory")


@pytest.mark.parametrize("cpu,reason", [
    ("qemu32", "this processor has no 64-bit mode"),
    ("qemu64,nx=off", "this processor cannot forbid execution (NX)"),
])
def test_old_processor(boot, image, cpu, reason):
    refused(boot(image({"kernel": BOOTCHECK}), cpu=cpu), reason)


def test_no_loader(boot, image, tmp_path):
    """GRUB refuses a file that is no loader, and turns the machine off: no menu, no shell."""
    loader = tmp_path / "loader.elf"
    loader.write_bytes(bytes(800))
    text, status = boot(image({"kernel": BOOTCHECK}, loader=loader)).finish()
    assert "error: " in text
    assert "BraiNIX" not in text
    assert status == 0
