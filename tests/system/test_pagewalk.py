# SPDX-License-Identifier: Apache-2.0 OR MIT
"""The page-table check itself: each rule is broken once in a small made-up memory and found."""

import struct

import pytest

import pagewalk
from pagewalk import NO_EXECUTE, PAGE, PRESENT, USER, WRITE

TRAMPOLINE = 0xFFFF_FFFF_8000_0000
KERNEL_TEXT = 0xFFFF_FFFF_8010_0000
DIRECT_MAP = 0xFFFF_8000_0000_0000


class Machine:
    """256 frames of memory, a kernel space and user spaces, built entry by entry."""

    def __init__(self):
        self.data = bytearray(256 * PAGE)
        self.next = 1
        self.trampoline_frame = self.frame()
        self.kernel = self.frame()
        self.map(self.kernel, TRAMPOLINE, self.trampoline_frame, 0)
        self.map(self.kernel, KERNEL_TEXT, self.frame(), 0)
        self.shared = self.frame()
        self.entry_table = None

    def frame(self):
        address = self.next * PAGE
        self.next += 1
        return address

    def put(self, table, index, value):
        struct.pack_into("<Q", self.data, table + index * 8, value)

    def get(self, table, index):
        return struct.unpack_from("<Q", self.data, table + index * 8)[0]

    def map(self, root, address, frame, flags):
        table = root
        for shift in (39, 30, 21):
            index = address >> shift & 511
            if not self.get(table, index):
                self.put(table, index, self.frame() | PRESENT | WRITE | USER)
            table = self.get(table, index) & pagewalk.ADDRESS
        self.put(table, address >> 12 & 511, frame | PRESENT | flags)

    def user(self):
        root = self.frame()
        if self.entry_table is None:
            self.map(root, TRAMPOLINE, self.trampoline_frame, 0)
            self.entry_table = self.get(root, 511)
        self.put(root, 511, self.entry_table)
        return root

    def alias(self, frame, flags=WRITE | NO_EXECUTE):
        self.map(self.kernel, DIRECT_MAP + frame, frame, flags)

    def report(self, user):
        return pagewalk.check(pagewalk.Memory(bytes(self.data)), self.kernel, user, {TRAMPOLINE})


@pytest.fixture
def machine():
    return Machine()


def rules(report):
    return {rule for rule, _ in report.violations}


def test_sound_spaces_hold(machine):
    one, two = machine.user(), machine.user()
    for root in (one, two):
        text, data = machine.frame(), machine.frame()
        machine.map(root, 0x400000, text, USER)
        machine.map(root, 0x600000, data, USER | WRITE | NO_EXECUTE)
        machine.alias(text, NO_EXECUTE)
        machine.alias(data)
    report = machine.report(one)
    assert report.violations == []
    assert [space[2:] for space in report.spaces[1:]] == [(1, 2), (1, 2)]


def test_mem1_writable_and_executable(machine):
    root = machine.user()
    machine.map(root, 0x400000, machine.frame(), USER | WRITE)
    assert "MEM-1" in rules(machine.report(root))


def test_mem1_in_the_kernel(machine):
    machine.map(machine.kernel, KERNEL_TEXT + PAGE, machine.frame(), WRITE)
    assert "MEM-1" in rules(machine.report(machine.user()))


def test_mem1_shadow_stack_in_the_kernel(machine):
    machine.map(machine.kernel, KERNEL_TEXT + PAGE, machine.frame(), NO_EXECUTE | pagewalk.DIRTY)
    assert rules(machine.report(machine.user())) == {"MEM-1"}


def test_mem1_shadow_stack_is_none(machine):
    root = machine.user()
    report = pagewalk.check(pagewalk.Memory(bytes(machine.data)), machine.kernel, root, {TRAMPOLINE}, {KERNEL_TEXT})
    assert rules(report) == {"MEM-1"}


def test_mem2_writable_alias_of_text(machine):
    root, text = machine.user(), machine.frame()
    machine.map(root, 0x400000, text, USER)
    machine.alias(text)
    assert rules(machine.report(root)) == {"MEM-2"}


def test_mem3_kernel_page_in_a_user_table(machine):
    root = machine.user()
    machine.map(root, 0x700000, machine.frame(), NO_EXECUTE)
    assert rules(machine.report(root)) == {"MEM-3"}


def test_mem3_trampoline_missing(machine):
    root = machine.user()
    report = pagewalk.check(pagewalk.Memory(bytes(machine.data)), machine.kernel, root,
                            {TRAMPOLINE, TRAMPOLINE + PAGE})
    assert rules(report) == {"MEM-3"}


def test_mem4_frame_in_two_programs(machine):
    one, two, shared = machine.user(), machine.user(), machine.frame()
    machine.map(one, 0x600000, shared, USER | NO_EXECUTE)
    machine.map(two, 0x600000, shared, USER | NO_EXECUTE)
    assert rules(machine.report(one)) == {"MEM-4"}


def test_mem4_frame_twice_in_one_program(machine):
    one, shared = machine.user(), machine.frame()
    machine.map(one, 0x600000, shared, USER | NO_EXECUTE)
    machine.map(one, 0x601000, shared, USER | NO_EXECUTE)
    assert rules(machine.report(one)) == {"MEM-4"}


def test_mem5_user_page_in_the_kernel_space(machine):
    machine.map(machine.kernel, 0x400000, machine.frame(), USER | NO_EXECUTE)
    assert rules(machine.report(machine.user())) == {"MEM-5"}


def test_large_pages_are_leaves(machine):
    root = machine.user()
    machine.map(root, 0x400000, machine.frame(), USER | NO_EXECUTE)
    machine.put(machine.get(machine.get(root, 0) & pagewalk.ADDRESS, 0) & pagewalk.ADDRESS, 100,
                PRESENT | USER | WRITE | pagewalk.LARGE)
    report = machine.report(root)
    assert rules(report) >= {"MEM-1"}


def test_table_outside_memory_is_an_error(machine):
    root = machine.user()
    machine.put(root, 3, 0x4000_0000 | PRESENT | USER)
    with pytest.raises(ValueError):
        machine.report(root)


def test_every_user_root_is_found(machine):
    roots = [machine.user() for _ in range(5)]
    found = pagewalk.user_roots(pagewalk.Memory(bytes(machine.data)), roots[2])
    assert sorted(found) == sorted(roots)
