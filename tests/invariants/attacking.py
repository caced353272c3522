# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Attacks by the words of the documents, on a machine that the kernel under test runs on."""

import os
import re
import subprocess

from machine import BUILD, COUNTED, PATIENCE, SOURCE, Machine, MachineError, symbols
from shell import FRESH, Shell
from test_attacks import LONG, USUAL, WITH_HOARDER, check_fault

MEMORY = 64
TWICE = ("memory-reuse",)               # the first run leaves what the second one looks for
KERNEL_TEXT = "ffffffff80000000"
SYSTEM_OF = {"lend": "open", "budgets": "budgets"}
# What the programs of the system `budgets' may have of the processor at most, in per cent; by the count
# of instructions.
SHARES = {"greedy": 20.5, "caller": 10.25}


BREACH = r"BREACH: [^\r\n]*(?=[\r\n])"
PANIC = r"\[PANIC\][^\r\n]*(?=[\r\n])"


class Broken(Exception):
    """The attack was not refused; the text says how."""


class KernelEnds(Broken):
    """It has brought the kernel down."""


def typed(words, kernel):
    """What is typed at the shell's prompt for an attack: its last line must be refused."""
    if words[0] == "keeper":
        return ["run keeper &", "run warden"]
    if words[0] not in ("attack", "lend", "officer"):
        return []
    lines = ["run hoarder &"] if words[0] == "attack" and words[1] in WITH_HOARDER else []
    argument = ["%x" % symbols(kernel)[words[2]]] if len(words) > 2 else \
        [KERNEL_TEXT] if words[1].endswith("-address") else []
    return [*lines, " ".join(["run", *words[:2], *argument])]


class Target:
    """A machine with one of the systems, booted when it is first attacked."""

    def __init__(self, image_of, kernel, processor=None):
        self.image_of, self.kernel, self.processor = image_of, kernel, processor
        self.machines = {}

    def close(self):
        for machine, _ in self.machines.values():
            machine.stop()
        self.machines = {}

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def machine(self, system):
        if system not in self.machines:
            machine = Machine(self.image_of(system), cpu=self.processor, mem=MEMORY)
            self.machines[system] = machine, None
            self.machines[system] = machine, Shell(machine)
        return self.machines[system]

    def begin(self, line, said, timeout):
        """Types a command; what the machine says until the prompt, or until something is broken, which
        is Broken."""
        machine, shell = self.machine(said)
        shell.type(line + "\r")
        return self.hear(machine, timeout)

    @staticmethod
    def hear(machine, timeout):
        """What a command says."""
        machine.expect("\n", timeout)
        found = machine.expect([FRESH, BREACH, PANIC], timeout).group(0)
        text = machine.child.before
        if found.startswith("["):
            raise KernelEnds(found)
        if found.startswith("B"):
            raise Broken(found)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "")

    def attack(self, words, ends):
        """Raises Broken when the attack is not refused, MachineError when the machine fails."""
        getattr(self, "_" + words[0])(words, ends)

    def _attack(self, words, ends):
        name, end = words[1], ends[words[1]]
        *before, line = typed(words, self.kernel)
        for first in before:
            self.begin(first, "attacks", USUAL * PATIENCE)
        for _ in range(2 if name in TWICE else 1):
            said = self.begin(line, "attacks", LONG.get(name, USUAL) * PATIENCE)
            if end == "REFUSED" and "attack %s: contained" % name not in said:
                raise MachineError("it did not come to its end: " + said)
            if end not in ("REFUSED", "BY_KILL"):
                check_fault(said, end)
        if name in WITH_HOARDER:
            self.begin("kill hoarder", "attacks", USUAL * PATIENCE)

    def _lend(self, words, _):
        for name in words[1:]:
            said = self.begin(typed(["lend", name], self.kernel)[0], "open", USUAL * PATIENCE)
            if "lend %s: holds" % name not in said:
                raise MachineError("it did not come to its end: " + said)

    def _officer(self, words, _):
        for name in words[1:]:
            said = self.begin(typed(["officer", name], self.kernel)[0], "attacks", USUAL * PATIENCE)
            if "officer: contained" not in said:
                raise MachineError("it did not come to its end: " + said)

    def _keeper(self, words, _):
        """Two programs with vector registers at once; the second is waited for, and both end together."""
        machine, shell = self.machine("attacks")
        shell.type("".join(line + "\r" for line in typed(words, self.kernel)))     # at once, lest one be over
        for _ in typed(words, self.kernel):
            said = self.hear(machine, USUAL * PATIENCE)
        if "warden: contained" not in said:
            raise MachineError("it did not come to its end: " + said)
        self.begin("run witness", "attacks", USUAL * PATIENCE)

    def _state(self, *_):
        """What the kernel took the digests of, at launch, is what the manifest predicts."""
        _, shell = self.machine("attacks")
        told = shell.command("hash").splitlines()
        manifest = os.path.join(SOURCE, "tests", "system", "manifests", "attacks.system")
        predicted = subprocess.run([os.path.join(BUILD, "tools", "authority", "authority"), "--hash", manifest],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                   check=False).stdout.splitlines()     # 1: an assertion does not hold
        strange = set(told) - set(predicted)
        if len(told) < 4:
            raise MachineError("hash says too little: %s" % told)
        if strange:
            raise Broken("not what the manifest says: %s" % sorted(strange))

    def _budgets(self, *_):
        with Machine(self.image_of("budgets"), mem=MEMORY, extra=COUNTED) as machine:
            text, _ = machine.finish(600 * PATIENCE)
        had = {program: 100 * int(ran) / int(span)
               for program, ran, span in re.findall(r"^share (\S+) (\d+) (\d+)", text, re.M)}
        if not set(SHARES) <= set(had):
            raise MachineError("the shares were not told: " + text)
        for program, most in SHARES.items():
            if had[program] > most:
                raise Broken("%s had %.1f%% of the processor, not %g%%" % (program, had[program], most))


