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


# Policies of the manifest: the system `policies`.

FIELDS = ("state", "starts", "restarts", "then", "end")


def status(shell, program):
    """What spawnd says of a program.  Its words about restarts may come in between: then once more."""
    row = r"^ +%s +(\S+) +(\d+) +(\S+)  +(\S.*?)  +(\S.*)$" % program
    for _ in range(5):
        found = re.search(row, shell.command("status " + program), re.M)
        if found:
            return dict(zip(FIELDS, found.groups()))
    raise AssertionError("no status of " + program)


def until(shell, program, **wanted):
    """Asks until the status is so."""
    end = time.monotonic() + 20 * PATIENCE
    while True:
        now = status(shell, program)
        if all(now[field] == value for field, value in wanted.items()):
            return now
        assert time.monotonic() < end, now
        time.sleep(0.05)


def spawned(shell, program):
    """Seconds of the starts and ends of a program, by the audit log."""
    rows = [line.split() for line in shell.command("log 256").splitlines()[1:]]
    return ([float(row[1]) for row in rows if row[3] == "spawn" and row[7] == program + ","],
            [float(row[1]) for row in rows if row[2:4] == [program, "exit"]])


@pytest.fixture
def policies(boot_system):
    return Shell(boot_system("policies"))


def test_each_restart_waits_longer_and_the_last_end_is_the_last(policies):
    assert status(policies, "patient")["then"] == "start again"
    policies.command("run patient &")
    now = until(policies, "patient", then="used up")
    assert (now["state"], now["starts"], now["restarts"], now["end"]) == ("exited", "4", "3/3", "exit code 0")
    starts, ends = spawned(policies, "patient")
    assert len(starts) == len(ends) == 4
    for number, wait in enumerate((0.1, 0.2, 0.4)):
        assert wait <= starts[number + 1] - ends[number] < 2 * wait + PATIENCE
    # Who is asked for is started, with all its restarts.
    policies.command("run patient &")
    assert until(policies, "patient", starts="6")["then"] != "used up"


def test_a_new_span_has_new_restarts(policies):
    """brief has no capability echo: it exits with 1 at once, and may be started again once each 300 ms."""
    policies.command("run brief &")
    assert until(policies, "brief", then="used up")["end"] == "exit code 1"
    time.sleep(0.5)
    policies.command("run brief &")
    assert until(policies, "brief", then="used up", starts="4")


def test_the_machine_halts_for_a_critical_program(policies):
    policies.type("run vital &\r")
    text, code = policies.machine.finish()
    assert "vital ended and stays down; the machine cannot be without it" in text
    assert "Shutting down." in text
    assert code == 0


def test_a_killed_program_comes_again_and_a_stopped_one_does_not(policies):
    policies.command("run echod &")
    policies.command("kill echod")
    now = until(policies, "echod", state="running", starts="2")
    assert (now["restarts"], now["then"], now["end"]) == ("1/5", "start again", "killed")
    assert policies.command("stop echod") == ""
    now = until(policies, "echod", state="killed")
    assert (now["starts"], now["then"]) == ("2", "stopped")
    assert policies.command("stop echod") == "echod: it does not run"
    policies.command("run echod &")
    assert until(policies, "echod", state="running")["restarts"] == "0/5"


def test_a_stop_ends_a_restart_that_waits(policies):
    policies.command("run patient &")
    until(policies, "patient", restarts="3/3", then="starts soon")
    starts = status(policies, "patient")["starts"]
    assert policies.command("stop patient") == ""
    assert status(policies, "patient")["then"] == "stopped"
    time.sleep(0.6)
    assert status(policies, "patient")["starts"] == starts


def test_what_is_not_offered_is_only_told_about(policies):
    for program in ("consoled", "shell"):
        for command in ("run", "kill", "stop"):
            assert policies.command("%s %s" % (command, program)) == \
                program + ": no program that this shell may start"
        assert status(policies, program)["state"] == "running"
    assert status(policies, "consoled")["starts"] == "1"


def test_power_needs_its_bit(policies):
    """The badge of this shell lacks it."""
    for command in ("reboot", "shutdown"):
        assert policies.command(command) == command + ": the capability lacks a right"
