#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Runs docs/invariants.md and docs/hardening.md: every check, every attack, every mutant, every trial.

    run.py [--look] [--only WORD]...
    run.py --build NAME

  --look        only what needs no machine: each word of the documents names something, each function
                is where it is said to be, each patch fits the sources
  --only WORD   only rows, mutants and trials whose name has this in it; all words are still looked up
  --build NAME  runs nothing: makes an image of the kernel of one mutant, mutant-NAME.iso

The last line is "N passed, N failed".  What the documents' words mean: tests/invariants/README.md.
"""

import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
SOURCE = os.path.abspath(os.environ.get("BX_SRCDIR", os.path.join(HERE, "..", "..")))
os.environ["BX_SRCDIR"] = SOURCE

from documents import ALONE, ATTACKING, REGISTERS, WALK_RULES, Documents, Mutant          # noqa: E402


def patches_that_do_not_fit(documents):
    """A patch to one file may be tried by itself: none of ours builds on another."""
    for patch in (*documents.mutants.values(), *documents.trials.values()):
        done = subprocess.run(["patch", "--dry-run", "--silent", "--strip=1", "--fuzz=0", "--directory", SOURCE,
                               "--input", patch.path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode != 0:
            yield "%s does not fit the sources any more: %s" % (
                os.path.relpath(patch.path, SOURCE), " ".join(done.stdout.split()))


def traces_of_mutants():
    """No source but tests knows of mutants: they cannot be options of a build."""
    folders = ["configure.ac", "Makefile.am", "include", "kernel", "boot", "servers",
               *(os.path.basename(path) for path in glob.glob(os.path.join(SOURCE, "lib*")))]
    found = subprocess.run(["grep", "-rliIE", "--exclude-dir=tests", "mutant|TRIAL:", "--include=*.[chS]", "--include=*.mk",
                            "--include=*.ac", "--include=*.am", "--include=*.in", *folders],
                           cwd=SOURCE, stdout=subprocess.PIPE, text=True, check=False).stdout
    return found.split()


# What must not catch the release's kernel.
CONTROLS = ("attack wrong-rights", "attack write-text", "lend moves", "MEM-1", "binary no-stac",
            "registers fpu-wiped")


class Tally:
    def __init__(self):
        self.passed, self.failed, self.skipped, self.began = 0, 0, 0, time.monotonic()

    def note(self, good, what):
        self.passed += good
        self.failed += not good
        if not good:
            print("FAIL: " + what, flush=True)
        return good

    def since(self):
        return "%d:%02d" % divmod(int(time.monotonic() - self.began), 60)

    def end(self):
        skipped = ", %d skipped" % self.skipped if self.skipped else ""
        print("%d passed, %d failed%s" % (self.passed, self.failed, skipped))
        return 1 if self.failed else 0


class Run:
    """What came of each test: results["attack wrong-types"] is "" when it held, else what was wrong."""

    def __init__(self, documents, folder):
        from workshop import Workshop
        self.documents, self.folder = documents, folder
        self.results, self.skipped = {}, {}
        self.workshop = Workshop(folder)

    def say(self, key, wrong, began):
        self.results[key] = wrong
        print("  %-60s %6.1f s  %s" % (key, time.monotonic() - began, "FAIL: " + wrong if wrong else "ok"),
              flush=True)

    # Tests on the build machine.

    def hosted(self, wanted):
        """Runs each test program once; a test that is named holds when all its rounds passed."""
        from machine import BUILD, PATIENCE
        for program in sorted({words[0] for words in wanted}):
            began = time.monotonic()
            room = self.documents.tests[program][0]
            log = os.path.join(self.folder, program + ".log")
            if os.path.exists(log):
                os.unlink(log)
            environment = {key: value for key, value in os.environ.items()
                           if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
            path = os.path.join(BUILD, room, "tests", program)
            subprocess.run(["make", "-s", "-C", BUILD, os.path.relpath(path, BUILD)], check=True,
                           stdout=sys.stderr, env=environment)
            try:
                subprocess.run([path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                               env=dict(os.environ, CK_LOG_FILE_NAME=log, CK_TIMEOUT_MULTIPLIER="60"), cwd=BUILD,
                               timeout=600 * PATIENCE)
            except subprocess.TimeoutExpired:
                pass
            with open(log, encoding="utf-8", errors="replace") as file:
                lines = re.findall(r":([PFE]):[^:\n]*:(\w+):\d+:", file.read())
            for name in sorted({name for words in wanted if words[0] == program for name in words[1:]}):
                said = [result for result, test in lines if test == name]
                wrong = "" if said and set(said) == {"P"} else "not run" if not said else "failed"
                self.say("%s %s" % (program, name), wrong, began)
                began = time.monotonic()

    def binary(self, kernel, symbols):
        """{check: what is wrong} of a kernel's binary."""
        said = subprocess.run(["sh", os.path.join(SOURCE, "kernel/tests/check-kernel.sh"), kernel, symbols],
                              stdout=subprocess.PIPE, text=True, check=False,
                              env=dict(os.environ, BX_SRCDIR=SOURCE)).stdout
        found = {name: "" for name in re.findall(r"^([a-z-]+): ok$", said, re.M)}
        found.update(re.findall(r"^FAIL: ([a-z-]+): ([^\n]*)", said, re.M))
        return found

    # Tests on the release's kernel.

    def release(self, wanted):
        from attacking import Target
        from machine import BUILD, system_image
        kernel = os.path.join(BUILD, "kernel", "kernel")
        attacks = [words for words in wanted if words[0] in ATTACKING]
        with Target(system_image, kernel) as target:
            for words in attacks:
                self.try_attack(target, words)
            outside = [words for words in wanted if words[0] in ("walk", "registers")]
            if outside:
                self.look_from_outside(target, outside)
        found = self.binary(kernel, os.path.join(BUILD, "kernel", "symbols.S"))
        for words in wanted:
            for name in words[1:] if words[0] == "binary" else ():
                self.say("binary " + name, found.get(name, "not run"), time.monotonic())

    def try_attack(self, target, words):
        from attacking import Broken
        from machine import MachineError
        import pexpect
        began, wrong = time.monotonic(), ""
        try:
            target.attack(words, self.documents.attacks)
        except Broken as broken:
            wrong = str(broken)
        except (MachineError, AssertionError, pexpect.ExceptionPexpect) as error:
            wrong = " ".join(str(error).split())[:300]
        if wrong:
            target.close()
        self.say(" ".join(words), wrong, began)

    def look_from_outside(self, target, wanted):
        """The page tables after all attacks, and control registers while a program runs."""
        from tables import walk
        began = time.monotonic()
        machine, _ = target.machine("attacks")
        report, text = walk(machine, self.folder)
        for rule in WALK_RULES:
            if any(words[0] == "walk" and rule in words for words in wanted):
                self.say("walk " + rule, "; ".join(said for broken, said in report.violations
                                                   if broken == rule)[:300], began)
        values, wiped = self.registers(machine)
        for name in sorted({name for words in wanted if words[0] == "registers" for name in words[1:]}):
            if REGISTERS[name] is None:
                wrong = "" if wiped else "vector registers hold something while a program without them runs"
            else:
                register, bits, set_ = REGISTERS[name]
                right = (values[register] & bits != 0) == set_
                wrong = "" if right else "%s is 0x%x" % (register, values[register])
            self.say("registers " + name, wrong, began)

    @staticmethod
    def registers(machine):
        """Control registers in a program without fpu, and whether its vector registers are all zero."""
        said = machine.pause_at("CPL=3")
        values = {name: int(value, 16) for name, value in
                  re.findall(r"\b(CR0|CR4|EFER)=([0-9a-f]+)", said)}
        vectors = re.findall(r"XMM\d+=([0-9a-f ]+)", said)
        machine.resume()
        return values, len(vectors) >= 16 and not any(int(value.replace(" ", ""), 16) for value in vectors)

    # Kernels that are not the release's.

    def mutants(self, wanted):
        for kernel in self.workshop.kernels([(name, self.documents.mutants[name].path) for name in wanted]):
            began = time.monotonic()
            mutant = self.documents.mutants[kernel.name]
            self.say("mutant " + kernel.name, kernel.error or self.try_mutant(kernel, mutant), began)

    def try_mutant(self, kernel, mutant):
        """"" when what must catch it does; else what happened."""
        import pexpect
        from machine import MachineError
        words = mutant.caught.split()
        try:
            if words[0] == "binary":
                symbols = os.path.join(kernel.folder, "none")
                found = {name for name, wrong in self.binary(kernel.whole, symbols).items() if wrong}
                return "" if found == set(words[1:]) else "found by %s" % (sorted(found) or "nothing")
            if words[0] in WALK_RULES or words[0] == "registers":
                return self.try_walk(kernel, mutant, set(words))
            return self.try_breach(kernel, mutant, words)
        except (MachineError, AssertionError, pexpect.ExceptionPexpect) as error:
            return " ".join(str(error).split())[-300:]

    def try_walk(self, kernel, mutant, rules):
        """Exactly these rules of the page-table walk are broken, or just this is wrong with the registers."""
        from attacking import Broken, Target
        from tables import walk
        with Target(lambda system: self.workshop.image(kernel, system), kernel.whole, mutant.processor) as target:
            for line in mutant.after:
                try:
                    target.attack(line.split(), self.documents.attacks)
                except Broken:
                    pass                            # it goes on until somebody has looked
            machine, _ = target.machine("attacks")
            if "registers" in rules:
                _, wiped = self.registers(machine)
                return "" if not wiped else "the registers are as they should be"
            report, _ = walk(machine, kernel.folder, kernel.whole)
        found = {rule for rule, _ in report.violations}
        return "" if found == rules else "broken rules: %s" % sorted(found)

    def try_breach(self, kernel, mutant, words):
        from attacking import Broken, KernelEnds, Target
        with Target(lambda system: self.workshop.image(kernel, system), kernel.whole, mutant.processor) as target:
            try:
                target.attack(words, self.documents.attacks)
            except Broken as broken:
                return "" if isinstance(broken, KernelEnds) == mutant.ends else str(broken)
        return "the attack was refused"

    def controls(self, tally):
        """All patches taken back, it is the release's kernel; and that, in a mutant's place, survives, or
        no survivor would be seen."""
        kernel = self.workshop.restored()
        tally.note(not kernel.error, "all patches taken back: %s" % kernel.error)
        for caught in CONTROLS:
            control = Mutant("restored", "", caught, [], False, None)
            tally.note(self.try_mutant(kernel, control) != "", "no mutant, and caught by " + caught)

    def trials(self, wanted):
        """Those for which the machine is not here are skipped, and it is said."""
        import bochs
        missing = bochs.missing()
        for name in list(wanted) if missing else ():
            if self.documents.trials[name].machine == "bochs":
                wanted.remove(name)
                self.skipped["trial " + name] = "install " + missing
                print("  %-60s skipped: Bochs is not here: install %s" % ("trial " + name, missing), flush=True)
        for kernel in self.workshop.kernels([(name, self.documents.trials[name].path) for name in wanted]):
            began = time.monotonic()
            trial = self.documents.trials[kernel.name]
            wrong = kernel.error or self.try_panic(kernel, trial.machine, None,
                                                   "[PANIC] BraiNIX kernel: " + trial.ends)
            if not wrong and trial.goes_on_with:
                wrong = self.try_panic(kernel, trial.machine, trial.goes_on_with, "TRIAL: it went on")
            self.say("trial " + kernel.name, wrong, began)

    def try_panic(self, kernel, emulator, processor, ends):
        """The kernel does what it must not, and ends by it; on a processor without the protection it
        goes on, so that it is the protection that ended it."""
        import pexpect
        from attacking import MEMORY, PANIC
        from bochs import Bochs
        from machine import Machine, MachineError
        try:
            start = Bochs if emulator == "bochs" else Machine
            with start(self.workshop.image(kernel, "attacks"), cpu=processor, mem=MEMORY) as machine:
                which = machine.expect([PANIC, "TRIAL: it went on"]).group(0)
        except (MachineError, pexpect.ExceptionPexpect) as error:
            return " ".join(str(error).split())[-300:]
        return "" if which.startswith(ends) else which


def verdict(results, keys):
    """A cell of the table: all held, or which did not."""
    bad = [key for key in keys if results.get(key, "not run")]
    return "yes" if not bad else "NO: " + ", ".join(bad)


def reasons(results, keys):
    """Of those that did not hold, one a line, for who sees only the end of a report."""
    return "".join("\n      %s: %s" % (key, results[key]) for key in keys if results.get(key))


def keys_of(words_list):
    """The keys of results for cells of the documents."""
    keys = []
    for words in words_list:
        if words[0] in ("attack", *ALONE):
            keys.append(" ".join(words))
        else:
            keys += ["%s %s" % (words[0], name) for name in words[1:]]
    return keys


def print_table(title, heading, lines):
    widths = [max(len(line[i]) for line in [heading, *lines]) for i in range(len(heading))]
    print("\n" + title)
    for line in [heading, ["-" * width for width in widths], *lines]:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def look(documents, tally):
    """What needs no machine."""
    rows, mistakes = documents.invariants()
    protections, more = documents.hardening()
    tally.note(not mistakes, "docs/invariants.md: " + "\n      ".join(mistakes))
    tally.note(not more, "docs/hardening.md: " + "\n      ".join(more))
    tally.note(len(rows) >= 30, "only %d rows of invariants" % len(rows))
    tests = {key for row in protections for key in keys_of(row.tests)}
    tally.note(len(tests) >= 40, "only %d tests in the hardening matrix" % len(tests))
    misfits = list(patches_that_do_not_fit(documents))
    tally.note(not misfits, "\n      ".join(misfits))
    traces = traces_of_mutants()
    tally.note(not traces, "mutants are spoken of in %s" % traces)
    print("%d invariants, %d protections by %d tests, %d mutants, %d trials" % (
        len(rows), len(protections), len(tests), len(documents.mutants), len(documents.trials)))
    return rows, protections


def chosen(names, only):
    return [name for name in names if not only or any(word in name for word in only)]


def perform(documents, rows, protections, tally, only):
    folder = tempfile.mkdtemp(prefix="bx-invariants-")
    try:
        run = Run(documents, folder)
        rows = [row for row in rows if not only or chosen([row.name, *row.mutants], only)]
        protections = [row for row in protections
                       if not only or chosen([row.name, *keys_of(row.tests)], only)]
        wanted = [words for row in rows for words in row.checks + row.attacks]
        wanted += [words for row in protections for words in row.tests]
        wanted = [list(words) for words in dict.fromkeys(map(tuple, wanted))]
        run.hosted([words for words in wanted if words[0] in documents.tests])
        run.release(order(wanted))
        mutants = [name for row in rows for name in row.mutants]
        mutants += [name for words in wanted if words[0] == "mutant" for name in words[1:]]
        run.mutants(list(dict.fromkeys(mutants)))
        run.trials([name for words in wanted if words[0] == "trial" for name in words[1:]])
        run.controls(tally)
        results = run.results
        print_table("INVARIANTS", ["row", "check", "attack refused", "mutant caught"],
                    [report_row(results, row, tally) for row in rows])
        print_table("HARDENING", ["protection", "tests", "hold"],
                    [report_protection(results, row, tally, run.skipped) for row in protections])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def order(wanted):
    """Attacks on one system after each other; what is looked at from outside comes after them."""
    rank = {word: number for number, word in enumerate(ATTACKING)}
    return sorted(wanted, key=lambda words: rank.get(words[0], len(rank)))


def report_row(results, row, tally):
    keys = [keys_of(row.checks), keys_of(row.attacks), ["mutant " + name for name in row.mutants]]
    cells = [verdict(results, cell) for cell in keys]
    for what, cell, tried in zip(("check", "attack", "mutant"), cells, keys):
        tally.note(cell == "yes", "%s, %s: %s" % (row.name, what, cell + reasons(results, tried)))
    return [row.name, *cells]


def report_protection(results, row, tally, skipped):
    """What could not be tried is neither good nor bad, and is counted."""
    keys = [key for key in keys_of(row.tests) if key not in skipped]
    tally.skipped += len(keys_of(row.tests)) - len(keys)
    cell = verdict(results, keys)
    tally.note(cell == "yes", "%s: %s" % (row.name, cell + reasons(results, keys)))
    return [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", row.name), str(len(keys)), cell]


def build(documents, name):
    """One mutant, to be looked at: an image in the build folder, and what to do with it."""
    from attacking import SYSTEM_OF, typed
    from machine import BUILD, RUN_QEMU
    from workshop import Workshop
    mutant = documents.mutants.get(name)
    if mutant is None:
        print("there is no mutant %r: tests/mutants has them, NAME.patch each" % name)
        return 1
    words = mutant.caught.split()
    system, image = SYSTEM_OF.get(words[0], "attacks"), "mutant-%s.iso" % name
    folder = tempfile.mkdtemp(prefix="bx-invariants-")
    try:
        workshop = Workshop(folder)
        kernel = workshop.kernel(name, mutant.path)
        if kernel.error:
            print(kernel.error)
            return 1
        shutil.move(workshop.image(kernel, system), os.path.join(BUILD, image))
        lines = typed(words, kernel.whole)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(documents.head_text(mutant.path))
    print("the system `%s': %ssh %s %s" % (system, "QEMU_CPU=%s " % mutant.processor if mutant.processor else "",
                                           os.path.relpath(RUN_QEMU, BUILD), image))
    for line in lines:
        print("brainix> " + line)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--look", action="store_true", help="only what needs no machine")
    parser.add_argument("--only", action="append", default=[], metavar="WORD")
    parser.add_argument("--build", metavar="NAME", help="only an image of one mutant")
    arguments = parser.parse_args()
    tally = Tally()
    documents = Documents(SOURCE)
    if arguments.build is not None:
        return build(documents, arguments.build)
    rows, protections = look(documents, tally)
    if not arguments.look:
        perform(documents, rows, protections, tally, arguments.only)
        print("\nit took %s minutes" % tally.since())
    return tally.end()


if __name__ == "__main__":
    sys.exit(main())
