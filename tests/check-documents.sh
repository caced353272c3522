#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-documents.sh -- what documents point to is there.
#
#  - a relative link of a *.md file leads to a file, and its #anchor to a heading of it;
#  - a path in `backquotes` that begins with a folder of this tree exists;
#  - `make TARGET` names a target of the Makefile, when one has been made.
. "$(dirname "$0")/check-lib.sh"
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
makefile=$BX_BUILDDIR/Makefile

# The anchors of a file's headings, as GitHub makes them.
anchors() {
	awk '/^```/ { code = !code } !code && /^#+ /' "$1" |
	    sed -e 's/^#* *//' -e 's/ *#*$//' | tr '[:upper:]' '[:lower:]' |
	    sed -e 's/[^a-z0-9 _-]//g' -e 's/ /-/g'
}

for file in $(tree_files | grep '\.md$'); do
	rule "$file"
	path=$BX_SRCDIR/$file
	folder=$(dirname "$path")
	awk '/^```/ { code = !code } !code' "$path" >"$scratch/text"

	grep -oE '\]\([^) ]+\)' "$scratch/text" | sed 's/^](//; s/)$//' >"$scratch/links"
	while read -r link; do
		case $link in
		http:* | https:* | mailto:*) continue ;;
		esac
		target=${link%%#*}
		to=$path
		test -z "$target" || to=$folder/$target
		if ! test -e "$to"; then
			bad "link to $link, which is not there"
		elif test "$link" != "$target" && ! anchors "$to" | grep -qxF -e "${link#*#}"; then
			bad "$target has no heading #${link#*#}"
		fi
	done <"$scratch/links"

	# `libcap/src/derive.c`, but not `libcap/src/*.c`, nor what has a placeholder in it.
	grep -oE '`[A-Za-z0-9._/-]+`' "$scratch/text" | tr -d '`' |
	    grep -E '^(include|lib(cap|ipc|trust|fs|netstack|kcore|sys)|boot|kernel|servers|interfaces|tools|systems|examples|tests|docs)/' |
	    grep -v NAME | sort -u >"$scratch/paths"
	while read -r name; do
		test -e "$BX_SRCDIR/$name" || test -e "$BX_BUILDDIR/$name" ||
		    grep -qF -e "$name" "$makefile" 2>/dev/null || bad "$name is not there"
	done <"$scratch/paths"

	test -f "$makefile" || continue
	grep -oE '(^|[^A-Za-z])make( -[A-Za-z]+[0-9]*)* [a-z][a-z-]*' "$path" |
	    sed -n 's/.*make\( -[A-Za-z0-9]*\)* \([a-z-]*\)$/\2/p' | sort -u >"$scratch/targets"
	# In prose "make" is also a verb: only what is quoted or stands in a block of commands counts.
	while read -r target; do
		grep -qE "(\`|^|&& |; )make( -[A-Za-z]+[0-9]*)* $target" "$path" || continue
		grep -qE "^([^#	=]* )?$target( [^=]*)?:" "$makefile" || bad "make $target is no target"
	done <"$scratch/targets"
done
finish
