#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# net.sh -- the benchmark suite `net': this library and, where liblwip-dev is installed, lwIP, in one run.
#
#	net.sh FOLDER [bench-results.jsonl]	where bench_net, bench_loss and bench_share are
#
# Times are the median of five; instructions come from callgrind, as the difference of two run lengths, where
# valgrind is installed.  Under it a `rep' string instruction counts once for each iteration: so the C library is told to
# copy without, for both.
#
# It fails when a row is above half of lwIP's instructions in the same run.  In the bulk row the mark is not Debian's
# library, which sums slowly, but half of what was measured for a leaner build of 2.1 (6,941).  It fails, too, when the goodput
# is below lwIP's at any rate of the loss grid: both on the same wire, by the same seeds.  BBR's has to be ahead of smoltcp's best
# (without congestion control), too, or where the window is all there is (0 and 0.1 %) no less.
set -u
GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=1000000000
ours=$1/bench_net
loss=$1/bench_loss
share=$1/bench_share
results=${2:-bench-results.jsonl}
here=$(dirname "$0")
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
commit=$(git -C "$here" rev-parse --short HEAD 2>/dev/null || echo unknown)
host=$(uname -n)
lwip=$(find /usr/lib -name 'liblwip.so.0' 2>/dev/null | head -n 1)

# row NAME UNIT VALUE SYSTEM
row() {
	printf '%-14s %-13s %14s  %s\n' "$1" "$2" "$3" "$4"
	printf '{"suite":"net","name":"%s","unit":"%s","value":%s,"system":"%s","commit":"%s","host":"%s"}\n' \
	    "$1" "$2" "$3" "$4" "$commit" "$host" >>"$results"
}

# measure SYSTEM ROW COUNT COMMAND...
measure() {
	system=$1
	name=$2
	count=$3
	shift 3
	for _ in 1 2 3 4 5; do
		"$@" "$name" "$count" || return
	done >"$scratch/times" 2>"$scratch/errors"
	sort -k3n "$scratch/times" | sed -n 3p | while read -r _ n seconds; do
		if test "${name#bulk_}" != "$name"; then
			row "$name" Gbit/s "$(awk "BEGIN { printf \"%.1f\", $n / $seconds * 1460 * 8 / 1e9 }")" "$system"
		else
			row "$name" ops/s "$(awk "BEGIN { printf \"%.0f\", $n / $seconds }")" "$system"
		fi
	done
	command -v valgrind >/dev/null || return
	for n in 3200 9600; do
		GLIBC_TUNABLES=$GLIBC_TUNABLES valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" "$name" $n 2>&1 |
		    awk '/Collected/ { print $4 }'
	done | tr '\n' ' ' >"$scratch/counts"
	read -r few many <"$scratch/counts"
	row "$name" instructions "$(( (many - few) / 6400 ))" "$system"
	echo "$name $(( (many - few) / 6400 ))" >>"$scratch/instructions-${system%% *}"
}

# Says how each row stands to half of lwIP's instructions; false when one is above it.
compare() {
	echo 'bulk_segment 6941' >>"$scratch/instructions-lwip"
	awk '
	    FNR == NR { lwip[$1] = $2; next }
	    $1 in lwip {
		over = 2 * $2 > lwip[$1]
		printf "%-14s %.2f of lwIP%s\n", $1, $2 / lwip[$1], over ? ", more than half" : ""
		bad += over
	    }
	    END { exit bad != 0 }' "$scratch/instructions-lwip" "$scratch/instructions-brainix"
}

if test -n "$lwip" && test -f /usr/include/lwip/lwip/init.h; then
	${CC:-cc} -std=gnu11 -O2 -I/usr/include/lwip -o "$scratch/bench_lwip" "$here/bench_lwip.c" -ldl &&
	    ${CC:-cc} -std=gnu11 -O2 -I/usr/include/lwip -rdynamic -o "$scratch/bench_loss_lwip" \
	    "$here/bench_loss_lwip.c" "$here/../tests/wire.c" -ldl || lwip=
else
	lwip=
	echo 'lwIP is left out: install liblwip-dev' >&2
fi
for spec in bulk_segment:1000000 bulk_256k:1000000 bulk_offload:1000000 bulk_bbr:1000000 rr1:500000 rr1_bbr:500000 \
    rr128:500000 open_close:100000 udp64:1600000 udp1472:640000 icmp56:1000000 arp:1000000 rr1_1000conn:300000 rr1_10000conn:1000000 \
    rr1_burst:1000000 rr1_burst_10000conn:1000000 rr1_floor:1000000; do
	name=${spec%:*}
	measure brainix "$name" "${spec#*:}" "$ours"
	# Its window is what it was built with, it has no offload here and no BBR, 10,000 connections it has not, and the floor is a
	# program, not a stack.
	case $name in
	bulk_256k|bulk_offload|*_bbr|rr1_10000conn|rr1_burst*|rr1_floor) continue ;;
	esac
	test -z "$lwip" ||
	    measure 'lwip 2.1.3' "$name" "${spec#*:}" "$scratch/bench_lwip" "$lwip"
done
# grid SYSTEM COMMAND...: the loss grid, also into a file of its own.
grid() {
	system=$1
	shift
	"$@" >"$scratch/grid-${system%% *}" || echo 'loss grid: no result' >&2
	while read -r name value; do row "$name" kB/s "$value" "$system"; done <"$scratch/grid-${system%% *}"
}

# Marks that were measured elsewhere: smoltcp's best at each rate.
cat >"$scratch/grid-smoltcp" <<'END'
loss_0 321
loss_0.1 317
loss_1 216
loss_2 147
loss_5 53
loss_10 15
END

# compare_bbr: BBR's goodput beside smoltcp's; false when it is behind.
compare_bbr() {
	awk '
	    FNR == NR { mark[$1] = $2; next }
	    {
		behind = !($1 in mark) || $2 < mark[$1]
		printf "%-14s %4d kB/s with BBR, smoltcp %4d%s\n", $1, $2, mark[$1], behind ? ", behind" : ""
		bad += behind
		n++
	    }
	    END { exit bad != 0 || n != 6 }' "$scratch/grid-smoltcp" "$scratch/grid-bbr"
}

# compare_grid FILE: goodput beside lwIP's; false when ours is below it.
compare_grid() {
	awk '
	    FNR == NR { lwip[$1] = $2; next }
	    {
		behind = !($1 in lwip) || $2 < lwip[$1]
		printf "%-14s %4d kB/s, lwIP %4d%s\n", $1, $2, lwip[$1], behind ? ", behind" : ""
		bad += behind
		n++
	    }
	    END { exit bad != 0 || n != 6 }' "$scratch/grid-lwip" "$1"
}

grid brainix "$loss"
for control in newreno bbr none; do
	"$loss" $control | tee "$scratch/grid-$control" | while read -r name value; do row "$name" kB/s "$value" "brainix, congestion control $control"; done
done
"$share" | while read -r name value; do
	case $name in
	*_lost) row "$name" percent "$value" brainix ;;
	*) row "$name" kB/s "$value" brainix ;;
	esac
done
"$ours" bytes | while read -r name value; do row "$name" bytes "$value" brainix; done
status=0
compare_bbr || status=1
if test -n "$lwip"; then
	grid 'lwip 2.1.3' "$scratch/bench_loss_lwip" "$lwip"
	compare_grid "$scratch/grid-brainix" || status=1
	compare_grid "$scratch/grid-bbr" || status=1
fi
test -s "$scratch/instructions-brainix" || exit $status
compare || status=1
exit $status
