#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-mutants.sh -- breaks the kernel core by each line of mutants.list, and runs the model on what
# comes of it.  A broken one that is not seen is a failure, as is a line that changes nothing any more.
#   BX_SRCDIR  top of the sources    BX_CPPFLAGS BX_LIBS  what Check needs    BX_ONLY  a part of a line
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
# All of one moment, whatever happens to the sources meanwhile.
top=$scratch/top
mkdir "$top"
cp -r "${BX_SRCDIR:-.}/include" "${BX_SRCDIR:-.}/libcap" "${BX_SRCDIR:-.}/libkcore" "$top" || exit 99
room=$top/libkcore
caught=0 failed=0
flags="-std=gnu11 -O1 -DBX_VERSION=\"0\" -I$top/include -I$top/libcap/include -I$room/include
	-I$room/src $BX_CPPFLAGS"

# Everything once; then what is broken alone.
mkdir "$scratch/core" "$scratch/rest" "$scratch/src"
compile() {	# source folder
	${CC:-cc} $flags -c "$1" -o "$scratch/$2/$(basename "$1" .c).o"
}
for source in "$room"/src/*.c; do
	compile "$source" core || exit 99
done
for source in "$top"/libcap/src/*.c "$room"/tests/model/*.c "$room/tests/fixture.c" \
    "$room/src/x86_64/page_table.c" "$room/src/hosted/hosted.c"; do
	compile "$source" rest || exit 99
done

# Most are seen at once by the shortest sequences; only who is left needs the whole of `make check'.
survives() {	# options of the model
	timeout 300 "$scratch/model" "$@" >"$scratch/out" 2>&1
}

while IFS='|' read -r what file edit; do
	case $what in '' | '#'*) continue ;; esac
	case $what in *"$BX_ONLY"*) ;; *) continue ;; esac
	name=$(basename "$file" .c)
	sed "$edit" "$room/src/$file" >"$scratch/src/$file"
	cp "$scratch/core/$name.o" "$scratch/whole.o"
	if cmp -s "$room/src/$file" "$scratch/src/$file" || ! compile "$scratch/src/$file" core ||
	    ! ${CC:-cc} "$scratch"/core/*.o "$scratch"/rest/*.o $BX_LIBS -o "$scratch/model"; then
		printf 'failed: %s: the edit changes nothing, or what does not compile\n' "$what"
		failed=$((failed + 1))
	elif survives --deeper -2 --random 10 && survives --deeper 0 --random 60; then
		printf 'failed: %s: not seen\n' "$what"
		failed=$((failed + 1))
	else
		printf '%s: %s\n' "$what" "$(grep -v -e '^--replay' -e ' ops: .* sequences' -e ' random sequences of ' "$scratch/out" |
		    head -n 1 | cut -c 1-150)"
		caught=$((caught + 1))
	fi
	cp "$scratch/whole.o" "$scratch/core/$name.o"
done <"$room/tests/model/mutants.list"

echo "$caught passed, $failed failed"
[ "$failed" -eq 0 ]
