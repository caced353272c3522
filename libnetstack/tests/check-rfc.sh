#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-rfc.sh -- the tests that libnetstack/RFC.md names are there: scripts, patterns of them, and cases of the test programs; and
# every script is named or is one of a pattern.
set -u
top=${BX_SRCDIR:-.}
passed=0 failed=0
says() { grep -o '`[^`]*`' "$top/libnetstack/RFC.md" | tr -d '`' | sort -u; }
for name in $(says | grep '\.pkt$' | grep -v '^NAME'); do
	if ls "$top"/libnetstack/tests/packets/$name "$top"/libnetstack/tests/discovery/$name 2>/dev/null | grep -q .; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "RFC.md: no script is $name"
	fi
done
# A pattern, as `case' takes it, for all that the table names.
named=$(says | grep '\.pkt$' | grep -v '^NAME' | tr '\n' '|')
for script in "$top"/libnetstack/tests/packets/*.pkt "$top"/libnetstack/tests/discovery/*.pkt; do
	name=${script##*/}
	if eval "case \$name in ${named%|}) true ;; *) false ;; esac"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "RFC.md: $name shows nothing"
	fi
done
for name in $(grep -oE '\b(link|ip|ipv6|transport|bbr|dhcp|dns) `[a-z0-9_*]+`(, `[a-z0-9_*]+`)*' "$top/libnetstack/RFC.md" | tr -d ' ' |
    sed 's/^\([a-z0-9]*\)`/\1 /; s/`,`/ /g; s/`//g' | awk '{ for (i = 2; i <= NF; i++) print $1 ":" $i }' | sort -u); do
	pattern=$(echo "${name#*:}" | sed 's/\*/[a-z0-9_]*/')
	files=test_${name%%:*}.c
	# The parts that test_ipv6 is made of.
	test "$files" != test_ipv6.c || files="test_ipv6.c test_addresses.c test_groups.c test_icmpv6.c test_nd.c"
	# shellcheck disable=SC2086 # words
	if (cd "$top/libnetstack/tests" && grep -qE "^START_TEST\($pattern\)" $files); then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "RFC.md: $files: no case ${name#*:}"
	fi
done
echo "$passed passed, $failed failed"
test $failed = 0
