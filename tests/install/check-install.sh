#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-install.sh -- what `make install' installs serves a user who has nothing else: outside of
# the tree, from an installed prefix, with pkg-config alone.
#
#  - every archive has its .pc file, which pkg-config accepts, with the version of this package;
#  - every public header is installed, and compiles against the installed ones only;
#  - a Linux program that takes in the whole of an archive links and runs (of all but libsys and the
#    real machine's libkcore, which only make sense where there is no Linux);
#  - host.c, a program that uses libcap as a user would, gives the right answers;
#  - volume.c, of 60 lines, keeps a volume in a byte array with libfs;
#  - server.c, a server, links with libsys and its link script: a static x86-64 program that needs
#    nothing else;
#  - a system of that server and of installed parts only is made by the installed tools, boots, and
#    the server says its line.
. "$(dirname "$0")/../check-lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
not_in_distcheck
unset MAKEFLAGS MFLAGS MAKELEVEL
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
dest=$scratch/dest
libdir=$dest${BX_LIBDIR:?}

rule "make install DESTDIR="
make -s -C "$BX_BUILDDIR" install DESTDIR="$dest" >"$scratch/output" 2>&1 ||
    bad "$(tail -n 5 "$scratch/output")"

# pkg-config sees the new prefix and nothing else.
config() {
	PKG_CONFIG_LIBDIR=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH='' \
	    PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 ${PKG_CONFIG:-pkg-config} "$@"
}

# build OUTPUT SOURCE PC EXTRA...: a Linux program, from outside of the tree.
build() {
	output=$1 source=$2 pc=$3
	shift 3
	# shellcheck disable=SC2046,SC2086 # lists of words
	(cd "$scratch" && ${CC_FOR_BUILD:-gcc} -std=c11 -Wall -Wextra -Werror $(config --cflags "$pc") \
	    "$source" -o "$output" "$@" $(config --libs "$pc") -Wl,--no-whole-archive) >"$scratch/output" 2>&1
}

cat >"$scratch/whole.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <brainix/base.h>
void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}
int
main(void)
{
	return puts(bx_err_name(BX_OK)) == EOF;
}
END

for lib in ${BX_LIBS-}; do
	name=$(basename "$lib" .la)
	pc=brainix-${name#libbrainix-}
	room=$(dirname "$lib")

	rule "$name.a is installed"
	test -s "$libdir/$name.a" || bad "not in $BX_LIBDIR"

	rule "$pc.pc"
	if ! config --exists --print-errors "$pc" >"$scratch/output" 2>&1; then
		bad "$(cat "$scratch/output")"
		continue
	fi
	version=$(config --modversion "$pc")
	test "$version" = "${VERSION:?}" || bad "version $version is not $VERSION"

	rule "the public headers of $room"
	for header in $(cd "$BX_SRCDIR/$room" && find include -name '*.h' | sort); do
		header=${header#include/}
		echo "#include <$header>" >"$scratch/alone.c"
		# shellcheck disable=SC2046 # a list of words
		${CC_FOR_BUILD:-gcc} -std=c11 -Wall -Wextra -Werror $(config --cflags "$pc") -fsyntax-only \
		    "$scratch/alone.c" >"$scratch/output" 2>&1 || bad "$(head -n 10 "$scratch/output")"
	done

	# These bring a machine or a start-up of their own: the kernel and the server below link them.
	case $pc in
	brainix-kcore | brainix-sys) continue ;;
	esac
	rule "a Linux program with the whole of $name"
	if ! build whole whole.c "$pc" -Wl,--whole-archive; then
		bad "$(head -n 20 "$scratch/output")"
	elif test "$("$scratch/whole")" != BX_OK; then
		bad "it does not run"
	fi
done

# The example is about libcap; without the library there is nothing to show.
case " ${BX_LIBS-} " in
*libbrainix-cap.la*)
	rule "a Linux program that uses libcap"
	if ! build host "$here/host.c" brainix-cap; then
		bad "$(head -n 20 "$scratch/output")"
	elif ! "$scratch/host" >"$scratch/output" 2>&1; then
		bad "$(tail -n 5 "$scratch/output")"
	fi ;;
esac

case " ${BX_LIBS-} " in
*libbrainix-fs.la*)
	rule "a Linux program that uses libfs: writes, commits, is cut, reads back"
	if ! build volume "$here/volume.c" brainix-fs; then
		bad "$(head -n 20 "$scratch/output")"
	elif ! "$scratch/volume" >"$scratch/output" 2>&1; then
		bad "$(tail -n 5 "$scratch/output")"
	fi
	rule "that program has at most 60 lines"
	lines=$(wc -l <"$here/volume.c")
	test "$lines" -le 60 || bad "it has $lines" ;;
esac

case " ${BX_LIBS-} " in
*libbrainix-sys.la*)
	rule "a server that uses libsys"
	script=$(config --variable=linkerscript brainix-sys)
	test -f "$script" || script=$dest$script
	# shellcheck disable=SC2046 # lists of words
	if ! (cd "$scratch" && ${CC:-gcc} -std=c11 -O2 -Wall -Wextra -Werror -ffreestanding -mno-red-zone \
	    -mgeneral-regs-only -fno-stack-protector $(config --cflags brainix-sys) "$here/server.c" \
	    -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-T,"$script" $(config --libs brainix-sys) \
	    -o server) >"$scratch/output" 2>&1; then
		bad "$(head -n 20 "$scratch/output")"
	elif ! ${READELF:-readelf} -hlW "$scratch/server" >"$scratch/output" 2>&1; then
		bad "it is no ELF file"
	elif grep -qE 'INTERP|DYNAMIC|RWE' "$scratch/output" || ! grep -q 'LOAD.* R E ' "$scratch/output"; then
		bad "$(cat "$scratch/output")"
	fi

	rule "a system with that server boots"
	bin=$(dirname "$(find "$dest" -name mkiso -type f)")
	data=$(dirname "$script")
	if test -n "${SYSTEM_MISSING-}"; then
		skip "it needs$SYSTEM_MISSING"
	elif ! { "$bin/mksystem" -o "$scratch/system.bin" "$here/server.system" &&
	    sh "$bin/mkiso" --output "$scratch/server.iso" --command-line debug-exit \
	    "kernel=$data/kernel.elf" "system=$scratch/system.bin" "spawnd=$data/programs/spawnd.elf" \
	    "consoled=$data/programs/consoled.elf" "server=$scratch/server"; } >"$scratch/output" 2>&1; then
		bad "$(tail -n 5 "$scratch/output")"
	else
		timeout 300 sh "$bin/run-qemu" --plain "$scratch/server.iso" </dev/null >"$scratch/output" 2>&1 &
		pid=$!
		while kill -0 $pid 2>/dev/null && ! grep -q '^server adds' "$scratch/output"; do
			sleep 0.2
		done
		kill $pid 2>/dev/null
		wait $pid
		grep -q '^server adds' "$scratch/output" || bad "$(tail -n 20 "$scratch/output")"
	fi ;;
esac

rule "make uninstall leaves nothing"
make -s -C "$BX_BUILDDIR" uninstall DESTDIR="$dest" >"$scratch/output" 2>&1 || bad "it failed"
left=$(find "$dest" ! -type d | head -n 3)
test -z "$left" || bad "$left"
finish
