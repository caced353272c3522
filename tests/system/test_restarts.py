# SPDX-License-Identifier: Apache-2.0 OR MIT
"""spawnd serves while programs that it starts again hang, or end before they are ready."""

import re
import time

import pytest

from machine import COUNTED, PATIENCE, system_image
from shell import FRESH, Shell

READY = 5                       # seconds that spawnd gives a program to be ready
LATE = 0.05                     # by which what comes at a time may be late


@pytest.fixture
def machine(boot):
    return boot(system_image("dying"))


def booted(machine):
    machine.expect_text("BraiNIX: boot incomplete: 1 not started.")
    return Shell(machine)


def test_a_program_that_dies_at_once_keeps_nobody_waiting(boot):
    """Neither those after it, at boot, nor itself: by the log, whose times are the machine's."""
    machine = boot(system_image("dying"), extra=COUNTED)
    machine.expect(r"\[!!\] hello +it ended before it was ready")
    shell = booted(machine)
    end = time.monotonic() + 300 * PATIENCE
    while not re.search(r"hello +exited +20 .* 6\s*$", shell.command("ps"), re.M):
        assert time.monotonic() < end
    hello, _ = spawned(shell, "hello")
    (shell_start,), _ = spawned(shell, "shell")
    assert shell_start - hello[0] < 1
    assert len(hello) == 6 and hello[-1] - hello[0] < READY


@pytest.mark.parametrize("command, words", [("shutdown", "Shutting down."), ("reboot", "Rebooting.")])
def test_requests_are_answered_during_a_restart(machine, command, words):
    shell = booted(machine)
    shell.command("run echod &")
    shell.type("kill echod\r%s\r" % command)
    machine.expect("(%s)|echod was killed; starting it again failed" % re.escape(words))
    assert machine.child.match[1]               # that came first


def test_another_restart_does_not_wait(machine):
    shell = booted(machine)
    shell.command("run echod &")
    shell.type("kill echod\rkill shell\r")
    machine.expect(r"(spawnd: shell was killed; started again \(1 of 5\))|echod was killed; starting it again failed")
    assert machine.child.match[1]               # that came first
    assert "echod" in Shell(machine).command("ps")
    machine.expect_text("spawnd: echod was killed; starting it again failed: the deadline")


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
    end = time.monotonic() + 300 * PATIENCE
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


@pytest.fixture
def counted(boot_system):
    """Here a time passes at once in which the machine only waits."""
    return Shell(boot_system("policies", extra=COUNTED))


def test_each_restart_waits_longer_and_the_last_end_is_the_last(counted):
    policies = counted
    assert status(policies, "patient")["then"] == "start again"
    policies.command("run patient &")
    now = until(policies, "patient", then="used up")
    assert (now["state"], now["starts"], now["restarts"], now["end"]) == ("exited", "4", "3/3", "exit code 0")
    starts, ends = spawned(policies, "patient")
    assert len(starts) == len(ends) == 4
    for number, wait in enumerate((0.1, 0.2, 0.4)):
        assert wait <= starts[number + 1] - ends[number] < wait + LATE
    # Who is asked for is started, with all its restarts.
    policies.command("run patient &")
    assert until(policies, "patient", starts="8", then="used up")["restarts"] == "3/3"


def test_restarts_are_used_up_within_a_span(counted):
    """brief has no capability echo: it exits with 1 at once, and may be started again once each 300 ms."""
    for starts in ("2", "4"):
        counted.command("run brief &")
        now = until(counted, "brief", then="used up", starts=starts)
        assert (now["restarts"], now["end"]) == ("1/1", "exit code 1")


def test_a_new_span_has_new_restarts(policies):
    """lasting may be started again once each second, and ends when it is killed."""
    policies.command("run lasting &")
    for starts in range(2, 6):
        time.sleep(1.5)
        policies.command("kill lasting")
        assert until(policies, "lasting", state="running", starts=str(starts))["restarts"] == "1/1"
    # At once: unless the host is held up, one of three is the last.
    end = time.monotonic() + 300 * PATIENCE
    while status(policies, "lasting")["then"] != "used up":
        assert time.monotonic() < end
        policies.type("kill lasting\r" * 3)
        for _ in range(3):
            policies.machine.expect(FRESH)


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
    """slow waits for ten seconds."""
    policies.command("run slow &")
    until(policies, "slow", restarts="1/1", then="starts soon", starts="1")
    assert policies.command("stop slow") == ""
    assert status(policies, "slow")["then"] == "stopped"
    time.sleep(11)
    assert status(policies, "slow")["starts"] == "1"


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
