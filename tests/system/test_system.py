# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The default system as a person meets it: it boots, on machines of many kinds, and answers."""

import pytest

from machine import PROMPT

FIRMWARES = ["bios", "uefi"]


@pytest.mark.parametrize("firmware", FIRMWARES)
def test_boots_to_a_shell_that_answers(boot_system, firmware):
    machine = boot_system("default", firmware=firmware)
    machine.expect_text(PROMPT)
    assert machine.command("echo one two") == "one two"
    assert machine.command("no-such-command").startswith("no-such-command: no such command")
    assert "Hello from hello" in machine.command("run hello")
    processes = machine.command("ps")
    for name in "spawnd", "consoled", "shell":
        assert name in processes


@pytest.mark.parametrize("mem", [64, 3072])
def test_boots_with_little_and_much_memory(boot_system, mem):
    boot_system("default", mem=mem).expect_text(PROMPT)


@pytest.mark.parametrize("options", [{"cpu": "qemu64"}, {"cpus": 2}, {"iommu": "vtd"},
                                     {"net": "user"}, {"media": "disk"}], ids=str)
def test_boots_on_other_machines(boot_system, options):
    boot_system("default", **options).expect_text(PROMPT)
