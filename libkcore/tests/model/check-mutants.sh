#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-mutants.sh -- breaks the kernel core by each line of mutants.list, and runs the model on what
# comes of it.  A broken one that is not seen is a failure, as is a line that changes nothing any more.
#   BX_SRCDIR  top of the sources	BX_SOURCES  of the model, below it
#   BX_CPPFLAGS BX_LIBS  for them	BX_ONLY  a part of a line: those alone
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
# All of one moment, whatever happens to the sources meanwhile.
top=$scratch/top list=$scratch/top/libkcore/tests/model/mutants.list
mkdir "$top" "$scratch/objects"
cp -r "$BX_SRCDIR/include" "$BX_SRCDIR"/lib* "$top" || exit 99
flags="-std=gnu11 -O1 $(printf '%s ' "$BX_CPPFLAGS" | sed "s|-I$BX_SRCDIR/|-I$top/|g")"
passed=0 failed=0 began=$(date +%s)

compile() {	# source, object
	eval "${CC:-cc} $flags -c '$1' -o '$2'"
}
object() {	# source below the top
	echo "$scratch/objects/$(echo "$1" | tr / _).o"
}
# Most are seen by the shortest sequences, or in the system that a line names; who is left needs longer ones.  A model that does not
# come to its end has not seen it (one whose core does not come back says so itself).
survives() {	# options of the model
	timeout 600 "$scratch/model" "$@" >"$scratch/out" 2>&1
	case $? in 0 | 124) ;; *) return 1 ;; esac
}

# Everything once; then what is broken alone.
for source in $BX_SOURCES; do
	case $source in
	*.c) compile "$top/$source" "$(object "$source")" || exit 99 ;;
	esac
done

# A header is compiled with all that include it, whose objects are put back afterwards.
parts_of() {	# source below the top
	case $1 in
	*.h) (cd "$top" && grep -l "\"${1##*/}\"" libkcore/src/*.c) ;;
	*) echo "$1" ;;
	esac
}
compile_all() {	# sources
	for part in "$@"; do
		compile "$top/$part" "$(object "$part")" || return 1
	done
}

while IFS='|' read -r what file edit; do
	case $what in '' | '#'*) continue ;; esac
	case $what in *"$BX_ONLY"*) ;; *) continue ;; esac
	case $file in *:*) first="--only ${file#*:} --deeper 0" file=${file%%:*} ;; *) first='--deeper -2' ;; esac
	source=libkcore/src/$file
	parts=$(parts_of "$source")
	cp "$top/$source" "$scratch/source"
	rm -rf "$scratch/whole"
	cp -r "$scratch/objects" "$scratch/whole"
	sed "$edit" "$scratch/source" >"$top/$source"
	if cmp -s "$top/$source" "$scratch/source" || ! compile_all $parts ||
	    ! ${CC:-cc} "$scratch"/objects/*.o $BX_LIBS -o "$scratch/model"; then
		printf 'failed: %s: the edit changes nothing, or what does not compile\n' "$what"
		failed=$((failed + 1))
	elif survives $first --random 20 && survives --deeper -1 --random 200; then
		printf 'failed: %s: not seen\n' "$what"
		failed=$((failed + 1))
	else
		printf '%s: %s\n' "$what" "$(grep -v -e '^--replay' -e ' ops: .* sequences' \
		    -e ' random sequences of ' "$scratch/out" | head -n 1 | cut -c 1-150)"
		passed=$((passed + 1))
	fi
	cp "$scratch/source" "$top/$source"
	rm -rf "$scratch/objects"
	mv "$scratch/whole" "$scratch/objects"
done <"$list"

echo "$(($(date +%s) - began)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
