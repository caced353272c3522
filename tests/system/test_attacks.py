# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Hostile programs (attacks/): each is contained, and everything else goes on.

One machine, in which a program of the shell's own priority never yields, takes all attacks one
after the other; after each the shell answers, and after all of them the victim is whole and no
frame or slot is lost.
"""

import glob
import os
import re

import pytest

from machine import BUILD, SOURCE, Machine, plain, symbols, system_image

PROMPT = "brainix> "
ROW = re.compile(r'\{ "([a-z0-9-]+)", ENDS_(BY_FAULT|REFUSED),')
LONG = {"random-calls": 400, "storm": 120, "impatient-calls": 60}


def attacks():
    """(name, how it ends) of every row in the attacks' own tables."""
    rows = []
    for path in sorted(glob.glob(os.path.join(SOURCE, "tests/system/attacks/*.c"))):
        with open(path, encoding="utf-8") as file:
            rows += ROW.findall(file.read())
    return [(name, end) for name, end in rows if name != "busy-loop"]


class Target:
    """The machine under attack, at the shell's prompt between two calls."""

    def __init__(self, machine):
        self.machine = machine
        machine.expect_text("[OK] BraiNIX: boot complete.")
        machine.expect_text(PROMPT)

    def command(self, line, timeout=20):
        """What a command says until the prompt is back."""
        self.machine.send_line(line)
        self.machine.expect_text(line)
        self.machine.expect("\n")
        self.machine.expect_text(PROMPT, timeout)
        return plain(self.machine.child.before).strip()

    def frames(self):
        """Frames that are free, and slots that are used."""
        said = self.command("mem")
        return tuple(int(re.search(r"%s\s+(\d+)" % name, said).group(1))
                     for name in ("free", "slots"))


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    log = tmp_path_factory.mktemp("attacks") / "serial.log"
    with Machine(system_image("attacks"), log=str(log)) as machine:
        yield Target(machine)


def test_the_table_of_attacks_is_read():
    assert len(attacks()) >= 80


@pytest.mark.parametrize("name,end", attacks())
def test_contained(target, name, end):
    before = target.frames()
    argument = " ffffffff80000000" if name.endswith("-address") else ""
    if name == "memory-reuse":
        target.command("run attack memory-reuse")
    said = target.command("run attack %s%s" % (name, argument), LONG.get(name, 20))
    assert "BREACH" not in said
    assert "attack %s: begins" % name in said
    if end == "BY_FAULT":
        assert re.search(r"^attack: .* at 0x[0-9a-f]+, instruction 0x", said, re.M), said
    else:
        assert "attack %s: contained" % name in said, said
    assert target.command("echo still here") == "still here"
    assert target.frames() == before
    assert target.command("run witness") == "witness: the victim is whole"


@pytest.mark.parametrize("how", ["read", "write", "run"])
@pytest.mark.parametrize("symbol", ["bx_entry_text_start", "bx_entry_tables", "bx_entry_data_start"])
def test_entry_pages_are_closed(target, how, symbol):
    """The pages of the kernel that are in every program's page table are not the program's."""
    address = symbols(os.path.join(BUILD, "kernel", "kernel"))[symbol]
    said = target.command("run attack %s-address %x" % (how, address))
    assert "BREACH" not in said
    assert re.search(r"^attack: page fault at 0x%x" % address, said, re.M), said


def test_busy_loop_leaves_the_shell_responsive(target):
    target.machine.send_line("run attack busy-loop")
    target.machine.expect_text("attack busy-loop: begins")
    target.machine.send("\x03")
    target.machine.expect_text(PROMPT, 10)
    said = plain(target.machine.child.before)
    assert "attack: killed" in said
    assert target.command("echo still here") == "still here"


def test_fault_loop_loses_nothing(target):
    before = target.frames()
    for _ in range(30):
        assert "page fault" in target.command("run attack read-null")
    assert target.frames() == before


def test_kill_in_the_middle_of_a_call(target):
    """A program that ends while it waits for another leaves nothing behind."""
    before = target.frames()
    for _ in range(5):
        target.command("run attack impatient-calls &")
        target.command("kill attack")
    assert target.frames() == before
    assert target.command("run witness") == "witness: the victim is whole"
