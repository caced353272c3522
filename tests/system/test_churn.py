# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Servers that are killed, or crash, over and over under the load of their clients (restarts/): they are
started again, their clients are told so and go on, and nothing is lost.  `make bench-restart' does the same
200 times each."""

import re

import pytest

from machine import PATIENCE, system_image
from shell import Shell

SERVERS = ["consoled", "echod", "keeper", "passive", "front", "shell"]
RESTART = re.compile(r"^restart (\S+) (\d+) times: median (\d+) us, worst (\d+) us; clients: "
                     r"(\d+) answers, (\d+) told that it died", re.M)


def reaperd(boot, argument):
    """What the reaper says, and the rows that it says of each server."""
    machine = boot(system_image("churn"))
    Shell(machine).type("run reaper %s &\r" % argument)
    said = ""
    while "reaper: done" not in said:
        said += machine.expect(r"[^\n]*\n", 120 * PATIENCE).group(0)
    said = said.replace("\r", "")
    return said, {row[0]: tuple(int(word) for word in row[1:]) for row in RESTART.findall(said)}


def test_servers_are_started_again_under_load(boot):
    said, rows = reaperd(boot, "12")
    assert "BREACH" not in said, said
    assert re.search("^reaper: done, 0 breaches$", said, re.M)
    assert list(rows) == SERVERS
    for name, (times, median, worst, answers, died) in rows.items():
        assert times == 12 and median <= worst
        if name != "shell":
            assert answers > 12
    # Some of so many were in the middle of something.
    assert sum(row[4] for row in rows.values()) > 12
    assert len(re.findall("^conserved ", said, re.M)) == len(SERVERS)


def test_the_reaper_sees_one_that_stays_down(boot):
    said, rows = reaperd(boot, "3 frail")
    assert "BREACH: frail: does not come back (2)" in said, said
    assert "spawnd: frail was killed and stays down" in said
    assert rows["frail"][0] == 2
