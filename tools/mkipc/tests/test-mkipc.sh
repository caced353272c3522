#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-mkipc.sh -- every file in bad/ is refused with the line and the cause that its second line
# expects ("# expect LINE: TEXT"), and nothing is written; the good ones compile to the same bytes twice;
# what is made of them compiles without a warning; no two interfaces of the tree have one protocol.
. "${BX_SRCDIR:-.}/tools/test-lib.sh"
here=$source/tools/mkipc/tests
tool=$build/tools/mkipc/mkipc

make_all() {	# folder file
	mkdir -p "$1" && "$tool" --header "$1/x-ipc.h" --source "$1/x-ipc.c" --client "$1/x-client.h" \
	    --fuzz "$1/x-fuzz.c" --page "$1/x.md" "$2" >"$scratch/out" 2>&1
}

for file in "$here"/bad/*.ipc; do
	name=$(basename "$file" .ipc)
	expect=$(sed -n '2s/^# expect //p' "$file")
	line=${expect%%: *} text=${expect#*: }
	make_all "$scratch/bad" "$file"
	status=$?
	cat "$scratch/out" >>"$scratch/seen"
	if [ $status -ne 1 ]; then
		say bad "$name" "exit status $status"
	elif ! grep -F "bad/$name.ipc:$line: error: " "$scratch/out" | grep -qF -- "$text"; then
		say bad "$name" "expected line $line: $text, got: $(cat "$scratch/out")"
	elif [ -n "$(ls "$scratch/bad")" ]; then
		say bad "$name" "something was written"
	else
		say ok "$name"
	fi
	rm -rf "$scratch/bad"
done

warnings="-std=c11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla -Wpedantic -Werror"
includes="-I$source/include -I$source/libipc/include -I$source/libsys/include"
for file in "$here"/all.ipc "$source"/interfaces/*.ipc; do
	name=$(basename "$file")
	rm -rf "$scratch/one" "$scratch/two"
	if make_all "$scratch/one" "$file" && make_all "$scratch/two" "$file" &&
	    diff -r "$scratch/one" "$scratch/two" >/dev/null; then
		say ok "$name twice"
	else
		say bad "$name" "does not compile, or not to the same bytes twice: $(cat "$scratch/out")"
		continue
	fi
	echo '#include "x-client.h"' >"$scratch/one/client.c"
	for compiler in "${CC_FOR_BUILD:-gcc}" "${CLANG:-clang}"; do
		command -v "${compiler%% *}" >/dev/null || continue
		for unit in x-ipc.c x-fuzz.c client.c; do
			# shellcheck disable=SC2086 # lists of words
			if $compiler $warnings $includes -I"$scratch/one" -c "$scratch/one/$unit" \
			    -o "$scratch/one/unit.o" >"$scratch/out" 2>&1; then
				say ok "$name $unit $compiler"
			else
				say bad "$name $unit $compiler" "$(head -n 20 "$scratch/out")"
			fi
		done
	done
done

"$tool" "$source"/interfaces/*.ipc && say ok together || say bad together "a protocol twice"
cp "$source/interfaces/echo.ipc" "$scratch/other.ipc"
"$tool" "$source/interfaces/echo.ipc" "$scratch/other.ipc" 2>"$scratch/out"
[ $? -eq 1 ] && grep -q "other.ipc:1: error: protocol 3 is that of .*/echo.ipc already" "$scratch/out" &&
	say ok same-protocol || say bad same-protocol "$(cat "$scratch/out")"
"$tool" 2>/dev/null
[ $? -eq 2 ] && say ok no-arguments || say bad no-arguments "exit status"
"$tool" "$scratch/none.ipc" 2>/dev/null
[ $? -eq 1 ] && say ok no-file || say bad no-file "exit status"
"$tool" --header "$scratch/no/such/folder.h" "$here/all.ipc" 2>/dev/null
[ $? -eq 1 ] && say ok no-folder || say bad no-folder "exit status"
"$tool" --prefix 7 --header "$scratch/p.h" "$here/all.ipc" 2>/dev/null
[ $? -eq 1 ] && [ ! -e "$scratch/p.h" ] && say ok prefix || say bad prefix "exit status"
"$tool" --source "$scratch/p.c" "$here/all.ipc" 2>/dev/null
[ $? -eq 1 ] && [ ! -e "$scratch/p.c" ] && say ok include || say bad include "exit status"
head -c 1100000 /dev/zero | tr '\0' ' ' >"$scratch/large.ipc"
"$tool" "$scratch/large.ipc" 2>"$scratch/out"
[ $? -eq 1 ] && grep -q "longer than 1 MiB" "$scratch/out" && say ok large || say bad large "$(cat "$scratch/out")"
awk 'BEGIN { print "interface x protocol 1 version 1 {"; for (i = 1; i < 257; i++) print "method m" i " = " i " ();"; print "}" }' >"$scratch/many.ipc"
"$tool" "$scratch/many.ipc" 2>"$scratch/out"
[ $? -eq 1 ] && grep -q "many.ipc:257: error: more than 255 methods" "$scratch/out" && say ok many || say bad many "$(cat "$scratch/out")"
awk 'BEGIN { print "interface x protocol 1 version 1 {"; for (i = 0; i < 65; i++) print "const C" i " = 1;"; print "}" }' >"$scratch/numbers.ipc"
"$tool" "$scratch/numbers.ipc" 2>"$scratch/out"
[ $? -eq 1 ] && grep -q "numbers.ipc:66: error: more than 64 constants" "$scratch/out" && say ok numbers || say bad numbers "$(cat "$scratch/out")"

# Each complaint of the sources is one that somebody has seen.
for name in other many numbers; do
	"$tool" "$source/interfaces/echo.ipc" "$scratch/$name.ipc" 2>>"$scratch/seen"
done
sed -i 's/^[^:]*:[0-9]*: error: //' "$scratch/seen"
for file in "$source"/tools/mkipc/*.c; do
	awk -f "$source/tools/mksystem/tests/list-diagnostics.awk" "$file"
done | sort -u >"$scratch/patterns"
[ "$(wc -l <"$scratch/patterns")" -ge 25 ] && say ok patterns || say bad patterns "too few are found"
while read -r pattern; do
	grep -qxE -e "$pattern" "$scratch/seen" && say ok "$pattern" || say bad "$pattern" "no faulty interface is told this"
done <"$scratch/patterns"

finish
