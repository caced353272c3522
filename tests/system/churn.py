# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The system `churn' (restarts/): what its reaper says when it has done its work."""

import collections
import re

from machine import PATIENCE

SERVERS = ["consoled", "echod", "keeper", "passive", "front", "shell"]
ROW = re.compile(r"restart (\S+) (\d+) times: median (\d+) us, worst (\d+) us; clients: "
                 r"(\d+) answers, (\d+) told that it died")

Result = collections.namedtuple("Result", "times median worst answers died")


def reaped(shell, argument):
    """Lets it work; what it says, and {server: Result}."""
    shell.type("run reaper %s &\r" % argument)
    said = ""
    while "reaper: done" not in said:
        said += shell.machine.expect(r"[^\n]*\n", 400 * PATIENCE).group(0).replace("\r", "")
    return said, {row[0]: Result(*(int(word) for word in row[1:])) for row in ROW.findall(said)}
