# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The shell as a person uses it, over the serial line of a Machine."""

from machine import plain

PROMPT = r"brainix> \x1b\[K\r\x1b\[9C"      # drawn whole, with the cursor behind it


class Shell:
    """Of a machine whose boot is complete: waits for the first prompt."""

    def __init__(self, machine):
        self.machine = machine
        self.machine.expect(PROMPT)

    def run(self, line, timeout=None):
        """Types a line; returns what came until the next prompt, without the line itself."""
        self.machine.send_line(line)
        self.machine.expect("\n")
        return self.answer(timeout)

    def answer(self, timeout=None):
        """What came until the next prompt."""
        self.machine.expect(PROMPT, timeout)
        return plain(self.machine.child.before).strip("\n")

    def table(self, line):
        """Types a line whose answer is a table; returns its rows as lists of words, heading first."""
        return [row.split() for row in self.run(line).splitlines()]
