# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A machine in Bochs: slower than QEMU without KVM, but with control-flow enforcement, which that lacks.

    with Bochs(image) as machine:
        machine.expect_text(PROMPT)
        assert "shell" in machine.command("ps")

Bochs of Debian (2.7) is built with its debugger, which has to be told to go on, and by which the machine is
looked into; and without a display
that shows nothing: the display is the one for VNC, which waits for nobody.  GRUB does not start from
Bochs' own BIOS, but from SeaBIOS.  The serial line is a connection to us.
"""

import array
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from pexpect import fdpexpect

from line import PATIENCE, Line, MachineError

BIOS = "/usr/share/seabios/bios-256k.bin"
VGA_BIOS = "/usr/share/vgabios/vgabios.bin"
PACKAGES = {"bochs": "bochs bochs-term", BIOS: "seabios", VGA_BIOS: "vgabios"}
TIMEOUT = 300 * PATIENCE
ASK_EVERY = 2

# Processors by Bochs' names.
WITH_CET = "tigerlake"                  # control-flow enforcement: IBT and shadow stacks
WITHOUT_CET = "corei7_icelake_u"        # the one before it

CONFIGURATION = """\
plugin_ctrl: unmapped=1, biosdev=1, speaker=0, serial=1, e1000=0
config_interface: textconfig
display_library: rfb, options="timeout=0"
memory: guest={mem}, host={mem}
romimage: file={bios}
vgaromimage: file={vga_bios}
cpu: model={cpu}, count=1, ips=50000000, reset_on_triple_fault=0
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={image}, status=inserted
boot: cdrom
com1: enabled=1, mode=socket-client, dev=localhost:{port}
log: {folder}/log
panic: action=fatal
"""


def missing():
    """Debian's packages without which there is no Bochs here; empty when all is here."""
    return " ".join(packages for what, packages in PACKAGES.items()
                    if not (os.path.exists(what) if "/" in what else shutil.which(what)))


class Memory:
    """Physical memory for pagewalk.py, as far as it is asked for: of user spaces, the one that is given."""

    def __init__(self, machine, size, user_root):
        self.machine, self.size, self.user_root = machine, size, user_root
        self.tables = {}

    def table(self, address):
        if address % 4096 or address + 4096 > self.size:
            return None
        if address not in self.tables:
            self.tables[address] = array.array("Q", self.machine.words(address, 512, physical=True))
        return self.tables[address]

    def pages_with_entry(self, *_):
        return [self.user_root]


class Bochs(Line):
    def __init__(self, image, cpu=WITH_CET, mem=128, log=None):
        self.folder = tempfile.mkdtemp(prefix="bx-bochs-")
        self.timeout, self.mem = TIMEOUT, mem
        self.log = open(log, "w", encoding="utf-8") if log else None
        self.connection = self.process = None
        try:
            self._start(image, cpu or WITH_CET, mem)
        except BaseException:
            self.stop()
            raise

    def _start(self, image, cpu, mem):
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(TIMEOUT)
            configuration = os.path.join(self.folder, "bochsrc")
            with open(configuration, "w", encoding="utf-8") as file:
                file.write(CONFIGURATION.format(
                    mem=mem, bios=BIOS, vga_bios=VGA_BIOS, cpu=cpu, image=os.path.abspath(str(image)),
                    port=server.getsockname()[1], folder=self.folder))
            commands = os.path.join(self.folder, "debugger")
            with open(commands, "w", encoding="utf-8") as file:
                file.write("c\n")
            with open(os.path.join(self.folder, "output"), "w", encoding="utf-8") as output:
                self.process = subprocess.Popen(
                    ["bochs", "-q", "-f", configuration, "-rc", commands], stdin=subprocess.PIPE,
                    stdout=output, stderr=subprocess.STDOUT, cwd=self.folder)
            try:
                self.connection = server.accept()[0]
            except socket.timeout as late:
                raise MachineError("Bochs did not start: " + self.told("output")) from late
        self.connection.settimeout(None)
        self.child = fdpexpect.fdspawn(self.connection, timeout=self.timeout, encoding="utf-8",
                                       codec_errors="replace", maxread=65536)
        self.child.logfile_read = self.log
        self.child.delaybeforesend = None

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.stop()

    def told(self, which):
        """The end of what Bochs says of itself: "log" or "output"."""
        try:
            with open(os.path.join(self.folder, which), encoding="utf-8", errors="replace") as file:
                return file.read()[-2000:]
        except FileNotFoundError:
            return ""

    # From outside, while it is paused.

    def _prompted(self, since, often=lambda: None):
        """What the debugger has said since a place in its output, when its prompt is there; what is to be done every
        few seconds until then."""
        end = time.monotonic() + TIMEOUT
        again = time.monotonic()
        while time.monotonic() < end:
            if time.monotonic() >= again:
                often()
                again = time.monotonic() + ASK_EVERY
            with open(os.path.join(self.folder, "output"), encoding="utf-8", errors="replace") as file:
                file.seek(since)
                said = file.read()
            if re.search(r"<bochs:\d+> $", said):
                return said
            time.sleep(0.01)
        raise MachineError("the debugger did not answer: " + self.told("output"))

    def _said(self):
        return os.path.getsize(os.path.join(self.folder, "output"))

    def pause(self):
        """(A signal that comes before the machine goes on again is forgotten: then another.)"""
        self._prompted(self._said(), lambda: self.process.send_signal(signal.SIGINT))

    def resume(self):
        self.process.stdin.write(b"c\n")
        self.process.stdin.flush()

    def debugger(self, command):
        """What the debugger says to a command."""
        before = self._said()
        self.process.stdin.write(command.encode() + b"\n")
        self.process.stdin.flush()
        return self._prompted(before)

    def register(self, name):
        return int(re.search(r"\b%s: ([0-9a-f]{8}_[0-9a-f]{8})" % name, self.debugger("regs")).group(1).replace("_", ""), 16)

    def control(self, name):
        """A control register."""
        return int(re.search(r"\b%s=0x([0-9a-f]+)" % name, self.debugger("creg")).group(1), 16)

    def words(self, address, count=1, physical=False):
        """64-bit words of memory, as the address space of the moment shows it, or physical memory."""
        said = self.debugger("%s /%dgx 0x%x" % ("xp" if physical else "x", count, address))
        return [int(word, 16) for line in re.findall(r">:\t(.*)", said) for word in line.split()]

    def stop(self):
        """Ends Bochs, whatever it is doing, and removes what it left."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process = None
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self.log is not None:
            self.log.close()
            self.log = None
        shutil.rmtree(self.folder, ignore_errors=True)
