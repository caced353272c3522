# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Capabilities between programs with open spaces (caps/), on a machine that is for research.

One machine takes all cases one after the other.  After each, whatever its spaces gained is gone
again, and the sealed ones hold what they held from the beginning.
"""

import os
import re

import pytest

from machine import SOURCE, system_image
from shell import Shell

SEALED = ("spawnd", "consoled", "shell", "vault")
ROW = re.compile(r'\{ "([a-z-]+)", [a-z_]+ \}')


def cases():
    """Every row of the lender's own table."""
    with open(os.path.join(SOURCE, "tests/system/caps/lender.c"), encoding="utf-8") as file:
        return ROW.findall(file.read())


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    from machine import Machine
    log = tmp_path_factory.mktemp("caps") / "serial.log"
    with Machine(system_image("open"), log=str(log)) as machine:
        machine.expect_text("[OK] BraiNIX: boot complete.")
        yield Shell(machine)


def held(shell, program):
    """What a program holds, slot by slot, as the audit shows it; replies come and go."""
    said = shell.command("caps " + program)
    return [line for line in said.splitlines()[2:] if " reply " not in line]


def test_the_table_of_cases_is_read():
    assert len(cases()) >= 12


def test_who_is_open_is_shown(shell):
    rows = {row[1]: row[-1] for row in shell.rows("ps") if row[0].isdigit()}
    assert rows == {"spawnd": "sealed", "consoled": "sealed", "shell": "sealed", "borrow": "open",
                    "vault": "sealed", "lend": "open"}
    assert shell.command("caps borrow").startswith("borrow (open space)\n")
    assert shell.command("caps vault").startswith("vault\n")
    assert "open, BraiNIX" in shell.command("uptime")
    assert ", for research" in shell.command("uptime")


@pytest.mark.parametrize("name", cases())
def test_lending(shell, name):
    before = {program: held(shell, program) for program in SEALED + ("borrow",)}
    said = shell.command("run lend " + name)
    assert "BREACH" not in said
    assert "lend %s: holds" % name in said, said
    after = {program: held(shell, program) for program in before}
    assert after == before
    assert len(after["vault"]) == 2 and len(after["borrow"]) == 2


def test_transfers_are_recorded(shell):
    shell.command("log 4096")           # what has been read is paid back to the shares of lend and borrow
    shell.command("run lend gives-back")
    assert re.search(r"lend +transfer +\w+/\d+ +[rwgax-]{5} +\d+ +to borrow, slot 3", shell.command("log 40"))
    assert re.search(r"revoke +\w+/\d+ +[rwgax-]{5} +3 +4 removed", shell.command("log 40"))


def test_a_new_process_begins_with_the_manifest(shell):
    shell.command("run lend gives-back")
    before = held(shell, "borrow")
    shell.command("kill borrow")
    assert held(shell, "borrow") == []
    shell.command("run borrow &")
    assert held(shell, "borrow") == before
    assert "lend revoke-at-once: holds" in shell.command("run lend revoke-at-once")


def test_the_default_system_is_sealed(boot_system):
    shell = Shell(boot_system())
    assert "SPACE" not in shell.command("ps")
    assert "open space" not in shell.command("caps")
    assert "research" not in shell.command("uptime")
