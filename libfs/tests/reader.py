# SPDX-License-Identifier: Apache-2.0 OR MIT
# reader.py -- a second reader of volumes, written from SPEC.md alone: it shares no line with libfs and checks every
# checksum, the map and the log on its way.  Slow.
#	python3 reader.py VOLUME [SNAPSHOT]	one JSON object for each name, in byte order, depth first
import hashlib
import json
import struct
import sys

BLOCK = 4096
M64 = (1 << 64) - 1
P = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)


def rotl(v, n):
    return ((v << n) | (v >> (64 - n))) & M64


def turn(a, lane):
    return rotl((a + lane * P[1]) & M64, 31) * P[0] & M64


def xxh64(data, seed):
    """xxHash fast digest algorithm 0.1.1, XXH64."""
    n, at = len(data), 0
    if n >= 32:
        a = [(seed + P[0] + P[1]) & M64, (seed + P[1]) & M64, seed, (seed - P[0]) & M64]
        while n - at >= 32:
            lanes = struct.unpack_from("<4Q", data, at)
            a = [turn(x, lane) for x, lane in zip(a, lanes)]
            at += 32
        h = (rotl(a[0], 1) + rotl(a[1], 7) + rotl(a[2], 12) + rotl(a[3], 18)) & M64
        for x in a:
            h = ((h ^ turn(0, x)) * P[0] + P[3]) & M64
    else:
        h = (seed + P[4]) & M64
    h = (h + n) & M64
    while n - at >= 8:
        h = (rotl(h ^ turn(0, struct.unpack_from("<Q", data, at)[0]), 27) * P[0] + P[3]) & M64
        at += 8
    if n - at >= 4:
        h = (rotl(h ^ (struct.unpack_from("<I", data, at)[0] * P[0] & M64), 23) * P[1] + P[2]) & M64
        at += 4
    for byte in data[at:]:
        h = rotl(h ^ (byte * P[4] & M64), 11) * P[0] & M64
    h = (h ^ h >> 33) * P[1] & M64
    h = (h ^ h >> 29) * P[2] & M64
    return h ^ h >> 32


def need(fact, what):
    if not fact:
        raise ValueError(what)


class Root:
    """Section 4."""

    def __init__(self, b):
        need(b[0:8] == b"BXFSROOT" and struct.unpack_from("<I", b, 8)[0] == 2, "no root record")
        self.hash, flags, log2 = b[12], b[13], b[14]
        need(self.hash in (1, 2) and flags <= 1 and log2 == 12, "root record")
        if self.hash == 1:
            want = struct.pack("<Q", xxh64(b[:480], 0)) + bytes(24)
        else:
            want = hashlib.sha256(b[:480]).digest()
        need(b[480:512] == want, "checksum of a root record")
        self.sum = b[480:512]
        self.uuid = b[16:32]
        self.generation, self.blocks, self.log_blocks, _ = struct.unpack_from("<QQII", b, 32)
        self.next_inode, self.free = struct.unpack_from("<QQ", b, 56)
        self.inodes = struct.unpack_from("<Q", b, 96)[0]
        self.tree, self.level = b[112:160], b[160]
        self.table_generation, self.table_sum, self.table_side = struct.unpack_from("<Q32sB", b, 168)
        self.map_generation, self.map_sum, self.map_side = struct.unpack_from("<Q32sB", b, 224)


class Inode:
    """Section 7."""

    def __init__(self, b):
        need(len(b) == 64, "inode")
        (self.type, self.flags, self.mode, self.links, self.size, _, self.mtime, self.ctime, self.btime,
         self.parent, self.uid, self.gid) = struct.unpack("<BBHIQQQQQQII", b)
        self.attrs, self.entries = {}, {}
        self.blocks = {}	# file block: (address, generation, sum), or bytes


class Volume:
    def __init__(self, path, snapshot=None):
        with open(path, "rb") as file:
            self.image = file.read()
        self.root = self.find_root()
        r = self.root
        self.width = 8 if r.hash == 1 else 32
        self.read_map()
        tree, level = r.tree, r.level
        if snapshot is not None:
            tree, level = self.find_snapshot(snapshot)
        self.inodes = {}
        self.previous = b""
        self.read_tree(tree, level, b"", None)
        if snapshot is None:
            self.replay()

    def block(self, address):
        return self.image[address * BLOCK:(address + 1) * BLOCK]

    def sum(self, b, address, generation):
        """Section 2."""
        r = self.root
        if r.hash == 1:
            seed = (struct.unpack_from("<Q", r.uuid)[0] ^ (address * P[0] & M64) ^
                    rotl(generation * P[1] & M64, 32))
            return struct.pack("<Q", xxh64(b, seed))
        return hashlib.sha256(b + struct.pack("<QQ", address, generation) + r.uuid).digest()

    def load(self, address, generation, want, what):
        b = self.block(address)
        need(self.sum(b, address, generation) == want[:self.width], f"{what} at {address}")
        return b

    def find_root(self):
        """Section 3: the newest valid one of four, in the slots of its parity."""
        found = []
        blocks = len(self.image) // BLOCK
        for slot in range(4):
            at = slot if slot < 2 else blocks - 4 + slot
            try:
                root = Root(self.image[at * BLOCK:at * BLOCK + 512])
            except ValueError:
                continue
            if root.generation % 2 == slot % 2:
                found.append(root)
                blocks = root.blocks
        need(found, "no root")
        return max(found, key=lambda root: root.generation)

    def read_map(self):
        """Section 8: every node, and how many blocks are free."""
        r, self.map_nodes = self.root, 0
        counts = [-(-r.blocks // 32512)]
        while counts[-1] > 1:
            counts.append(-(-counts[-1] // 84))
        bases = [sum(counts[:i]) for i in range(len(counts))]
        self.map_nodes = sum(counts)

        def node(level, index, side, generation, want):
            address = 2 + 2 * (bases[level] + index) + side
            b = self.load(address, generation, want, "map node")
            need(b[0:4] == b"BXMP" and b[4] == level and struct.unpack_from("<I", b, 8)[0] == index, "map node")
            need(struct.unpack_from("<QQ", b, 16) == (generation, address), "map node")
            if level == 0:
                bits = int.from_bytes(b[32:], "little")
                free = 32512 - bits.bit_count() if hasattr(int, "bit_count") else 32512 - bin(bits).count("1")
                for i in range(32512):
                    if index * 32512 + i >= r.blocks:
                        need(bits >> i & 1, "bits beyond the volume")
                        break
                need(struct.unpack_from("<I", b, 12)[0] == free, "count of a map leaf")
                return free
            total = 0
            for i in range(84):
                child = index * 84 + i
                if child < counts[level - 1]:
                    generation_, free, side_, sum_ = struct.unpack_from("<QIB3x32s", b, 32 + 48 * i)
                    need(node(level - 1, child, side_, generation_, sum_) == free, "count of a map entry")
                    total += free
            return total

        free = node(len(counts) - 1, 0, r.map_side, r.map_generation, r.map_sum)
        need(free == r.free, "free blocks of the root")

    def find_snapshot(self, name):
        """Section 10."""
        r = self.root
        need(r.table_generation > 0, "no snapshots")
        address = 2 + 2 * self.map_nodes + r.table_side
        b = self.load(address, r.table_generation, r.table_sum, "table")
        need(b[0:4] == b"BXSN" and struct.unpack_from("<QQ", b, 8) == (address, r.table_generation), "table")
        for i in range(struct.unpack_from("<H", b, 4)[0]):
            record = b[320 + 128 * i:448 + 128 * i]
            if record[81] == 0 and record[88:88 + record[82]] == name.encode():
                return record[8:56], record[80]
        raise ValueError("no such snapshot")

    def read_tree(self, pointer, level, low, high):
        """Section 5."""
        address, generation = struct.unpack_from("<QQ", pointer)
        b = self.load(address, generation, pointer[16:], "tree node")
        need(b[0:4] == b"BXND" and b[4] == 0 and b[5] == level, "tree node")
        count, = struct.unpack_from("<H", b, 6)
        need(struct.unpack_from("<QQ", b, 8) == (address, generation), "place of a tree node")
        items = []
        for i in range(count):
            at, = struct.unpack_from("<H", b, 32 + 2 * i)
            key_length, value_length = struct.unpack_from("<HH", b, at)
            key = b[at + 4:at + 4 + key_length]
            items.append((key, b[at + 4 + key_length:at + 4 + key_length + value_length]))
        for i, (key, value) in enumerate(items):
            if level == 0:
                need(key > self.previous and key >= low and (high is None or key < high), "order of keys")
                self.previous = key
                self.item(key, value)
            else:
                below = key if i > 0 else low
                self.read_tree(value, level - 1, below, items[i + 1][0] if i + 1 < count else high)

    def item(self, key, value):
        """Section 6."""
        number, kind = struct.unpack(">QB", key[:9])
        rest = key[9:]
        if kind == 1:
            self.inodes[number] = Inode(value)
        elif kind == 2:
            self.inodes[number].attrs[rest] = value
        elif kind == 3:
            self.inodes[number].blocks[0] = value.ljust(BLOCK, b"\0")
        elif kind == 4:
            first, = struct.unpack(">Q", rest)
            address, generation = struct.unpack_from("<QQ", value)
            self.map(number, first, address, generation, value[16:])
        elif kind == 5:
            need(b"/" not in rest and b"\0" not in rest and rest not in (b".", b".."), "name")
            self.inodes[number].entries[rest] = struct.unpack("<QB", value)
        else:
            need(kind == 7 and number == 0, "kind of a key")

    def map(self, number, first, address, generation, sums):
        for i in range(len(sums) // self.width):
            self.inodes[number].blocks[first + i] = (address + i, generation,
                                                     sums[i * self.width:(i + 1) * self.width])

    def content_block(self, inode, n):
        where = inode.blocks.get(n, bytes(BLOCK))
        if isinstance(where, tuple):
            where = self.load(*where, "data block")
        return where

    def content(self, inode):
        last = -(-inode.size // BLOCK)
        if inode.type == 3:
            return self.content_block(inode, 0)[:inode.size]
        h = hashlib.sha256()
        for n in range(last):
            h.update(self.content_block(inode, n)[:inode.size - n * BLOCK])
        return h.hexdigest()

    # ---- section 9

    def replay(self):
        r, sector = self.root, 0
        places = (2 + 2 * self.map_nodes + 2, r.blocks - 2 - r.log_blocks)
        seed, = struct.unpack_from("<Q", r.sum)
        while sector < r.log_blocks * 8:
            for place in places:
                at = place * BLOCK + sector * 512
                b = self.image[at:at + BLOCK]
                magic, length, generation, where, count, named, want = struct.unpack_from("<4sIQIIQQ", b)
                if (magic == b"BXLG" and 48 <= length <= 4096 and generation == r.generation and where == sector and
                        named == seed and xxh64(b[:32] + bytes(8) + b[40:length], seed) == want):
                    break
            else:
                return
            at = 48
            for _ in range(count):
                code, size = b[at], struct.unpack_from("<I", b, at + 4)[0]
                getattr(self, f"op_{code}")(b[at + 8:at + 8 + size])
                at += 8 + size
            need(at == length, "length of a record")
            sector += -(-length // 512)

    def changed(self, number, time):
        self.inodes[number].mtime = self.inodes[number].ctime = time

    def op_1(self, f):
        directory, number, time, uid, gid, mode, kind, name_length, target_length = struct.unpack_from("<QQQIIHBxHH", f)
        name = f[40:40 + name_length]
        target = f[40 + name_length:40 + name_length + target_length]
        need(number == self.root.next_inode, "number of a new inode")
        self.root.next_inode += 1
        links = 2 if kind == 2 else 1
        self.inodes[number] = Inode(struct.pack("<BBHIQQQQQQII", kind, 0, mode, links, len(target), 0, time, time, time,
                                                directory if kind == 2 else 0, uid, gid))
        if target:
            self.inodes[number].blocks[0] = target.ljust(BLOCK, b"\0")
        self.add(directory, name, number, kind)
        self.changed(directory, time)

    def add(self, directory, name, number, kind):
        d = self.inodes[directory]
        need(name not in d.entries, "a name that is taken")
        d.entries[name] = (number, kind)
        d.size += 1
        d.links += kind == 2

    def remove(self, directory, name):
        d = self.inodes[directory]
        number, kind = d.entries.pop(name)
        d.size -= 1
        d.links -= kind == 2
        return number, kind

    def drop(self, number, kind):
        inode = self.inodes[number]
        inode.links = 0 if kind == 2 else inode.links - 1
        if inode.links == 0:
            del self.inodes[number]

    def op_2(self, f):
        number, directory, time = struct.unpack_from("<QQQ", f)
        self.add(directory, f[24:], number, self.inodes[number].type)
        self.inodes[number].links += 1
        self.inodes[number].ctime = time
        self.changed(directory, time)

    def op_3(self, f):
        directory, time, _ = struct.unpack_from("<QQQ", f)
        number, kind = self.remove(directory, f[24:])
        self.inodes[number].ctime = time
        self.drop(number, kind)
        self.changed(directory, time)

    def op_4(self, f):
        old, new, time, _, length = struct.unpack_from("<QQQQH", f)
        old_name, new_name = f[34:34 + length], f[34 + length:]
        victim = self.remove(new, new_name) if new_name in self.inodes[new].entries else None
        number, kind = self.remove(old, old_name)
        self.add(new, new_name, number, kind)
        if kind == 2:
            self.inodes[number].parent = new
        self.inodes[number].ctime = time
        if victim is not None:
            self.drop(*victim)
        self.changed(old, time)
        self.changed(new, time)

    def op_5(self, f):
        number, offset, time = struct.unpack_from("<QQQ", f)
        if number not in self.inodes:
            return	# a file without a name
        self.put(number, offset, f[24:])
        inode = self.inodes[number]
        inode.size = max(inode.size, offset + len(f) - 24)
        self.changed(number, time)

    def put(self, number, offset, data):
        inode, at = self.inodes[number], 0
        while at < len(data):
            n, inside = divmod(offset + at, BLOCK)
            part = data[at:at + BLOCK - inside]
            b = bytearray(self.content_block(inode, n))
            b[inside:inside + len(part)] = part
            inode.blocks[n] = bytes(b)
            at += len(part)

    def op_6(self, f):
        number, first, address, generation, size, time = struct.unpack_from("<QQQQQQ", f)
        if number not in self.inodes:
            return
        need(generation == self.root.generation + 1, "generation of mapped blocks")
        self.map(number, first, address, generation, f[48:])
        self.inodes[number].size = max(self.inodes[number].size, size)
        self.changed(number, time)

    def op_7(self, f):
        number, size, time = struct.unpack("<QQQ", f)
        if number not in self.inodes:
            return
        inode = self.inodes[number]
        if size < inode.size:
            inode.blocks = {n: b for n, b in inode.blocks.items() if n * BLOCK < size}
            if size % BLOCK and size // BLOCK in inode.blocks:
                inode.blocks[size // BLOCK] = self.content_block(inode, size // BLOCK)[:size % BLOCK].ljust(BLOCK, b"\0")
        inode.size = size
        self.changed(number, time)

    def op_8(self, f):
        number, offset, length, time = struct.unpack("<QQQQ", f)
        if number not in self.inodes:
            return
        inode = self.inodes[number]
        end = min(offset + length, inode.size)
        for n in list(inode.blocks):
            low, high = max(offset, n * BLOCK), min(end, (n + 1) * BLOCK)
            if low < high:
                self.put(number, low, bytes(high - low))
        self.changed(number, time)

    def op_9(self, f):
        number, time, mask, mode, uid, gid, mtime = struct.unpack("<QQIIIIQ", f)
        if number not in self.inodes:
            return
        inode = self.inodes[number]
        inode.ctime = time
        if mask & 1:
            inode.mode = mode
        if mask & 2:
            inode.uid = uid
        if mask & 4:
            inode.gid = gid
        if mask & 8:
            inode.mtime = mtime

    def op_10(self, f):
        number, time, length = struct.unpack_from("<QQH", f)
        if number in self.inodes:
            self.inodes[number].attrs[f[18:18 + length]] = f[18 + length:]
            self.inodes[number].ctime = time

    def op_11(self, f):
        number, time = struct.unpack_from("<QQ", f)
        if number in self.inodes:
            del self.inodes[number].attrs[f[16:]]
            self.inodes[number].ctime = time

    def op_12(self, f):
        pass	# a step of freeing what a deleted file had: nothing that has a name

    op_13 = op_12	# a deleted file is no longer in use

    # ---- what a user sees

    def names(self, number=1, path=""):
        for name, (child, kind) in sorted(self.inodes[number].entries.items()):
            inode = self.inodes[child]
            need(inode.type == kind, "type of an entry")
            text = name.decode("latin-1")
            out = {"path": path + "/" + text, "inode": child, "type": "?-dl"[kind], "mode": inode.mode,
                   "links": inode.links, "uid": inode.uid, "gid": inode.gid, "size": inode.size,
                   "modified_ns": inode.mtime}
            out["attributes"] = sorted(a.decode("latin-1") for a in inode.attrs)
            if kind == 3:
                out["target"] = self.content(inode).decode("latin-1")
            elif kind == 1:
                out["sha256"] = self.content(inode)
            yield out
            if kind == 2:
                yield from self.names(child, path + "/" + text)


if __name__ == "__main__":
    for line in Volume(*sys.argv[1:]).names():
        print(json.dumps(line))
