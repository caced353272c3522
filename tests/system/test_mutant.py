# SPDX-License-Identifier: Apache-2.0 OR MIT
"""`make mutant': the kernel of one mutant, to be looked at.  (All of them, and that they are caught: make
check-invariants.)"""

import os
import subprocess

from machine import BUILD, PATIENCE
from shell import Shell

KERNEL = os.path.join(BUILD, "kernel", "kernel.elf")


def make_mutant(name):
    environment = {key: value for key, value in os.environ.items()
                   if key not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    return subprocess.run(["make", "-s", "-C", BUILD, "mutant", "NAME=" + name], env=environment, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1000 * PATIENCE)


def test_a_mutant_is_an_image_of_its_own(boot):
    """What it says is to be typed is not refused; the release's kernel stays as it is."""
    image = os.path.join(BUILD, "mutant-quota-ignored.iso")
    with open(KERNEL, "rb") as file:
        before = file.read()
    done = make_mutant("quota-ignored")
    try:
        assert done.returncode == 0, done.stdout
        assert "A program gets frames beyond its quota." in done.stdout
        command = done.stdout.splitlines()[-1]
        assert command == "brainix> run attack exhaust-frames"
        shell = Shell(boot(image))
        shell.type(command[len("brainix> "):] + "\r")
        shell.machine.expect("BREACH: the frame quota did not hold")
    finally:
        if os.path.exists(image):
            os.unlink(image)
    with open(KERNEL, "rb") as file:
        assert file.read() == before


def test_there_is_no_mutant_of_that_name():
    done = make_mutant("quota-forgotten")
    assert done.returncode != 0
    assert "there is no mutant 'quota-forgotten'" in done.stdout
    assert not os.path.exists(os.path.join(BUILD, "mutant-quota-forgotten.iso"))
