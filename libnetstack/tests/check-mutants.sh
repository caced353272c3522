#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-mutants.sh -- breaks libnetstack by each line of mutants.list, a clause of a standard each, and runs the test that RFC.md names
# for it: it has to fail.  A line that changes nothing any more is a failure too.  `make net-mutants'.
#   BX_SRCDIR  top of the sources	BX_ONLY  a part of a line: those alone
set -u
top=${BX_SRCDIR:-.}
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/objects" "$scratch/objects/o"
flags="-std=gnu11 -O0 -DBX_VERIFY -I$top/include -I$top/libnetstack/include -I$top/libnetstack/tests ${CHECK_CFLAGS-}"
passed=0 failed=0 began=$(date +%s)
name() { echo "$1" | tr / _; }
for source in $(cd "$top/libnetstack/src" && ls ./*.c ./*/*.c | sed 's,^\./,,'); do
	${CC:-cc} $flags -c "$top/libnetstack/src/$source" -o "$scratch/objects/$(name "$source").o" || exit 99
done
for test in discovery packets test_bbr test_dhcp test_dns test_ip test_ipv6 test_link test_socket test_transport; do
	${CC:-cc} $flags -c "$top/libnetstack/tests/$test.c" -o "$scratch/objects/o/$test.o" || exit 99
done
# What the programs share, and the parts of test_ipv6.
for part in libnetstack/tests/device libnetstack/tests/pair libnetstack/tests/wire libnetstack/tests/ipv6 libnetstack/tests/test_addresses libnetstack/tests/test_groups \
    libnetstack/tests/test_icmpv6 libnetstack/tests/test_nd tests/unit/suite tests/unit/panic; do
	${CC:-cc} $flags -c "$top/$part.c" -o "$scratch/objects/o/$(basename "$part").part.o" || exit 99
done
ar rcs "$scratch/parts.a" "$scratch"/objects/o/*.part.o || exit 99

# sees TEST: builds it from the objects as they are and runs it; what fails, or does not come back, has seen it.
sees() {
	case $1 in
	*.pkt)
		program=packets libs= argument="$top/libnetstack/tests/packets/$1"
		test -e "$argument" || program=discovery argument="$top/libnetstack/tests/discovery/$1"
		;;
	*) program=$1 libs=${CHECK_LIBS:--lcheck -lsubunit -lm -lrt -lpthread} argument= ;;
	esac
	# shellcheck disable=SC2086 # words
	${CC:-cc} "$scratch/objects/o/$program.o" "$scratch"/objects/*.o "$scratch/parts.a" $libs -o "$scratch/test" || exit 99
	! CK_FORK=yes timeout 120 "$scratch/test" $argument >"$scratch/said" 2>&1
}
# None of them may fail before anything is broken.
for test in $(grep -v '^#' "$top/libnetstack/tests/mutants.list" | cut -d@ -f4 | sort -u); do
	! sees "$test" || { echo "failed: $test, and nothing is broken yet"; exit 99; }
done
while IFS=@ read -r clause file edit test; do
	case $clause in '' | '#'*) continue ;; esac
	case $clause in *"${BX_ONLY-}"*) ;; *) continue ;; esac
	object=$scratch/objects/$(name "$file").o
	source=$top/libnetstack/src/$file
	cp "$object" "$scratch/whole.o"
	sed "$edit" "$source" >"$scratch/broken.c"
	if cmp -s "$scratch/broken.c" "$source" ||
	    ! ${CC:-cc} $flags -w -I"$(dirname "$source")" -I"$top/libnetstack/src/ip" -c "$scratch/broken.c" -o "$object" 2>"$scratch/said"; then
		echo "failed: $clause: the edit changes nothing, or what does not compile"
		failed=$((failed + 1))
	elif sees "$test"; then
		echo "$clause: $test"
		passed=$((passed + 1))
	else
		echo "failed: $clause: $test does not see it"
		failed=$((failed + 1))
	fi
	cp "$scratch/whole.o" "$object"
done <"$top/libnetstack/tests/mutants.list"
echo "$(($(date +%s) - began)) s"
echo "$passed passed, $failed failed"
test $failed = 0
