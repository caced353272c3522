# SPDX-License-Identifier: Apache-2.0 OR MIT
"""What the running kernel says of its capabilities, and its digest of them, is what authority(1) reads in the
manifest.  (Systems without a shell, and programs that are not started, are compared on the hosted machine:
tools/authority/tests/test-state.sh.)"""

import glob
import os
import subprocess

import pytest

from machine import BUILD, SOURCE, PROMPT

AUTHORITY = os.path.join(BUILD, "tools", "authority", "authority")
MANIFESTS = {os.path.basename(path)[:-len(".system")]: path for folder in ("systems", "tests/system/manifests")
             for path in sorted(glob.glob(os.path.join(SOURCE, folder, "*.system")))}


def has_shell(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    return 'name = "shell"' in text and 'kind = "audit"' in text


# (The boot of `dying' is never complete: that is what it is for.)
SYSTEMS = [name for name, path in MANIFESTS.items() if has_shell(path) and name != "dying"]


def predicted(what, name):
    """Lines of `authority --state' or `--hash', each as a list of words; of a system whose assertions do not
    hold authority says so, and shows it nevertheless."""
    output = subprocess.run([AUTHORITY, "--" + what, MANIFESTS[name]], stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
    return [line.split() for line in output.stdout.splitlines()]


def told(machine, what):
    """The same as the shell says it of all programs that have been started."""
    return [line.split() for line in machine.command(what).splitlines()]


def test_there_is_something_to_compare():
    assert "default" in SYSTEMS and len(SYSTEMS) >= 5


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_kernel_has_what_the_manifest_says(boot_system, name):
    machine = boot_system(name)
    machine.expect_text(PROMPT)
    if name == "default":
        machine.command("run echod &")
    hashes = dict(told(machine, "hash"))
    rows = told(machine, "state")
    assert {"spawnd", "consoled", "shell"} <= set(hashes)
    if name == "default":
        assert "echod" in hashes
    expected = predicted("state", name)
    # Whose lender has not been started has less, and its digest says so.
    less = {row[0] for row in expected if "/" in row[-1] and row[-1].split("/")[0] not in hashes}
    for program, digest in predicted("hash", name):
        if program in less:
            assert hashes.get(program) != digest
        elif program in hashes:
            assert hashes[program] == digest, program
    running = {row[0] for row in rows} - less
    assert {"spawnd", "consoled", "shell"} <= running
    assert [row for row in rows if row[0] in running] == [row for row in expected if row[0] in running]


def test_a_restart_has_the_same_state(boot_system):
    """A program that ended and was started again holds the same again."""
    machine = boot_system("default")
    machine.expect_text(PROMPT)
    machine.command("run echod &")
    before = machine.command("hash echod"), machine.command("state echod")
    machine.command("kill echod")
    assert machine.command("hash echod") == before[0]       # of its last launch
    machine.command("run echod &")
    assert (machine.command("hash echod"), machine.command("state echod")) == before
