# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The serial line of an emulated machine, whichever emulator it is: what it says is waited for, and it is
typed to.  Every wait has an end, and a failed one shows what the machine said last."""

import os
import re

import pexpect

# What emulation under load may take; a slow machine may say more.
PATIENCE = float(os.environ.get("BX_PATIENCE", "1"))

PROMPT = "brainix> "
ESCAPES = re.compile(r"\x1b\[[0-9;=?]*[A-Za-z]")


class MachineError(AssertionError):
    """The machine did not do what was expected; the text holds the end of its serial line."""


class Line:
    """`child` is pexpect's view of the line; `timeout` what is waited for where nothing else is said."""

    child = None
    timeout = None

    def expect(self, pattern, timeout=None):
        """Waits for a regular expression, or the first of a list of them; returns the match."""
        try:
            self.child.expect(pattern, timeout=timeout or self.timeout)
        except pexpect.TIMEOUT:
            self._fail("did not come in %g s" % (timeout or self.timeout), pattern)
        except pexpect.EOF:
            self._fail("did not come before the machine ended", pattern)
        return self.child.match

    def expect_text(self, text, timeout=None):
        """Waits for exactly this text."""
        return self.expect(re.escape(text), timeout)

    def expect_silence(self, pattern, seconds):
        """The pattern must not come within so many seconds, nor the machine end."""
        try:
            self.child.expect(pattern, timeout=seconds)
        except pexpect.TIMEOUT:
            return
        except pexpect.EOF:
            self._fail("ended while it should go on; awaiting the absence of", pattern)
        self._fail("came though it should not", pattern)

    def send(self, text):
        self.child.send(text)

    def send_line(self, text=""):
        """As typed by a person: ends with a carriage return."""
        self.child.send(text + "\r")

    def command(self, line, timeout=None):
        """Types a line at the shell's prompt; returns what came until the next prompt, as plain
        text without the echo."""
        self.send_line(line)
        self.expect(echo(line) + r"[^\n]*\n", timeout)
        self.expect_text(PROMPT, timeout)
        return plain(self.child.before).strip()

    def _fail(self, what, pattern):
        said = plain((self.child.before or "") if isinstance(self.child.before, str) else "")
        last = "\n".join("    | " + line for line in said.splitlines()[-40:])
        raise MachineError("%r %s.  The machine said last:\n%s" % (pattern, what, last))


def echo(line):
    """A pattern for a typed line as the terminal shows it: whole lines of programs in the background may stand anywhere in it."""
    return r"(?:[^\n]*\n)*?".join(re.escape(letter) for letter in line)


def plain(text):
    """Without the terminal's escape sequences and carriage returns."""
    return ESCAPES.sub("", text).replace("\r", "")
