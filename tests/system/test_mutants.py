# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Kernels with one enforcement taken out (tests/mutants): the check must find each, and only it.
What the page-table walk says of each is left in the build folder, tests/system/logs/mutant-*.txt."""

import filecmp
import glob
import os
import re
import shutil
import subprocess

import pytest

from conftest import LOGS
from machine import BUILD, PATIENCE, SOURCE, Machine, make_image, system_image
from shell import Shell
from tables import walk

PATCHES = sorted(glob.glob(os.path.join(SOURCE, "tests", "mutants", "*.patch")))
RELEASE = os.path.join(BUILD, "kernel", "kernel.elf")


def mutant(path, key):
    """The values of the lines `key: value' at a patch's beginning."""
    with open(path, encoding="utf-8") as file:
        head = file.read().split("--- a/")[0]
    return re.findall(r"^%s: (.+)$" % key, head, re.M)


def predicted_hashes():
    """The lines that the shell's `hash' prints when the kernel is as it should be."""
    manifest = os.path.join(SOURCE, "tests", "system", "manifests", "attacks.system")
    return subprocess.run([os.path.join(BUILD, "tools", "authority", "authority"), "--hash", manifest],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout.splitlines()


class Workshop:
    """A copy of the sources, and of what the build has made of the kernel and its libraries."""

    def __init__(self, folder):
        self.folder = folder
        self.source = str(folder / "source")
        # A build that was configured by a relative path names its sources by it: it must find the copy there.
        place = os.path.relpath(BUILD, SOURCE)
        inside = place != os.curdir and not place.startswith(os.pardir)
        self.build = os.path.join(self.source, place) if inside else str(folder / "build")
        os.makedirs(LOGS, exist_ok=True)
        for system in ("attacks", "open"):              # and all that is in them
            system_image(system)
        script = '. "$0"; copy_tree "$1"'
        self.run("sh", "-c", script, os.path.join(SOURCE, "tests", "check-lib.sh"), self.source,
                 env=dict(os.environ, BX_SRCDIR=SOURCE))
        shutil.rmtree(self.build, ignore_errors=True)   # a build that nothing ignores was taken for sources
        os.makedirs(self.build)
        parts = ["Makefile", "config.status", "libtool", "kernel", "libkcore", "libcap", "libipc", "libtrust"]
        self.run("sh", "-c", 'cd "$0" && tar cf - --exclude=tests "$@" | tar xf - -C "$OUT"', BUILD,
                 *parts, env=dict(os.environ, OUT=self.build))
        # Built where the sources are, these came along; the build would take them for the sources.
        for path in glob.glob(os.path.join(self.source, "lib*", "**", "*.c"), recursive=True):
            copy = os.path.join(self.build, os.path.relpath(path, self.source))
            if os.path.exists(copy):
                os.unlink(copy)
        self.modules = {system: self.modules_of(system) for system in ("attacks", "open")}

    def modules_of(self, system):
        """The parts of a system but the kernel, by name."""
        modules = {"system": os.path.join(BUILD, "brainix-%s.bin" % system)}
        listing = subprocess.run(
            [os.path.join(BUILD, "tools", "mksystem", "mksystem"), "--binaries",
             os.path.join(SOURCE, "tests", "system", "manifests", system + ".system")],
            check=True, stdout=subprocess.PIPE, text=True).stdout
        for name in listing.split():
            found = [path for path in (os.path.join(BUILD, "tests/system/attacks", name),
                                       os.path.join(BUILD, "tests/system/caps", name),
                                       os.path.join(BUILD, "servers", name, name))
                     if os.path.isfile(path)]
            modules[name] = str(self.folder / name)
            self.run("objcopy", "--strip-all", found[0], modules[name])
        return modules

    @staticmethod
    def run(*words, **options):
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=300 * PATIENCE, **options)
        assert done.returncode == 0, done.stdout

    def patch(self, path, *options):
        self.run("patch", "--silent", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", *options,
                 "--directory", self.source, "--input", path)

    def make(self):
        """The kernel of the sources as they are now."""
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
        self.run("make", "-s", "-j2", "-C", self.build, "srcdir=" + self.source,
                 "top_srcdir=" + self.source, "abs_top_srcdir=" + self.source,
                 "abs_top_builddir=" + self.build, "VPATH=" + self.source,
                 # What a patch leaves unused is warned of, and is no error here.
                 "WARN_CFLAGS=-std=c11", "kernel/kernel.elf",
                 env=environment)
        return os.path.join(self.build, "kernel", "kernel.elf")

    def boot(self, kernel, system, processor=None):
        image = str(self.folder / "mutant.iso")
        make_image(image, {"kernel": kernel, **self.modules[system]}, command_line="debug-exit")
        return Machine(image, cpu=processor, mem=64)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mutants")
    yield Workshop(folder)
    shutil.rmtree(folder, ignore_errors=True)


def test_there_is_a_mutant_for_each_rule():
    caught = {rule for path in PATCHES for rule in mutant(path, "caught by")[0].split()}
    assert caught == {"MEM-1", "MEM-2", "MEM-3", "MEM-4", "MEM-5", "attack", "state"}


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: os.path.basename(path)[:-len(".patch")])
def test_caught(workshop, tmp_path, path):
    expected = set(mutant(path, "caught by")[0].split())
    attacks, cases = mutant(path, "run"), mutant(path, "lend")
    workshop.patch(path)
    try:
        kernel = workshop.make()
        assert not filecmp.cmp(kernel, RELEASE, shallow=False), "the patch changes nothing"
        with workshop.boot(kernel, "open" if cases else "attacks",
                           *mutant(path, "processor")) as machine:
            shell = Shell(machine)
            for attack in attacks[:-1]:
                assert "contained" in shell.command("run attack " + attack)
            for attack in attacks[-1:]:
                shell.type("run attack %s\r" % attack)
                machine.expect_text("attack %s: begins" % attack)
                machine.expect_text("BREACH: ")
            for case in cases:
                shell.type("run lend %s\r" % case)
                machine.expect_text("BREACH: ")
            if "state" in expected:     # what the kernel took the digest of is not the manifest's
                told = shell.command("hash").splitlines()
                assert len(told) > 3 and len(set(told) - set(predicted_hashes())) == 1, told
            violations, text = set(), ""
            if not cases:               # no program of `open' is ever seen running: it waits
                report, text = walk(machine, tmp_path,
                                    os.path.join(workshop.build, "kernel", "kernel"))
                violations = {rule for rule, _ in report.violations}
    finally:
        workshop.patch(path, "--reverse")
    name = os.path.basename(path).replace(".patch", ".txt")
    with open(os.path.join(LOGS, "mutant-" + name), "w", encoding="utf-8") as file:
        file.write(text)
    assert violations == expected - {"attack", "state"}, text


def test_nothing_of_a_mutant_stays(workshop):
    """All patches taken back, the kernel is the normal one, bit for bit; and that one has no trace
    of them: no option, no name."""
    for path in PATCHES[:2]:
        workshop.patch(path)
        workshop.patch(path, "--reverse")
    assert filecmp.cmp(workshop.make(), RELEASE, shallow=False), \
        "not the same kernel; if the build folder has objects of other flags, try again after make clean"
    with open(os.path.join(BUILD, "kernel", "kernel"), "rb") as file:
        assert b"mutant" not in file.read().lower()
    folders = ["configure.ac", "Makefile.am", "include", "kernel", "boot", "servers"] + glob.glob(
        os.path.join(SOURCE, "lib*"))
    found = subprocess.run(["grep", "-rliI", "--exclude-dir=tests", "mutant", "--include=*.[chS]", "--include=*.mk",
                            "--include=*.ac", "--include=*.am", "--include=*.in", *folders],
                           cwd=SOURCE, stdout=subprocess.PIPE, text=True).stdout
    assert found == ""
