# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The default system, as a person meets it: boot messages, the shell's commands, its line editor,
Ctrl-C, and what happens when a server ends."""

import re
import time
from random import Random

import pytest

from machine import Machine, plain, system_image
from shell import Shell

LEFT, UP, DOWN, HOME, END, DELETE = ("\x1b[D", "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F", "\x1b[3~")


@pytest.fixture(scope="module")
def shell():
    """One machine for all tests that leave it as they found it."""
    with Machine(system_image("default")) as machine:
        machine.expect_text("[OK] BraiNIX: boot complete.")
        yield Shell(machine)


def row_of(table, word, column):
    """The row of a table that has `word` in a column."""
    rows = [row for row in table if len(row) > column and row[column] == word]
    assert len(rows) == 1, table
    return rows[0]


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_boot_ends_with_one_line_and_a_prompt(boot_system, firmware):
    machine = boot_system(firmware=firmware)
    said = plain(machine.child.before)
    assert re.search(r"^\[ok\] consoled .* ready", said, re.M), said
    assert re.search(r"^\[ok\] shell .* ready", said, re.M), said
    assert "brainix>" not in said
    shell = Shell(machine)
    assert shell.run("echo it lives") == "it lives"


def test_help_names_every_command(shell):
    names = [row[0] for row in shell.table("help")]
    assert names == ("help ps caps mem ipc uptime log echo run kill reboot shutdown").split()


def test_ps_shows_programs(shell):
    table = shell.table("ps")
    assert table[0][:3] == ["#", "PROGRAM", "STATE"]
    assert [row[1] for row in table[1:]] == ["init", "consoled", "shell", "hello", "echod", "ask"]
    for name in ("init", "consoled", "shell"):
        assert row_of(table, name, 1)[2] == "running"
    assert row_of(table, "hello", 1)[2] == "-"


def test_caps_shows_what_the_manifest_grants(shell):
    table = shell.table("caps consoled")
    assert table[0] == ["consoled"]
    assert row_of(table, "console", 1)[2:5] == ["endpoint", "r----", "console"]
    assert row_of(table, "uart", 1)[2:5] == ["ioport", "rw---", "uart"]
    assert row_of(table, "uart-irq", 1)[2:5] == ["irq", "r----", "uart-irq"]
    assert len(table) == 2 + 5
    assert ["shell"] in shell.table("caps")


def test_mem_adds_up(shell):
    frames = {row[0]: int(row[-3]) for row in shell.table("mem") if row[-1] in ("KiB", "MiB", "GiB")}
    assert frames["total"] == sum(
        frames[kind] for kind in ("free", "kernel", "page", "programs")), frames


def test_ipc_counts_messages(shell):
    def messages():
        return int(row_of(shell.table("ipc"), "console", 0)[4])
    before = messages()
    assert row_of(shell.table("ipc"), "console", 0)[1] == "consoled"
    assert messages() > before


def test_uptime_goes_on(shell):
    def uptime():
        hours, minutes, seconds = re.search(r"(\d+):(\d+):([\d.]+), idle", shell.run("uptime")).groups()
        return int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    before = uptime()
    time.sleep(1)
    assert 0.9 < uptime() - before < 5


def test_log_shows_spawns_and_kills(shell):
    shell.run("run echod &")
    shell.run("kill echod")
    table = shell.table("log 2")
    assert table[0][:4] == ["NUMBER", "SECONDS", "PROGRAM", "WHAT"]
    assert table[1][2:4] == ["echod", "spawn"]
    assert table[2][2:5] == ["shell", "kill", "echod"]


@pytest.mark.parametrize("line,answer", [
    ("", ""),
    ("   ", ""),
    ("nosuch", "nosuch: no such command; try help"),
    ("HELP", "HELP: no such command; try help"),
    ("ps x", "usage: ps "),
    ("kill", "usage: kill PROGRAM"),
    ("kill a b", "usage: kill PROGRAM"),
    ("kill hello", "hello: it does not run"),
    ("kill init", "init: no program that this shell may start"),
    ("run consoled", "consoled: no program that this shell may start"),
    ("caps nobody", "nobody: there is no such thing"),
    ("log 0", "log: not a number from 1 to 1024: 0"),
    ("log 18446744073709551617", "log: not a number from 1 to 1024: 18446744073709551617"),
    (" ".join(["x"] * 17), "shell: more than 16 words"),
    ("echo  a   b ", "a   b "),
])
def test_one_line_for_what_is_wrong(shell, line, answer):
    assert shell.run(line) == answer


def test_run_gives_arguments_and_tells_the_exit_code(shell):
    said = shell.run("run hello one  two")
    assert said.splitlines()[0].startswith("Hello from hello, program 3, with 1 ")
    assert said.splitlines()[1] == "Arguments: one  two"
    assert shell.run("run ask x").endswith("ask: exit code 2")      # nobody serves echo


def test_two_programs_talk(shell):
    assert shell.run("run echod &") == ""
    assert shell.run("run echod &") == "echod: it runs already"
    for n in range(1, 20):
        assert shell.run("run ask word %d" % n) == "echo %d: word %d" % (n, n)
    assert row_of(shell.table("ps"), "echod", 1)[2] == "running"
    shell.run("kill echod")
    assert row_of(shell.table("ps"), "echod", 1)[2] == "killed"


def test_nothing_is_lost_by_runs(shell):
    def used():
        return [row[:2] for row in shell.table("mem") if row[0] in ("free", "slots", "threads")]
    shell.run("run hello")
    before = used()
    for n in range(40):
        assert "Hello" in shell.run("run hello %d" % n)
    assert used() == before


def test_control_c_ends_what_runs(shell):
    shell.machine.send_line("run echod")
    time.sleep(0.5)
    shell.machine.send("\x03")
    assert shell.answer().endswith("^C\nechod: killed")
    assert shell.run("echo on") == "on"


def test_control_c_gives_up_a_line(shell):
    shell.machine.send("no such")
    shell.machine.expect_text("no such")
    shell.machine.send("\x03")
    assert shell.answer().endswith("^C")
    assert shell.run("echo on") == "on"


def test_line_editing(shell):
    assert shell.run("eco x" + LEFT * 3 + "h") == "x"
    assert shell.run("xecho y" + HOME + DELETE + END + "z") == "yz"
    shell.run("echo first")
    shell.run("echo second")
    assert shell.run(UP + UP) == "first"
    assert shell.run(UP + UP + UP + DOWN + "!") == "second!"
    assert shell.run("ech\to tabbed" + "\x7f" * 3 + "s") == "o tabs"
    shell.machine.send("r\t\t")
    shell.machine.expect_text("run  reboot")
    shell.machine.send("\x15")                     # clears the line: an empty prompt
    shell.answer()


def test_output_and_input_in_bulk(shell):
    """More than any queue holds, in both directions."""
    lines = ["echo " + "%03d" % n + "abcdefghij" * 18 for n in range(40)]
    for line in lines:
        assert shell.run(line) == line[5:]


def test_anything_may_be_typed(shell):
    """Five thousand random bytes, but for Enter: whatever the line has become, the shell goes on."""
    random = Random(2)
    for _ in range(50):
        shell.machine.send("".join(chr(random.choice([*range(1, 10), 11, 12, *range(14, 128)]))
                                   for _ in range(100)))
        time.sleep(0.02)
    time.sleep(0.5)
    shell.machine.send("x\x03")
    shell.machine.expect(r"\^C\r*\n")
    shell.machine.send("\x03")
    time.sleep(0.5)
    shell.machine.send_line("echo it goes on")
    shell.machine.expect(r"\nit goes on\r*\n")
    shell.answer()


def test_console_gives_writers_no_more_than_writing(boot_system):
    shell = Shell(boot_system("restart"))
    assert shell.run("run peek").splitlines() == [
        "peek read: BX_ERR_CAP_RIGHTS",
        "peek interrupt: BX_ERR_CAP_RIGHTS",
        "peek cut: BX_ERR_TRUNCATED",
        "peek extra: BX_ERR_MSG_EXTRA",
        "peek kind: BX_ERR_MSG_TYPE",
        "peek long: BX_ERR_MSG_TOO_LONG",
        "peek empty: BX_ERR_TRUNCATED",
        "peek method: BX_ERR_NOT_FOUND",
        "peek version: BX_ERR_NOT_FOUND",
        "peek answer: BX_ERR_FORMAT",
    ]
    assert shell.run("echo on") == "on"


@pytest.mark.parametrize("victim", ["consoled", "shell"])
def test_init_starts_again_what_ends(boot_system, victim):
    machine = boot_system("restart")
    shell = Shell(machine)
    for n in range(1, 6):
        machine.send_line("kill " + victim)
        machine.expect_text("init: %s was killed; started again (%d of 5)" % (victim, n))
        machine.expect("\n")
        if victim == "shell":
            shell = Shell(machine)
        else:
            shell.answer()
        assert shell.run("echo alive %d" % n) == "alive %d" % n
    machine.send_line("kill " + victim)
    if victim == "shell":
        machine.expect_text("init: shell was killed again and stays down")


def test_shutdown_ends_the_machine(boot_system):
    shell = Shell(boot_system())
    shell.machine.send_line("shutdown")
    said, status = shell.machine.finish()
    assert said.rstrip().endswith("Shutting down.")
    assert status == 0


def test_reboot_resets_the_machine(boot_system):
    shell = Shell(boot_system())
    shell.machine.send_line("reboot")
    said, status = shell.machine.finish()
    assert said.rstrip().endswith("Rebooting.")
    assert status == 0
