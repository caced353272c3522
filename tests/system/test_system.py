# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The default system as a person meets it: it boots, its shell answers, and its page tables are what
docs/invariants.md says, seen from outside the kernel."""

import os
import subprocess

import pytest

import pagewalk
from machine import BUILD, PROMPT

FIRMWARES = ["bios", "uefi"]
ENTRY_PAGES = [("bx_entry_text_start", "bx_entry_text_end"), ("bx_entry_tables", "bx_entry_data_start"),
               ("bx_entry_data_start", "bx_entry_data_end")]


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_boots_to_a_shell_that_answers(boot_system, firmware):
    machine = boot_system("default", firmware=firmware)
    machine.expect_text(PROMPT)
    assert machine.command("echo one two") == "one two"
    assert machine.command("no-such-command").startswith("no-such-command: no such command")
    assert "Hello from hello" in machine.command("run hello")
    processes = machine.command("ps")
    for name in "init", "consoled", "shell":
        assert name in processes


@pytest.mark.parametrize("mem", [64, 3072])
def test_boots_with_little_and_much_memory(boot_system, mem):
    boot_system("default", mem=mem).expect_text(PROMPT)


@pytest.mark.parametrize("options", [{"cpu": "qemu64"}, {"cpus": 2}, {"iommu": "vtd"},
                                     {"net": "user"}, {"media": "disk"}], ids=str)
def test_boots_on_other_machines(boot_system, options):
    boot_system("default", **options).expect_text(PROMPT)


def entry_pages():
    """The kernel pages that every program's tables map, by the kernel's symbols."""
    text = subprocess.run([os.environ.get("NM", "nm"), os.path.join(BUILD, "kernel", "kernel")],
                          check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    symbols = {line.split()[-1]: int(line.split()[0], 16) for line in text.splitlines()
               if len(line.split()) == 3}
    return {page for first, end in ENTRY_PAGES
            for page in range(symbols[first], symbols[end], pagewalk.PAGE)}


def stop_in_program(machine, kernel_root):
    """Stops the machine while a program runs; returns the root of its tables."""
    for _ in range(400):
        machine.send_line("ps")
        for _ in range(5):
            machine.pause()
            root = machine.registers()["CR3"]
            if root != kernel_root:
                return root
            machine.resume()
    raise AssertionError("no program was seen running")


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_page_tables_of_the_running_machine(boot_system, tmp_path, firmware):
    machine = boot_system("default", firmware=firmware, mem=128)
    machine.expect_text(PROMPT)
    machine.command("run hello")
    machine.expect_silence("x{100}", 0.5)           # idle: the kernel's own tables
    kernel_root = machine.registers()["CR3"]
    user_root = stop_in_program(machine, kernel_root)
    machine.dump(tmp_path / "memory")
    with open(tmp_path / "memory", "rb") as file:
        memory = pagewalk.Memory(file.read())
    report = pagewalk.check(memory, kernel_root, user_root, entry_pages())
    pagewalk.print_report(report)
    assert not report.violations
    assert len(report.spaces) >= 4                  # the kernel, init, consoled, shell
