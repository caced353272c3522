# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The default system in Bochs, on processors with control-flow enforcement (CET) and without.

What must end by it is in tests/trials: make check-invariants."""

import re

import pytest

import bochs
from machine import PROMPT, system_image


@pytest.fixture
def boot_bochs():
    """boot_bochs(cpu): a started machine that ends with the test, from its first line on."""
    if bochs.missing():
        pytest.skip("Bochs is not here: install " + bochs.missing())
    machines = []

    def start(cpu):
        machines.append(bochs.Bochs(system_image("default"), cpu=cpu))
        return machines[-1]
    yield start
    for machine in machines:
        machine.stop()


@pytest.mark.parametrize("cpu,enforced", [(bochs.WITH_CET, True), (bochs.WITHOUT_CET, False)])
def test_boots_to_a_shell_that_answers(boot_bochs, cpu, enforced):
    machine = boot_bochs(cpu)
    protections = machine.expect(r"protection +([A-Z ]+)\r").group(1).split()
    assert ("IBT" in protections) == ("SHSTK" in protections) == enforced
    assert {"KPTI", "NX", "WP", "SMEP", "SMAP", "UMIP"} <= set(protections)
    machine.expect_text(PROMPT)
    assert machine.command("echo one two") == "one two"
    assert "Hello from hello" in machine.command("run hello")
    processes = machine.command("ps")
    for name in "spawnd", "consoled", "shell":
        assert name in processes
