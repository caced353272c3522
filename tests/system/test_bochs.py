# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The system in Bochs, on processors with control-flow enforcement (CET) and without: a person finds what
is there in QEMU, and hostile programs find no more.

What must end by the enforcement is in tests/trials: make check-invariants."""

import re

import pytest

import bochs
from machine import PROMPT, system_image
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
        target.command("run hoarder &", 60)
    said = target.command("run attack %s%s" % (name, " ffffffff80000000" * name.endswith("-address")), 60)
    assert "BREACH" not in said
    if end == "REFUSED":
        assert "attack %s: contained" % name in said, said
    else:
        check_fault(said, end)
    if name in WITH_HOARDER:
        target.command("kill hoarder", 60)


def test_busy_loop_is_interrupted(target):
    target.machine.send_line("run attack busy-loop")
    target.machine.expect_text("attack busy-loop: begins")
    target.machine.send("\x03")
    target.machine.expect_text(PROMPT)
    assert target.command("echo still here") == "still here"
