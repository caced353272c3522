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
check "which info has as JSON, too" sh -c '"$1" --json info "$2" | grep -q "\"root_hash\":\"$3\"}"' - "$bxfs" "$scratch/sealed" "$hash"
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
check "a snapshot is not repaired" status 8 "$fsck" --repair --snapshot first "$scratch/state"
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
check "a tree without end is listed, and told" status 1 timeout 300 "$bxfs" tree "$scratch/loop"
check "as JSON" sh -c '"$1" --json tree "$2" | python3 -c "import json,sys; assert any(\"error\" in json.loads(l) for l in sys.stdin)"' sh "$bxfs" "$scratch/loop"
check "and named" status 4 timeout 300 "$fsck" "$scratch/loop"

# What could not be read ends with a status of its own, and is told as JSON where that was asked for.
json='import json,sys; [json.loads(line) for line in sys.stdin.buffer.read().decode().splitlines()]'
check "no volume: the check was not made" status 8 "$fsck" "$scratch/none"
check "nor with a bad option" status 8 "$fsck" --root-hash 12 "$scratch/one"
check "JSON of damage" sh -c '"$1" --json "$2" | python3 -c "$3"' sh "$fsck" "$scratch/bad" "$json"

# Names of any bytes: JSON is UTF-8 from which they can be had again, and no terminal is told to do anything.
odd=$(printf 'odd\033[2J\302\233\377\\')
check "a volume for odd names" "$mkfs" -s 1M "$scratch/odd"
check "an odd name" "$bxfs" mkdir "$scratch/odd" "$odd"
check "and one of Greek" "$bxfs" mkdir "$scratch/odd" "$(printf '\316\261')"
for command in ls tree; do
	check "$command shows what is harmless" python3 -c '
import subprocess, sys
said = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, check=True).stdout
assert b"\x1b" not in said and b"\x9b" not in said and b"\xff" not in said, said
assert rb"odd\033[2J\302\233\377\134" in said and b"\xce\xb1" in said, said' "$bxfs" $command "$scratch/odd"
	check "$command as JSON" python3 -c '
import json, os, subprocess, sys
said = subprocess.run(sys.argv[1:-1], stdout=subprocess.PIPE, check=True).stdout.decode()
names = [os.fsencode(json.loads(line)["name"]) for line in said.splitlines()]
assert os.fsencode(sys.argv[-1]) in names and b"\xce\xb1" in names, names' "$bxfs" --json $command "$scratch/odd" "$odd"
done
check "a snapshot with an odd name" "$bxfs" snapshot "$scratch/odd" "$odd"
check "its JSON" sh -c '"$1" --json snapshots "$2" | python3 -c "$3"' sh "$bxfs" "$scratch/odd" "$json"
check "one object has its target as JSON" sh -c '"$1" --json stat "$2" link | grep -q "\"target\":\"hello\",\"attributes\":\[\]"' sh "$bxfs" "$scratch/one"

# One writer: a volume in use is neither written nor made anew.
cp "$scratch/one" "$scratch/used"
check "held by somebody" flock -n "$scratch/used" true
flock --no-fork "$scratch/used" sleep 600 &
holder=$!
while flock -n "$scratch/used" true; do sleep 0.1; done
check "not written" status 1 "$bxfs" put "$scratch/used" "$scratch/tree/hello" new
check "not checked" status 8 "$fsck" "$scratch/used"
check "not made anew" status 1 "$mkfs" -s 1M "$scratch/used"
kill $holder 2>/dev/null
wait $holder 2>/dev/null
check "not changed" cmp "$scratch/one" "$scratch/used"

# A tree out; hard links; links with long targets, for which the volume is large enough.
mkdir "$scratch/more"
printf 'linked' >"$scratch/more/a"
ln "$scratch/more/a" "$scratch/more/b"
name=$(printf '%0200d' 0)
target=$(printf '%01000d' 0)
i=0
while test $i -lt 1500; do
	ln -s "$target" "$scratch/more/$name$i"
	i=$((i + 1))
done
mkdir "$scratch/more/sub"
head -c 70000 /dev/urandom >"$scratch/more/sub/file"
chmod 750 "$scratch/more/sub"
check "a volume of it" "$mkfs" -d "$scratch/more" "$scratch/more.bxfs"
check "the two names are one file" sh -c '"$1" --json stat "$2" b | grep -q "\"links\":2"' sh "$bxfs" "$scratch/more.bxfs"
check "sound too" "$fsck" "$scratch/more.bxfs"
check "a directory comes out" "$bxfs" get "$scratch/more.bxfs" / "$scratch/out-tree"
check "equal" diff -r --no-dereference "$scratch/more" "$scratch/out-tree"
check "with its hard links" test "$scratch/out-tree/a" -ef "$scratch/out-tree/b"
check "and modes" test "$(stat -c %a "$scratch/out-tree/sub")" = 750
check "not over what is there" status 1 "$bxfs" get "$scratch/more.bxfs" / "$scratch/out-tree"
printf 'keep' >"$scratch/keep"
check "what is not there" status 1 "$bxfs" get "$scratch/more.bxfs" none "$scratch/keep"
check "leaves what was there" grep -q keep "$scratch/keep"
mkdir "$scratch/self"
check "a volume inside of its tree" "$mkfs" -d "$scratch/self" "$scratch/self/volume"
check "is not part of it" sh -c 'test -z "$("$1" ls "$2")"' sh "$bxfs" "$scratch/self/volume"

# A file that does not fit leaves nothing behind.
check "a small volume" "$mkfs" -s 1M "$scratch/full"
head -c 3000000 /dev/urandom >"$scratch/large"
free=$("$bxfs" --json info "$scratch/full" | sed 's/.*"free":\([0-9]*\).*/\1/')
check "does not fit" status 1 "$bxfs" put "$scratch/full" "$scratch/large" large
check "nothing is left of it" sh -c 'test -z "$("$1" ls "$2")"' sh "$bxfs" "$scratch/full"
now=$("$bxfs" --json info "$scratch/full" | sed 's/.*"free":\([0-9]*\).*/\1/')
check "nor of its space ($now of $free)" test "$now" -ge $((free - 4))

# Salvage: a damaged file without its damaged block; a volume whose newest root is gone, as it was before.
check "salvaged with a loss" status 1 "$bxfs" salvage "$scratch/bad" "$scratch/salvaged"
check "which is told" sh -c '"$1" salvage "$2" "$3" | grep -q "^/dir/big: bytes 0 to 4095: "' sh "$bxfs" "$scratch/bad" "$scratch/salvaged-2"
check "and as JSON" sh -c '"$1" --json salvage "$2" "$3" | python3 -c "$4"' sh "$bxfs" "$scratch/bad" "$scratch/salvaged-3" "$json"
check "the rest of the file" cmp -i 4096 "$scratch/tree/dir/big" "$scratch/salvaged/dir/big"
check "zeros where it was lost" cmp -n 4096 /dev/zero "$scratch/salvaged/dir/big"
check "the rest of the tree" diff -r --no-dereference -x big "$scratch/tree" "$scratch/salvaged"
check "a volume to lose a root of" "$mkfs" -s 2M "$scratch/roots"
check "with a file" "$bxfs" put "$scratch/roots" "$scratch/tree/hello" hello
check "and another" "$bxfs" put "$scratch/roots" "$scratch/tree/hello" later
python3 - "$scratch/roots" <<'PYTHON'
import sys
image = bytearray(open(sys.argv[1], "rb").read())
blocks = len(image) // 4096
slots = [0, 1, blocks - 2, blocks - 1]
newest = max(int.from_bytes(image[s * 4096 + 32:s * 4096 + 40], "little") for s in slots)
for slot in slots:
    if int.from_bytes(image[slot * 4096 + 32:slot * 4096 + 40], "little") == newest:
        image[slot * 4096 + 100] ^= 1
open(sys.argv[1], "wb").write(image)
PYTHON
check "is not mounted" status 1 "$bxfs" ls "$scratch/roots"
check "but salvaged" status 1 "$bxfs" salvage "$scratch/roots" "$scratch/roots-out"
check "with a word of what is lost" sh -c '"$1" salvage "$2" "$3" 2>&1 | grep -q "the last commits are lost"' sh "$bxfs" "$scratch/roots" "$scratch/roots-out-2"
check "what was before is there" cmp "$scratch/tree/hello" "$scratch/roots-out/hello"
check "what came later is not" test ! -e "$scratch/roots-out/later"
# A file of nearly all sizes that there are, with a little in it: its holes cost no time.
export BXFS="$bxfs" HELLO="$scratch/tree/hello"
check "a volume for it" "$mkfs" -s 2M "$scratch/sparse"
python3 - "$BX_SRCDIR/libfs/tests" "$scratch/sparse" <<'PYTHON' || echo "failed: no sparse volume"
import struct
import subprocess
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import os
subprocess.run([os.environ["BXFS"], "put", sys.argv[2], os.environ["HELLO"], "sparse"], check=True)
import reader
volume = reader.Volume(sys.argv[2])
image, root = bytearray(volume.image), volume.root
address, generation = struct.unpack_from("<QQ", root.tree)
first = address * 4096
block = image[first:first + 4096]
inode = volume.inodes[1].entries[b"sparse"][0]
key = struct.pack(">QB", inode, 1)
at = block.index(struct.pack("<HH", len(key), 64) + key) + 4 + len(key)
block[at + 8:at + 16] = struct.pack("<Q", 1 << 42)
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
check "comes out at once" timeout 300 "$bxfs" get "$scratch/sparse" / "$scratch/sparse-out"
check "with its size" test "$(stat -c %s "$scratch/sparse-out/sparse")" = 4398046511104
check "and its content" cmp -n 6 "$scratch/tree/hello" "$scratch/sparse-out/sparse"
check "a sound volume is salvaged whole" "$bxfs" salvage "$scratch/more.bxfs" "$scratch/whole"

# What is zero is a hole, in the tree or only here: the same bytes make the same volume, which has no room for 10 MiB.
mkdir "$scratch/holes" "$scratch/zeros"
truncate -s 10M "$scratch/holes/file"
printf 'end' >>"$scratch/holes/file"
cp --sparse=never -p "$scratch/holes/file" "$scratch/zeros/file"
touch -r "$scratch/holes" "$scratch/zeros"
check "a volume of a file with a hole" "$mkfs" -d "$scratch/holes" "$scratch/holes.bxfs"
check "and of one with zeros" "$mkfs" -d "$scratch/zeros" "$scratch/zeros.bxfs"
check "they are equal, too" cmp "$scratch/holes.bxfs" "$scratch/zeros.bxfs"
check "the file comes out" "$bxfs" get "$scratch/holes.bxfs" file "$scratch/hole"
check "as it was" cmp "$scratch/holes/file" "$scratch/hole"
check "but it has one block" sh -c '"$1" --json stat "$2" file | grep -q "\"blocks\": *1[,}]"' - "$bxfs" "$scratch/holes.bxfs"

# What fails leaves nothing half-done, and names the path.  Block 7 of the big file is damaged: after the first that a tool reads.
# says STATUS TEXT COMMAND...: it ends with that status, and TEXT is part of what it says on standard error.
says() {
	want=$1 text=$2
	shift 2
	"$@" 2>"$scratch/said" >"$scratch/printed"
	test $? -eq "$want" && grep -qF -e "$text" "$scratch/said" || { cat "$scratch/said"; return 1; }
}

# damage VOLUME FROM OFFSET: one byte of the block that holds those of the file FROM at OFFSET.
damage() {
	python3 - "$@" <<'PYTHON'
import sys
image = bytearray(open(sys.argv[1], "rb").read())
at = image.find(open(sys.argv[2], "rb").read()[int(sys.argv[3]):][:64])
assert at > 0
image[at] ^= 1
open(sys.argv[1], "wb").write(image)
PYTHON
}

# alone FILE...: nothing but these is in the folder `beside'.
alone() {
	test "$(ls -A "$scratch/beside")" = "$*"
}

mkdir "$scratch/beside"
cp "$scratch/one" "$scratch/hurt"
check "damaged in the middle" damage "$scratch/hurt" "$scratch/tree/dir/big" 28700
where="dir/big: bytes 28672 to 32767"
check "get says which path, and where" says 1 "$where" "$bxfs" get "$scratch/hurt" dir/big "$scratch/beside/new"
check "and leaves nothing" alone
check "cat says it" says 1 "$where" "$bxfs" cat "$scratch/hurt" dir/big
check "after what is before" cmp -n 28672 "$scratch/printed" "$scratch/tree/dir/big"
check "no more" test "$(stat -c %s "$scratch/printed")" -eq 28672
printf 'keep' >"$scratch/beside/old"
chmod 640 "$scratch/beside/old"
check "get over a file that is there" says 1 "$where" "$bxfs" get "$scratch/hurt" dir/big "$scratch/beside/old"
check "leaves it" sh -c 'test "$(cat "$1")" = keep' - "$scratch/beside/old"
check "alone" alone old
check "what can be read replaces it" "$bxfs" get "$scratch/hurt" hello "$scratch/beside/old"
check "whole" cmp "$scratch/tree/hello" "$scratch/beside/old"
check "with the mode that it had" test "$(stat -c %a "$scratch/beside/old")" = 640
ln -s old "$scratch/beside/link"
check "through a link" "$bxfs" get "$scratch/one" dir/nothing "$scratch/beside/link"
check "which stays one" sh -c 'test -L "$1/link" && test ! -s "$1/old"' - "$scratch/beside"
rm "$scratch/beside/link"
check "to what is no file" "$bxfs" get "$scratch/one" hello /dev/null
check "which it stays" test -c /dev/null
check "not into a folder that is not there" says 1 "none/new: " "$bxfs" get "$scratch/one" hello "$scratch/none/new"
check "get of a tree says which path" says 1 "nothing was copied" "$bxfs" get "$scratch/hurt" / "$scratch/beside/tree"
check "and where" grep -qF "/dir/big: bytes 28672 to 32767: " "$scratch/printed"
check "and leaves nothing of it" alone old
check "no place for it" says 1 "/dev/full: " "$bxfs" get "$scratch/one" dir/big /dev/full

# The leaf that the names of a directory are in: what needs it fails by name; nothing is passed over.
check "a volume to lose names of" "$mkfs" -s 4M "$scratch/names"
check "with a directory" "$bxfs" mkdir "$scratch/names" d
i=0
while test $i -lt 80; do
	"$bxfs" mkdir "$scratch/names" "d/$(printf '%0200d' 0)$i" || exit 99
	i=$((i + 1))
done
check "a snapshot of it" "$bxfs" snapshot "$scratch/names" before
check "and another name" "$bxfs" mkdir "$scratch/names" last
check "damaged" python3 - "$BX_SRCDIR/libfs/tests" "$scratch/names" <<'PYTHON'
import sys
sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import reader
image = bytearray(reader.Volume(sys.argv[2]).image)
name = b"0" * 200 + b"50"
at = image.find(b"\x05" + name)
while at >= 0:
    image[at // 4096 * 4096 + 4000] ^= 1
    at = image.find(b"\x05" + name, at + 1)
open(sys.argv[2], "wb").write(image)
PYTHON
check "ls says which directory" says 1 "d: " "$bxfs" ls "$scratch/names" d
check "tree, too" status 1 "$bxfs" tree "$scratch/names"
check "as text" sh -c '"$1" tree "$2" | grep -q "?? /d: "' - "$bxfs" "$scratch/names"
check "as JSON" sh -c '"$1" --json tree "$2" | grep -q "\"path\":\"/d\""' - "$bxfs" "$scratch/names"
check "what differs is not known without it" says 1 "/d: " "$bxfs" diff "$scratch/names" before
check "a path through it is told as far as that" says 1 "d/$(printf '%0200d' 0)50: " \
	"$bxfs" stat "$scratch/names" "d/$(printf '%0200d' 0)50/x"

# put: what cannot be read on the host, and a volume that stays as it is.
cp "$scratch/state" "$scratch/state-before"
check "put of a directory" says 1 "$scratch/tree: Is a directory" "$bxfs" put "$scratch/state" "$scratch/tree" new
check "changes nothing" cmp "$scratch/state" "$scratch/state-before"
if test -e /proc/self/mem; then
	check "put of what fails later" says 1 "/proc/self/mem: " "$bxfs" put "$scratch/state" /proc/self/mem new
	check "leaves nothing of it" sh -c '! "$1" ls "$2" | grep -q "new\|bxfs-put"' - "$bxfs" "$scratch/state"
fi
check "put into a directory that is not there" says 1 "no: " "$bxfs" put "$scratch/state" "$scratch/tree/hello" no/where
check "a name of a snapshot that is too long" says 1 "at most 40 bytes, this one 41" \
	"$bxfs" snapshot "$scratch/state" "$(printf '%041d' 0)"

# mkfs: a volume is there whole or as it was.
rm -f "$scratch/beside/old"
check "a label that is too long" says 1 "at most 31 bytes, this one 32" \
	"$mkfs" -s 1M -L "$(printf '%032d' 0)" "$scratch/beside/volume"
check "one that is not" "$mkfs" -s 1M -L "$(printf '%031d' 0)" "$scratch/beside/volume"
cp "$scratch/beside/volume" "$scratch/was"
deep=$scratch/deep
i=0
while test $i -lt 130; do
	deep=$deep/d
	i=$((i + 1))
done
mkdir -p "$deep"
check "a tree that is too deep" says 1 "/d/d: too deep" "$mkfs" -d "$scratch/deep" "$scratch/beside/volume"
check "too deep for a given size" says 1 "/d/d: too deep" "$mkfs" -s 2M -d "$scratch/deep" "$scratch/beside/volume"
mkdir "$scratch/wide"
ln "$scratch/large" "$scratch/wide/large"
check "a tree that is too large" says 1 "wide/large: " "$mkfs" -s 1M -d "$scratch/wide" "$scratch/beside/volume"
check "a tree that is not there" says 1 "none: " "$mkfs" -d "$scratch/none" "$scratch/beside/volume"
check "a size that is too small" says 1 "too small" "$mkfs" -s 100K "$scratch/beside/volume"
check "each leaves the volume that was there" cmp "$scratch/was" "$scratch/beside/volume"
check "alone, too" alone volume
check "and none where there was none" says 1 "wide/large: " "$mkfs" -s 1M -d "$scratch/wide" "$scratch/beside/other"
check "alone, still" alone volume
check "a result that cannot be written" status 1 sh -c '"$1" -s 2M "$2" >/dev/full' - "$mkfs" "$scratch/beside/volume"
check "leaves it as well" cmp "$scratch/was" "$scratch/beside/volume"
check "made anew with the size that it has" "$mkfs" "$scratch/beside/volume"
check "as large as before" test "$(stat -c %s "$scratch/beside/volume")" -eq 1048576
check "no file and no size" says 1 "needs a size" "$mkfs" "$scratch/beside/other"

# The size that is planned: of a sparse file what is in it, of a file with two names once.
mkdir "$scratch/plan"
truncate -s 1T "$scratch/plan/sparse"
printf 'end' >>"$scratch/plan/sparse"
check "a sparse file, in time" timeout 120 "$mkfs" -d "$scratch/plan" "$scratch/plan.bxfs"
check "in a volume of its content" test "$(stat -c %s "$scratch/plan.bxfs")" -le 3000000
check "with its size" sh -c '"$1" --json stat "$2" sparse | grep -q "\"size\":1099511627779,"' - "$bxfs" "$scratch/plan.bxfs"
check "sound, sparse" "$fsck" "$scratch/plan.bxfs"
rm "$scratch/plan/sparse"
head -c 4000000 /dev/urandom >"$scratch/plan/one"
check "a file alone" "$mkfs" -d "$scratch/plan" "$scratch/plan.bxfs"
alone=$(stat -c %s "$scratch/plan.bxfs")
ln "$scratch/plan/one" "$scratch/plan/two"
ln "$scratch/plan/one" "$scratch/plan/three"
check "with two more names" "$mkfs" -d "$scratch/plan" "$scratch/plan.bxfs"
check "takes no more" test "$(stat -c %s "$scratch/plan.bxfs")" -le $((alone + 16384))
# Every other block: as many extents as there can be, with the largest checksums.
python3 - "$scratch/plan/holes" <<'PYTHON'
import sys
with open(sys.argv[1], "wb") as file:
    for i in range(3000):
        file.seek(i * 8192)
        file.write(b"x" * 4096)
PYTHON
check "a file of holes fits" "$mkfs" --sha256 -d "$scratch/plan" "$scratch/plan.bxfs"
check "and is what it was" sh -c '"$1" cat "$2" holes | cmp - "$3"' - "$bxfs" "$scratch/plan.bxfs" "$scratch/plan/holes"

# Man pages render without a word from groff.
if command -v groff >/dev/null; then
	for page in bxfs/bxfs.1 mkfs.bxfs/mkfs.bxfs.8 fsck.bxfs/fsck.bxfs.8 bxfs-fuse/bxfs-fuse.8; do
		check "$page" sh -c 'test -z "$(groff -ww -man -Tutf8 "$1" 2>&1 >/dev/null)"' - "$BX_SRCDIR/tools/$page"
	done
fi

# A root hash that nobody could read is not success.
check "mkfs.bxfs cannot write its result" status 1 sh -c '"$1" -d "$2" --seal "$3" >/dev/full' - "$mkfs" "$scratch/tree" "$scratch/full"
check "fsck.bxfs cannot" status 8 sh -c '"$1" "$2" >/dev/full' - "$fsck" "$scratch/one"

echo "$passed passed, $failed failed"
test "$failed" -eq 0
