#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-faults.sh -- every manifest of the tables of faults is refused with exactly the complaints that its
# table expects (file, line, cause), no image is left behind; and there is no complaint in the sources of
# the tools that no manifest provokes, nor a rule of the kernel's validation that has no test.
. "${BX_SRCDIR:-.}/tools/test-lib.sh"
here=$source/tools/mksystem/tests

# refuse FOLDER NAME COMMAND...: the complaints are those expected, about a manifest of its own folder.
refuse() {
	folder=$1 name=$2
	shift 2
	(cd "$folder" && "$@" "$name.system" >"$name.out" 2>&1)
	status=$?
	if [ $status -ne 1 ]; then
		say bad "$name" "exit status $status"
	elif ! cmp -s "$folder/$name.out" "$folder/$name.expect"; then
		say bad "$name" "$(diff "$folder/$name.expect" "$folder/$name.out")"
	elif [ -e "$folder/image" ]; then
		say bad "$name" "an image was written"
	else
		say ok "$name"
	fi
	rm -f "$folder/image"
}

# table FOLDER TABLE BASE...: the names of its cases in $scratch/names.
table() {
	folder=$1 table=$2
	shift 2
	mkdir "$folder" && awk -v folder="$folder" -f "$here/make-faults.awk" "$@" "$table" >"$scratch/names" &&
	    [ -s "$scratch/names" ] || exit 99
}

table "$scratch/manifest" "$here/faults.table" "$here"/*.system
while read -r name; do
	refuse "$scratch/manifest" "$name" "$build/tools/mksystem/mksystem" -o image
done <"$scratch/names"
table "$scratch/authority" "$source/tools/authority/tests/faults.table" "$source/tools/authority/tests/base.system"
while read -r name; do
	refuse "$scratch/authority" "$name" "$build/tools/authority/authority" --check
done <"$scratch/names"
faults=$((passed + failed))
[ $faults -ge 150 ] && say ok count || say bad count "$faults faulty manifests, but at least 150 are promised"

# What they are made from is good, or all of them could be refused for one reason.
for base in "$here"/*.system; do
	"$build/tools/mksystem/mksystem" --check "$base" && say ok "$base" || say bad "$base" "does not compile"
done
"$build/tools/authority/authority" --check "$source/tools/authority/tests/base.system" && say ok authority-base ||
	say bad authority-base "is refused"

# Each complaint of the sources is one that somebody has seen.
cat "$scratch"/*/*.expect | sed 's/^[^:]*:[0-9]*: error: //' >"$scratch/seen"
for file in "$source"/tools/mksystem/*.c "$source"/tools/authority/*.c; do
	awk -f "$here/list-diagnostics.awk" "$file"
done | sort -u >"$scratch/patterns"
[ "$(wc -l <"$scratch/patterns")" -ge 70 ] && say ok patterns || say bad patterns "too few are found"
while read -r pattern; do
	grep -qxE -e "$pattern" "$scratch/seen" && say ok "$pattern" ||
		say bad "$pattern" "no faulty manifest is told this"
done <"$scratch/patterns"

# The kernel trusts no tool: each refusal of its own validation has its test.
kernel=$source/libkcore
awk '{ text = text " " $0 } END {
	while (match(text, /refuse\(where, BX_ERR_[A-Z]+,[ \t]*"[^"]*"/)) {
		call = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		match(call, /BX_ERR_[A-Z]+/)
		err = substr(call, RSTART, RLENGTH)
		match(call, /"[^"]*"/)
		print err ", " substr(call, RSTART, RLENGTH)
	}
}' "$kernel/src/sysimage.c" | sort -u >"$scratch/rules"
tr '\n\t' '  ' <"$kernel/tests/test_sysimage.c" | sed 's/,  */, /g' >"$scratch/tests"
[ "$(wc -l <"$scratch/rules")" -ge 50 ] && say ok rules || say bad rules "too few are found"
while read -r rule; do
	grep -qF -e "$rule" "$scratch/tests" && say ok "$rule" || say bad "$rule" "libkcore has no test of it"
done <"$scratch/rules"

echo "$faults faulty manifests"
finish
