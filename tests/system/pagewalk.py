# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Walks x86-64 page tables in a dump of physical memory and checks INV-MEM.

The dump is taken by the emulator from the outside (QMP `pmemsave`), and the address spaces are
found in it without asking the kernel: the caller names two values of CR3, one seen in the kernel
and one seen in a user program; every user root shares the page-directory-pointer table that holds
the entry trampoline, so any page whose last entry points there is a user root.

Rules (docs/invariants.md):
  MEM-1  no leaf is writable and executable, in any address space; those of the kernel that are read-only
         and dirty, which makes a shadow stack where there are some, are the ones that the caller names
  MEM-2  a frame that is executable in one mapping is writable in none, aliases included
  MEM-3  a user table maps of the kernel exactly the trampoline pages
  MEM-4  a user frame is mapped once in all user spaces together
  MEM-5  no user-accessible leaf in the kernel's own tables

Entry layout: Intel SDM volume 3A, 4.5.4, tables 4-15 to 4-20.
"""

import argparse
import collections
import sys

PRESENT, WRITE, USER, DIRTY, LARGE = 1 << 0, 1 << 1, 1 << 2, 1 << 6, 1 << 7
NO_EXECUTE = 1 << 63
ADDRESS = 0x000F_FFFF_FFFF_F000
PAGE = 4096
ENTRIES = 512

Leaf = collections.namedtuple("Leaf", "address frame size write user execute dirty")


class Memory:
    """A dump of physical memory from address 0."""

    def __init__(self, data):
        if len(data) % PAGE:
            raise ValueError("the dump is not a whole number of pages")
        self.size = len(data)
        self.words = memoryview(data).cast("Q")

    def table(self, address):
        """The 512 entries at a physical address, or None outside the dump."""
        if address % PAGE or address + PAGE > self.size:
            return None
        first = address // 8
        return self.words[first:first + ENTRIES]

    def pages_with_entry(self, index, value):
        """Addresses of all pages whose entry `index` points to frame `value` and is present."""
        column = self.words[index::ENTRIES].tolist()
        return [number * PAGE for number, entry in enumerate(column)
                if entry & PRESENT and entry & ADDRESS == value]


def canonical(address):
    return address | 0xFFFF_0000_0000_0000 if address & 1 << 47 else address


def leaves(memory, root):
    """Every mapped leaf below a root.  Raises ValueError for a table outside memory."""
    def walk(table_address, level, base, write, user, execute):
        table = memory.table(table_address)
        if table is None:
            raise ValueError(f"table at {table_address:#x} lies outside memory")
        span = PAGE << 9 * (level - 1)
        for index, entry in enumerate(table.tolist()):
            if not entry & PRESENT:
                continue
            address = base + index * span
            rights = (write and bool(entry & WRITE), user and bool(entry & USER),
                      execute and not entry & NO_EXECUTE)
            if level == 1 or level <= 3 and entry & LARGE:
                frame = entry & ADDRESS & ~(span - 1)
                yield Leaf(canonical(address), frame, span, *rights, bool(entry & DIRTY))
            else:
                yield from walk(entry & ADDRESS, level - 1, address, *rights)

    yield from walk(root & ADDRESS, 4, 0, True, True, True)


def user_roots(memory, user_cr3):
    """All user roots: pages that share the trampoline's table with the one seen running."""
    last = memory.table(user_cr3 & ADDRESS)[ENTRIES - 1]
    if not last & PRESENT:
        raise ValueError("the user root that was seen has no entry trampoline")
    return memory.pages_with_entry(ENTRIES - 1, last & ADDRESS)


def frames(leaf):
    return range(leaf.frame, leaf.frame + leaf.size, PAGE)


class Report:
    """What was counted, and every violation found, by rule."""

    def __init__(self):
        self.spaces = []
        self.violations = []

    def violate(self, rule, text):
        self.violations.append((rule, text))


def check(memory, kernel_cr3, user_cr3, trampoline, shadow=frozenset()):
    """Checks all address spaces.  `trampoline`: set of the documented pages, by virtual address;
    `shadow`: those of shadow stacks."""
    report = Report()
    executable, writable, owners = {}, collections.defaultdict(list), {}

    def note(name, leaf):
        if leaf.write and leaf.execute:
            report.violate("MEM-1", f"{name}: {leaf.address:#x} is writable and executable")
        if not leaf.user and (leaf.dirty and not leaf.write) != (leaf.address in shadow):
            how = "should be a shadow stack" if leaf.address in shadow else "is read-only and dirty"
            report.violate("MEM-1", f"{name}: {leaf.address:#x} {how}")
        for frame in frames(leaf):
            if leaf.execute:
                executable.setdefault(frame, (name, leaf.address))
            if leaf.write:
                writable[frame].append((name, leaf.address))

    kernel = list(leaves(memory, kernel_cr3))
    for leaf in kernel:
        note("kernel", leaf)
        if leaf.user:
            report.violate("MEM-5", f"kernel: {leaf.address:#x} is open to user mode")
    report.spaces.append(("kernel", kernel_cr3 & ADDRESS, len(kernel), 0))

    for root in user_roots(memory, user_cr3):
        name = f"user {root:#x}"
        space = list(leaves(memory, root))
        ours = {leaf.address for leaf in space if not leaf.user}
        for address in sorted(ours ^ trampoline):
            how = "maps the kernel page" if address in ours else "lacks the trampoline page"
            report.violate("MEM-3", f"{name} {how} {address:#x}")
        for leaf in space:
            note(name, leaf)
            if not leaf.user:
                continue
            for frame in frames(leaf):
                if frame in owners:
                    other = owners[frame]
                    report.violate("MEM-4", f"{name}: frame {frame:#x} at {leaf.address:#x} is also "
                                            f"mapped in {other[0]} at {other[1]:#x}")
                owners[frame] = (name, leaf.address)
        report.spaces.append((name, root, len(ours), len(space) - len(ours)))

    for frame, (name, address) in executable.items():
        for other, alias in writable.get(frame, ()):
            report.violate("MEM-2", f"frame {frame:#x} is executable in {name} at {address:#x} and "
                                    f"writable in {other} at {alias:#x}")
    return report


def print_report(report, out=sys.stdout, most=20):
    print(f"{'address space':<20} {'kernel pages':>12} {'user pages':>11}", file=out)
    for name, _, kernel_pages, user_pages in report.spaces:
        print(f"{name:<20} {kernel_pages:>12} {user_pages:>11}", file=out)
    for rule in ("MEM-1", "MEM-2", "MEM-3", "MEM-4", "MEM-5"):
        found = [text for violated, text in report.violations if violated == rule]
        print(f"{rule}  {'holds' if not found else f'{len(found)} violations'}", file=out)
        for text in found[:most]:
            print(f"       {text}", file=out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    number = lambda text: int(text, 0)
    parser.add_argument("dump", help="physical memory from address 0, as QMP pmemsave writes it")
    parser.add_argument("--kernel-cr3", type=number, required=True)
    parser.add_argument("--user-cr3", type=number, required=True)
    parser.add_argument("--trampoline", type=number, nargs="+", required=True,
                        help="virtual addresses of the documented trampoline pages")
    arguments = parser.parse_args()
    with open(arguments.dump, "rb") as file:
        memory = Memory(file.read())
    report = check(memory, arguments.kernel_cr3, arguments.user_cr3, set(arguments.trampoline))
    print_report(report)
    return 1 if report.violations else 0


if __name__ == "__main__":
    sys.exit(main())
