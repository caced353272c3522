#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# fuzz-long.sh -- fuzz targets of one room, with clang's address and undefined-behaviour sanitizers, in turn for a given time; the
# next run goes on where this one ended.
#
#	fuzz-long.sh [-s SECONDS] [-d FOLDER] [-r SEED] [-w FILES] [-p FILE:FUNCTION] ROOM TARGET[:PARTS[:MAX]]...
#
#	SECONDS	in all, 300 if not given; a target gets PARTS of them, 1 if not given
#	FOLDER	what stays from run to run, ./fuzz if not given:
#		corpus/TARGET	inputs that reach something new		total/TARGET	executions of all runs
#		failed/		inputs at which a target failed		log		a line for each part of a run
#	SEED	random if not given; it is in the log
#	FILES	of ROOM/tests, without .c: what the targets share beside the library, a model of it for example; compiled without
#		sanitizers, and not counted
#	FILE	of ROOM/src, without .c: compiled without sanitizers, and its FUNCTION renamed FUNCTION_plain, for one of FILES that
#		asks about the memory and calls it
#	ROOM	whose src is the library, and whose tests/fuzz_TARGET.c are the targets; a corpus to begin with is in
#		tests/corpus/TARGET or tests/corpus-TARGET
#	MAX	bytes of the longest input, 4096 if not given
#
# It ends with the total of each target, and fails when an input did.
set -u
top=$(cd "${BX_SRCDIR:-$(dirname "$0")/..}" && pwd) || exit 99
seconds=300 folder=fuzz seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ') shared='' plain=
while getopts s:d:r:w:p: option; do
	case $option in
	s) seconds=$OPTARG ;;
	d) folder=$OPTARG ;;
	r) seed=$OPTARG ;;
	w) shared=$OPTARG ;;
	p) plain=$OPTARG ;;
	*) exit 99 ;;
	esac
done
shift $((OPTIND - 1))
test $# -ge 2 || { echo "fuzz-long.sh: needs a room and targets" >&2; exit 99; }
room=$top/$1
shift
clang=${CLANG:-clang}
command -v "$clang" >/dev/null || { echo "fuzz-long.sh: needs clang" >&2; exit 77; }
mkdir -p "$folder/build" "$folder/total" "$folder/failed"

# NAME:PARTS:MAX
name_of() { echo "${1%%:*}"; }
parts_of() { echo "$1:1" | cut -d: -f2; }
max_of() { case $1 in *:*:*) echo "${1##*:}" ;; *) echo 4096 ;; esac; }

# A trap for undefined behaviour: smaller and faster than a message.  `make fuzz' with --enable-sanitizers says what it was.
sanitize="-fsanitize=address,undefined -fsanitize-trap=undefined"
counted="-fsanitize-coverage=inline-8bit-counters"
flags="-O2 -g -DBX_VERIFY -I$top/include -I$room/include"
compile() { "$clang" $flags $sanitize $counted -c "$1" -o "$2"; }
build() {
	# An archive: a target is linked with, and counts, only what it can reach.
	rm -f "$folder/build/library.a" "$folder"/build/*.o
	for source in $(cd "$room/src" && ls -- *.c */*.c 2>/dev/null); do
		compile "$room/src/$source" "$folder/build/$(echo "$source" | tr / -).o" || return 1
	done
	for source in $shared; do
		"$clang" $flags -c "$room/tests/$source.c" -o "$folder/build/tests-$source.o" || return 1
	done
	if test -n "$plain"; then
		"$clang" $flags "-D${plain#*:}=${plain#*:}_plain" -c "$room/src/${plain%:*}.c" \
		    -o "$folder/build/${plain%:*}.c.o" || return 1
	fi
	ar rcs "$folder/build/library.a" "$folder"/build/*.o || return 1
	"$clang" -O2 -g -c "$top/tests/fuzz-guided.c" -o "$folder/build/guided" || return 1
	for target; do
		target=$(name_of "$target")
		compile "$room/tests/fuzz_$target.c" "$folder/build/target" || return 1
		"$clang" $sanitize "$folder/build/target" "$folder/build/guided" "$folder/build/library.a" \
		    -o "$folder/fuzz_$target" || return 1
	done
}
build "$@" || exit 99

all=0
for target; do all=$((all + $(parts_of "$target"))); done

failures=0
part() {
	target=$(name_of "$1") time=$2 seed=$3
	begin=$room/tests/corpus/$target
	test -d "$begin" || begin=$room/tests/corpus-$target
	mkdir -p "$folder/corpus/$target"
	input=$folder/failed/$target-$seed
	if result=$("$folder/fuzz_$target" --seconds "$time" --seed "$seed" --keep "$folder/corpus/$target" \
	    --total "$folder/total/$target" --failed "$input" --max "$(max_of "$1")" "$begin" 2>"$input.text"); then
		rm -f "$input.text"
	else
		result="FAILED: $input, $input.text"
		failures=$((failures + 1))
	fi
	echo "$(date -u +%FT%TZ) $target seed $seed, $time s: $result" | tee -a "$folder/log"
}

# At most ten minutes at a time, so that what one target's corpus needs to be replayed stays small beside it and a run that is
# stopped has had something of each.
rounds=$(((seconds + 599) / 600))
round=0
while test $round -lt $rounds; do
	for target; do
		part "$target" $(((seconds / rounds) * $(parts_of "$target") / all)) $(((seed + round) % 1000000000000000))
	done
	round=$((round + 1))
done

sum=0
for file in "$folder"/total/*; do
	count=$(sed 's/^0*//' "$file")
	echo "$(basename "$file"): ${count:-0} executions in all runs"
	sum=$((sum + ${count:-0}))
done
echo "all targets: $sum executions; $failures failed"
test $failures = 0
