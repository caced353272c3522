#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-hundred.sh -- fsck.bxfs on a hundred damaged volumes: it finds each damage that matters, names what it hit, and calls
# sound only what still reads as it was.  BX_FSCK_SHOW=1 prints what it said of each; BX_FSCK_VOLUMES, BX_FSCK_SEED
# choose others.
command -v python3 >/dev/null || exit 77
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
python3 - "$BX_BUILDDIR" "$scratch" "${BX_FSCK_VOLUMES-100}" "${BX_FSCK_SEED-1}" <<'PYTHON'
import collections
import os
import random
import subprocess
import sys

build, scratch, count, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
tool = lambda name: os.path.join(build, "tools", name, name)
path = lambda name: os.path.join(scratch, name)
chance = random.Random(seed)


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def contents(image):
    """Every file of the volume and of its snapshot, or None where it cannot be read."""
    found = {}
    for state in ((), ("--snapshot", "before")):
        for name in names:
            process = run(tool("bxfs"), *state, "cat", image, name)
            found[state, name] = process.stdout if process.returncode == 0 else None
    return found


os.makedirs(path("tree/dir"))
names = []
for i in range(24):
    name = f"dir/file-{i:02}" if i % 2 else f"file-{i:02}"
    names.append(name)
    with open(path("tree/" + name), "wb") as file:
        file.write(chance.randbytes(chance.choice((10, 700, 5000, 40000))))
with open(path("new"), "wb") as file:
    file.write(chance.randbytes(30000))
base = path("base")
assert run(tool("mkfs.bxfs"), "-s", "2M", "-d", path("tree"), base).returncode == 0
assert run(tool("bxfs"), "snapshot", base, "before").returncode == 0
for name in names[:4]:
    assert run(tool("bxfs"), "put", base, path("new"), name).returncode == 0
with open(base, "rb") as file:
    good = file.read()
truth = contents(base)
used = [at for at in range(0, len(good), 4096) if any(good[at:at + 4096])]

failures, said = [], collections.Counter()
for number in range(count):
    image = bytearray(good)
    at = chance.choice(used)
    kind = chance.choice(("a bit flipped", "a sector zeroed", "a block of garbage", "a block of another place"))
    if kind == "a bit flipped":
        image[at + chance.randrange(4096)] ^= 1 << chance.randrange(8)
    elif kind == "a sector zeroed":
        sector = at + 512 * chance.randrange(8)
        image[sector:sector + 512] = bytes(512)
    elif kind == "a block of garbage":
        image[at:at + 4096] = chance.randbytes(4096)
    else:
        other = chance.choice(used)
        image[at:at + 4096] = good[other:other + 4096]
    with open(path("bad"), "wb") as file:
        file.write(image)
    process = run(tool("fsck.bxfs"), path("bad"))
    text = process.stdout.decode(errors="replace").replace(scratch + "/", "").strip().splitlines()
    if os.environ.get("BX_FSCK_SHOW"):
        print(f"{number:3}  block {at // 4096}: {kind}")
        print("".join(f"       {line}\n" for line in text), end="")
    now = contents(path("bad"))
    wrong = [key for key in truth if now[key] is not None and now[key] != truth[key]]
    lost = [key for key in truth if now[key] is None]
    if wrong:
        failures.append(f"volume {number}: {wrong} read as something else")
    if process.returncode not in (0, 4, 8):
        failures.append(f"volume {number}: status {process.returncode}")
    if process.returncode == 0 and lost:
        failures.append(f"volume {number}: sound, but {lost} cannot be read")
    if process.returncode == 0:
        said["sound: what was hit is not in use"] += 1
    for line in text[:1] if process.returncode else []:
        said[line.split(":")[0 if process.returncode == 4 else 1].strip()] += 1

for what, times in said.most_common():
    print(f"{times:4}  {what}")
print("".join(failure + "\n" for failure in failures), end="")
print(f"{count - len(failures)} passed, {len(failures)} failed")
sys.exit(bool(failures))
PYTHON
