#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-headers.sh -- each public header compiles alone, as C11, freestanding, with every compiler
# that is here; what it declares begins bx_ or BX_.
. "$(dirname "$0")/check-lib.sh"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
warnings="-std=c11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wvla -Wpedantic -Werror"

includes=
for room in . libcap libipc libtrust libfs libnetstack libkcore libsys; do
	test ! -d "$BX_SRCDIR/$room/include" || includes="$includes -I$BX_SRCDIR/$room/include"
done

for compiler in "${CC:-gcc}" "${CLANG:-clang}"; do
	rule "headers compile alone with $compiler"
	if ! command -v "${compiler%% *}" >/dev/null; then
		skip "it is not here"
		continue
	fi
	for header in $(tree_files | grep -E '^([^/]+/)?include/brainix/.*\.h$'); do
		name=${header##*include/}
		# Twice: the second must be nothing.
		printf '#include <%s>\n#include <%s>\nextern int bx_alone;\n' "$name" "$name" >"$scratch/alone.c"
		# shellcheck disable=SC2086 # lists of words
		$compiler $warnings -ffreestanding -c $includes "$scratch/alone.c" -o "$scratch/alone.o" \
		    >"$scratch/output" 2>&1 || bad "$header: $(head -n 10 "$scratch/output")"
	done
done

rule "headers define BX_ names only"
for header in $(tree_files | grep -E '^([^/]+/)?include/brainix/.*\.h$'); do
	foreign=$(sed -n 's/^[ 	]*#[ 	]*define[ 	]*\([A-Za-z0-9_]*\).*/\1/p' "$BX_SRCDIR/$header" |
	    grep -vE '^(BX_|bx_|BRAINIX_)' | tr '\n' ' ')
	test -z "$foreign" || bad "$header: $foreign"
done
finish
