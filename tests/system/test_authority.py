# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the running kernel says of its capabilities is what authority(1) reads in the manifest."""

import os
import subprocess

from machine import BUILD, SOURCE, PROMPT

AUTHORITY = os.path.join(BUILD, "tools", "authority", "authority")
MANIFEST = os.path.join(SOURCE, "systems", "default.system")


def predicted():
    """Lines of `authority --state`, each as a list of words: program, slot, name, ..."""
    output = subprocess.run([AUTHORITY, "--state", MANIFEST], check=True, stdout=subprocess.PIPE, text=True)
    return [line.split() for line in output.stdout.splitlines()]


def told(machine, programs):
    """The same from the shell's `caps`; replies that a server holds just now are not of the manifest."""
    rows = []
    for program in programs:
        lines = machine.command("caps " + program).splitlines()
        assert lines[0].strip() == program
        for words in (line.split() for line in lines[2:]):
            if "reply" not in words:
                rows.append([program] + words)
    return rows


def normal(row):
    """Without the column of what is no capability of the manifest, and with one form of rights."""
    return [word.replace("\r", "") for word in row]


def test_the_kernel_has_what_the_manifest_says(boot_system):
    machine = boot_system("default")
    machine.expect_text(PROMPT)
    machine.command("run echod &")
    expected = [row for row in predicted() if row[0] in ("spawnd", "consoled", "shell", "echod")]
    assert len(expected) == 17
    found = told(machine, ["spawnd", "consoled", "shell", "echod"])
    assert [normal(row) for row in found] == expected
