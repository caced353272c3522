# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The page tables of a running machine, from a dump that QEMU takes: INV-MEM checked from outside.

The kernel is asked nothing.  The processor is stopped while it runs a program, which gives the root
of one user space; the kernel's root lies where its entry code finds it.  The walk finds all other
spaces (pagewalk.py).
"""

import io
import os

import pagewalk
from machine import BUILD, symbols

PAGE = pagewalk.PAGE
KERNEL = os.path.join(BUILD, "kernel", "kernel")


def entry_pages(kernel=KERNEL):
    """Addresses of the six pages that docs/hardening.md lists."""
    names = symbols(kernel)
    pages = set()
    for start, end, count in [("bx_entry_text_start", "bx_entry_text_end", 2),
                              ("bx_entry_tables", "bx_entry_data_start", 2),
                              ("bx_entry_data_start", "bx_entry_data_end", 1),
                              ("bx_entry_shadow_start", "bx_entry_shadow_end", 1)]:
        assert names[end] - names[start] == count * PAGE
        pages.update(range(names[start], names[end], PAGE))
    return pages


def roots_seen(machine, kernel=KERNEL):
    """(the kernel's root, a program's root).  The machine is stopped, in a program, on return."""
    address = symbols(kernel)["bx_entry_kernel_root"]
    machine.pause_at("CPL=3")
    root = int(machine.monitor("x /1gx 0x%x" % address).split(":")[1], 16)
    return root, machine.registers()["CR3"]


def walk(machine, folder, kernel=KERNEL):
    """Dumps the machine's memory into a folder and checks it; the report, and what it says."""
    kernel_root, user_root = roots_seen(machine, kernel)
    path = os.path.join(str(folder), "memory.bin")
    machine.dump(path)
    machine.resume()
    with open(path, "rb") as file:
        memory = pagewalk.Memory(file.read())
    os.unlink(path)
    report = pagewalk.check(memory, kernel_root, user_root, entry_pages(kernel))
    text = io.StringIO()
    pagewalk.print_report(report, text)
    return report, text.getvalue()
