#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-kernel.sh -- mksystem and the kernel's own validation agree: what one takes the other takes; of the faulty
# manifests that an image can be written of regardless, the kernel refuses all but those whose complaints
# kernel-takes.table lists; and no port is reserved in one of their two tables only.
. "${BX_SRCDIR:-.}/tools/test-lib.sh"
here=$source/tools/mksystem/tests
kernel=$build/tools/mksystem/tests/kernel-says

found=$("$kernel" --ports) && say ok ports || say bad ports "$found"

# What mksystem takes.
for manifest in "$here"/*.system "$source"/systems/*.system "$source"/tests/system/manifests/*.system; do
	found=$("$kernel" "$manifest")
	"$build/tools/mksystem/mksystem" --check "$manifest" 2>"$scratch/out" && [ "${found#*: }" = takes ] &&
		say ok "$manifest" || say bad "$manifest" "$(cat "$scratch/out") kernel: $found"
done

# What it refuses.
mkdir "$scratch/faults"
awk -v folder="$scratch/faults" -f "$here/make-faults.awk" "$here"/*.system "$here/faults.table" >"$scratch/names" ||
	exit 99
(cd "$scratch/faults" && sed 's/$/.system/' "$scratch/names" | xargs "$kernel") >"$scratch/said" || exit 99
[ "$(wc -l <"$scratch/said")" -eq "$(wc -l <"$scratch/names")" ] && say ok all || say bad all "not all were looked at"
grep -v -e '^#' -e '^$' "$here/kernel-takes.table" >"$scratch/takes"
: >"$scratch/taken"
refused=0
while IFS=: read -r name verdict; do
	name=${name%.system}
	sed 's/^[^:]*:[0-9]*: error: //' "$scratch/faults/$name.expect" >"$scratch/complaints"
	case $verdict in
	" refuses "*)
		refused=$((refused + 1))
		say ok "$name" ;;
	" takes")
		cat "$scratch/complaints" >>"$scratch/taken"
		if grep -vxE -f "$scratch/takes" "$scratch/complaints" >"$scratch/out"; then
			say bad "$name" "the kernel takes it: $(cat "$scratch/out")"
		else
			say ok "$name"
		fi ;;
	esac
done <"$scratch/said"
[ $refused -ge 35 ] && say ok refused || say bad refused "the kernel refuses $refused only"
while read -r pattern; do
	grep -qxE -e "$pattern" "$scratch/taken" && say ok "$pattern" || say bad "$pattern" "the kernel refuses it, too"
done <"$scratch/takes"

echo "$refused faulty manifests refused by both, $(wc -l <"$scratch/taken") complaints of mksystem alone"
finish
