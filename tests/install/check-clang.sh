#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-clang.sh -- clang builds everything, tests included, without a warning, and the archives it
# makes keep the rules that those of GCC keep.
. "$(dirname "$0")/../check-lib.sh"
checks=$(cd "$(dirname "$0")/.." && pwd)
not_in_distcheck
clang=${CLANG:-clang}
rule "clang"
if ! command -v "$clang" >/dev/null; then
	skip "it is not here (Debian: clang)"
	finish
fi
unset MAKEFLAGS MFLAGS MAKELEVEL CC CC_FOR_BUILD FREE_CFLAGS
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
copy_tree "$scratch/tree"
mkdir "$scratch/build"
if ! (cd "$scratch/build" && "$scratch/tree/configure" -q CC="$clang" CFLAGS=-O1) >"$scratch/output" 2>&1; then
	bad "$(tail -n 5 "$scratch/output")"
	finish
fi

rule "no warning"
make -C "$scratch/build" -j"$jobs" >"$scratch/output" 2>&1 || bad "the build failed"
make -C "$scratch/build" -j"$jobs" check TESTS= >>"$scratch/output" 2>&1 || bad "the build of the tests failed"
found=$(grep -E 'warning:|error:' "$scratch/output" | head -n 10)
test -z "$found" || bad "$found"

rule "archives of clang"
(cd "$scratch/build" && BX_SRCDIR=$scratch/tree BX_BUILDDIR=$scratch/build sh "$checks/check-freestanding.sh") \
    >"$scratch/output" || bad "$(cat "$scratch/output")"
finish
