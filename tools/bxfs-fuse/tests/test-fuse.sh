#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-fuse.sh -- bxfs-fuse as Linux sees it: what POSIX says of each call, in the manner of pjdfstest; random reads, writes,
# truncations and holes against a plain copy, in the manner of fsx; a tree copied in and out.
#	BX_FUSE_TREE=/usr/include	which tree (else the sources of libfs)
#	BX_FUSE_OPERATIONS=100000	how many random operations (else 1500)
#	BX_FUSE_SHOW=1			each step with a tree, and how long it took
# Skipped where there is no FUSE.
fuse=$BX_BUILDDIR/tools/bxfs-fuse/bxfs-fuse
mkfs=$BX_BUILDDIR/tools/mkfs.bxfs/mkfs.bxfs
fsck=$BX_BUILDDIR/tools/fsck.bxfs/fsck.bxfs
bxfs=$BX_BUILDDIR/tools/bxfs/bxfs
tree=${BX_FUSE_TREE-$BX_SRCDIR/libfs}
test -x "$fuse" && test -w /dev/fuse && command -v fusermount3 python3 >/dev/null || exit 77
scratch=$(mktemp -d) || exit 99
mountpoint=$scratch/mount
mkdir "$mountpoint"
trap 'fusermount3 -q -u "$mountpoint"; rm -rf "$scratch"' EXIT
passed=0 failed=0

# check WHAT COMMAND...: it must succeed.
check() {
	what=$1
	shift
	before=$(date +%s)
	if "$@" >"$scratch/out" 2>&1; then
		passed=$((passed + 1))
		test -z "$BX_FUSE_SHOW" || printf '%5d s  %s\n' $(($(date +%s) - before)) "$what"
	else
		failed=$((failed + 1))
		echo "failed: $what"
		tail -n 20 "$scratch/out"
	fi
}

unmount() {
	fusermount3 -u "$mountpoint" || return 1
	# The volume is committed, and unlocked, when the program has ended.
	flock -w 60 "$scratch/volume" true
}

size=$(($(du -sk "$tree" | cut -f 1) * 2 + 65536))
check "a volume" "$mkfs" -s "${size}K" --memory 1M "$scratch/volume"
# Other users have to reach the mount point, and FUSE has to let them.
chmod 755 "$scratch" "$mountpoint"
others=others
"$fuse" "$scratch/volume" "$mountpoint" -o allow_other 2>"$scratch/out" || {
	others=none
	"$fuse" "$scratch/volume" "$mountpoint" 2>"$scratch/out" || { cat "$scratch/out"; exit 77; }
}
check "a mounted volume is not written by another program" sh -c '! "$1" mkdir "$2" x' sh "$bxfs" "$scratch/volume"

python3 - "$mountpoint" "${BX_FUSE_OPERATIONS-1500}" $others <<'PYTHON' >"$scratch/python"
import ctypes
import errno
import os
import random
import stat
import sys

top, operations = sys.argv[1], int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
passed = failed = 0
os.umask(0)
os.chdir(top)


def is_(what, got, want):
    global passed, failed
    if got == want:
        passed += 1
    else:
        failed += 1
        print(f"failed: {what}: {got!r}, not {want!r}")


def error(what, want, call, *arguments, **named):
    try:
        call(*arguments, **named)
        got = 0
    except OSError as problem:
        got = problem.errno
    is_(what, errno.errorcode.get(got, got), errno.errorcode.get(want, want))


def touch(name, data=b""):
    with open(name, "wb") as file:
        file.write(data)


def read(name):
    with open(name, "rb") as file:
        return file.read()


def punch(file, offset, length):
    return libc.fallocate(file, 3, ctypes.c_long(offset), ctypes.c_long(length))


# ---- names
long_name = "n" * 255
for name in ("a", long_name, "\N{GREEK SMALL LETTER ALPHA}", "with space", ".hidden"):
    touch(name, b"x")
    is_(f"create {name[:8]}", read(name), b"x")
    os.unlink(name)
    error(f"unlinked {name[:8]}", errno.ENOENT, os.stat, name)
error("a name of 256 bytes", errno.ENAMETOOLONG, touch, "n" * 256)
touch("file")
os.mkdir("dir", 0o755)
for call, arguments in ((os.mkdir, ("file",)), (os.mkdir, ("dir",)), (os.symlink, ("x", "file")),
                        (os.link, ("file", "dir"))):
    error(f"{call.__name__} over what is there", errno.EEXIST, call, *arguments)
for call, arguments in ((os.open, ("file/x", os.O_RDONLY)), (os.mkdir, ("file/x",)), (os.unlink, ("file/x",)),
                        (os.rmdir, ("file/x",)), (os.rename, ("file/x", "y")), (os.rename, ("file", "file/x")),
                        (os.symlink, ("x", "file/x")), (os.link, ("file", "file/x")), (os.rmdir, ("file",)),
                        (os.listdir, ("file",))):
    error(f"{call.__name__} through a file", errno.ENOTDIR, call, *arguments)
for call, arguments in ((os.open, ("none/x", os.O_CREAT)), (os.mkdir, ("none/x",)), (os.unlink, ("none",)),
                        (os.rmdir, ("none",)), (os.rename, ("none", "y")), (os.rename, ("file", "none/y")),
                        (os.link, ("none", "y")), (os.chmod, ("none", 0)), (os.truncate, ("none", 0)),
                        (os.readlink, ("none",)), (os.utime, ("none",))):
    error(f"{call.__name__} of nothing", errno.ENOENT, call, *arguments)

# ---- open
error("exclusive", errno.EEXIST, os.open, "file", os.O_CREAT | os.O_EXCL)
error("a directory for writing", errno.EISDIR, os.open, "dir", os.O_WRONLY)
touch("file", b"0123456789")
os.close(os.open("file", os.O_RDONLY | os.O_NOFOLLOW))
os.close(os.open("file", os.O_WRONLY | os.O_TRUNC))
is_("truncated by open", os.stat("file").st_size, 0)
handle = os.open("file", os.O_WRONLY | os.O_APPEND)
os.write(handle, b"one")
os.write(handle, b"two")
os.close(handle)
is_("append", read("file"), b"onetwo")

# ---- modes, owners, times
for mode in (0o000, 0o644, 0o777, 0o4755, 0o1777, 0o2755):
    os.chmod("file", mode)
    is_(f"chmod {mode:o}", stat.S_IMODE(os.stat("file").st_mode), mode)
os.chmod("file", 0o644)
os.mkdir("mode", 0o1751)
is_("mkdir's mode", stat.S_IMODE(os.stat("mode").st_mode), 0o1751)
os.rmdir("mode")
if os.getuid() == 0:
    os.chown("file", 65534, 65533)
    is_("owner", (os.stat("file").st_uid, os.stat("file").st_gid), (65534, 65533))
    os.chown("file", 0, -1)
    is_("owner alone", (os.stat("file").st_uid, os.stat("file").st_gid), (0, 65533))
os.utime("file", ns=(10**18 + 7, 10**18 + 7))
is_("time to the nanosecond", os.stat("file").st_mtime_ns, 10**18 + 7)
os.utime("file", ns=(-10**9, -10**9))
is_("no time before 1970", os.stat("file").st_mtime_ns, 0)
os.utime("file", ns=(20 * 10**18, 20 * 10**18))
is_("none after 2554", os.stat("file").st_mtime_ns, 2**64 - 1)
before = os.stat("dir").st_mtime_ns
os.close(os.open("dir/new", os.O_CREAT))
is_("a directory's time changes with its entries", os.stat("dir").st_mtime_ns > before, True)
os.unlink("dir/new")

# ---- links
os.link("file", "second")
is_("two links", os.stat("file").st_nlink, 2)
is_("one inode", os.stat("file").st_ino, os.stat("second").st_ino)
os.unlink("file")
is_("the other one stays", read("second"), b"onetwo")
is_("one link", os.stat("second").st_nlink, 1)
error("a link to a directory", errno.EPERM, os.link, "dir", "third")
os.rename("second", "file")
os.symlink("file", "symbolic")
is_("readlink", os.readlink("symbolic"), "file")
is_("followed", read("symbolic"), b"onetwo")
is_("lstat", stat.S_ISLNK(os.lstat("symbolic").st_mode), True)
error("readlink of a file", errno.EINVAL, os.readlink, "file")
os.symlink("loop", "loop")
error("a loop", errno.ELOOP, os.stat, "loop")
os.symlink("t" * 1000, "long-target")
is_("a target of 1000 bytes", os.readlink("long-target"), "t" * 1000)
for name in ("symbolic", "loop", "long-target"):
    os.unlink(name)

# ---- directories
os.mkdir("dir/sub")
error("not empty", errno.ENOTEMPTY, os.rmdir, "dir")
is_("links of a directory", os.stat("dir").st_nlink, 3)
os.rmdir("dir/sub")
is_("and one less", os.stat("dir").st_nlink, 2)
error("unlink of a directory", errno.EISDIR, os.unlink, "dir")
for i in range(2000):
    touch(f"dir/{i:04}")
is_("two thousand names", sorted(os.listdir("dir")), [f"{i:04}" for i in range(2000)])
for i in range(2000):
    os.unlink(f"dir/{i:04}")
is_("none", os.listdir("dir"), [])

# ---- rename
touch("one", b"1")
touch("two", b"2")
os.rename("one", "two")
is_("replaced", read("two"), b"1")
error("the old name", errno.ENOENT, os.stat, "one")
os.mkdir("first")
os.mkdir("first/inside")
os.mkdir("other")
error("a directory into itself", errno.EINVAL, os.rename, "first", "first/inside/x")
error("a directory over a file", errno.ENOTDIR, os.rename, "first", "two")
error("a file over a directory", errno.EISDIR, os.rename, "two", "first")
error("over a directory that is not empty", errno.ENOTEMPTY, os.rename, "other", "first")
os.rename("first", "other")
is_("over an empty one", os.listdir("other"), ["inside"])
os.rename("other/inside", "dir/moved")
is_("its parent", os.stat("dir/moved/..").st_ino, os.stat("dir").st_ino)
# A path of more names than a walk follows.
for depth in range(300):
    try:
        os.mkdir("d")
        os.chdir("d")
    except OSError as problem:
        is_("too deep", errno.errorcode[problem.errno], "ENAMETOOLONG")
        break
is_("how deep", depth >= 250, True)
os.chdir(top)
for depth in range(depth, 0, -1):
    os.rmdir("/".join(["d"] * depth))
os.link("two", "three")
os.rename("two", "three")
is_("two names of one file: nothing happens", (os.path.exists("two"), os.path.exists("three")), (True, True))
for name in ("two", "three"):
    os.unlink(name)
for name in ("dir/moved", "other"):
    os.rmdir(name)

# ---- permissions: the kernel enforces what is stored
if os.getuid() == 0 and sys.argv[3] == "others":
    touch("secret", b"x")
    os.chmod("secret", 0o600)
    touch("open", b"x")
    os.chmod("open", 0o644)
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        try:
            os.close(os.open("open", os.O_RDONLY))
            os.open("secret", os.O_RDONLY)
            os._exit(1)
        except PermissionError as problem:
            os._exit(0 if problem.filename == "secret" else 2)
    is_("another user", os.waitpid(child, 0)[1], 0)
    for name in ("secret", "open"):
        os.unlink(name)

# ---- a file without a name
handle = os.open("gone", os.O_CREAT | os.O_RDWR)
os.write(handle, b"still here")
os.unlink("gone")
is_("read after unlink", os.pread(handle, 20, 0), b"still here")
os.pwrite(handle, b"written", 0)
is_("written after unlink", os.pread(handle, 20, 0), b"writtenere")
os.close(handle)

# ---- sizes
touch("size", b"a" * 5000)
os.truncate("size", 100)
is_("shorter", read("size"), b"a" * 100)
os.truncate("size", 9000)
is_("longer", read("size"), b"a" * 100 + bytes(8900))
handle = os.open("size", os.O_RDWR)
os.pwrite(handle, b"far", 1 << 40)
is_("a terabyte", os.fstat(handle).st_size, (1 << 40) + 3)
is_("that is not there", os.fstat(handle).st_blocks < 100, True)
is_("reads as zeros", os.pread(handle, 10, 1 << 30), bytes(10))
os.pwrite(handle, b"b" * 10000, 1 << 30)
is_("where content is", (os.lseek(handle, 1 << 20, os.SEEK_DATA), os.lseek(handle, (1 << 30) + 9, os.SEEK_DATA),
                         os.lseek(handle, (1 << 31), os.SEEK_DATA)), (1 << 30, (1 << 30) + 9, 1 << 40))
is_("where it is not", (os.lseek(handle, 1 << 20, os.SEEK_HOLE), os.lseek(handle, 1 << 30, os.SEEK_HOLE),
                        os.lseek(handle, 1 << 40, os.SEEK_HOLE)), (1 << 20, (1 << 30) + 12288, (1 << 40) + 3))
error("content behind the end", errno.ENXIO, os.lseek, handle, 1 << 41, os.SEEK_DATA)
error("beyond all bounds", errno.EFBIG, os.truncate, "size", (1 << 60) + 1)
error("a negative size", errno.EINVAL, os.truncate, "size", -1)
os.close(handle)
os.unlink("size")

# ---- attributes
os.setxattr("file", "user.one", b"value")
is_("attribute", os.getxattr("file", "user.one"), b"value")
is_("list", os.listxattr("file"), ["user.one"])
error("create over it", errno.EEXIST, os.setxattr, "file", "user.one", b"x", os.XATTR_CREATE)
error("replace none", errno.ENODATA, os.setxattr, "file", "user.two", b"x", os.XATTR_REPLACE)
error("get none", errno.ENODATA, os.getxattr, "file", "user.two")
os.removexattr("file", "user.one")
error("remove none", errno.ENODATA, os.removexattr, "file", "user.one")
is_("statvfs", os.statvfs(".").f_namemax, 255)
os.unlink("file")
os.rmdir("dir")
is_("empty", os.listdir("."), [])

# ---- fsx
chance = random.Random(7)
copy = bytearray()
handle = os.open("fsx", os.O_CREAT | os.O_RDWR)
for number in range(operations):
    what = chance.randrange(100)
    offset = chance.randrange(300000)
    length = chance.choice((1, 100, 4096, 10000, 65536))
    if what < 40:
        data = chance.randbytes(length)
        os.pwrite(handle, data, offset)
        copy.extend(bytes(max(0, offset - len(copy))))
        copy[offset:offset + length] = data
    elif what < 75:
        if os.pread(handle, length, offset) != copy[offset:offset + length]:
            is_(f"operation {number}: read of {length} at {offset}", "other bytes", "those written")
            break
    elif what < 85:
        os.ftruncate(handle, offset)
        copy[offset:] = b""
        copy.extend(bytes(offset - len(copy)))
    elif what < 93:
        if punch(handle, offset, length) != 0:
            is_(f"operation {number}: punch", os.strerror(ctypes.get_errno()), "done")
            break
        end = min(len(copy), offset + length)
        if end > offset:
            copy[offset:end] = bytes(end - offset)
    elif what < 95:
        os.fsync(handle)
    elif what < 97:
        os.close(handle)
        handle = os.open("fsx", os.O_RDWR)
    elif os.fstat(handle).st_size != len(copy):
        is_(f"operation {number}: size", os.fstat(handle).st_size, len(copy))
        break
is_(f"{operations} random operations", os.pread(handle, 1 << 20, 0), bytes(copy))
os.close(handle)
print(f"{passed} passed, {failed} failed")
PYTHON
grep -v passed "$scratch/python"
counted=$(sed -n 's/ passed.*//p' "$scratch/python")
passed=$((passed + ${counted:-0}))
counted=$(sed -n 's/.* passed, \([0-9]*\) failed/\1/p' "$scratch/python")
failed=$((failed + ${counted:-1}))

check "a tree goes in" cp -a "$tree" "$mountpoint/tree"
check "unmounted" unmount
check "sound" "$fsck" "$scratch/volume"
check "kept as a snapshot" "$bxfs" snapshot "$scratch/volume" tree
check "mounted again" "$fuse" "$scratch/volume" "$mountpoint"
check "the tree is as it was" diff -r --no-dereference "$tree" "$mountpoint/tree"
check "and comes out" cp -a "$mountpoint/tree" "$scratch/copy"
check "equal" diff -r --no-dereference "$tree" "$scratch/copy"
check "removed" rm -rf "$mountpoint/tree" "$mountpoint/fsx"
check "unmounted again" unmount
check "the snapshot" "$fuse" --snapshot tree "$scratch/volume" "$mountpoint"
check "has the tree" diff -r --no-dereference "$tree" "$mountpoint/tree"
check "read-only" sh -c '! touch "$1/x"' sh "$mountpoint"
check "unmounted once more" unmount
check "no longer kept" "$bxfs" unsnapshot "$scratch/volume" tree
check "sound in the end" "$fsck" "$scratch/volume"

# Killed at any moment: what was synced is there, the volume sound.
kill_it() {
	"$fuse" -f "$scratch/volume" "$mountpoint" &
	daemon=$!
	for _ in $(seq 600); do
		mountpoint -q "$mountpoint" && break
		sleep 0.1
	done
	python3 - "$mountpoint" "$1" $daemon <<'PYTHON'
import os
import signal
import sys
top, turn, daemon = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
file = os.open(f"{top}/synced", os.O_RDWR | os.O_CREAT)
had = os.pread(file, 100, 0)
assert turn == 0 or had == b"%d" % (turn - 1), had
os.pwrite(file, b"%d" % turn, 0)
os.fsync(file)
other = os.open(f"{top}/other-{turn}", os.O_RDWR | os.O_CREAT)
for i in range(20 + 30 * turn):
    os.pwrite(other, bytes(5000), i * 4000)
os.kill(daemon, signal.SIGKILL)
PYTHON
	status=$?
	wait $daemon 2>/dev/null
	fusermount3 -q -u "$mountpoint"
	test $status -eq 0 && "$fsck" "$scratch/volume"
}
for turn in 0 1 2 3 4 5; do
	check "killed, turn $turn" kill_it $turn
done
echo "$(find "$tree" | wc -l) files and directories, $(du -sh "$tree" | cut -f 1), in and out"
echo "$passed passed, $failed failed"
test "$failed" -eq 0
