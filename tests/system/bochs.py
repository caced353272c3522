# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A machine in Bochs: slower than QEMU without KVM, but with control-flow enforcement, which that lacks.

    with Bochs(image) as machine:
        machine.expect_text(PROMPT)
        assert "shell" in machine.command("ps")

Bochs of Debian (2.7) is built with its debugger, which has to be told to go on, and without a display
that shows nothing: the display is the one for VNC, which waits for nobody.  GRUB does not start from
Bochs' own BIOS, but from SeaBIOS.  The serial line is a connection to us.
"""

import os
import shutil
import socket
import subprocess
import tempfile

from pexpect import fdpexpect

from line import PATIENCE, Line, MachineError

BIOS = "/usr/share/seabios/bios-256k.bin"
VGA_BIOS = "/usr/share/vgabios/vgabios.bin"
PACKAGES = {"bochs": "bochs bochs-term", BIOS: "seabios", VGA_BIOS: "vgabios"}
TIMEOUT = 60 * PATIENCE

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


class Bochs(Line):
    def __init__(self, image, cpu=WITH_CET, mem=128, log=None):
        self.folder = tempfile.mkdtemp(prefix="bx-bochs-")
        self.timeout = TIMEOUT
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
                    ["bochs", "-q", "-f", configuration, "-rc", commands], stdin=subprocess.DEVNULL,
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

    def stop(self):
        """Ends Bochs, whatever it is doing, and removes what it left."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if self.connection is not None:
            self.connection.close()
            self.connection = None
        if self.log is not None:
            self.log.close()
            self.log = None
        shutil.rmtree(self.folder, ignore_errors=True)
