# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The system in Bochs, on processors with control-flow enforcement (CET) and without: a person finds what
is there in QEMU, and hostile programs find no more.

What must end by the enforcement is in tests/trials: make check-invariants."""

import contextlib
import time

import pytest

import bochs
import pagewalk
from machine import LOOK_EVERY, PROMPT, symbols, system_image
from tables import KERNEL, entry_pages
from test_attacks import LONG, WITH_HOARDER, Target, attacks, check_fault

pytestmark = pytest.mark.skipif(bool(bochs.missing()),
                                reason="Bochs is not here: install " + bochs.missing())


@pytest.mark.parametrize("cpu,enforced", [(bochs.WITH_CET, True), (bochs.WITHOUT_CET, False)])
def test_boots_to_a_shell_that_answers(cpu, enforced):
    with bochs.Bochs(system_image("default"), cpu=cpu) as machine:
        protections = machine.expect(r"protection +([A-Z ]+)\r").group(1).split()
        assert {"IBT", "SHSTK"} & set(protections) == ({"IBT", "SHSTK"} if enforced else set())
        assert {"KPTI", "NX", "WP", "SMEP", "SMAP", "UMIP"} <= set(protections)
        machine.expect_text(PROMPT)
        assert machine.command("echo one two") == "one two"
        assert "Hello from hello" in machine.command("run hello")
        processes = machine.command("ps")
        for name in "spawnd", "consoled", "shell":
            assert name in processes


@pytest.fixture(scope="module")
def target():
    """After all attacks nothing is lost."""
    with bochs.Bochs(system_image("attacks")) as machine:
        attacked = Target(machine)
        before = attacked.frames()
        yield attacked
        attacked.whole_as(before)


@pytest.mark.parametrize("name,end", [row for row in attacks() if row[0] not in LONG])
def test_contained(target, name, end):
    """Every way into the kernel and out of it, with IBT and shadow stacks."""
    if name in WITH_HOARDER:
        target.command("run hoarder &")
    said = target.command("run attack %s%s" % (name, " ffffffff80000000" * name.endswith("-address")))
    assert "BREACH" not in said
    if end == "REFUSED":
        assert "attack %s: contained" % name in said, said
    else:
        check_fault(said, end)
    if name in WITH_HOARDER:
        target.command("kill hoarder")


@contextlib.contextmanager
def paused_in(machine, begin, end):
    """The machine stands with its next instruction there."""
    last = time.monotonic() + bochs.TIMEOUT
    machine.pause()
    while not begin <= machine.register("rip") < end:
        machine.resume()
        assert time.monotonic() < last, "the machine was never seen there"
        time.sleep(LOOK_EVERY)
        machine.pause()
    try:
        yield
    finally:
        machine.resume()


def test_shadow_stack_while_nobody_runs():
    """It is the kernel's then, and empty."""
    names = symbols(KERNEL)
    address = names["bx_entry_shadow_kernel"]
    with bochs.Bochs(system_image("default")) as machine:
        machine.expect_text(PROMPT)
        with paused_in(machine, names["idle"], names["entry_call"]):
            assert machine.words(address) == [address | 1]
            assert machine.register("ssp") == address
            assert machine.control("CR4") & 1 << 23


def test_shadow_stack_and_page_tables_while_a_program_runs(target):
    """It is free then, in its one page, which no store can write; and the program is interrupted."""
    machine, names = target.machine, symbols(KERNEL)
    machine.send_line("run attack busy-loop")
    machine.expect_text("attack busy-loop: begins")
    with paused_in(machine, 0, 1 << 47):
        assert machine.words(names["bx_entry_shadow_kernel"]) == [names["bx_entry_shadow_kernel"]]
        root = machine.control("CR3")
        kernel_root = machine.words(names["bx_entry_kernel_root"])[0]
        report = pagewalk.check(bochs.Memory(machine, machine.mem << 20, root), kernel_root, root, entry_pages(),
                                {names["bx_entry_shadow_start"]})
    assert report.violations == []
    assert report.spaces[0][2] > 1000 and report.spaces[1][2] == 6
    machine.send("\x03")
    machine.expect_text(PROMPT)
    assert target.command("echo still here") == "still here"
