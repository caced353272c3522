#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-house.sh -- rules that hold for every file that people wrote.
#
#  - a source file says its licence in its first lines;
#  - no path of somebody's machine, no host of a package registry;
#  - no mark of unfinished work; no `#if 0';
#  - text ends with a line feed, and has no blanks at the ends of lines.
. "$(dirname "$0")/check-lib.sh"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
tree_files >"$scratch/files"

# What must not be written is put together here, so that this file does not contain it.
paths='/(home|root|Users|work|mnt)''/[A-Za-z0-9._-]|/tmp''/[a-z]+/|/builds''/'
hosts='(registry\.npm''js|pypi\.''org|files\.python''hosted|crates\.''io|proxy\.golang''|rubygems\.''org|deb\.debian''\.org|repo1?\.maven'')'
marks='(^|[^A-Za-z])(TO''DO|FIX''ME|XX''X|HA''CK)([^A-Za-z]|$)'

# Corpora, vectors, faulty examples and other bytes are not text; the licences are as they are.
grep -vE '/(corpus[^/]*|vectors|bad)/|^LICENSE-' "$scratch/files" | while read -r file; do
	! grep -qI . "$BX_SRCDIR/$file" || printf '%s\n' "$file"
done >"$scratch/texts"

rule "licence in the first three lines"
grep -E '(\.([chS]|ac|am|m4|mk|sh|py|ld|ld\.in|ipc|system)|^bootstrap|^\.ci/run)$' "$scratch/texts" >"$scratch/sources"
while read -r file; do
	head -n 3 "$BX_SRCDIR/$file" | grep -q 'SPDX-License-Identifier: Apache-2.0 OR MIT' || bad "$file"
done <"$scratch/sources"

# absent RULE PATTERN: no text has it.
absent() {
	rule "$1"
	while read -r file; do
		found=$(grep -nE -e "$2" "$BX_SRCDIR/$file" /dev/null | head -n 1)
		test -z "$found" || bad "${found#"$BX_SRCDIR"/}"
	done <"$3"
}

absent "no path of a machine" "$paths" "$scratch/texts"
absent "no host of a package registry" "$hosts" "$scratch/texts"
absent "no unfinished work" "$marks" "$scratch/texts"
absent "no dead code" '^[ 	]*#[ 	]*if 0' "$scratch/texts"
grep -v '\.md$' "$scratch/texts" >"$scratch/lines"	# there, two blanks are a line break
absent "no blanks at the ends of lines" '[ 	]$' "$scratch/lines"

rule "a line feed at the end"
while read -r file; do
	test -z "$(tail -c 1 "$BX_SRCDIR/$file")" || bad "$file"
done <"$scratch/texts"
finish
