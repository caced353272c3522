# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Kernels that are not the release's: built from patches, in a copy of sources and objects.

The copy has all that the build has made of the kernel and its libraries, so that a patch costs the one object
that it changes, and the link.  Another thread builds the next kernel while one is being tried.
"""

import filecmp
import glob
import os
import queue
import re
import shutil
import subprocess
import threading

from machine import BUILD, PATIENCE, SOURCE, make_image, system_image

RELEASE = os.path.join(BUILD, "kernel", "kernel.elf")
SYSTEMS = ("attacks", "open", "budgets")
PARTS = ["Makefile", "config.status", "libtool", "kernel", "libkcore", "libcap", "libipc", "libtrust"]
MAKE_WORDS = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")


class BuildError(Exception):
    pass


def run(*words, **options):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=1000 * PATIENCE, **options)
    if done.returncode != 0:
        raise BuildError("%s: %s" % (words[0], done.stdout))
    return done.stdout


def patch_options(path, source, *options):
    return ("patch", "--silent", "--strip=1", "--fuzz=0", "--no-backup-if-mismatch", *options,
            "--directory", source, "--input", path)


class Kernel:
    """A kernel in a folder of its own: `elf' for images, `whole' with its symbols; or what went wrong."""

    def __init__(self, name, folder, error=None):
        self.name, self.folder, self.error = name, folder, error
        self.elf = os.path.join(folder, "kernel.elf")
        self.whole = os.path.join(folder, "kernel")

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class Workshop:
    def __init__(self, folder):
        self.folder = folder
        self.source = os.path.join(folder, "source")
        # A build that was configured by a relative path names its sources by it: it must find the copy there.
        place = os.path.relpath(BUILD, SOURCE)
        inside = place != os.curdir and not place.startswith(os.pardir)
        self.build = os.path.join(self.source, place) if inside else os.path.join(folder, "build")
        for system in SYSTEMS:                          # and all that is in them
            system_image(system)
        run("sh", "-c", '. "$0"; copy_tree "$1"', os.path.join(SOURCE, "tests", "check-lib.sh"),
            self.source, env=dict(os.environ, BX_SRCDIR=SOURCE))
        shutil.rmtree(self.build, ignore_errors=True)   # a build that nothing ignores was taken for sources
        os.makedirs(self.build)
        run("sh", "-c", 'cd "$0" && tar cf - --exclude=tests "$@" | tar xf - -C "$OUT"', BUILD, *PARTS,
            env=dict(os.environ, OUT=self.build))
        # Built where the sources are, these came along; the build would take them for the sources.
        for path in glob.glob(os.path.join(self.source, "lib*", "**", "*.c"), recursive=True):
            copy = os.path.join(self.build, os.path.relpath(path, self.source))
            if os.path.exists(copy):
                os.unlink(copy)
        self.modules = {system: self._modules_of(system) for system in SYSTEMS}

    def _modules_of(self, system):
        """The parts of a system but the kernel, by name."""
        modules = {"system": os.path.join(BUILD, "brainix-%s.bin" % system)}
        listing = run(os.path.join(BUILD, "tools", "mksystem", "mksystem"), "--binaries",
                      os.path.join(SOURCE, "tests", "system", "manifests", system + ".system"))
        for name in listing.split():
            found = [path for place in ("tests/system/*", "servers/*", "servers") for end in ("", ".elf")
                     for path in glob.glob(os.path.join(BUILD, place, name + end))
                     if os.path.isfile(path)]
            modules[name] = os.path.join(self.folder, name + ".program")
            run("objcopy", "--strip-all", found[0], modules[name])
        return modules

    def _make(self):
        """The kernel of the sources as they are now."""
        environment = {key: value for key, value in os.environ.items() if key not in MAKE_WORDS}
        run("make", "-s", "-j2", "-C", self.build, "srcdir=" + self.source,
            "top_srcdir=" + self.source, "abs_top_srcdir=" + self.source,
            "abs_top_builddir=" + self.build, "VPATH=" + self.source,
            # What a patch leaves unused is warned of, and is no error here.
            "WARN_CFLAGS=-std=c11 -w", "kernel/kernel.elf", env=environment)

    def _copy_out(self, name):
        kernel = Kernel(name, os.path.join(self.folder, "kernel-" + name))
        os.makedirs(kernel.folder)
        for part in ("kernel.elf", "kernel"):
            shutil.copy2(os.path.join(self.build, "kernel", part), kernel.folder)
        return kernel

    def _patch(self, path, *options):
        """Applies a patch.  What includes a header that it changes is to be compiled anew: the copied
        objects depend on the sources' own headers, not on those of the copy."""
        run(*patch_options(path, self.source, *options))
        with open(path, encoding="utf-8") as file:
            rooms = re.findall(r"^\+\+\+ b/([^/\s]+)/\S+\.h$", file.read(), re.M)
        for room in rooms:
            for source in glob.glob(os.path.join(self.source, room, "src", "**", "*.c"), recursive=True):
                os.utime(source)

    def kernel(self, name, path):
        """The kernel with a patch; the sources are whole again afterwards."""
        try:
            self._patch(path)
            try:
                self._make()
            finally:
                self._patch(path, "--reverse")
            kernel = self._copy_out(name)
        except (BuildError, subprocess.TimeoutExpired, OSError) as error:
            return Kernel(name, os.path.join(self.folder, "kernel-" + name), str(error))
        if filecmp.cmp(kernel.elf, RELEASE, shallow=False):
            kernel.error = "the patch changes nothing"
        return kernel

    def kernels(self, patches):
        """For each (name, path) its kernel, in order; built ahead."""
        ahead = queue.Queue(maxsize=2)

        def build():
            for name, path in patches:
                ahead.put(self.kernel(name, path))
        thread = threading.Thread(target=build, daemon=True)
        thread.start()
        for _ in patches:
            kernel = ahead.get()
            yield kernel
            kernel.remove()
        thread.join()

    def restored(self):
        """The kernel that the sources make with all patches taken back; an error, unless it is the
        release's, bit for bit."""
        self._make()
        kernel = self._copy_out("restored")
        if not filecmp.cmp(kernel.elf, RELEASE, shallow=False):
            kernel.error = "it is not the release's kernel: if the build folder has objects of other flags, " \
                "try again after make clean"
        return kernel

    def image(self, kernel, system):
        return make_image(os.path.join(kernel.folder, system + ".iso"),
                          {"kernel": kernel.elf, **self.modules[system]}, command_line="debug-exit")
