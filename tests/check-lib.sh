# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-lib.sh -- read by the check scripts: counting, and the last line.
#
#	rule TEXT		a rule begins, and the one before ends: it passed if nothing broke it
#	bad WHAT		the present rule is broken here
#	skip WHAT		the present rule cannot be looked at, and why
#	finish			prints "N passed, N failed" and exits
#
# BX_SRCDIR is the tree that is looked at (default: the one this script is in), BX_BUILDDIR the
# folder it is built in (default: the present one).
LC_ALL=C
export LC_ALL
BX_SRCDIR=${BX_SRCDIR:-$(cd "$(dirname "$0")/.." && pwd)}
BX_BUILDDIR=${BX_BUILDDIR:-$(pwd)}
passed=0 failed=0 skipped=0
rule_text=

rule_ends() {
	case $rule_text:$rule_result in
	:*) ;;
	*:held) passed=$((passed + 1)) ;;
	*:broken) failed=$((failed + 1)) ;;
	*:skipped) skipped=$((skipped + 1)) ;;
	esac
	rule_text=
}

rule() {
	rule_ends
	rule_text=$1
	rule_result=held
}

bad() {
	rule_result=broken
	printf '%s\n' "FAIL: $rule_text: $*"
}

skip() {
	test "$rule_result" = broken || rule_result=skipped
	printf '%s\n' "skipped: $rule_text: $*"
}

finish() {
	rule_ends
	if test $skipped -gt 0; then
		echo "$passed passed, $failed failed, $skipped skipped"
	else
		echo "$passed passed, $failed failed"
	fi
	test $failed = 0
	exit
}

# The files of the tree that people wrote, one a line, relative to it; what the build makes is left
# out.  From git where there is a repository (with -c: only what it knows already), else, in an
# unpacked release, by looking.
# shellcheck disable=SC2120 # the argument is for other scripts
tree_files() {
	if git -C "$BX_SRCDIR" rev-parse --show-toplevel 2>/dev/null |
	    grep -qxF "$(cd "$BX_SRCDIR" && pwd -P)"; then
		git -C "$BX_SRCDIR" ls-files "${1--co}" --exclude-standard
	else
		(cd "$BX_SRCDIR" && find . -name .git -prune -o -name 'build*' -type d -prune -o \
		    -name _build -prune -o -name _inst -prune -o -name 'brainix-[0-9]*' -prune -o \
		    -name autom4te.cache -prune -o -name .deps -prune -o -name .libs -prune -o \
		    -type f ! -name '*.o' ! -name '*.lo' ! -name '*.la' ! -name '*.trs' ! -name '*.log' \
		    ! -name Makefile ! -name Makefile.in ! -name configure ! -name aclocal.m4 ! -name '*~' \
		    ! -path './m4/l*.m4' ! -name config.status ! -name libtool -print) | sed 's,^\./,,'
	fi | while read -r file; do
		test ! -f "$BX_SRCDIR/$file" || printf '%s\n' "$file"
	done | sort
}

# `make distcheck' runs the checks too; those that build the tree once more are left out there.
not_in_distcheck() {
	case $BX_BUILDDIR in
	*/_build/sub) exit 77 ;;
	esac
}

# Copies the tree, with configure and what it needs: a tree that was configured in its own folder
# cannot be built in another.
copy_tree() {
	mkdir "$1" || exit 99
	(
		cd "$BX_SRCDIR" || exit 99
		{ tree_files; printf '%s\n' configure Makefile.in aclocal.m4; find build-aux m4 -type f; } |
		    sort -u | tar cf - -T -
	) | tar xf - -C "$1"
}
