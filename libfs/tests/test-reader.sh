#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-reader.sh -- what the specification says is what the library does: reader.py, which was written from SPEC.md alone,
# and bxfs must see the same names, inodes and contents in volumes with random content, of both checksums, with
# records in the log and with snapshots, in one made of a tree, and in one that is sealed.
#	BX_READER_SEEDS=40	how many random volumes (else 6)
command -v python3 >/dev/null || exit 77
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
python3 - "$BX_SRCDIR/libfs/tests" "$BX_BUILDDIR" "$scratch" "${BX_READER_SEEDS-6}" <<'PYTHON'
import hashlib
import json
import os
import subprocess
import sys

here, build, scratch, seeds = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
sys.path.insert(0, here)
sys.dont_write_bytecode = True
import reader

tool = lambda name: os.path.join(build, "tools", name, name)
passed = failed = objects = records = 0


def run(*words):
    return subprocess.run(words, stdout=subprocess.PIPE, check=True).stdout


def tool_names(volume, snapshot):
    """What bxfs says, in the form of the reader."""
    state = ("--snapshot", snapshot) if snapshot else ()
    path = []
    for line in run(tool("bxfs"), *state, "--json", "tree", volume).decode().splitlines():
        entry = json.loads(line)
        path[entry["depth"] - 1:] = [entry["name"]]
        name = "/" + "/".join(path)
        out = json.loads(run(tool("bxfs"), *state, "--json", "stat", volume, name))
        del out["name"], out["blocks"]
        out["path"] = name
        text = run(tool("bxfs"), *state, "stat", volume, name).decode()
        out["attributes"] = sorted(line[10:] for line in text.splitlines()[1:] if line.startswith("attribute "))
        if out["type"] == "l":
            out["target"] = text.splitlines()[0].split(" -> ", 1)[1]
        elif out["type"] == "-":
            out["sha256"] = hashlib.sha256(run(tool("bxfs"), *state, "cat", volume, name)).hexdigest()
        yield out


def compare(what, volume, snapshot=None):
    global passed, failed, objects
    try:
        mine = list(reader.Volume(volume, *([snapshot] if snapshot else [])).names())
    except (ValueError, KeyError, AttributeError) as problem:
        mine = [{"problem": repr(problem)}]
    theirs = list(tool_names(volume, snapshot))
    objects += len(theirs)
    if mine == theirs:
        passed += 1
        return
    failed += 1
    print(f"failed: {what}")
    for pair in zip(mine, theirs):
        if pair[0] != pair[1]:
            print(f"    the specification: {pair[0]}\n    the library:       {pair[1]}")
            break


for seed in range(1, seeds + 1):
    volume = os.path.join(scratch, "volume")
    records += int(run(os.path.join(build, "libfs/tests/leave_log"), str(seed), volume).split()[0])
    compare(f"volume {seed}", volume)
    for line in run(tool("bxfs"), "--json", "snapshots", volume).decode().splitlines():
        name = json.loads(line)["name"]
        compare(f"volume {seed}, snapshot {name}", volume, name)
for words in ((), ("--seal",)):
    volume = os.path.join(scratch, "tree")
    run(tool("mkfs.bxfs"), "-d", os.path.join(here, "../src"), *words, volume)
    compare(" ".join(("a tree", *words)), volume)
print(f"{objects} objects, {records} records in logs")
print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0 or records == 0)
PYTHON
