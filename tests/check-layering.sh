#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-layering.sh -- who may include whom.  The -I lists of the local.mk files enforce the rules
# when the sources are compiled; this reads the sources and the lists themselves.
#
#  - a library's sources and public headers include the compiler's freestanding headers, the public
#    headers of the rooms below it, and files of their own room;
#  - its -I list names no other room;
#  - the three stages of libnetstack (src/link, src/ip, src/transport, and the public net_STAGE.h)
#    do not include one another;
#  - in libkcore, machine headers and inline assembly are for src/x86_64 and src/hosted alone.
. "$(dirname "$0")/check-lib.sh"

# The rooms whose public headers a room may include.  include/brainix (layer 0) is open to all; so
# is everything to tests, tools and examples, which are not listed.
below() {
	case $1 in
	libcap | libipc | libnetstack | libfs | libtrust) echo ;;
	libkcore) echo "libcap libipc libtrust" ;;
	libsys) echo "libipc" ;;
	boot) echo "libtrust libkcore" ;;
	kernel) echo "libkcore libcap libipc libtrust" ;;
	servers) echo "libsys libipc libcap libnetstack libfs libtrust" ;;
	esac
}
libraries="libcap libipc libtrust libfs libnetstack libkcore libsys"
freestanding=" stdint.h stddef.h stdbool.h stdarg.h limits.h stdalign.h "

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
tree_files >"$scratch/files"

# Which room publishes <brainix/...>: its name, "base" for layer 0, nothing when there is none.
publisher() {
	if test -f "$BX_SRCDIR/include/$1"; then
		echo base
		return
	fi
	for room in $libraries; do
		if test -f "$BX_SRCDIR/$room/include/$1"; then
			echo "$room"
			return
		fi
	done
}

# check_include ROOM FILE <header> | "header"
check_include() {
	room=$1 file=$2
	header=$(printf '%s' "$3" | tr -d '<>"')
	case $3 in
	'<brainix/'*)
		from=$(publisher "$header")
		case " base $room $(below "$room") " in
		*" ${from:-none} "*) ;;
		*) bad "$file includes <$header>${from:+ of $from}, which is not below $room" ;;
		esac ;;
	'<'*)
		# The loader, the kernel and servers are freestanding too.
		case $freestanding in
		*" $header "*) ;;
		*) bad "$file includes <$header>, which is not a freestanding header" ;;
		esac ;;
	*)
		# A file of the room itself.
		case $header in
		*../*)
			target=$(realpath -m --relative-to="$BX_SRCDIR" "$BX_SRCDIR/$(dirname "$file")/$header")
			case $target in
			"$room"/*) header=${target#"$room/"} ;;
			*) bad "$file includes \"$header\", which is out of its room"; return ;;
			esac ;;
		esac
		# (What is nowhere is made by the build: the -I list decides.)
		if ! grep -qE "^$room/(.*/)?$header\$" "$scratch/files" &&
		    grep -qE "(^|/)$header\$" "$scratch/files"; then
			bad "$file includes \"$header\", which is of another room"
		fi ;;
	esac
}

for room in $libraries boot kernel servers; do
	rule "includes of $room"
	grep -E "^$room/.*\.[chS]\$" "$scratch/files" | grep -vE '/(tests|bench|host)/' >"$scratch/sources"
	while read -r file; do
		sed -n 's/^[ 	]*#[ 	]*include[ 	]*\([<"][^>"]*[>"]\).*/\1/p' "$BX_SRCDIR/$file" >"$scratch/includes"
		while read -r include; do
			check_include "$room" "$file" "$include"
		done <"$scratch/includes"
	done <"$scratch/sources"

	# The -I list: variables NAME_INC in the preprocessor flags of the archive.
	mk=$BX_SRCDIR/$room/local.mk
	case $room in
	lib*)
		test -f "$mk" || continue
		rule "-I list of $room"
		for inc in $(grep -E '_la_CPPFLAGS' "$mk" | grep -oE '[A-Z]+_INC' | sort -u); do
			owner=lib$(printf '%s' "${inc%_INC}" | tr '[:upper:]' '[:lower:]')
			case " libbase $room $(below "$room") " in
			*" $owner "*) ;;
			*) bad "$room/local.mk gives the archive $inc, which is not below $room" ;;
			esac
		done ;;
	esac
done

rule "stages of libnetstack"
for stage in link ip transport; do
	for other in link ip transport; do
		test $stage != $other || continue
		found=$(grep -E "^libnetstack/(src/$stage/|include/.*/net_${stage}[._-])" "$scratch/files" | while read -r file; do
			grep -lE "#[ 	]*include[ 	]*[<\"]([^>\"]*/)?(net_)?$other(/[^>\"]*|[-_.][^>\"]*)?[>\"]" \
			    "$BX_SRCDIR/$file"
		done)
		test -z "$found" || bad "$stage includes $other: $found"
	done
done

rule "machines of libkcore"
grep -E '^libkcore/(src|include)/.*\.[ch]$' "$scratch/files" |
    grep -vE '/(x86_64|hosted)/' >"$scratch/sources"
while read -r file; do
	if grep -qE '#[ 	]*include[ 	]*[<"]([^>"]*/)?(x86_64|hosted)[/._-]' "$BX_SRCDIR/$file"; then
		bad "$file includes a machine's header"
	elif grep -qE '(^|[^A-Za-z0-9_])(__)?asm(__)?[ 	]*(__?volatile(__)?|volatile)?[ 	]*\(' "$BX_SRCDIR/$file"; then
		bad "$file has inline assembly outside of a machine"
	fi
done <"$scratch/sources"
finish
