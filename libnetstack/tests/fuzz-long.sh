#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# fuzz-long.sh -- all fuzz targets of libnetstack, with clang's address and undefined-behaviour sanitizers, in turn for a given
# time; the next run goes on where this one ended.
#
#	fuzz-long.sh [-s SECONDS] [-d FOLDER] [-r SEED] [TARGET...]
#
#	SECONDS	in all, 300 if not given; the others get one part each, stack and ipv6 three
#	FOLDER	what stays from run to run, ./fuzz-net if not given:
#		corpus/TARGET	inputs that reach something new		total/TARGET	executions of all runs
#		failed/		inputs at which a target failed		log		a line for each part of a run
#	SEED	random if not given; it is in the log
#
# It ends with the total of each target, and fails when an input did.
set -u
top=$(cd "${BX_SRCDIR:-$(dirname "$0")/../..}" && pwd) || exit 99
seconds=300 folder=fuzz-net seed=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
while getopts s:d:r: option; do
	case $option in
	s) seconds=$OPTARG ;;
	d) folder=$OPTARG ;;
	r) seed=$OPTARG ;;
	*) exit 99 ;;
	esac
done
shift $((OPTIND - 1))
test $# != 0 || set -- stack ipv6 batch dhcp dns dns_stream
clang=${CLANG:-clang}
command -v "$clang" >/dev/null || { echo "fuzz-long.sh: needs clang" >&2; exit 77; }
mkdir -p "$folder/build" "$folder/total" "$folder/failed"

# A trap for undefined behaviour: smaller and faster than a message.  `make fuzz' with --enable-sanitizers says what it was.
sanitize="-fsanitize=address,undefined -fsanitize-trap=undefined"
counted="-fsanitize-coverage=inline-8bit-counters"
flags="-O2 -g -DBX_VERIFY -I$top/include -I$top/libnetstack/include"
build() {
	for source in $(cd "$top/libnetstack/src" && ls -- *.c */*.c); do
		object=$folder/build/$(echo "$source" | tr / -).o
		"$clang" $flags $sanitize $counted -c "$top/libnetstack/src/$source" -o "$object" || return 1
	done
	# An archive: a target is linked with, and counts, only what it can reach.
	rm -f "$folder/build/library.a"
	ar rcs "$folder/build/library.a" "$folder"/build/*.o || return 1
	"$clang" -O2 -g -c "$top/tests/fuzz-guided.c" -o "$folder/build/guided" || return 1
	for target; do
		"$clang" $flags $sanitize $counted -c "$top/libnetstack/tests/fuzz_$target.c" \
		    -o "$folder/build/target" || return 1
		"$clang" $sanitize "$folder/build/target" "$folder/build/guided" "$folder/build/library.a" \
		    -o "$folder/fuzz_$target" || return 1
	done
}
build "$@" || exit 99

parts() { case $1 in stack | ipv6) echo 3 ;; *) echo 1 ;; esac; }
all=0
for target; do all=$((all + $(parts "$target"))); done

failures=0
part() {
	target=$1 time=$2 seed=$3
	mkdir -p "$folder/corpus/$target"
	input=$folder/failed/$target-$seed
	if result=$("$folder/fuzz_$target" --seconds "$time" --seed "$seed" --keep "$folder/corpus/$target" \
	    --total "$folder/total/$target" --failed "$input" "$top/libnetstack/tests/corpus-$target" 2>"$input.text"); then
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
		part "$target" $(((seconds / rounds) * $(parts "$target") / all)) $(((seed + round) % 1000000000000000))
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
