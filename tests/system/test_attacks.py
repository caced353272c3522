# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Hostile programs (attacks/): each is contained, and everything else goes on.

One machine, in which a program of the shell's own priority never yields, takes all attacks one
after the other; after each the shell answers, and after all of them the victim is whole and no
frame or slot is lost.
"""

import glob
import os
import re
import time

import pytest

from line import echo
from machine import BUILD, PATIENCE, SOURCE, Machine, plain, symbols, system_image

PROMPT = "brainix> "
ROW = re.compile(r'\{ "([a-z0-9-]+)", ENDS_([A-Z_]+),')
USUAL = 400                     # seconds; only a failure, or a host that is busy with other things, takes so long
LONG = {"random-calls": 1000, "storm": 1000, "impatient-calls": 1000}
FAULTS = {"PAGE_FAULT": "page fault", "PROTECTION": "protection fault",
          "ILLEGAL": "illegal instruction", "ARITHMETIC": "arithmetic fault",
          "NO_FPU": "no FPU granted"}
TOLD = re.compile(r"^attack: (.*) at 0x([0-9a-f]+), instruction 0x[0-9a-f]+", re.M)
TOUCHES = re.compile(r"^attack: touches (the page before )?0x([0-9a-f]+)", re.M)
WITH_HOARDER = ("exhaust-replies", "exhaust-queue", "impatient-calls", "unanswered-call")
PAGE = 4096
STACK_TOP = 0x7fffffffe000 - 5 * PAGE


def attacks():
    """(name, how it ends) of every row in the attacks' own tables."""
    rows = []
    for path in sorted(glob.glob(os.path.join(SOURCE, "tests/system/attacks/*.c"))):
        with open(path, encoding="utf-8") as file:
            rows += ROW.findall(file.read())
    return [(name, end) for name, end in rows if end != "BY_KILL"]


def check_fault(said, end):
    """The program ended by a fault of this kind; a page fault at the address that it said it would
    touch, to the byte."""
    told = TOLD.search(said)
    assert told, said
    if end == "FAR_RETURN":
        # QEMU 7.2 pops the stack of a far return as if it were the kernel that did, so that SMAP stops
        # it before the segment is looked at: at the program's own stack, 4 pages.
        if told.group(1) == "page fault":
            assert STACK_TOP - 4 * PAGE <= int(told.group(2), 16) < STACK_TOP, said
            return
        end = "PROTECTION"
    if end == "BY_VENDOR":
        assert told.group(1) in (FAULTS["PROTECTION"], FAULTS["ILLEGAL"]), said
        return
    assert told.group(1) == FAULTS[end], said
    if end == "PAGE_FAULT":
        touches = TOUCHES.search(said)
        assert touches, said
        address, wanted = int(told.group(2), 16), int(touches.group(2), 16)
        if touches.group(1):
            assert wanted - PAGE <= address < wanted, said
        else:
            assert address == wanted, said


class Target:
    """The machine under attack, at the shell's prompt between two calls."""

    def __init__(self, machine):
        self.machine = machine
        machine.expect_text("[OK] BraiNIX: boot complete.")
        machine.expect_text(PROMPT)

    def command(self, line, timeout=USUAL):
        """What a command says until the prompt is back."""
        self.machine.send_line(line)
        self.machine.expect(echo(line) + r"[^\n]*\n")
        self.machine.expect_text(PROMPT, timeout * PATIENCE)
        return plain(self.machine.child.before).strip()

    def frames(self):
        """Frames that are free, and slots that are used."""
        said = self.command("mem")
        return tuple(int(re.search(r"%s\s+(\d+)" % name, said).group(1))
                     for name in ("free", "slots"))


    def whole_as(self, before):
        """The shell answers, nothing is lost, the victim has its secret.  What was started last may
        still be on its way out."""
        assert self.command("echo still here") == "still here"
        end = time.monotonic() + USUAL * PATIENCE
        while self.frames() != before and time.monotonic() < end:
            time.sleep(0.1)
        assert self.frames() == before
        assert self.command("run witness") == "witness: the victim is whole"


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
    if name in WITH_HOARDER:
        target.command("run hoarder &")
    for _ in range(2 if name == "memory-reuse" else 1):
        said = target.command("run attack %s%s" % (name, argument), LONG.get(name, USUAL))
        assert "BREACH" not in said
        assert "attack %s: begins" % name in said
        if end == "REFUSED":
            assert "attack %s: contained" % name in said, said
        else:
            check_fault(said, end)
    if name in WITH_HOARDER:
        target.command("kill hoarder")
    target.whole_as(before)


@pytest.mark.parametrize("seed", ["1"])
def test_a_million_calls_with_authority(target, seed):
    before = target.frames()
    said = target.command("run officer calls " + seed, 1000)
    assert "BREACH" not in said
    assert "officer: contained" in said, said
    target.whole_as(before)


@pytest.mark.parametrize("first", range(0, 32, 8))
def test_calls_that_end_things(target, first):
    """Each run goes on until the program has nothing left, or has faulted, or ended itself."""
    before = target.frames()
    for seed in range(first, first + 8):
        assert "BREACH" not in target.command("run officer wild %x" % (seed * 977 + 1))
    target.whole_as(before)


def test_more_records_than_the_audit_ring_holds(target):
    before = target.frames()
    said = target.command("run officer flood")
    assert "officer: contained" in said, said
    assert re.search(r"\d+ records of officer were not kept", target.command("log"))
    target.whole_as(before)


@pytest.mark.parametrize("how", ["read", "write", "run"])
@pytest.mark.parametrize("symbol", ["bx_entry_text_start", "bx_entry_tables", "bx_entry_data_start", "bx_entry_shadow_start"])
def test_entry_pages_are_closed(target, how, symbol):
    """The pages of the kernel that are in every program's page table are not the program's."""
    address = symbols(os.path.join(BUILD, "kernel", "kernel"))[symbol]
    said = target.command("run attack %s-address %x" % (how, address))
    assert "BREACH" not in said
    assert re.search(r"^attack: page fault at 0x%x, instruction" % address, said, re.M), said


def test_busy_loop_leaves_the_shell_responsive(target):
    target.machine.send_line("run attack busy-loop")
    target.machine.expect_text("attack busy-loop: begins")
    target.machine.send("\x03")
    target.machine.expect_text(PROMPT)
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
    target.command("run hoarder &")
    for _ in range(5):
        target.command("run attack impatient-calls &")
        target.command("kill attack")
    target.command("kill hoarder")
    target.whole_as(before)
