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
