# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A person at the serial line: types into the shell, and reads what it answers."""

import os
import threading

from machine import plain

PROMPT = "brainix> "
FRESH = r"\rbrainix> \x1b\[K\r\x1b\[9C"         # the prompt of an empty line, as the editor draws it

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOMES = ("\x1b[H", "\x1b[1~", "\x1b[7~", "\x1bOH", "\x01")
ENDS = ("\x1b[F", "\x1b[4~", "\x1b[8~", "\x1bOF", "\x05")
DELETE, BACKSPACE, TAB, CTRL_C = "\x1b[3~", "\x7f", "\t", "\x03"


class Shell:
    """At the prompt of an empty line between two calls."""

    def __init__(self, machine):
        self.machine = machine
        machine.expect(FRESH)

    def type(self, keys):
        """Key bytes, all at once; text or bytes.  A thread writes: the machine may be slower to take
        them than we are to read its answers."""
        data = keys if isinstance(keys, bytes) else keys.encode()
        descriptor = self.machine.child.fileno()

        def write(rest):
            while rest:
                rest = rest[os.write(descriptor, rest):]
        writer = threading.Thread(target=write, args=(data,), daemon=True)
        writer.start()
        return writer

    def raw(self, keys, timeout=None):
        """Types the keys and Enter; all bytes that come from the first line feed to the prompt."""
        self.type((keys if isinstance(keys, bytes) else keys.encode()) + b"\r")
        self.machine.expect("\n", timeout)
        self.machine.expect(FRESH, timeout)
        return self.machine.child.before

    def command(self, keys, timeout=None):
        """What a command says."""
        return plain(self.raw(keys, timeout)).strip("\n")

    def rows(self, keys):
        """A table's lines, each as a list of words."""
        return [line.split() for line in self.command(keys).splitlines()]
