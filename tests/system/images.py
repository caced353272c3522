# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Inputs of the boot tests: the test kernel, modules of known content, and damaged kernels."""

import os
import struct

from machine import BUILD

BOOTCHECK = os.path.join(BUILD, "tests", "system", "bootcheck", "bootcheck")

PF_X, PF_W, PF_R = 1, 2, 4


def filled(folder, name, size):
    """A module as the test kernel wants it: the first letter of its name, all over."""
    path = folder / name
    path.write_bytes(name[0].encode() * size)
    return path


class Kernel:
    """The test kernel's ELF file, to be damaged."""

    HEADER = {"type": (16, "<H"), "machine": (18, "<H"), "entry": (24, "<Q"), "phoff": (32, "<Q"),
              "phnum": (56, "<H")}
    SEGMENT = {"type": (0, "<I"), "flags": (4, "<I"), "offset": (8, "<Q"), "vaddr": (16, "<Q"),
               "filesz": (32, "<Q"), "memsz": (40, "<Q")}

    def __init__(self):
        with open(BOOTCHECK, "rb") as file:
            self.bytes = bytearray(file.read())

    def set(self, field, value):
        offset, form = self.HEADER[field]
        struct.pack_into(form, self.bytes, offset, value)
        return self

    def segment(self, number, field, value=None):
        """Reads a field of a program header, or sets it."""
        offset, form = self.SEGMENT[field]
        offset += struct.unpack_from("<Q", self.bytes, 32)[0] + 56 * number
        if value is None:
            return struct.unpack_from(form, self.bytes, offset)[0]
        struct.pack_into(form, self.bytes, offset, value)
        return self

    def write(self, path):
        path.write_bytes(self.bytes)
        return path
