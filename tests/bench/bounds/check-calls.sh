#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-calls.sh -- each system call of abi.h has its line in docs/bounds.md, that names rows which have a
# bound there and are in the benchmark; and no line is of a call that there is not.  `make bench-bounds'
# measures the rows.
top=${BX_SRCDIR:-.}
work=$(mktemp -d) || exit 99
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

holds() {	# what, then a command that is true
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		echo "failed: $what"
		failed=$((failed + 1))
	fi
}
sed -n 's/^#define BX_SYS_\([A-Z_]*\)[[:space:]].*/\1/p' "$top/include/brainix/abi.h" |
	grep -vx COUNT | sort >"$work/calls"
sed -n 's/^| `\([A-Z_]*\)` | \(`.*`\) |$/\1 \2/p' "$top/docs/bounds.md" | tr -d '\140' >"$work/lines"
sed -n 's/^| `\([a-z0-9_]*\)` | [0-9,]* | .*/\1/p' "$top/docs/bounds.md" | sort >"$work/bounds"

holds 'abi.h has calls' test -s "$work/calls"
while read -r call; do
	holds "$call has no row in docs/bounds.md" grep -q "^$call " "$work/lines"
done <"$work/calls"
while read -r call rows; do
	holds "$call of docs/bounds.md is no system call" grep -qx "$call" "$work/calls"
	for row in $rows; do
		holds "$row, of $call, has no bound in docs/bounds.md" grep -qx "$row" "$work/bounds"
		holds "$row, of $call, is not measured" \
			grep -q "\"$row\"" "$top"/tests/bench/bounds/bounds_*.c "$top/tests/bench/bounds/bounds.c"
	done
done <"$work/lines"
echo "$passed passed, $failed failed"
test "$failed" = 0
