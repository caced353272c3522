#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-bxfs.sh -- the tools for volumes, end to end: a tree in and out, the same image twice, damage found and named.
mkfs=$BX_BUILDDIR/tools/mkfs.bxfs/mkfs.bxfs
fsck=$BX_BUILDDIR/tools/fsck.bxfs/fsck.bxfs
bxfs=$BX_BUILDDIR/tools/bxfs/bxfs
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# check WHAT COMMAND...: it must succeed.
check() {
	what=$1
	shift
	if "$@" >"$scratch/out" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "failed: $what"
		cat "$scratch/out"
	fi
}

# status N COMMAND...: it must end with status N.
status() {
	want=$1
	shift
	"$@"
	test $? -eq "$want"
}

mkdir -p "$scratch/tree/dir/empty"
printf 'hello\n' >"$scratch/tree/hello"
ln -s hello "$scratch/tree/link"
head -c 300000 /dev/urandom >"$scratch/tree/dir/big"
: >"$scratch/tree/dir/nothing"

check "a volume of a tree" "$mkfs" -d "$scratch/tree" "$scratch/one"
check "the same again" "$mkfs" -d "$scratch/tree" "$scratch/two"
check "they are equal" cmp "$scratch/one" "$scratch/two"
check "a sealed volume" "$mkfs" -d "$scratch/tree" --seal "$scratch/sealed"
cp -a "$scratch/tree" "$scratch/copy"
check "sealed again, of a copy of the tree" "$mkfs" -d "$scratch/copy" --seal "$scratch/sealed-again"
check "sealed images of the same files are equal" cmp "$scratch/sealed" "$scratch/sealed-again"
hash=$("$bxfs" info "$scratch/sealed" | sed -n 's/^root hash *//p')
check "it is sound" "$fsck" --root-hash "$hash" "$scratch/sealed"
check "another root is refused" status 8 "$fsck" --root-hash "$(echo "$hash" | tr 0-9a-f 1-9a-f0)" "$scratch/sealed"
check "a file comes out" "$bxfs" get "$scratch/sealed" dir/big "$scratch/big"
check "as it went in" cmp "$scratch/big" "$scratch/tree/dir/big"
check "nothing goes into a sealed volume" status 1 "$bxfs" put "$scratch/sealed" "$scratch/big" x

check "an empty volume" "$mkfs" -s 2M -L label "$scratch/state"
check "a file goes in" "$bxfs" put "$scratch/state" "$scratch/big" big
check "and is replaced" "$bxfs" put "$scratch/state" "$scratch/tree/hello" big
check "it is the new one" sh -c '"$1" cat "$2" big | cmp - "$3"' sh "$bxfs" "$scratch/state" "$scratch/tree/hello"
check "a directory" "$bxfs" mkdir "$scratch/state" d
check "listed" sh -c '"$1" ls "$2" | grep -q "big$"' sh "$bxfs" "$scratch/state"
check "removed" "$bxfs" rm "$scratch/state" d
check "a file that is not there" status 1 "$bxfs" cat "$scratch/state" none
check "sound" "$fsck" "$scratch/state"
check "too small a volume" status 1 "$mkfs" -s 100K "$scratch/small"

# Snapshots: kept, shown, compared, gone back to.
check "a snapshot" "$bxfs" snapshot "$scratch/state" first
check "not twice" status 1 "$bxfs" snapshot "$scratch/state" first
check "a change" "$bxfs" put "$scratch/state" "$scratch/big" big
check "and a new file" "$bxfs" put "$scratch/state" "$scratch/tree/hello" second
check "the snapshot has the old one" sh -c '"$1" --snapshot first cat "$2" big | cmp - "$3"' sh "$bxfs" "$scratch/state" "$scratch/tree/hello"
check "listed" sh -c '"$1" snapshots "$2" | grep -q first' sh "$bxfs" "$scratch/state"
check "as JSON" sh -c '"$1" --json snapshots "$2" | python3 -c "import json,sys; assert json.loads(sys.stdin.readline())[\"name\"] == \"first\""' sh "$bxfs" "$scratch/state"
"$bxfs" diff "$scratch/state" first >"$scratch/diff"
check "what differs" sh -c 'grep -q "^added *//*second" "$1" && test "$(grep -c . "$1")" -ge 2' sh "$scratch/diff"
check "sound with a snapshot" "$fsck" "$scratch/state"
check "so is the snapshot" "$fsck" --snapshot first "$scratch/state"
check "a snapshot is not repaired" status 1 "$fsck" --repair --snapshot first "$scratch/state"
check "another snapshot" "$bxfs" snapshot "$scratch/state" later
check "nothing differs" sh -c 'test -z "$("$1" diff "$2" later)"' sh "$bxfs" "$scratch/state"
check "back to the first" "$bxfs" rollback "$scratch/state" first
check "it is the old one" sh -c '"$1" cat "$2" big | cmp - "$3"' sh "$bxfs" "$scratch/state" "$scratch/tree/hello"
check "the later one is gone" status 1 "$bxfs" --snapshot later ls "$scratch/state"
check "nothing changes in a snapshot" status 1 "$bxfs" --snapshot first rm "$scratch/state" big
check "no longer kept" "$bxfs" unsnapshot "$scratch/state" first
check "sound again" "$fsck" "$scratch/state"
check "a snapshot that is not there" status 1 "$bxfs" rollback "$scratch/state" first

# One byte of the big file: found, and named.
cp "$scratch/one" "$scratch/bad"
head -c 8 "$scratch/tree/dir/big" >"$scratch/start"
place=$(python3 - "$scratch/bad" "$scratch/start" <<'PYTHON'
import sys
image = bytearray(open(sys.argv[1], "rb").read())
at = image.find(open(sys.argv[2], "rb").read())
image[at] ^= 1
open(sys.argv[1], "wb").write(image)
print(at)
PYTHON
)
check "damage at $place is found" status 4 "$fsck" "$scratch/bad"
check "and named" sh -c '"$1" "$2" | grep -q "data-block.*(/dir/big)"' sh "$fsck" "$scratch/bad"
check "the rest can be read" sh -c '"$1" cat "$2" hello | grep -q hello' sh "$bxfs" "$scratch/bad"
check "not a volume" status 8 "$fsck" "$scratch/big"

# Directories that contain one another, twice each, with every checksum right: a walk comes to an end.
check "a volume for it" "$mkfs" -s 1M "$scratch/loop"
for path in a a/b a/c; do
	check "directory $path" "$bxfs" mkdir "$scratch/loop" "$path"
done
check "made hostile" python3 - "$BX_SRCDIR/libfs/tests" "$scratch/loop" <<'PYTHON'
import struct
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import reader
volume = reader.Volume(sys.argv[2])
image, root = bytearray(volume.image), volume.root
address, generation = struct.unpack_from("<QQ", root.tree)
first = address * 4096
block = image[first:first + 4096]
for name in (b"b", b"c"):
    key = struct.pack(">QB", volume.inodes[1].entries[b"a"][0], 5) + name
    at = block.index(struct.pack("<HH", len(key), 9) + key) + 4 + len(key)
    block[at:at + 8] = struct.pack("<Q", volume.inodes[1].entries[b"a"][0])
image[first:first + 4096] = block
odd = root.generation % 2
for slot in (odd, root.blocks - 2 + odd):
    record = image[slot * 4096:slot * 4096 + 512]
    record[128:136] = volume.sum(bytes(block), address, generation)
    record[480:488] = struct.pack("<Q", reader.xxh64(bytes(record[:480]), 0))
    image[slot * 4096:slot * 4096 + 512] = record
with open(sys.argv[2], "wb") as file:
    file.write(image)
PYTHON
check "a tree without end is listed" timeout 20 "$bxfs" tree "$scratch/loop"
check "and named" status 4 timeout 20 "$fsck" "$scratch/loop"

echo "$passed passed, $failed failed"
test "$failed" -eq 0
