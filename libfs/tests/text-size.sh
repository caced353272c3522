#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# text-size.sh -- text and constants that a program gets from libfs at -Os, and that it is not more than promised:
# reading and writing 48 KiB, reading of sealed volumes only 16 KiB.  Skipped where the compiler is not GCC.
srcdir=${BX_SRCDIR:-.}
cc=${BX_CC:-gcc}
"$cc" --version 2>/dev/null | grep -qi "gcc\|free software foundation" || exit 77
command -v ld >/dev/null && command -v nm >/dev/null || exit 77
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
# As in the build, names of files in the text do not hold the place of the sources.
flags="-Os -std=gnu11 -ffreestanding -fPIC -fvisibility=hidden -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
-fno-asynchronous-unwind-tables -fno-unwind-tables -fno-common -ffunction-sections -fdata-sections -fno-strict-aliasing \
-fcf-protection=branch"

for source in "$srcdir"/libfs/src/*.c; do
	# shellcheck disable=SC2086 # a list of words
	"$cc" $flags "-ffile-prefix-map=$srcdir/=" -I"$srcdir/libfs/include" -I"$srcdir/include" -c "$source" \
	    -o "$scratch/$(basename "$source" .c).o" || exit 99
done
nm "$scratch"/*.o | awk '$2 == "T" && $3 ~ /^bx_fs_/ { print $3 }' >"$scratch/all"
# What hosts do: checking, making, comparing, copying out; and what a program without snapshots does not call.
grep -vE 'bx_fs_(check|format|diff|next_data|snapshot|seal|mount_sealed)' "$scratch/all" >"$scratch/writing"
grep -vE 'bx_fs_(check|format|diff|next_data)' "$scratch/all" >"$scratch/snapshots"
printf 'bx_fs_%s\n' mount_sealed lookup walk next_entry stat read read_link get_attr next_attr get_info \
    >"$scratch/reading"

# row NAME LIST: what these functions need.
row() {
	# shellcheck disable=SC2046 # a list of words
	ld -r --gc-sections $(sed 's/^/-u /' "$scratch/$2") "$scratch"/*.o -o "$scratch/linked" || exit 99
	bytes=$(size "$scratch/linked" | awk 'NR == 2 { print $1 }')
	printf '%-24s %14d %-6s\n' "$1" "$bytes" bytes
}

row text writing
text=$bytes
row text_read_only reading
text_read_only=$bytes
row text_snapshots snapshots
row text_all all
passed=0
test "$text" -le 49152 && passed=$((passed + 1))
test "$text_read_only" -le 16384 && passed=$((passed + 1))
echo "$passed passed, $((2 - passed)) failed"
test "$passed" -eq 2
