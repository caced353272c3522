#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-echo.sh -- a program outside of the tree, by pkg-config alone, from an installed prefix: a TCP echo between two
# stacks in memory (echo.c, 60 lines of code).
. "$(dirname "$0")/../check-lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
not_in_distcheck
unset MAKEFLAGS MFLAGS MAKELEVEL
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
dest=$scratch/dest

rule "the library is installed"
make -s -C "${BX_BUILDDIR:-.}" install-libLTLIBRARIES install-bxincludeHEADERS install-pkgconfigDATA \
    lib_LTLIBRARIES=libnetstack/libbrainix-netstack.la DESTDIR="$dest" >"$scratch/output" 2>&1 ||
    bad "$(tail -n 5 "$scratch/output")"

rule "pkg-config alone builds the program"
config() {
	PKG_CONFIG_LIBDIR=$dest${BX_LIBDIR:?}/pkgconfig PKG_CONFIG_SYSROOT_DIR=$dest PKG_CONFIG_PATH='' \
	    PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 ${PKG_CONFIG:-pkg-config} "$@"
}
# shellcheck disable=SC2046 # lists of words
(cd "$scratch" && ${CC_FOR_BUILD:-gcc} -std=c11 -Wall -Wextra -Werror "$here/echo.c" -o echo \
    $(config --cflags --libs brainix-netstack)) >"$scratch/output" 2>&1 || bad "$(head -n 5 "$scratch/output")"

rule "the line comes back"
test "$("$scratch/echo" 2>&1)" = 'a line that comes back' || bad "it did not"

rule "at most 60 lines of code"
test "$(grep -vc '^$\|^/\*' "$here/echo.c")" -le 60 || bad "$(grep -vc '^$\|^/\*' "$here/echo.c") lines"
finish
