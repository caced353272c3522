# SPDX-License-Identifier: Apache-2.0 OR MIT
"""INV-MEM in a running machine: see tables.py.  The walk's report is left in the build folder,
tests/system/logs/page-tables-*.txt."""

import os

import pytest

from conftest import LOGS
from tables import walk

PROGRAMS = 5            # of the system `attacks': spawnd, consoled, victim, shell, spin


def assert_holds(machine, folder, name):
    report, text = walk(machine, folder)
    with open(os.path.join(LOGS, "page-tables-%s.txt" % name), "w", encoding="utf-8") as file:
        file.write(text)
    assert report.violations == [], text
    users = [(kernel_pages, user_pages) for _, _, kernel_pages, user_pages in report.spaces[1:]]
    assert all(kernel_pages == 6 for kernel_pages, _ in users), text
    # And the table from which the kernel copies the trampoline's entry; no processor loads it.
    assert sum(user_pages > 5 for _, user_pages in users) == PROGRAMS, text
    assert sum(user_pages == 0 for _, user_pages in users) == len(users) - PROGRAMS == 1, text


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_page_tables(boot_system, tmp_path, firmware):
    machine = boot_system("attacks", firmware=firmware)
    machine.expect_text("brainix> ")
    assert_holds(machine, tmp_path, firmware)


def test_page_tables_after_attacks(boot_system, tmp_path):
    """After programs have come, mapped, faulted and gone."""
    machine = boot_system("attacks")
    machine.expect_text("brainix> ")
    for attack in ("map-wx", "map-twice", "run-data", "call-at-the-end", "exhaust-frames",
                   "memory-reuse"):
        machine.send_line("run attack " + attack)
        machine.expect_text("attack %s: begins" % attack)
        machine.expect_text("brainix> ")
    assert_holds(machine, tmp_path, "after-attacks")
