# SPDX-License-Identifier: Apache-2.0 OR MIT
"""spawnd serves while programs that it starts again hang, or end before they are ready."""

import re
import time

import pytest

from machine import PATIENCE, system_image
from shell import Shell

SOON = 3 * PATIENCE             # spawnd gives a program 5 s to be ready


@pytest.fixture
def machine(boot):
    return boot(system_image("dying"))


def booted(machine):
    machine.expect_text("BraiNIX: boot incomplete: 1 not started.")
    return Shell(machine)


def test_a_program_that_dies_at_once_keeps_nobody_waiting(machine):
    machine.expect(r"\[ok\] consoled +priority 50")
    began = time.monotonic()
    machine.expect(r"\[!!\] hello +it ended before it was ready")
    shell = booted(machine)
    while not re.search(r"hello +exited +20 .* 6\s*$", shell.command("ps"), re.M):
        assert time.monotonic() - began < SOON
    assert time.monotonic() - began < SOON


@pytest.mark.parametrize("command, words", [("shutdown", "Shutting down."), ("reboot", "Rebooting.")])
def test_requests_are_answered_during_a_restart(machine, command, words):
    shell = booted(machine)
    shell.command("run echod &")
    shell.command("kill echod")
    began = time.monotonic()
    shell.type(command + "\r")
    machine.expect_text(words, SOON)
    assert time.monotonic() - began < SOON


def test_another_restart_does_not_wait(machine):
    shell = booted(machine)
    shell.command("run echod &")
    shell.command("kill echod")
    shell.type("kill shell\r")
    machine.expect_text("spawnd: shell was killed; started again (1 of 5)", SOON)
    assert "echod" in Shell(machine).command("ps")
    machine.expect_text("spawnd: echod was killed; starting it again failed: the deadline", 10 * PATIENCE)
