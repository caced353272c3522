# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-lib.sh -- read by the tests of the host tools: where things are, counting, and the last line.
#
#	say ok NAME		NAME holds
#	say bad NAME DETAIL	it does not
#	finish			prints "N passed, N failed" and exits
#
# $source is the tree, $build the folder it is built in (an absolute path), $scratch a folder for the test.
source=${BX_SRCDIR:-.}
build=$(cd "${BX_BUILDDIR:-.}" && pwd) || exit 99
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

say() {
	if [ "$1" = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		printf 'failed: %s: %s\n' "$2" "$3"
	fi
}

finish() {
	echo "$passed passed, $failed failed"
	[ $failed -eq 0 ]
	exit
}
