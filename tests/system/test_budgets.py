# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A greedy thread cannot take another's time: shares of the processor, as the guest's programs measure
them themselves, each by its own look at the clock (budgets/)."""

import re

import pytest

from machine import COUNTED, PATIENCE, system_image
from shell import Shell


def shares(boot, name, extra):
    """{program: per cent of the time that it had}, {program: how often it was throttled}"""
    machine = boot(system_image(name), extra=extra)
    text, _ = machine.finish(600 * PATIENCE)
    assert "budgets: done" in text, text
    had = {program: 100 * int(ran) / int(span)
           for program, ran, span in re.findall(r"^share (\S+) (\d+) (\d+)", text, re.M)}
    stops = {program: int(count) for program, count in re.findall(r"^throttled (\S+) (\d+)", text, re.M)}
    return had, stops


@pytest.mark.parametrize("extra", [COUNTED, ()], ids=["counted", "timed"])
def test_nobody_has_more_than_its_budget(boot, extra):
    """Greedy: 2 ms of 10; caller: 1 ms of 10, spent by a server that has none.  By the count of
    instructions, a host that is busy with other things makes no difference.  By the clock it does: it takes from
    everybody, all of the time if it wants, and lets the timer's interrupt come late; so that says no more than that
    budgets hold on a clock as any."""
    had, stops = shares(boot, "budgets", extra)
    print(had, stops)
    assert stops["first"] == stops["second"] == 0
    if not extra:
        assert had["greedy"] < 50 and had["caller"] < 50
    else:
        assert had["greedy"] <= 20.5
        assert had["caller"] <= 10.25
        assert stops["caller"] > 0
        assert stops["greedy"] == 50            # once in each period
        assert had["greedy"] >= 19
        assert had["caller"] >= 9
        assert had["first"] + had["second"] >= 65
        assert abs(had["first"] - had["second"]) <= 3


def test_the_measure_can_fail(boot):
    """Without budgets the greedy one has it all."""
    had, stops = shares(boot, "budgets-off", COUNTED)
    print(had, stops)
    assert had["greedy"] > 98
    assert had["first"] + had["second"] + had["caller"] < 2
    assert not any(stops.values())


def test_the_shell_shows_budgets(boot_system):
    """The shell has 90 ms of 100 there; while it asks, the console server's answer is on its time."""
    rows = Shell(boot_system("restarts")).rows("threads")
    assert rows[0] == "# PROGRAM STATE PRIO ON CPU ms BUDGET us PERIOD us STOPPED".split()
    names = "number name state priority on cpu budget period stopped".split()
    threads = {row[1]: dict(zip(names, row)) for row in rows[1:]}
    assert set(threads) == {"spawnd", "consoled", "shell"}
    shell, spawnd = threads["shell"], threads["spawnd"]
    assert (shell["budget"], shell["period"], shell["on"]) == ("90000", "100000", shell["number"])
    assert (spawnd["budget"], spawnd["period"], spawnd["stopped"]) == ("-", "-", "0")
    assert shell["state"] == "ready" and spawnd["state"] == "receives"
