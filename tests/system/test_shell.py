# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The shell, as a person uses it: every command, against what is known of the machine in another
way; line editing with the bytes that terminals send; input that no person would type."""

import os
import random
import re
import time

import pexpect
import pytest

from conftest import LOGS
from machine import PATIENCE, SOURCE, Machine, plain, system_image
from shell import (BACKSPACE, CTRL_C, DELETE, DOWN, ENDS, FRESH, HOMES, LEFT, RIGHT, TAB, UP, Shell)

LINE_MAX = 200          # servers/shell/editor.h
QUEUE = 2047            # servers/consoled/terminal.h, but for the CANCEL


@pytest.fixture(scope="module")
def shell():
    """One machine for all that leaves it as it was."""
    os.makedirs(LOGS, exist_ok=True)
    with Machine(system_image("default"), log=os.path.join(LOGS, "shell.log")) as machine:
        machine.expect_text("[OK] BraiNIX: boot complete.")
        yield Shell(machine)


def manifest(name="default"):
    """{program: {capability: (object, rights)}} as systems/NAME.system has it, in its order."""
    with open(os.path.join(SOURCE, "systems", name + ".system"), encoding="utf-8") as file:
        text = re.sub(r"#.*", "", file.read())
    programs = {}
    for block in re.split(r'\bname = "(?=[a-z]+"; priority)', text)[1:]:
        capabilities = {}
        for found in re.finditer(r'([\w-]+)\s*=\s*\{\s*(?:object = "([\w-]+)";\s*)?'
                                 r'rights = \[([^]]*)\]', block):
            rights = re.findall(r'"([\w-]+)"', found[3])
            letters = "".join(letter if right in rights else "-" for right, letter in
                              zip(("read", "write", "grant", "grant-reply", "execute"), "rwgax"))
            capabilities[found[1]] = (found[2] or found[1], letters)
        programs[block[:block.index('"')]] = capabilities
    return programs


def processes(shell):
    """{program: row} of ps."""
    rows = shell.rows("ps")
    assert rows[0] == "# PROGRAM STATE PRIO THREADS CPU ms FRAMES SLOTS STARTS".split()
    names = "number name state priority threads cpu frames slots starts".split()
    return {row[1]: dict(zip(names, row)) for row in rows[1:]}


def memory(shell):
    """({kind of memory: frames}, {pool: (used, total, size)})."""
    kinds, pools = {}, {}
    for line in shell.command("mem").splitlines():
        kind = re.fullmatch(r"  (\w[\w ]*?) +(\d+) +[\d.]+ \w+", line)
        pool = re.fullmatch(r"  (\w[\w ]*?) +(\d+) +(\d+) +(\d+)", line)
        if pool:
            pools[pool[1]] = tuple(int(pool[i]) for i in (2, 3, 4))
        elif kind:
            kinds[kind[1]] = int(kind[2])
    return kinds, pools


def capabilities(shell, words="caps"):
    """{program: {capability: (object, rights)}}."""
    programs = {}
    for line in shell.command(words).splitlines():
        row = line.split()
        if not line.startswith(" "):
            name = line
            programs[name] = {}
        elif row[0] != "SLOT":
            programs[name][row[1]] = (row[4], row[3])
    return programs


def records(shell, count=1024):
    """(number, seconds, program, what, details) of each audit record."""
    rows = shell.command("log %d" % count).splitlines()
    assert rows[0].split() == ["NUMBER", "SECONDS", "PROGRAM", "WHAT", "OBJECT", "RIGHTS", "SLOT", "DETAILS"]
    found = [row.split(None, 7) for row in rows[1:]]
    return [(int(row[0]), float(row[1]), row[2], row[3], row[7]) for row in found]


# Commands.

def test_help_shows_all_commands(shell):
    with open(os.path.join(SOURCE, "servers", "shell", "commands.c"), encoding="utf-8") as file:
        names = re.findall(r'^\t\{ "(\w+)", "', file.read(), re.M)
    assert len(names) == 17
    assert [row[0] for row in shell.rows("help")] == names


def test_ps_shows_the_manifest(shell):
    rows = processes(shell)
    assert list(rows) == list(manifest())
    assert [int(row["number"]) for row in rows.values()] == list(range(len(rows)))
    for name in ("spawnd", "consoled", "shell"):
        assert rows[name]["state"] == "running" and rows[name]["threads"] == "1"
    assert {rows[name]["threads"] for name in ("hello", "echod", "ask")} == {"0"}


def test_run_and_kill_are_seen_everywhere(shell):
    before, frames_before = processes(shell)["echod"], memory(shell)
    last = records(shell, 1)[-1][0]
    assert before["frames"].startswith("0/")
    assert shell.command("run echod &") == ""
    row, (kinds, pools) = processes(shell)["echod"], memory(shell)
    assert row["state"] == "running"
    assert int(row["starts"]) == int(before["starts"]) + 1
    taken = int(row["frames"].split("/")[0])
    assert taken > 5
    assert kinds["free"] == frames_before[0]["free"] - taken
    assert pools["programs"][0] == frames_before[1]["programs"][0] + 1
    assert pools["threads"][0] == frames_before[1]["threads"][0] + 1
    assert capabilities(shell, "caps echod") == {"echod": manifest()["echod"]}
    assert shell.command("run echod") == "echod: it runs already"

    assert shell.command("run ask one  two") == "echo 1: one  two"
    assert shell.command("run ask") == "echo 2: "

    assert shell.command("kill echod") == ""
    row = processes(shell)["echod"]
    assert (row["state"], row["threads"]) == ("killed", "0")
    assert row["frames"].startswith("0/") and row["slots"].startswith("0/")
    after = memory(shell)
    assert after[0] == frames_before[0]
    assert after[1]["slots"] == frames_before[1]["slots"]
    assert shell.command("kill echod") == "echod: it does not run"
    new = [record for record in records(shell) if record[0] > last]
    ask = [("ask", "grant"), ("ask", "grant"), ("spawnd", "spawn"), ("ask", "exit"), ("ask", "end")]
    assert [record[2:4] for record in new] == [
        ("echod", "grant"), ("echod", "grant"), ("spawnd", "spawn"), *ask, *ask, ("spawnd", "kill"),
        ("echod", "end")]
    assert new[-2][4] == "echod" and new[6][4] == "code 0"
    assert new[-1][4] == "killed, 2 capabilities went"
    assert [record[0] for record in new] == list(range(last + 1, last + 1 + len(new)))
    assert sorted(record[1] for record in new) == [record[1] for record in new]


def test_caps_shows_the_manifest(shell):
    wanted = manifest()
    assert {len(held) for held in wanted.values()} == {1, 2, 4, 5, 6}
    assert capabilities(shell) == {name: wanted[name] for name in ("spawnd", "consoled", "shell")}
    assert capabilities(shell, "caps shell") == {"shell": wanted["shell"]}


def test_mem_adds_up(shell):
    kinds, pools = memory(shell)
    total = kinds.pop("total")
    assert sum(kinds.values()) == total
    assert 240 << 8 < total <= 256 << 8         # of the 256 MiB that the machine has
    assert pools["frames"][:2] == (total - kinds["free"], total)
    rows = processes(shell)
    used = sum(int(row["frames"].split("/")[0]) for row in rows.values())
    assert used == kinds["page tables"] + kinds["programs"]
    # The rest holds what the programs' capabilities are derived from: one for each object.
    objects = {name for held in manifest().values() for name, _ in held.values()}
    assert pools["slots"][1] == len(objects) + sum(int(row["slots"].split("/")[1])
                                                   for row in rows.values())
    assert pools["programs"][1] == len(rows)


def test_programs_leave_nothing_behind(shell):
    before = memory(shell)
    for _ in range(20):
        shell.command("run hello")
    after = memory(shell)
    assert after[0] == before[0]
    for pool in ("frames", "slots", "programs", "threads", "endpoints", "notifications"):
        assert after[1][pool] == before[1][pool]


def messages(shell):
    """{endpoint: (server, messages, bytes)}."""
    rows = shell.rows("ipc")
    end = next(i for i, row in enumerate(rows) if row[0] == "NOTIFICATION")
    assert [row[0] for row in rows[end + 1:]] == ["life", "uart-signal"]
    return {row[0]: (row[1], int(row[4]), int(row[5])) for row in rows[1:end]}


def test_ipc_counts_messages(shell):
    shell.command("run echod &")
    before = messages(shell)
    assert list(before) == ["spawn", "console", "echo"]
    assert before["spawn"][0] == "spawnd" and before["console"][0] == "consoled"
    assert before["echo"][0] == "echod"
    for _ in range(3):
        shell.command("run ask 1234567890")
    after = messages(shell)
    shell.command("kill echod")
    assert after["echo"][1] - before["echo"][1] == 3
    assert after["echo"][2] - before["echo"][2] > 3 * 10
    assert after["console"][1] > before["console"][1]
    assert after["spawn"][1] > before["spawn"][1]


def uptime(shell):
    text = shell.command("uptime")
    found = re.search(r"up +(\d+):(\d+):(\d+\.\d+), idle ([\d.]+) %", text)
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3]), float(found[4]), text


def test_uptime_follows_the_clock(shell):
    begin, (first, _, text) = time.monotonic(), uptime(shell)
    time.sleep(2)
    (second, idle, _), end = uptime(shell), time.monotonic()
    assert 1.9 < second - first < end - begin + 0.1
    assert 0 < idle < 100
    for protection in ("NX", "WP", "SMEP", "SMAP", "UMIP", "KPTI"):
        assert protection in text.split("protections")[1].split()


def test_log_takes_a_count(shell):
    everything = records(shell)
    assert [record[0] for record in everything] == list(range(len(everything)))
    assert everything[0][2:4] == ("kernel", "boot")
    spawns = [record for record in everything if record[3] == "spawn"][:3]
    assert [record[2] for record in spawns] == ["kernel", "spawnd", "spawnd"]
    assert [record[4].split(",")[0] for record in spawns] == ["spawnd", "consoled", "shell"]
    assert records(shell, 3) == everything[-3:]
    assert len(shell.rows("log")) == 1 + min(16, len(everything))


def test_echo(shell):
    assert shell.command("echo") == ""
    assert shell.command("  echo   a  b ") == "a  b "
    words = " ".join("w%d" % i for i in range(15))
    assert shell.command("echo " + words) == words


def test_run_gives_arguments(shell):
    number = list(manifest()).index("hello")
    assert shell.command("run hello") == "Hello from hello, program %d, with 1 capability." % number
    assert shell.command("run hello a  b").splitlines()[1] == "Arguments: a  b"
    assert re.fullmatch(r"ask: .+\nask: exit code 2", shell.command("run ask"))    # nobody answers


@pytest.mark.parametrize("line,answer", [
    ("frob", "frob: no such command; try help"),
    ("HELP", "HELP: no such command; try help"),
    ("help me", "usage: help"),
    ("ps 1", "usage: ps"),
    ("mem mem", "usage: mem"),
    ("ipc 1", "usage: ipc"),
    ("uptime 1", "usage: uptime"),
    ("reboot now", "usage: reboot"),
    ("shutdown now", "usage: shutdown"),
    ("log 1 2", "usage: log [COUNT]"),
    ("log 0", "log: not a number from 1 to 65536: 0"),
    ("log -1", "log: not a number from 1 to 65536: -1"),
    ("log 1x", "log: not a number from 1 to 65536: 1x"),
    ("log 18446744073709551617", "log: not a number from 1 to 65536: 18446744073709551617"),
    ("caps a b", "usage: caps [PROGRAM]"),
    ("caps nobody", "nobody: there is no such thing"),
    ("run", "usage: run PROGRAM [WORD...]"),
    ("run nobody", "nobody: no program that this shell may start"),
    ("run spawnd", "spawnd: no program that this shell may start"),
    ("run &", "&: no program that this shell may start"),
    ("kill", "usage: kill PROGRAM"),
    ("stop", "usage: stop PROGRAM"),
    ("stop consoled", "consoled: no program that this shell may start"),
    ("stop echod", "echod: it does not run"),
    ("status nobody", "nobody: there is no such thing"),
    ("status a b", "usage: status [PROGRAM]"),
    ("kill a b", "usage: kill PROGRAM"),
    ("kill consoled", "consoled: no program that this shell may start"),
    ("kill hello", "hello: it does not run"),
    ("echo" + " a" * 16, "shell: more than 16 words"),
])
def test_malformed_lines_get_one_line(shell, line, answer):
    assert shell.command(line) == answer


def test_empty_lines_say_nothing(shell):
    assert shell.command("") == ""
    assert shell.command("      ") == ""


def test_interrupt_ends_a_program(shell):
    shell.type("run echod\r")
    shell.machine.expect_text("\n")             # the line is the command's: Ctrl-C before that gives it up
    shell.type(CTRL_C)
    shell.machine.expect_text("echod: killed")
    shell.machine.expect(FRESH)
    assert processes(shell)["echod"]["state"] == "killed"


# Line editing: what a line came out as is what echo says.

EDITS = [
    ("echo abd" + LEFT + "c", "abcd"),
    ("echo abd" + "\x1bOD" + "c" + "\x1bOC" + "e", "abcde"),
    ("echo ac" + LEFT + "b" + RIGHT + "d", "abcd"),
    ("echo abc" + 3 * LEFT + DELETE, "bc"),
    ("echo abc" + DELETE + "d", "abcd"),
    ("echo abc" + BACKSPACE + "d", "abd"),
    ("echo abc" + LEFT + "\b" + "x", "axc"),
    ("echo abc" + 40 * BACKSPACE + "echo d", "d"),
    ("echo abc" + LEFT + "\x0b" + "d", "abd"),
    ("junk\x15echo abc", "abc"),
    ("junk echo abc" + 8 * LEFT + "\x15", "abc"),
    ("echo one two\x17three", "one three"),
    ("echo one two  \x17\x17three", "three"),
    ("echo ac\x02b\x06d", "abcd"),
    ("echo abc\x02\x04d", "abd"),
    ("echo ab\x1b[99~\x1b[1;5Xc", "abc"),
    ("echo ab\x1bOPc", "abc"),
    ("ec" + TAB + "x", "x"),
    ("echo a" + TAB + "b", "ab"),
]
EDITS += [("cho abc" + home + "e", "abc") for home in HOMES]
EDITS += [("cho ab" + HOMES[0] + "e" + end + "c", "abc") for end in ENDS]


@pytest.mark.parametrize("keys,said", EDITS)
def test_editing(shell, keys, said):
    assert shell.command(keys) == said


def test_history(shell):
    for word in ("one", "two", "three"):
        shell.command("echo " + word)
    assert shell.command(3 * UP) == "one"           # becomes the last line itself
    assert shell.command(UP + UP) == "three"
    assert shell.command("echo new" + UP + UP + 2 * DOWN + "er") == "newer"
    assert shell.command("\x10\x10\x0e") == "newer"
    assert shell.command(UP + BACKSPACE + BACKSPACE + "est") == "newest"
    for number in range(20):
        shell.command("echo %d" % number)
    assert shell.command(40 * UP) == "4"            # of the last 16
    assert shell.command(40 * DOWN + "echo end") == "end"


def test_completion(shell):
    assert shell.command("upt" + TAB).lstrip().startswith("up ")
    assert shell.command("run hel" + TAB + "x").splitlines()[1] == "Arguments: x"
    assert capabilities(shell, "caps cons" + TAB) == {"consoled": manifest()["consoled"]}
    assert shell.command("zz" + TAB) == "zz: no such command; try help"
    # Several fit: the second Tab shows them, and the line is still there.
    shell.type("run " + TAB + TAB)
    shell.machine.expect_text("\n")
    shell.machine.expect_text("\n")
    assert set(plain(shell.machine.child.before).split()) == set(manifest())
    assert shell.command("hello").startswith("Hello from hello")


def test_interrupt_gives_up_the_line(shell):
    shell.type("frob frob" + LEFT + CTRL_C)
    shell.machine.expect_text("^C")
    shell.machine.expect(FRESH)
    assert shell.command("echo abc") == "abc"


def test_a_return_and_newline_are_one_enter(shell):
    assert shell.command("echo abc\r\necho def").count("abc") == 1
    shell.machine.expect_text("def")
    shell.machine.expect(FRESH)


# Input that no person types.

REFUSED = "The line has more than %d bytes: nothing of it was run." % LINE_MAX


def test_a_line_that_does_not_fit_is_refused(shell):
    word = "".join(chr(ord("a") + i % 26) for i in range(LINE_MAX - 5))
    assert shell.command("echo " + word) == word
    shell.type("echo " + word + "!")
    shell.machine.expect_text("\a")
    assert shell.command("") == REFUSED
    assert shell.command(UP) == word                        # it is not in the history either
    assert shell.command("x" * 300) == REFUSED
    assert shell.command("echo " + 50 * "words " + "\x15echo abc") == REFUSED
    assert shell.command("echo " + 50 * "words " + "\x18echo abc") == "abc"


def test_bytes_that_are_no_keys(shell):
    """Bells for each, nothing in the line."""
    none = bytes(range(0x80, 0x100)) + bytes([0, 7, 0x0f, 0x11, 0x12, 0x13, 0x14, 0x16, 0x19,
                                              0x1a, 0x1c, 0x1d, 0x1e, 0x1f])
    assert shell.command(none + b"echo abc" + none) == "abc"
    assert shell.command(b"reboot" + none + b"\x18echo abc") == "abc"      # CAN gives up what is before it
    assert shell.command("echo gr\u00fc\u00dfe \u4f60\u597d \U0001f600.") == "gre  ."


def test_escape_sequences_of_any_kind(shell):
    for keys in ("\x1b\x1b[", "\x1b[999999999999;1R", "\x1b[" + 500 * "1;" + "~", "\x1bO\x1b", "\x1b"):
        shell.type(keys + "x")
        shell.machine.expect_silence("PANIC|spawnd:", 0.2)
        shell.type(CTRL_C)
        shell.machine.expect(FRESH)
    assert shell.command("echo abc") == "abc"


def test_random_bytes(shell):
    """Nothing that is typed ends the shell.  No line of it is a command, as 'z' begins each."""
    numbers = random.Random(1)
    for _ in range(8):
        data = bytes(b for b in numbers.randbytes(400) if b not in (3, 10, 13))
        shell.type(data.replace(b"r", b"z").replace(b"s", b"z")).join()
        shell.type(CTRL_C)
        shell.machine.expect_text("^C")
        shell.machine.expect(FRESH)
    assert processes(shell)["shell"]["starts"] == "1"


END = re.compile(r"\nend-\d+\r")


def answers_of(shell, data):
    """Types all of it, and after it, as long as none is answered, lines of its own: any may be lost.  What is heard,
    and what commands said."""
    writer, machine = shell.type(data), shell.machine
    for number in range(200):
        if not writer.is_alive():
            shell.type("echo end-%d\r" % number)
        if machine.child.expect([END, pexpect.TIMEOUT], timeout=2 * PATIENCE) == 0:
            break
    else:
        machine.expect(END)
    heard = machine.child.before
    shell.type(CTRL_C)
    machine.expect_text("^C")
    machine.expect(FRESH)
    return heard, said_in(heard)


def said_in(heard):
    """What commands said: each row that is not the editor's.  (The first is the editor's, too.)  The console's bell
    rings anywhere."""
    rows = [re.match(r"[^\r\x1b]*", row)[0] for row in heard.replace("\a", "").split("\n")[1:]
            if not row.startswith("\rbrainix>")]
    return [row for row in rows if row]


BURST = ["burst-%03d-%s" % (i, "x" * 20) for i in range(230)]


def check_burst(heard, said):
    """Every line that the shell ran is one that was typed, in order; when any is missing, the bell has rung.  What
    is left of two lines is never run as one."""
    assert said == [line for line in BURST if line in set(said)]
    assert len(said) == len(BURST) or "\a" in heard


def test_a_burst_is_not_lost_silently(shell):
    """Eight thousand bytes as fast as the line takes them."""
    data = "".join("echo %s\r" % line for line in BURST).encode()
    assert len(data) > 7000
    heard, said = answers_of(shell, data)
    check_burst(heard, said)
    assert len(said) > 50
    assert shell.command("echo abc") == "abc"
    assert processes(shell)["shell"]["starts"] == "1"


def test_a_burst_that_nobody_reads_is_lost_by_whole_lines(boot_system):
    """As much again while the shell waits for a program, which goes on until the console's queue is full.  When there
    is room again, each line that comes is a line of its own."""
    machine = boot_system("restarts", second=True)
    shell = Shell(machine)
    shell.type("run cue\r" + "".join("echo %s\r" % line for line in BURST))
    machine.expect_text("\a")
    machine.cue("e")
    heard, said = answers_of(shell, b"")
    check_burst("\a" + heard, said)
    held = QUEUE // len("echo %s\r" % BURST[0])
    assert said[:held] == BURST[:held]
    assert shell.command("echo abc") == "abc"


# Ends.

def test_reboot(boot_system):
    machine = boot_system("default", extra=("-action", "reboot=reset"))
    shell = Shell(machine)
    shell.command("run hello")
    assert len(records(shell)) > 5
    shell.type("reboot\r")
    machine.expect_text("Rebooting.")
    machine.expect_text("[OK] BraiNIX: boot complete.")
    fresh = records(Shell(machine))
    assert [record[3] for record in fresh].count("spawn") == 3 and fresh[-1][3] == "spawn"


@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_session_and_shutdown(boot_system, firmware):
    """A short session, kept in the build folder: tests/system/logs/session-*.txt."""
    machine = boot_system("default", firmware=firmware)
    shell, said = Shell(machine), []
    for line in ("help", "ps", "run hello world", "run echod &", "run ask are you there",
                 "caps echod", "kill echod", "ps", "mem", "ipc", "uptime", "log", "frob"):
        answer = shell.command(line)
        said.append("brainix> %s\n%s%s" % (line, answer, "\n" if answer else ""))
    shell.type("shutdown\r")
    text, status = machine.finish()
    assert "Shutting down." in text
    assert status == 0
    said.append("brainix> shutdown\nShutting down.\n")
    with open(os.path.join(LOGS, "session-%s.txt" % firmware), "w", encoding="utf-8") as file:
        file.write("".join(said))
    assert "echo 1: are you there" in said[4]
    assert "UMIP" in said[10]


# What ends unasked is started again, five times.

def restarted(machine, name, count):
    machine.expect(r"spawnd: %s (was killed|ended|faulted); started again \(%d of 5\)" % (name, count))


def test_a_shell_that_ends_is_started_again(boot_system):
    machine = boot_system("restarts")
    shell = Shell(machine)
    for count in range(1, 6):
        shell.type("kill shell\r")
        restarted(machine, "shell", count)
        shell = Shell(machine)
        assert processes(shell)["shell"]["starts"] == str(count + 1)
    shell.type("kill shell\r")
    machine.expect_text("spawnd: shell was killed and stays down")
    machine.expect_silence("brainix> |PANIC", 1)


def test_a_console_that_ends_is_started_again(boot_system):
    machine = boot_system("restarts")
    shell = Shell(machine)
    free = memory(shell)[0]
    for count in range(1, 6):
        shell.type("kill consoled\r")
        restarted(machine, "consoled", count)
        shell.type("\r")
        machine.expect(FRESH)
        shell.type(CTRL_C)
        machine.expect_text("^C")
        machine.expect(FRESH)
        assert processes(shell)["consoled"]["starts"] == str(count + 1)
        assert shell.command("echo abc") == "abc"
    assert processes(shell)["shell"]["starts"] == "1"
    assert memory(shell)[0] == free
    shell.type("kill consoled\r")
    machine.expect_silence("spawnd: |brainix> |PANIC", 1)
    shell.type("echo abc\r")
    machine.expect_silence("abc|PANIC", 1)


def answer(machine):
    """Of `echo abc', when nothing else was run before it."""
    machine.expect(r"echo abc\r*\n(.*?)\r*\n")
    assert "no such command" not in machine.child.before
    return machine.child.match[1]


def half_a_line(machine, cues):
    machine.send("echo half")
    machine.expect_text("echo half")
    machine.cue(cues)


def in_the_device(machine, keys):
    """Types fourteen bytes while nobody serves the line: all of them are in the device then.  (QEMU gives it no more
    than makes it interrupt.)"""
    assert len(keys) == 14
    machine.monitor("o /b 0x3fa 0xc1")          # PC16550D data sheet, 8.5: FIFOs on, interrupt at 14 bytes
    machine.send(keys)
    machine.cue("w")


def test_half_a_line_goes_with_its_console(boot_system):
    """What was typed before the end of the console is no part of a line that is typed after it; nor is what was typed
    of that line after it, if that came without a pause."""
    machine = boot_system("restarts", second=True)
    shell = Shell(machine)
    shell.command("run cue &")
    half_a_line(machine, "hc")
    restarted(machine, "consoled", 1)
    machine.cue("p")                            # somebody reads that, and types then
    machine.send("echo abc\r")
    assert answer(machine) == "abc"
    machine.expect(FRESH)
    half_a_line(machine, "hc")
    restarted(machine, "consoled", 2)
    machine.send(CTRL_C + "echo abc\r")
    assert answer(machine) == "abc"
    machine.expect(FRESH)
    half_a_line(machine, "h")
    in_the_device(machine, "-xyz\recho abc\r")
    machine.cue("c")
    assert answer(machine) == "abc"


def test_half_a_line_goes_with_its_shell(boot_system):
    """The same of a shell: what is in the console's queue when the next one begins may be the rest of a line that the
    one before had begun to read."""
    machine = boot_system("restarts", second=True)
    shell = Shell(machine)
    shell.type("run cue\r")                     # the shell waits, and does not read
    machine.cue("p")
    machine.send("-xyz\recho abc\r")
    machine.cue("ps")
    assert answer(machine) == "abc"


@pytest.mark.parametrize("name", ["consoled", "shell"])
def test_a_line_without_a_beginning_is_lost(boot_system, name):
    """Lines come all the time while a console, or a shell, ends and the next one begins: none of which a part was
    lost is run.  How many go with the one that ends is a matter of speed; of those that are typed when the next one
    is heard of, all come to it (there is room for them), but for one that it may take for the rest of another.  And a
    host that is held up may make a pause in the middle of a line, for which the rest is a line of its own; not in
    three machines one after the other."""
    for attempt in range(3):
        shell = Shell(boot_system("restarts"))
        rests = [rest for count in range(1, 6) for rest in lines_while_it_ends(shell, name, count)]
        assert shell.command("echo abc") == "abc"
        if not rests:
            return
    raise AssertionError("run without their beginning: %s" % rests)


NO_COMMAND = ": no such command; try help"


def lines_while_it_ends(shell, name, count):
    """What was run though its beginning was lost: the end of a line, by itself, once at most."""
    first, then = BURST[:30], BURST[30:50]
    shell.type("kill %s\r" % name + "".join("echo %s\r" % line for line in first))
    restarted(shell.machine, name, count)
    before = shell.machine.child.before
    shell.type("".join("echo %s\r" % line for line in then))
    shell.machine.expect_text("\n" + then[-1])
    heard = before + shell.machine.child.before + shell.machine.child.after
    shell.machine.expect(FRESH)
    said = [line for line in said_in(heard) if not line.startswith(("spawnd: ", "BraiNIX "))]
    rests = [line for line in said if line.endswith(NO_COMMAND)]
    ends = {line[at:].split()[0] + NO_COMMAND for line in map("echo ".__add__, first) for at in range(len(line))}
    assert len(rests) <= 1 and ends.issuperset(rests)
    said = [line for line in said if line not in rests]
    assert said == [line for line in first + then if line in set(said)]
    assert said[1 - len(then):] == then[1:]
    return rests


def test_a_fault_is_told_and_recorded(boot_system):
    shell = Shell(boot_system("restarts"))
    said = shell.command("run attack write-null")
    told = re.search(r"^attack: page fault at 0x8, instruction (0x[0-9a-f]+)$", said, re.M)
    assert told, said
    fault, end = records(shell, 2)
    assert fault[2:] == ("attack", "fault", "page fault at 0x8, instruction " + told[1])
    assert end[2:4] == ("attack", "end") and end[4].startswith("faulted, ")
    assert processes(shell)["attack"]["state"] == "faulted"
