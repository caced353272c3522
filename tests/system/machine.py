# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A machine in QEMU: started from an image, driven over its serial line, looked into from outside.

    with Machine(image, firmware="uefi", mem=512) as machine:
        machine.expect_text(PROMPT)
        assert "shell" in machine.command("ps")
        machine.dump("memory.bin")

QEMU's command line is made by tools/run/run-qemu, the same that `make run` uses.  Every wait has an
end, and a failed one shows what the machine said last.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pexpect

from line import PATIENCE, PROMPT, Line, MachineError, plain

SOURCE = os.path.abspath(os.environ.get(
    "BX_SRCDIR", os.path.join(os.path.dirname(__file__), "..", "..")))
BUILD = os.path.abspath(os.environ.get("BX_BUILDDIR", os.getcwd()))
RUN_QEMU = os.path.join(SOURCE, "tools", "run", "run-qemu")

TIMEOUT = {"bios": 180 * PATIENCE, "uefi": 300 * PATIENCE}

# The guest's clock counts its instructions, 1 ns each, and is put on when it waits: nothing depends on the host's.
COUNTED = ("-icount", "shift=0,sleep=off")

# Between two looks at a running processor: one that is stopped again at once comes nowhere.
LOOK_EVERY = 0.01


class Machine(Line):
    def __init__(self, image, firmware="bios", media="cdrom", mem=256, cpus=1, net="none",
                 iommu="none", disk=None, cpu=None, extra=(), second=False, log=None):
        """`second`: with a second serial line, for cue()."""
        self.folder = tempfile.mkdtemp(prefix="bx-")
        self.timeout = TIMEOUT[firmware]
        self._qmp = self._second = None
        if second:
            extra = (*extra, "-serial", "unix:%s,server=on,wait=off" % os.path.join(self.folder, "second"))
        self._qmp_path = os.path.join(self.folder, "qmp")
        environment = dict(
            os.environ, FIRMWARE=firmware, MEDIA=media, MEM=str(mem), CPUS=str(cpus), NET=net,
            IOMMU=iommu, DISK=disk or "", TPM="none", VARS=os.path.join(self.folder, "vars.fd"),
            QEMU_EXTRA=" ".join(["-qmp unix:%s,server=on,wait=off" % self._qmp_path, *extra]))
        if cpu:
            environment["QEMU_CPU"] = cpu
        self.log = open(log, "w", encoding="utf-8") if log else None
        self.child = pexpect.spawn("/bin/sh", [RUN_QEMU, "--plain", str(image)], env=environment,
                                   timeout=self.timeout, encoding="utf-8",
                                   codec_errors="replace", echo=False, maxread=65536)
        self.child.logfile_read = self.log
        self.child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def finish(self, timeout=None):
        """Waits until the machine ends by itself; returns (what it said until then, status).
        A guest's write of v to isa-debug-exit makes the status 2 * v + 1."""
        try:
            self.child.expect(pexpect.EOF, timeout=timeout or self.timeout)
        except pexpect.TIMEOUT:
            self._fail("it did not end in %g s" % (timeout or self.timeout), "its end")
        text = plain(self.child.before)
        self._ended()
        return text, self.child.exitstatus

    # From outside.

    def qmp(self, command, **arguments):
        """A command of the QEMU Machine Protocol; returns its answer."""
        if self._qmp is None:
            self._qmp = self._connect(self._qmp_path).makefile("rw", encoding="utf-8")
            self._qmp.readline()            # the greeting
            self.qmp("qmp_capabilities")
        request = {"execute": command, "arguments": arguments}
        self._qmp.write(json.dumps(request) + "\n")
        self._qmp.flush()
        while True:
            answer = json.loads(self._qmp.readline())
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise MachineError("QMP %s: %s" % (command, answer["error"]["desc"]))

    def _connect(self, path):
        """QEMU makes the socket when it starts, which may be a moment ahead."""
        end = time.monotonic() + self.timeout
        while True:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(self.timeout)
            try:
                connection.connect(path)
                return connection
            except (FileNotFoundError, ConnectionRefusedError):
                connection.close()
                if time.monotonic() > end or not self.child.isalive():
                    raise
            time.sleep(0.05)

    def cue(self, letters):
        """Has a program that hears the second serial line (console/cue.c) do what each of these letters stands for;
        returns when it says that it is done."""
        if self._second is None:
            self._second = self._connect(os.path.join(self.folder, "second"))
        for letter in letters.encode():
            self._second.sendall(bytes([letter]))
            answer = self._second.recv(1)
            if answer != bytes([letter]):
                raise MachineError("cue %r was answered by %r" % (chr(letter), answer))

    def monitor(self, line):
        """A line of QEMU's human monitor; returns the text it prints."""
        return self.qmp("human-monitor-command", **{"command-line": line})

    def registers(self):
        """Registers of the first processor by QEMU's names: {"CR3": 0x1000, "RIP": ..., ...}; in a
        32-bit mode EIP and EFL stand for RIP and RFL."""
        found = re.findall(r"\b([A-Z][A-Z0-9]{1,4})\s*=\s*([0-9a-f]{8,16})\b",
                           self.monitor("info registers"))
        return {name: int(value, 16) for name, value in found}

    def pause(self):
        self.qmp("stop")

    def pause_at(self, level):
        """Stops the machine in the kernel ("CPL=0") or in a program ("CPL=3"); returns its registers as text."""
        end = time.monotonic() + self.timeout
        while True:
            self.pause()
            said = self.monitor("info registers")
            if level in said:
                return said
            self.resume()
            if time.monotonic() > end:
                raise MachineError("the processor was never seen at " + level)
            time.sleep(LOOK_EVERY)

    def resume(self):
        """Lets the guest go on.  It may end, and QEMU with it, before the answer is read: what it
        said and its status then tell."""
        try:
            self.qmp("cont")
        except (ConnectionError, json.JSONDecodeError):
            if not self._ended():
                raise

    def dump(self, path, base=0, size=None):
        """Writes physical memory to a file."""
        if size is None:
            size = self.qmp("query-memory-size-summary")["base-memory"]
        self.qmp("pmemsave", val=base, size=size, filename=os.path.abspath(str(path)))

    def _ended(self):
        """Waits for the end of QEMU, which is on its way: on a busy host that takes a while."""
        end = time.monotonic() + self.timeout
        while self.child.isalive() and time.monotonic() < end:
            time.sleep(0.01)
        return not self.child.isalive()

    def stop(self):
        """Ends QEMU, whatever it is doing, and removes what it left."""
        if self.child.isalive():
            self.child.kill(signal.SIGKILL)
            self._ended()
        self.child.close(force=True)
        for connection in (self._qmp, self._second):
            if connection is not None:
                connection.close()
        self._qmp = self._second = None
        if self.log is not None:
            self.log.close()
            self.log = None
        shutil.rmtree(self.folder, ignore_errors=True)


def symbols(path):
    """Addresses of an ELF file's symbols, by name."""
    listing = subprocess.run(["nm", str(path)], check=True, stdout=subprocess.PIPE, text=True)
    rows = (line.split() for line in listing.stdout.splitlines())
    return {row[2]: int(row[0], 16) for row in rows if len(row) == 3}


def make_image(output, modules, command_line="", loader=None, environment=None):
    """An ISO at `output` of the modules, a mapping of name to file."""
    words = ["/bin/sh", os.path.join(SOURCE, "tools", "mkiso", "mkiso"), "--loader",
             str(loader or os.path.join(BUILD, "boot", "loader.elf")), "--output", str(output)]
    if command_line:
        words += ["--command-line", command_line]
    words += ["%s=%s" % item for item in modules.items()]
    subprocess.run(words, check=True, env=environment, stdout=sys.stderr, timeout=600 * PATIENCE)
    return output


def system_image(name):
    """The ISO of a system manifest for tests, made by the build if it is not up to date: its kernel
    ends the emulator after a panic, with status 33."""
    image = os.path.join("tests", "system", name + ".iso")
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    subprocess.run(["make", "-s", "-C", BUILD, image], check=True, stdout=sys.stderr,
                   env=environment, timeout=600 * PATIENCE)
    return os.path.join(BUILD, image)
