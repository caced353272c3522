# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The audit ring (docs/audit.md), as the shell's `log' decodes it, record by record: of boot, and of attacks."""

import os
import re

import pytest

from conftest import LOGS
from machine import Machine, system_image
from shell import Shell
from test_authority import predicted


def attack_share():
    """How many records of one program are kept: its part of half of the ring."""
    return 4096 // 2 // len(predicted("hash", "attacks"))


@pytest.fixture(scope="module")
def shell():
    os.makedirs(LOGS, exist_ok=True)
    with Machine(system_image("attacks"), log=os.path.join(LOGS, "audit.log")) as machine:
        machine.expect_text("[OK] BraiNIX: boot complete.")
        yield Shell(machine)


class Record:
    """A line of the log."""
    def __init__(self, line):
        words = line.split(None, 7)
        self.number, self.seconds = int(words[0]), float(words[1])
        self.program, self.what, self.object, self.rights, self.slot = words[2:7]
        self.details = words[7] if len(words) > 7 else ""

    def __repr__(self):
        return " ".join((self.program, self.what, self.object, self.rights, self.slot, self.details))


def log(shell, after=-1):
    """All records with a greater number than that."""
    lines = shell.command("log 4096").splitlines()
    assert lines[0].split() == ["NUMBER", "SECONDS", "PROGRAM", "WHAT", "OBJECT", "RIGHTS", "SLOT", "DETAILS"]
    records = [Record(line) for line in lines[1:] if line.lstrip()[0].isdigit() and " records of " not in line]
    assert [record.number for record in records] == list(range(records[0].number, records[0].number + len(records)))
    return [record for record in records if record.number > after]


def attack(shell, name):
    """The records of one run of an attack, from its first grant to its end."""
    last = log(shell)[-1].number
    said = shell.command("run attack " + name)
    records = log(shell, last)
    first = [record.what for record in records].index("spawn")
    assert all(record.what == "grant" and record.program == "attack" for record in records[:first])
    assert records[first].program in ("shell", "spawnd") and records[first].details.startswith("attack, start ")
    assert records[-1].what == "end" and records[-1].program == "attack"
    assert all(record.program == "attack" for record in records[first + 1:])
    return records[first + 1:-1], records[-1], said


def test_boot_is_recorded_capability_by_capability(shell):
    """What each launch granted, and its digest, is what authority predicts; nothing else happened."""
    records = [record for record in log(shell) if record.what not in ("refused", "share")]
    assert records[0].program == "kernel" and records[0].what == "boot"
    state, hashes = predicted("state", "attacks"), dict(predicted("hash", "attacks"))
    at, starter = 1, "kernel"
    while at < len(records):
        program = records[at].program if records[at].what == "grant" else records[at].details.split(",")[0]
        rows = [row for row in state if row[0] == program]
        for row in rows:
            record = records[at]
            assert (record.program, record.what, record.rights, record.slot) == (program, "grant", row[4], row[1])
            assert record.object.split("/")[0] == row[3]
            assert record.details.split(",")[1] == " badge " + (row[8] if row[8] != "-" else "0x0")
            at += 1
        assert records[at].what == "spawn" and records[at].program == starter
        assert re.fullmatch(r"%s, start 1, entry 0x[0-9a-f]+, state %s" % (program, hashes[program][:16]),
                            records[at].details)
        at, starter = at + 1, "spawnd"


def slots_of_attack():
    return {row[2]: (row[1], row[3], row[4]) for row in predicted("state", "attacks") if row[0] == "attack"}


def test_wrong_types(shell):
    """Each of the eighteen calls on a capability of another type, in order."""
    tried = [("memory", "call"), ("memory", "signal"), ("memory", "spawn"), ("memory", "power"),
             ("memory", "port_out"), ("memory", "inspect"), ("memory", "reply"), ("bell", "call"),
             ("bell", "map"), ("bell", "irq_ack"), ("bell", "kill"), ("console", "signal"), ("console", "map"),
             ("console", "audit_read"), ("worker1", "call"), ("worker1", "map"), ("console", "reply"),
             ("worker1", "wait")]
    records, end, _ = attack(shell, "wrong-types")
    held = slots_of_attack()
    for (name, call), record in zip(tried, records):
        slot, kind, rights = held[name]
        assert (record.what, record.slot, record.rights) == ("refused", slot, rights), record
        assert record.object.split("/")[0] == kind, record
        assert record.details.startswith(call + ": "), record
    assert len({record.details.split(": ")[1] for record in records[:18]}) == 1     # one error
    assert [record.what for record in records[18:]] == ["exit"]
    assert end.details == "exited, %d capabilities went" % len(held)


def test_wrong_rights(shell):
    records, _, _ = attack(shell, "wrong-rights")
    held = slots_of_attack()
    assert [(record.what, record.slot, record.details.split(":")[0]) for record in records[:5]] == [
        ("refused", held["console"][0], "receive"), ("refused", held["bell"][0], "wait"),
        ("refused", held["bell"][0], "notification_bind"), ("refused", held["look"][0], "map"),
        ("refused", held["look"][0], "map")]
    assert [record.what for record in records[5:]] == ["exit"]


def test_control_of_threads(shell):
    """The priorities that its own thread may have, one by one; those above are no question of authority."""
    records, _, _ = attack(shell, "raise-priority")
    slot, _, rights = slots_of_attack()["worker1"]
    assert [(record.what, record.slot, record.rights, record.details) for record in records[:-1]] == \
        [("control", slot, rights, "attack, thread_priority, priority %d" % priority) for priority in range(31)]
    assert all(record.object.split("/")[0] == "thread" for record in records[:-1])
    assert records[-1].what == "exit"


def test_sealed_space_and_a_full_share(shell):
    """What was deleted, and what was tried then, up to the attacker's share of the ring; and how often more."""
    records, end, _ = attack(shell, "sealed-space")
    share = attack_share()
    held = slots_of_attack()
    assert (records[0].what, records[0].slot, records[0].details) == ("revoke", held["bell"][0], "1 removed")
    assert records[0].object.split("/")[0] == "notification"
    kept = records[1:share]
    for number, record in enumerate(kept):
        moved = ("console", "console", "echo")[number % 3]
        assert record.what == "refused" and record.slot == held[moved][0], record
        assert record.details.split(":")[0] == ("cap_derive", "cap_copy", "cap_move")[number % 3], record
    assert records[share].what == "share" and records[share].details.startswith("full")
    assert [record.what for record in records[share + 1:]] == ["exit"]
    assert end.details == "exited, %d capabilities went" % (len(held) - 1)
    assert "%d records of attack were not kept" % (3 * 64 - len(kept)) in shell.command("log")
    # All of it has been read: the next run begins with how many there were.
    again, _, _ = attack(shell, "wrong-types")
    assert (again[0].what, again[0].details) == ("share", "%d records were not kept" % (3 * 64 - len(kept)))
    assert again[1].what == "refused"


def test_fault(shell):
    records, end, said = attack(shell, "read-null")
    told = re.search(r"^attack: (page fault at 0x\w+, instruction 0x\w+)$", said, re.M)
    assert [(record.what, record.details) for record in records] == [("fault", told[1])]
    assert end.details.startswith("faulted, ")


def test_a_flood_washes_nothing_away(shell):
    """Two rings of refusals by one program: every record from before is still there."""
    before = log(shell)
    assert "officer: contained" in shell.command("run officer flood")
    after = log(shell)
    assert [(record.number, repr(record)) for record in after[:len(before)]] == \
        [(record.number, repr(record)) for record in before]
    assert re.search(r"\d{4} records of officer were not kept", shell.command("log"))
