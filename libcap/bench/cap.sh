#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# cap.sh -- the benchmark suite `cap': instructions of every operation of libcap, in wide and in deep
# forests of 10^2 to 10^6 capabilities, counted by callgrind.  A revocation is of the whole forest, and
# its cost is divided by the number of capabilities that went.
#
#	cap.sh CAPCOST [bench-results.jsonl [plot.svg]]
#
# Rows are named OPERATION_SHAPE_SIZE.  The plot is drawn where gnuplot is.
set -u
program=$1
results=${2:-bench-results.jsonl}
plot=${3:-bench-cap.svg}
here=$(dirname "$0")
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
commit=$(git -C "$here" rev-parse --short HEAD 2>/dev/null || echo unknown)
host=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
sizes='100 1000 10000 100000 1000000'
operations='lookup derive copy recharge insert move delete reply revoke'

command -v valgrind >/dev/null || { echo 'bench-cap: skipped, there is no valgrind'; exit 0; }

# count SHAPE SIZE: lines "OPERATION INSTRUCTIONS", each of one operation.
count() {
	valgrind --quiet --tool=callgrind --callgrind-out-file="$scratch/out" "$program" "$1" "$2" \
	    >"$scratch/times" || exit 1
	callgrind_annotate --inclusive=yes --threshold=100 "$scratch/out" >"$scratch/annotated"
	while read -r name times; do
		total=$(sed -n "s/^ *\([0-9,]*\) (.*:op_$name[. ].*/\1/p" "$scratch/annotated" | head -n 1 | tr -d ,)
		test -n "$total" || { echo "bench-cap: nothing was counted of $name" >&2; exit 1; }
		echo "$name $(( (total + times / 2) / times ))"
	done <"$scratch/times"
}

for shape in wide deep; do
	for size in $sizes; do
		count "$shape" "$size" >"$scratch/$shape.$size" || exit 1
	done
	printf '%-10s' "$shape"
	for size in $sizes; do printf '%10s' "$size"; done
	printf '   instructions of one operation\n'
	for name in $operations; do
		printf '%-10s' "$name"
		for size in $sizes; do
			value=$(sed -n "s/^$name //p" "$scratch/$shape.$size")
			printf '%10s' "$value"
			printf '{"suite":"cap","name":"%s_%s_%s","unit":"instructions","value":%s,"system":"brainix","commit":"%s","host":"%s"}\n' \
			    "$name" "$shape" "$size" "$value" "$commit" "$host" >>"$results"
			echo "$size $value" >>"$scratch/$name.$shape.dat"
		done
		printf '\n'
	done
done

# Flat is what must be seen: from a thousand capabilities to a million no operation takes a tenth
# more.  (A hundred are not deep yet, for a recharge.)
for shape in wide deep; do
	for name in $operations; do
		first=$(sed -n "s/^$name //p" "$scratch/$shape.1000")
		last=$(sed -n "s/^$name //p" "$scratch/$shape.1000000")
		if test $(( last * 100 )) -gt $(( first * 110 )); then
			echo "bench-cap: $name in a $shape forest is not flat: $first, then $last" >&2
			exit 1
		fi
	done
done

command -v gnuplot >/dev/null || { echo 'bench-cap: no plot, there is no gnuplot'; exit 0; }
gnuplot -e "data='$scratch'; operations='$operations'; set output '$plot'" "$here/cost.gp" &&
    echo "the plot is $plot"
