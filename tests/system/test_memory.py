# SPDX-License-Identifier: Apache-2.0 OR MIT
"""INV-MEM in a running machine: its page tables, read from a dump that QEMU takes.

The kernel is asked nothing.  The processor is stopped once in the kernel and once in a program to
learn one root of each kind; the walk finds all others (pagewalk.py).
"""

import io
import os
import time

import pytest

import pagewalk
from machine import BUILD, PATIENCE, symbols

PAGE = pagewalk.PAGE
PROGRAMS = 5            # of the system `attacks': init, consoled, victim, shell, spin


def entry_pages():
    """Addresses of the pages that docs/hardening.md lists."""
    kernel = symbols(os.path.join(BUILD, "kernel", "kernel"))
    ranges = [("bx_entry_text_start", "bx_entry_text_end", 2),
              ("bx_entry_rodata_start", "bx_entry_rodata_end", 2),
              ("bx_entry_data_start", "bx_entry_data_end", 1)]
    pages = set()
    for start, end, count in ranges:
        assert kernel[end] - kernel[start] == count * PAGE
        pages.update(range(kernel[start], kernel[end], PAGE))
    return pages


def roots_seen(machine):
    """CR3 as the kernel has it, and as a program has it."""
    kernel = user = None
    end = time.monotonic() + 60 * PATIENCE
    while kernel is None or user is None:
        machine.pause()
        registers = machine.registers()
        level = int(machine.monitor("info registers").split("CPL=")[1][0])
        if level == 3:
            user = registers["CR3"]
            # The root of the kernel lies where its entry code finds it.
            if kernel is None:
                address = symbols(os.path.join(BUILD, "kernel", "kernel"))["bx_entry_kernel_root"]
                kernel = int(machine.monitor("x /1gx 0x%x" % address).split(":")[1], 16)
        machine.resume()
        assert time.monotonic() < end, "the processor was never seen in a program"
        time.sleep(0.01)
    return kernel, user


def walk(machine, folder):
    kernel, user = roots_seen(machine)
    machine.pause()
    machine.dump(folder / "memory.bin")
    machine.resume()
    memory = pagewalk.Memory((folder / "memory.bin").read_bytes())
    report = pagewalk.check(memory, kernel, user, entry_pages())
    text = io.StringIO()
    pagewalk.print_report(report, text)
    print(text.getvalue())
    return report


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_page_tables(boot_system, tmp_path, firmware):
    machine = boot_system("attacks", firmware=firmware)
    machine.expect_text("brainix> ")
    report = walk(machine, tmp_path)
    assert report.violations == []
    assert len(report.spaces) == 1 + PROGRAMS
    for _, _, kernel_pages, user_pages in report.spaces[1:]:
        assert kernel_pages == 5
        assert user_pages > 5


def test_page_tables_after_attacks(boot_system, tmp_path):
    """After programs have come, mapped, faulted and gone."""
    machine = boot_system("attacks")
    machine.expect_text("brainix> ")
    for attack in ("map-wx", "run-data", "call-at-the-end", "exhaust-frames", "memory-reuse"):
        machine.send_line("run attack " + attack)
        machine.expect_text("begins")
        machine.expect_text("brainix> ")
    report = walk(machine, tmp_path)
    assert report.violations == []
    assert len(report.spaces) == 1 + PROGRAMS
