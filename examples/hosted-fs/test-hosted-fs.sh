#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-hosted-fs.sh -- kill the program at any moment, again and again: the sum is right each time, the volume sound.
program=$BX_BUILDDIR/examples/hosted-fs/hosted-fs
fsck=$BX_BUILDDIR/tools/fsck.bxfs/fsck.bxfs
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0
turns=${BX_FS_KILLS-12}

turn=0
while test $turn -lt "$turns"; do
	turn=$((turn + 1))
	"$program" "$scratch/volume" run 0 &
	sleep "0.0$((turn * 7 % 10))$((turn % 7))"
	kill -9 $! && wait $! 2>/dev/null
	# Killed before the volume was complete: there is none yet, and the next turn makes it.
	if "$program" "$scratch/volume" show >"$scratch/out" 2>&1 && "$fsck" "$scratch/volume" >>"$scratch/out"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		cat "$scratch/out"
	fi
done
echo "$passed passed, $failed failed"
test "$failed" -eq 0
