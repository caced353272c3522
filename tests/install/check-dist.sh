#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-dist.sh -- the release archive, and how the build behaves.
#
#  - `make dist' takes along every file that people wrote;
#  - what it made builds in its own folder (an in-tree build);
#  - the archives of that build are those of this one, bit for bit;
#  - a second make makes nothing;
#  - a changed source or header makes what depends on it, and nothing else;
#  - `make distcheck': a build elsewhere (VPATH) from a tree that cannot be written, all checks
#    there, install, uninstall, distclean.
. "$(dirname "$0")/../check-lib.sh"
not_in_distcheck
unset MAKEFLAGS MFLAGS MAKELEVEL
scratch=$(mktemp -d) || exit 99
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)
name=${PACKAGE:?}-${VERSION:?}
cross=
case ${CC:-gcc} in
x86_64-*-gcc*) cross=--host=${CC%%-gcc*} ;;
esac

rule "make distcheck"
(cd "$BX_BUILDDIR" && make -j"$jobs" distcheck) >"$scratch/output" 2>&1 ||
    bad "$(grep -E '^ *FAIL|error:|\*\*\*' "$scratch/output" | head -n 20)"
mv "$BX_BUILDDIR/$name.tar.gz" "$scratch" || finish
(cd "$scratch" && tar xzf "$name.tar.gz") || exit 99
tree=$scratch/$name

rule "the release holds every file"
tree_files -c >"$scratch/files"
while read -r file; do
	test -e "$tree/$file" || bad "$file"
done <"$scratch/files"

rule "in-tree build"
(cd "$tree" && ./configure -q ${cross:+"$cross"} CFLAGS="${BX_CFLAGS--g -O2}" CC_FOR_BUILD="${CC_FOR_BUILD:-gcc}" && make -j"$jobs") \
    >"$scratch/output" 2>&1 || bad "$(tail -n 20 "$scratch/output")"

# made: the files that a make makes now.
made() {
	touch "$scratch/stamp"
	make -s -C "$tree" -j"$jobs" >"$scratch/output" 2>&1 || bad "$(tail -n 20 "$scratch/output")"
	(cd "$tree" && find . -type f -newer "$scratch/stamp" | sed 's,^\./,,' | sort)
}

rule "the same archives as elsewhere, bit for bit"
for lib in ${BX_LIBS-}; do
	file=$(dirname "$lib")/.libs/$(basename "$lib" .la).a
	cmp "$BX_BUILDDIR/$file" "$tree/$file" >"$scratch/output" 2>&1 || bad "$(cat "$scratch/output")"
done

rule "a second make makes nothing"
again=$(made)
test -z "$again" || bad "$again"

# dependents FILE: the objects whose recorded dependencies have FILE.
dependents() {
	(cd "$tree" && find . -path '*/.deps/*' -type f \
	    -exec grep -lE "(^|[ /])$1( |:|\\\\|\$)" {} + | sed 's,^\./,,; s,/\.deps/,/,; s,\.Pl*o$,.o,' | sort)
}

# changed FILE: exactly the objects that depend on FILE are made again, or on a source that was made.
changed() {
	rule "a change of $1"
	dependents "$1" >"$scratch/expected"
	touch "$tree/$1"
	made >"$scratch/all"
	grep '\.[chS]$' "$scratch/all" | while read -r file; do
		dependents "$file"
	done | sort -u - "$scratch/expected" >"$scratch/allowed"
	grep '\.o$' "$scratch/all" >"$scratch/made"
	test -s "$scratch/expected" || bad "no object depends on it"
	difference=$(diff "$scratch/allowed" "$scratch/made" | grep '^[<>]')
	test -z "$difference" || bad "$difference"
}

for lib in ${BX_LIBS-}; do
	room=$(dirname "$lib")
	source=$(cd "$tree" && find "$room/src" -name '*.c' | sort | head -n 1)
	changed "$source"
	# A header that objects include; others are for programs that are not built by make alone.
	for header in $(cd "$tree" && find "$room/include" -name '*.h' | sort); do
		test -z "$(dependents "$header")" || break
	done
	changed "$header"
done
finish
