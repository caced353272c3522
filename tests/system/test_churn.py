# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Servers that are killed, or crash, over and over under the load of their clients (restarts/): they are
started again, their clients are told so and go on, and nothing is lost.  `make bench-restart' does the same
200 times each."""

import re

import churn
from machine import system_image
from shell import Shell

TIMES = 12


def test_servers_are_started_again_under_load(boot):
    said, results = churn.reaped(Shell(boot(system_image("churn"))), TIMES)
    assert "BREACH" not in said, said
    assert "reaper: done, 0 breaches\n" in said
    assert list(results) == churn.SERVERS
    for name, result in results.items():
        assert result.times == TIMES and result.median <= result.worst
        assert result.answers > TIMES or name == "shell"
    # Of so many clients some were in the middle of something.
    assert sum(result.died for result in results.values()) > 0
    assert len(re.findall("^conserved ", said, re.M)) == len(churn.SERVERS)


def test_the_reaper_sees_one_that_stays_down(boot):
    said, results = churn.reaped(Shell(boot(system_image("churn"))), "3 frail")
    assert "BREACH: frail: does not come back (2)" in said, said
    assert "spawnd: frail was killed and stays down" in said
    assert results["frail"].times == 2


ENDED = "spawnd has ended: until the machine is reset nothing is started, ended or switched off"


def test_the_system_goes_on_without_spawnd(boot):
    """spawnd crashes.  Nobody starts it again (docs/decisions/0012): servers and clients go on, the shell says what
    cannot be done any more, the record is in the ring; and a server that ends then stays down, and its clients are
    told so."""
    machine = boot(system_image("churn"))
    said, _ = churn.reaped(Shell(machine), "1 spawnd echod")
    assert "BREACH: spawnd: does not come back (0)" in said, said
    # No breach but these: after both ends each client has reported, and saw no error but that its server had died.
    assert "BREACH: echod: does not come back (0)" in said and "reaper: done, 2 breaches" in said
    machine.send("\r")
    shell = Shell(machine)
    for command, name in (("run reaper 1", "reaper"), ("kill reaper", "reaper"), ("stop reaper", "reaper"),
                          ("status consoled", "consoled"), ("shutdown", "shutdown"), ("reboot", "reboot")):
        assert shell.command(command) == "%s: %s" % (name, ENDED)
    assert shell.command("status").splitlines()[-1] == "status: " + ENDED
    states = {row[1]: row[2] for row in shell.rows("ps")[1:]}
    assert (states.pop("spawnd"), states.pop("echod"), states.pop("reaper")) == ("faulted", "killed", "exited")
    assert set(states.values()) == {"running"}
    log = [line.split(None, 7)[2:] for line in shell.command("log 24").splitlines()]
    assert ["spawnd", "fault"] in [row[:2] for row in log]
    assert ["spawnd", "end"] in [row[:2] for row in log] and ["echod", "end"] in [row[:2] for row in log]
