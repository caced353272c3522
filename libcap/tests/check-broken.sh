#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-broken.sh -- breaks libcap by each line of broken.list, and runs both models on what comes
# of it.  A broken one that neither sees is a failure, as is a line that changes nothing any more.
top=${BX_SRCDIR:-.}
room=$top/libcap
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
caught=0 failed=0

build() {	# model program
	${CC:-cc} -std=gnu11 -O1 -I"$room/include" -I"$top/include" -I"$scratch/src" \
	    "$room/tests/$1.c" "$scratch"/src/*.c -o "$scratch/$1"
}

while IFS='|' read -r what file edit; do
	case $what in '' | '#'*) continue ;; esac
	rm -rf "$scratch/src"
	cp -r "$room/src" "$scratch/src"
	sed -i "$edit" "$scratch/src/$file"
	if cmp -s "$room/src/$file" "$scratch/src/$file" || ! build small_world || ! build long_walk; then
		printf 'failed: %s: the edit changes nothing, or what does not compile\n' "$what"
		failed=$((failed + 1))
		continue
	fi
	seen=
	"$scratch/small_world" >"$scratch/out" 2>&1 || seen='small world'
	"$scratch/long_walk" >"$scratch/out" 2>&1 || seen="$seen${seen:+ and }long walk"
	if [ -n "$seen" ]; then
		printf '%s: seen by %s\n' "$what" "$seen"
		caught=$((caught + 1))
	else
		printf 'failed: %s: seen by neither\n' "$what"
		failed=$((failed + 1))
	fi
done <"$room/tests/broken.list"

echo "$caught passed, $failed failed"
[ $failed -eq 0 ]
