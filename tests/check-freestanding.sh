#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-freestanding.sh -- looks into the archives that are installed.
#
#  - an undefined symbol is a function of BraiNIX (bx_*) or one of the four that a compiler may call
#    on its own (memcpy memmove memset memcmp);
#  - a defined global symbol begins with bx_ (in libsys also the four);
#  - a bx_ symbol that an archive lacks comes from a library below it, or is bx_panic or one of the
#    few (listed below) that the final program brings;
#  - no object has variables that can be written (.data, .bss, common): all state is the caller's;
#  - no object has floating-point code, a path of this machine, or an executable stack.
#
# BX_LIBS is the list of libtool archives, relative to the build folder.
. "$(dirname "$0")/check-lib.sh"
NM=${NM:-nm} OBJDUMP=${OBJDUMP:-objdump}
allowed='mem(cpy|move|set|cmp)|_GLOBAL_OFFSET_TABLE_'

# The libraries that each may call (design: the layers).
below() {
	case $1 in
	kcore | kcore-hosted) echo "cap ipc trust" ;;
	sys) echo "ipc" ;;
	esac
}

# What the final program brings: for libkcore on the real machine also what happens on a trap in the
# kernel (brainix/x86_64.h), and from the link script the bounds of the entry trampoline.
final() {
	echo bx_panic
	case $1 in
	sys) echo bx_main ;;
	kcore)
		echo bx_x86_kernel_trap
		for part in text rodata data; do
			printf '%s\n' bx_entry_${part}_start bx_entry_${part}_end
		done ;;
	esac
}

# The names without bx_ that an archive may define: a server's mem* functions are in libsys.
bare() {
	case $1 in
	sys) echo '^mem(cpy|move|set|cmp)$' ;;
	*) echo '^$' ;;
	esac
}

archive() {
	printf '%s\n' "$BX_BUILDDIR/$(dirname "$1")/.libs/$(basename "$1" .la).a"
}

defined() {
	$NM -g --defined-only "$1" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u
}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

for lib in ${BX_LIBS-}; do
	name=$(basename "$lib" .la)
	name=${name#libbrainix-}
	defined "$(archive "$lib")" >"$scratch/$name.defined"
done

for lib in ${BX_LIBS-}; do
	file=$(archive "$lib")
	name=$(basename "$lib" .la)
	name=${name#libbrainix-}
	rule "$lib is built"
	if ! test -s "$file"; then
		bad "$file is not there"
		continue
	fi

	rule "$lib needs nothing from outside"
	$NM -u "$file" | awk '$1 == "U" { print $2 }' | sort -u >"$scratch/undefined"
	foreign=$(grep -Ev "^(bx_.*|$allowed)\$" "$scratch/undefined" | tr '\n' ' ')
	test -z "$foreign" || bad "$foreign"

	rule "$lib defines bx_ names only"
	unprefixed=$(grep -v '^bx_' "$scratch/$name.defined" | grep -vE "$(bare "$name")" | tr '\n' ' ')
	test -z "$unprefixed" || bad "$unprefixed"

	cp "$scratch/$name.defined" "$scratch/there"
	final "$name" >>"$scratch/there"
	for other in $(below "$name"); do
		test ! -f "$scratch/$other.defined" || cat "$scratch/$other.defined" >>"$scratch/there"
	done
	rule "$lib calls what is below it only"
	above=$(grep '^bx_' "$scratch/undefined" | grep -vxFf "$scratch/there" | tr '\n' ' ')
	test -z "$above" || bad "$above"

	rule "$lib keeps no mutable state"
	# Constant tables that hold addresses are in .data.rel.ro: those stay as they are linked.
	state=$($OBJDUMP -t "$file" | awk 'NF > 4 &&
	    $(NF - 2) ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $(NF - 2) !~ /^\.data\.rel\.ro/ &&
	    $NF !~ /^\./ { print $NF }' | tr '\n' ' ')
	test -z "$state" || bad "$state"

	rule "$lib uses no vector registers"
	# Names and values of relocations contain no register; the operands of instructions do.
	vector=$($OBJDUMP -d --no-show-raw-insn "$file" | grep -c -E '%([xyz]mm|st\()' )
	test "$vector" = 0 || bad "$vector instructions"

	rule "$lib holds no path of this machine"
	for folder in "$BX_SRCDIR" "$BX_BUILDDIR"; do
		! grep -qaF -e "$(cd "$folder" && pwd)" "$file" || bad "$folder"
	done

	rule "$lib asks for no executable stack"
	stack=$($OBJDUMP -h "$file" | grep -c -F .note.GNU-stack)
	objects=$($OBJDUMP -h "$file" | grep -c 'file format')
	test "$stack" = "$objects" || bad "$((objects - stack)) objects without .note.GNU-stack"
done
finish
