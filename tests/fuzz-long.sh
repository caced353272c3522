#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# fuzz-long.sh -- fuzz targets of one room, with clang's address and undefined-behaviour sanitizers, in turn for a given time; the
# next run goes on where this one ended.
#
#	fuzz-long.sh [-q] [-s SECONDS] [-d FOLDER] [-r SEED] [-w FILES] [-p FILE:FUNCTION] ROOM TARGET[:PARTS[:MAX]]...
#
#	-q	three quarters of the time of each target without the address sanitizer, which takes half of it: with traps for
#		undefined behaviour and broken stacks only.  The quarter with it begins with each input that reached something
#		new; it is counted apart, as TARGET, the others as TARGET-plain
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
seconds=300 folder=fuzz seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ') shared='' plain='' quick=
while getopts qs:d:r:w:p: option; do
	case $option in
	q) quick=yes ;;
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
mkdir -p "$folder/total" "$folder/failed"

# NAME:PARTS:MAX
name_of() { echo "${1%%:*}"; }
parts_of() { echo "$1:1" | cut -d: -f2; }
max_of() { case $1 in *:*:*) echo "${1##*:}" ;; *) echo 4096 ;; esac; }

# A trap for undefined behaviour: smaller and faster than a message.  `make fuzz' with --enable-sanitizers says what it was.
counted="-fsanitize-coverage=inline-8bit-counters -include $top/tests/fuzz-bytes.h"
flags="-O2 -g -DBX_VERIFY -I$top/include -I$room/include"
compile() { "$clang" $flags $sanitize $counted -c "$1" -o "$2"; }
# build FOLDER NAME SANITIZE PROGRAM...: with these flags, as NAME_TARGET; PROGRAM is what main() is made of.
build() {
	into=$1 name=$2 sanitize=$3
	shift 3
	# An archive: a target is linked with, and counts, only what it can reach.
	mkdir -p "$into"
	rm -f "$into/library.a" "$into"/*.o
	for source in $(cd "$room/src" && ls -- *.c */*.c 2>/dev/null); do
		compile "$room/src/$source" "$into/$(echo "$source" | tr / -).o" || return 1
	done
	for source in $shared; do
		"$clang" $flags -c "$room/tests/$source.c" -o "$into/tests-$source.o" || return 1
	done
	if test -n "$plain"; then
		"$clang" $flags "-D${plain#*:}=${plain#*:}_plain" -c "$room/src/${plain%:*}.c" -o "$into/${plain%:*}.c.o" ||
		    return 1
	fi
	ar rcs "$into/library.a" "$into"/*.o || return 1
	for target in $targets; do
		target=$(name_of "$target")
		compile "$room/tests/fuzz_$target.c" "$into/target" || return 1
		"$clang" -O2 -g $sanitize "$into/target" "$@" "$into/library.a" -o "$folder/${name}_$target" || return 1
	done
}
targets=$*
mkdir -p "$folder/build"
"$clang" -O2 -g -c "$top/tests/fuzz-guided.c" -o "$folder/build/guided" || exit 99
"$clang" -O2 -g -c "$top/tests/fuzz-plain.c" -o "$folder/build/plain" || exit 99
build "$folder/build/with" fuzz "-fsanitize=address,undefined -fsanitize-trap=undefined" "$folder/build/guided" || exit 99
# What the address sanitizer sees too is left to it.
test -z "$quick" || build "$folder/build/without" plain "-fsanitize=undefined -fsanitize-trap=undefined \
    -fno-sanitize=null,object-size,alignment,pointer-overflow -fstack-protector-strong" \
    "$folder/build/guided" "$folder/build/plain" || exit 99

all=0
for target; do all=$((all + $(parts_of "$target"))); done

failures=0
# part TARGET PROGRAM COUNTED-AS SECONDS SEED
part() {
	target=$(name_of "$1") program=$2 as=$3 time=$4 seed=$5
	begin=$room/tests/corpus/$target
	test -d "$begin" || begin=$room/tests/corpus-$target
	mkdir -p "$folder/corpus/$target"
	input=$folder/failed/$as-$seed
	if result=$("$folder/${program}_$target" --seconds "$time" --seed "$seed" --keep "$folder/corpus/$target" \
	    --total "$folder/total/$as" --failed "$input" --max "$(max_of "$1")" "$begin" 2>"$input.text"); then
		rm -f "$input.text"
	else
		result="FAILED: $input, $input.text"
		failures=$((failures + 1))
	fi
	echo "$(date -u +%FT%TZ) $as seed $seed, $time s: $result" | tee -a "$folder/log"
}

# At most ten minutes at a time, so that what one target's corpus needs to be replayed stays small beside it and a run that is
# stopped has had something of each.
rounds=$(((seconds + 599) / 600))
round=0
while test $round -lt $rounds; do
	for target; do
		time=$(((seconds / rounds) * $(parts_of "$target") / all)) from=$(((seed + round) % 1000000000000000))
		if test -n "$quick"; then
			part "$target" plain "$(name_of "$target")-plain" $((time - time / 4)) "$from"
			time=$((time / 4))
		fi
		part "$target" fuzz "$(name_of "$target")" "$time" "$from"
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
