# SPDX-License-Identifier: Apache-2.0 OR MIT
"""docs/invariants.md and docs/hardening.md as data: the documents are the tables that are run.

Every cell but the sentence is made of `words` that name something: a file and its functions, a test, an
attack, a mutant.  What names nothing is a mistake, and so is a cell without a word, or a row that cannot be
read: so no row can stand in a document that is not run.
"""

import glob
import os
import re
from collections import namedtuple

Row = namedtuple("Row", "name rule places checks attacks mutants")
Protection = namedtuple("Protection", "name needs places tests")
Mutant = namedtuple("Mutant", "name path caught after ends processor")
Trial = namedtuple("Trial", "name path ends goes_on_with machine")

WORD = re.compile(r"`([^`]+)`")
WALK_RULES = ("MEM-1", "MEM-2", "MEM-3", "MEM-4", "MEM-5")
ATTACK = re.compile(r'\{ "([a-z0-9-]+)", ENDS_([A-Z_]+),')
LENDING = re.compile(r'\{ "([a-z-]+)", [a-z_]+ \}')
ATTACKING = ("attack", "officer", "keeper", "lend", "budgets", "state")     # in the order in which they run
ALONE = ("keeper", "budgets", "state")          # without a name
KINDS = (*ATTACKING, "walk", "binary", "registers", "mutant", "trial")

# Control registers as seen from outside, while a program runs: register, bits, whether they are set.
REGISTERS = {
    "cr0-wp": ("CR0", 1 << 16, True), "efer-nxe": ("EFER", 1 << 11, True),
    "cr4-smep": ("CR4", 1 << 20, True), "cr4-smap": ("CR4", 1 << 21, True),
    "cr4-umip": ("CR4", 1 << 11, True), "cr4-no-pge": ("CR4", 1 << 7, False),
    "cr4-no-pcide": ("CR4", 1 << 17, False), "cr4-no-fsgsbase": ("CR4", 1 << 16, False),
    "cr4-no-osxsave": ("CR4", 1 << 18, False), "cr4-no-pke": ("CR4", 1 << 22, False),
    "cr4-no-la57": ("CR4", 1 << 12, False), "cr4-no-pce": ("CR4", 1 << 8, False),
    "fpu-wiped": None,              # vector registers are zero while a program without fpu runs
}


class Mistake(Exception):
    """A document, or a patch, that says what is not so."""


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def rows_of(text, columns):
    """The cells of every row of every table with so many columns that has a `row` or `protection`
    heading; tables of other headings are none of ours."""
    ours = False
    for number, line in enumerate(text.splitlines(), 1):
        if not line.startswith("|"):
            ours = False
            continue
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells[0] in ("row", "protection"):
            ours = True
            if len(cells) != columns:
                raise Mistake("line %d: a table of %d columns, not %d" % (number, len(cells), columns))
        elif ours and not set(line) <= set("|- "):
            if len(cells) != columns:
                raise Mistake("line %d: %d cells, not %d" % (number, len(cells), columns))
            yield number, cells


class Documents:
    def __init__(self, source):
        self.source = source
        self.mutants = {mutant.name: mutant for mutant in map(self._mutant, self._patches("mutants"))}
        self.trials = {trial.name: trial for trial in map(self._trial, self._patches("trials"))}
        self.attacks = {}
        for path in sorted(glob.glob(self.path("tests/system/attacks/*.c"))):
            self.attacks.update(ATTACK.findall(read(path)))
        self.lendings = LENDING.findall(read(self.path("tests/system/caps/lender.c")))
        self.officer = re.findall(r'\{ "([a-z-]+)", [a-z_]+ \}',
                                  read(self.path("tests/system/attacks/officer.c")).split("commands[]")[1])
        self.binary = re.findall(r"^\s*check ([a-z-]+) ", read(self.path("kernel/tests/check-kernel.sh")), re.M)
        self.tests = self._hosted_tests()

    def path(self, *parts):
        return os.path.join(self.source, *parts)

    def _patches(self, folder):
        return sorted(glob.glob(self.path("tests", folder, "*.patch")))

    @staticmethod
    def _head(path):
        """(name, the values of the lines `key: value' at a patch's beginning, its sentence)"""
        head = read(path).split("--- a/")[0]
        values = {}
        for key, value in re.findall(r"^([a-z ]+): (.+)$", head, re.M):
            values.setdefault(key, []).append(value)
        return os.path.basename(path)[:-len(".patch")], values

    @staticmethod
    def head_text(path):
        """A patch's beginning, as people read it."""
        return read(path).split("--- a/")[0].strip()

    def _mutant(self, path):
        name, values = self._head(path)
        if set(values) - {"caught by", "after", "ends", "processor"} or len(values.get("caught by", ())) != 1:
            raise Mistake("%s: its head cannot be read" % path)
        return Mutant(name, path, values["caught by"][0], values.get("after", []),
                      values.get("ends") == ["panic"], values.get("processor", [None])[0])

    def _trial(self, path):
        name, values = self._head(path)
        if set(values) - {"ends", "goes on with", "machine"} or len(values.get("ends", ())) != 1:
            raise Mistake("%s: its head cannot be read" % path)
        machine = values.get("machine", ["qemu"])[0]
        if machine not in ("qemu", "bochs"):
            raise Mistake("%s: there is no machine %s" % (path, machine))
        return Trial(name, path, values["ends"][0], values.get("goes on with", [None])[0], machine)

    def _hosted_tests(self):
        """{test program: names of its tests}, by the sources that Makefiles give it."""
        tests = {}
        for room in ("libcap", "libkcore"):
            rules = read(self.path(room, "local.mk")).replace("\\\n", " ")
            for program, sources in re.findall(r"^%C%_tests_(test_\w+)_SOURCES = (.*)$", rules, re.M):
                names = set()
                for file in re.findall(r"%D%/(tests/\S+\.c)", sources):
                    names.update(re.findall(r"^START_TEST\((\w+)\)", read(self.path(room, file)), re.M))
                tests[program] = (room, names)
        return tests

    # What words name.

    def _places(self, cell):
        """[(file, [functions])] of a cell such as "`libcap/src/lookup.c` `bx_cap_lookup`"; each must be."""
        places = []
        for word in WORD.findall(cell):
            if "/" in word:
                if not os.path.isfile(self.path(word)):
                    raise Mistake("there is no file %s" % word)
                places.append((word, []))
            elif not places:
                raise Mistake("%s: of which file?" % word)
            else:
                text = read(self.path(places[-1][0]))
                # A function's name begins the line of its definition; in assembly it is a label or macro.
                if not re.search(r"^(?:FUNCTION |LAST_TRAP |\t\.macro\t)?%s\b(?:\(|:|,|$|\s)" % re.escape(word),
                                 text, re.M):
                    raise Mistake("%s has no function %s" % (places[-1][0], word))
                places[-1][1].append(word)
        if not places or not all(functions for _, functions in places):
            raise Mistake("a place is a file and a function of it")
        return places

    def check_test(self, words):
        """A hosted test program and tests of it, or something of KINDS."""
        program = self.tests.get(words[0])
        if program is None:
            return self.check_kind(words)
        if len(words) < 2:
            raise Mistake("%s: which of its tests?" % words[0])
        for name in words[1:]:
            if name not in program[1]:
                raise Mistake("%s has no test %s" % (words[0], name))
        return words

    def check_kind(self, words):
        known = {
            "attack": self.attacks, "lend": self.lendings, "officer": self.officer, "keeper": None,
            "budgets": None, "state": None, "walk": WALK_RULES, "binary": self.binary, "registers": REGISTERS,
            "mutant": self.mutants, "trial": self.trials,
        }
        if words[0] not in known:
            raise Mistake("%s: not a kind of test" % words[0])
        names = known[words[0]]
        if names is None and len(words) != 1 or names is not None and len(words) < 2:
            raise Mistake("%s: a name too many, or too few" % " ".join(words))
        if words[0] in ("lend", "officer") and len(words) != 2:
            raise Mistake("%s: one at a time" % " ".join(words))
        if names is not None:
            for name in words[1:2] if words[0] == "attack" else words[1:]:
                if name not in names:
                    raise Mistake("there is no %s %s" % (words[0], name))
        return words

    def check_caught(self, mutant):
        """The rules of the walk that it breaks, or an attack, or checks of the binary."""
        words = mutant.caught.split()
        self.check_kind(["walk", *words] if words[0] in WALK_RULES else words)
        for line in mutant.after:
            self.check_kind(line.split())

    def _words(self, cell, check):
        found = [check(word.split()) for word in WORD.findall(cell)]
        if not found or WORD.sub("", cell).strip(" ,;"):
            raise Mistake("a cell is names in backquotes, at least one: %s" % cell)
        return found

    def _attack(self, words):
        if words[0] not in ATTACKING:
            raise Mistake("%s is no attack" % words[0])
        return self.check_kind(words)

    def _mutant_name(self, words):
        return self.check_kind(["mutant", *words])[1]

    def _row(self, cells):
        return Row(cells[0], cells[1], self._places(cells[2]), self._words(cells[3], self.check_test),
                   self._words(cells[4], self._attack), self._words(cells[5], self._mutant_name))

    def _protection(self, cells):
        return Protection(cells[0], cells[1], self._places(cells[2]), self._words(cells[3], self.check_test))

    def table(self, name, columns, make):
        """All rows of a document, and what is wrong with the others: ([row], [mistake])."""
        rows, mistakes = [], []
        try:
            for number, cells in rows_of(read(self.path(name)), columns):
                try:
                    rows.append(make(cells))
                except Mistake as mistake:
                    mistakes.append("%s, line %d: %s" % (name, number, mistake))
        except Mistake as mistake:
            mistakes.append("%s, %s" % (name, mistake))
        for row in sorted({row.name for row in rows if [other.name for other in rows].count(row.name) > 1}):
            mistakes.append("%s: two rows %s" % (name, row))
        return rows, mistakes

    def invariants(self):
        rows, mistakes = self.table("docs/invariants.md", 6, self._row)
        used = {name for row in rows for name in row.mutants}
        protections, _ = self.hardening()
        used.update(name for row in protections for words in row.tests if words[0] == "mutant"
                    for name in words[1:])
        for mutant in self.mutants.values():
            try:
                self.check_caught(mutant)
            except Mistake as mistake:
                mistakes.append("mutant %s: %s" % (mutant.name, mistake))
            if mutant.name not in used:
                mistakes.append("mutant %s: no row has it" % mutant.name)
        return rows, mistakes

    def hardening(self):
        rows, mistakes = self.table("docs/hardening.md", 4, self._protection)
        used = {name for row in rows for words in row.tests if words[0] == "trial" for name in words[1:]}
        mistakes += ["trial %s: no row has it" % name for name in sorted(set(self.trials) - used)]
        return rows, mistakes
