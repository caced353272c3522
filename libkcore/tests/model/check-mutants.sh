#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-mutants.sh -- breaks the kernel core by each line of mutants.list, and runs the model on what
# comes of it.  A broken one that is not seen is a failure, as is a line that changes nothing any more.
# Then core and specification in the same way, by each line of both.list: nothing differs, and a sentence has to
# see it.  At last the core by each line of units.list, and a suite of the unit tests has to see it.
#   BX_SRCDIR  top of the sources	BX_SOURCES  of the model, below it	BX_UNITS  of the unit tests but for the core
#   BX_CPPFLAGS BX_LIBS  for them	BX_ONLY  a part of a line: those alone
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
# All of one moment, whatever happens to the sources meanwhile.
top=$scratch/top list=$scratch/top/libkcore/tests/model/mutants.list
mkdir "$top" "$scratch/objects"
cp -r "$BX_SRCDIR/include" "$BX_SRCDIR"/lib* "$top" || exit 99
cp -r "$top" "$scratch/pristine"
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

cp -r "$scratch/objects" "$scratch/whole"

edited() {	# a source below the top, edit: compiled, or, a header, all of the core that include it
	cp "$top/$1" "$scratch/source"
	sed "$2" "$scratch/source" >"$top/$1"
	cmp -s "$top/$1" "$scratch/source" && return 1
	case $1 in
	*.h) set -- $(cd "$top" && grep -l "include \"$(basename "$1")\"" libkcore/src/*.c) ;;
	*) set -- "$1" ;;
	esac
	for source_of in "$@"; do
		compile "$top/$source_of" "$(object "$source_of")" || return 1
	done
}
linked() {
	${CC:-cc} "$scratch"/objects/*.o $BX_LIBS -o "$scratch/model"
}
whole_again() {	# the sources that were edited
	for source_of in "$@"; do
		cp "$scratch/pristine/$source_of" "$top/$source_of"
	done
	cp "$scratch"/whole/*.o "$scratch/objects"
}
wanted() {
	case $1 in '' | '#'*) return 1 ;; *"$BX_ONLY"*) ;; *) return 1 ;; esac
}
failed() {	# what, why
	printf 'failed: %s: %s\n' "$1" "$2"
	failed=$((failed + 1))
}
seen() {	# what
	printf '%s: %s\n' "$1" "$(grep -v -e '^--replay' -e ' ops: .* sequences' \
	    -e ' random sequences of ' "$scratch/out" | head -n 1 | cut -c 1-150)"
	passed=$((passed + 1))
}

while IFS='|' read -r what file edit; do
	wanted "$what" || continue
	case $file in *:*) first="--only ${file#*:} --deeper 0" file=${file%%:*} ;; *) first='--deeper -2' ;; esac
	source=libkcore/src/$file
	if ! edited "$source" "$edit" || ! linked; then
		failed "$what" "the edit changes nothing, or what does not compile"
	elif survives $first --random 20 && survives --deeper -1 --random 200; then
		failed "$what" "not seen"
	else
		seen "$what"
	fi
	whole_again "$source"
done <"$list"

while IFS='|' read -r what source edit system spec spec_edit; do
	wanted "$what" || continue
	if ! edited "$source" "$edit" || ! edited "$spec" "$spec_edit" || ! linked; then
		failed "$what, in both" "the edit changes nothing, or what does not compile"
	elif survives --only "$system" --deeper 0 --random 500; then
		failed "$what, in both" "not seen"
	elif ! grep -q 'a sentence: ' "$scratch/out"; then
		failed "$what, in both" "seen, but by no sentence: $(cut -c 1-100 "$scratch/out" | tail -n 3)"
	else
		seen "$what, in both"
	fi
	whole_again "$source" "$spec"
done <"$top/libkcore/tests/model/both.list"

units() {	# suite: what the unit tests say of it
	test -n "$BX_UNITS" &&
	${CC:-cc} $(ls "$scratch"/objects/*.o | grep -v _tests_model_) "$scratch"/units/*.o $BX_LIBS -o "$scratch/test" &&
	CK_RUN_SUITE=$1 timeout 600 "$scratch/test" >"$scratch/out" 2>&1
}
mkdir "$scratch/units"
while IFS='|' read -r what file edit suite; do
	wanted "$what" || continue
	source=libkcore/src/$file
	for unit in $BX_UNITS; do
		test -f "$scratch/units/$(basename "$unit").o" ||
			compile "$top/$unit" "$scratch/units/$(basename "$unit").o" || exit 99
	done
	if ! units "$suite"; then
		failed "$what" "$suite fails as it is"
	elif ! edited "$source" "$edit"; then
		failed "$what" "the edit changes nothing, or what does not compile"
	elif units "$suite"; then
		failed "$what" "not seen by $suite"
	elif ! grep -q ':[FE]:' "$scratch/out"; then
		failed "$what" "$suite has not come to its end"
	else
		printf '%s: %s\n' "$what" "$(sed -n 's/.*:[FE]:[^:]*:\(.*\)/\1/p' "$scratch/out" | head -n 1 | cut -c 1-150)"
		passed=$((passed + 1))
	fi
	whole_again "$source"
done <"$top/libkcore/tests/model/units.list"

echo "$(($(date +%s) - began)) s"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
