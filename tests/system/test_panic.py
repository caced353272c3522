# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the kernel says when it cannot go on: cause, registers, backtrace by names, and the end.

A non-maskable interrupt from outside is such a cause: nothing in the system may raise one."""

import re

import pytest

from machine import PROMPT

PANIC_STATUS = 2 * 16 + 1        # the kernel writes 16 to isa-debug-exit


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_panic_names_cause_registers_and_functions(boot_system, firmware):
    machine = boot_system("default", firmware=firmware)
    machine.expect_text(PROMPT)
    machine.pause_at("CPL=0")          # idle: a program may still be busy
    machine.qmp("inject-nmi")
    machine.resume()
    text, status = machine.finish()
    assert "[PANIC] BraiNIX kernel: NMI" in text
    for register in "rax", "r15", "rip", "rsp", "cr2":
        assert re.search(r"\b%s +[0-9a-f]{16}\b" % register, text), register
    assert re.search(r"backtrace\n +[0-9a-f]{16}  \w+\+0x[0-9a-f]{4}", text)
    assert "The machine is stopped." in text
    assert status == PANIC_STATUS


def test_panic_in_a_program_names_it(boot_system):
    """While a program runs the kernel is not on the stack, and the program is named."""
    machine = boot_system("attacks")
    machine.expect_text(PROMPT)
    machine.send_line("run attack busy-loop")
    machine.expect_text("begins")
    # Most of the time it is one that never rests; but the shell looks now and then, and the console has work.
    at = re.search(r"\bRIP=([0-9a-f]{16})", machine.pause_at("CPL=3")).group(1)
    machine.qmp("inject-nmi")
    machine.resume()
    text, status = machine.finish()
    assert "[PANIC] BraiNIX kernel: NMI" in text
    assert re.search(r"program +(attack|spin|shell|consoled|spawnd)\b", text)
    assert re.search(r"\brip +%s\b" % at, text)
    assert status == PANIC_STATUS
