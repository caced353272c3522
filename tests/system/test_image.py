# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Images: the same inputs give the same bytes, and wrong use is refused in one line."""

import os
import subprocess
import sys
import time

import pytest

from images import BOOTCHECK, filled
from machine import BUILD, SOURCE, make_image, system_image

LOADER = os.path.join(BUILD, "boot", "loader.elf")
MKISO = os.path.join(SOURCE, "tools", "mkiso", "mkiso")


def test_reproducible(tmp_path):
    """Another folder, time, time zone, language, umask, file dates and temporary folder."""
    first, second = tmp_path / "first", tmp_path / "another" / "folder"
    for folder in first, second:
        folder.mkdir(parents=True)
    images = []
    old_mask = os.umask(0o077)
    try:
        for folder, environment in (
                (first, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8", "TMPDIR": str(first)}),
                (second, {"TZ": "America/Lima", "LC_ALL": "C", "TMPDIR": str(second)})):
            system = filled(folder, "system", 5000)
            images.append(make_image(folder / "image.iso", {"kernel": BOOTCHECK, "system": system},
                                     command_line="a=1",
                                     environment=dict(os.environ, **environment)).read_bytes())
            os.umask(0o002)
            time.sleep(2.1)         # FAT counts in steps of two seconds
    finally:
        os.umask(old_mask)
    assert images[0] == images[1]


def test_comparison_can_fail(tmp_path):
    """Each input shows in the bytes."""
    def image(name, epoch="1767225600", command_line="a=1", size=5000):
        system = filled(tmp_path, "system", size)
        return make_image(tmp_path / name, {"kernel": BOOTCHECK, "system": system},
                          command_line=command_line,
                          environment=dict(os.environ, SOURCE_DATE_EPOCH=epoch)).read_bytes()
    images = [image("base"), image("epoch", epoch="1767225602"), image("line", command_line="a=2"),
              image("module", size=5001)]
    assert len(set(images)) == len(images)


def test_nothing_of_this_machine_inside():
    with open(system_image("default"), "rb") as file:
        data = file.read()
    for secret in SOURCE, BUILD:
        assert secret.encode() not in data
    assert b"normal.mod" not in data        # no menu, no shell


@pytest.mark.parametrize("words,reason", [
    (["kernel"], "not NAME=FILE: kernel"),
    (["Kernel of mine=" + BOOTCHECK], "not a module name: Kernel of mine"),
    (["k" * 32 + "=" + BOOTCHECK], "the module name is longer than 31 bytes: " + "k" * 32),
    (["kernel=" + BOOTCHECK, "kernel=" + BOOTCHECK], "there are two modules called kernel"),
    (["kernel=/nowhere"], "cannot read /nowhere"),
    (["kernel=/dev/null"], "cannot read /dev/null"),
    (["--command-line", "a; boot", "kernel=" + BOOTCHECK],
     "the command line has a character that is not allowed"),
    (["--command-line", "a" * 256, "kernel=" + BOOTCHECK],
     "the command line is longer than 255 bytes"),
    (["--menu"], "there is no option --menu; mkiso --help tells more"),
])
def test_wrong_use(tmp_path, words, reason):
    output = tmp_path / "image.iso"
    done = subprocess.run(["/bin/sh", MKISO, "--loader", LOADER, "--output", str(output), *words],
                          stderr=subprocess.PIPE, encoding="utf-8", stdout=sys.stderr, timeout=300)
    assert done.returncode == 1
    assert done.stderr == "mkiso: %s\n" % reason
    assert not output.exists()
