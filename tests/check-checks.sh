#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-checks.sh -- each check script finds what it is there to find: a small tree on which it
# passes, and the same tree with one thing wrong, on which it must not.
. "$(dirname "$0")/check-lib.sh"
scripts=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree

good_tree() {
	rm -rf "$tree"
	mkdir -p "$tree/include/brainix" "$tree/libcap/include/brainix" "$tree/libcap/src" \
	    "$tree/libipc/include/brainix" "$tree/libkcore/src/x86_64" "$tree/libnetstack/src/link" \
	    "$tree/libnetstack/src/ip" "$tree/libnetstack/include/brainix" "$tree/docs"
	spdx='/* SPDX-License-Identifier: Apache-2.0 OR MIT */'
	printf '%s\n#include <stdint.h>\n' "$spdx" >"$tree/include/brainix/base.h"
	printf '%s\n#include <brainix/base.h>\n' "$spdx" >"$tree/libcap/include/brainix/cap.h"
	printf '%s\n#include <brainix/base.h>\n' "$spdx" >"$tree/libipc/include/brainix/ipc.h"
	printf '%s\n#include <brainix/cap.h>\nint bx_cap_one(void);\nint bx_cap_one(void) { return 1; }\n' "$spdx" >"$tree/libcap/src/one.c"
	printf '%s\n#include <brainix/cap.h>\n#include <brainix/ipc.h>\n' "$spdx" >"$tree/libkcore/src/core.c"
	printf '%s\n#include "../core.h"\n' "$spdx" >"$tree/libkcore/src/x86_64/paging.h"
	printf '%s\n' "$spdx" >"$tree/libkcore/src/core.h"
	printf '%s\n' "$spdx" >"$tree/libnetstack/src/link/arp.h"
	printf '%s\n' "$spdx" >"$tree/libnetstack/src/ip/ip.c"
	printf '%s\n' "$spdx" >"$tree/libnetstack/include/brainix/net_link.h"
	printf '# SPDX-License-Identifier: Apache-2.0 OR MIT\n%%C%%_la_CPPFLAGS = $(CAP_INC) $(BASE_INC)\n' >"$tree/libcap/local.mk"
	printf '# One\n\n## The second part\n\n[there](two.md#two-b)\n`libcap/src/one.c`\n' >"$tree/docs/one.md"
	printf '# Two\n\n## Two b\n' >"$tree/docs/two.md"
	printf 'all: x\ncheck:\n' >"$tree/Makefile"
}

# try CHECK yes|no WHAT: whether the check passes the tree as it is now.
try() {
	rule "check-$1: $3"
	(cd "$tree" && BX_SRCDIR=$tree BX_BUILDDIR=$tree BX_LIBS=${libs-} sh "$scripts/check-$1.sh") \
	    >"$scratch/output" 2>&1
	case $2:$? in
	yes:0) ;;
	no:1) grep -q '^FAIL: ' "$scratch/output" || bad "it failed, but did not say why" ;;
	*) bad "status $?: $(tail -n 3 "$scratch/output")" ;;
	esac
}

# wrong CHECK WHAT FILE LINE: one line more.
wrong() {
	good_tree
	printf '%b\n' "$4" >>"$tree/$3"
	try "$1" no "$2"
}

good_tree
for check in layering headers house documents; do
	try $check yes "a good tree"
done

wrong layering "a library includes the libc" libcap/src/one.c '#include <stdio.h>'
wrong layering "a library includes its neighbour" libcap/src/one.c '#include <brainix/ipc.h>'
wrong layering "a library includes a file of another room" libcap/src/one.c '#include "arp.h"'
wrong layering "an include out of the room" libcap/src/one.c '#include "../../libipc/include/brainix/ipc.h"'
wrong layering "a header includes upwards" libcap/include/brainix/cap.h '# include <brainix/ipc.h>'
wrong layering "a header that nobody publishes" libcap/src/one.c '#include <brainix/none.h>'
wrong layering "an -I list with the neighbour" libcap/local.mk '%C%_la_CPPFLAGS += $(IPC_INC)'
wrong layering "a stage includes another" libnetstack/src/ip/ip.c '#include "../link/arp.h"'
wrong layering "a stage includes another by its path" libnetstack/src/ip/ip.c '#include "link/arp.h"'
wrong layering "a stage includes the public header of another" libnetstack/src/ip/ip.c '#include <brainix/net_link.h>'
wrong layering "the core includes a machine" libkcore/src/core.c '#include "x86_64/paging.h"'
wrong layering "assembly in the core" libkcore/src/core.c 'static inline void f(void) { __asm__ volatile ("hlt"); }'
wrong headers "a header that needs another first" libcap/include/brainix/cap.h 'int bx_x(size_t length);'
wrong headers "a macro without the prefix" libcap/include/brainix/cap.h '#define LIMIT 1'
wrong headers "a definition that a second include repeats" libcap/include/brainix/cap.h 'struct bx_s { int a; };'
wrong house "a path of a machine" libcap/src/one.c '/* /ho''me/someone/x */'
wrong house "a registry" docs/one.md 'https://pypi''.org/simple'
wrong house "unfinished work" libcap/src/one.c '/* TO''DO: later */'
wrong house "dead code" libcap/src/one.c '#if 0\n#endif'
wrong house "blanks at the end" libcap/src/one.c 'int x; '
wrong documents "a link to nothing" docs/one.md '[gone](gone.md)'
wrong documents "an anchor to nothing" docs/one.md '[gone](two.md#two-c)'
wrong documents "a path to nothing" docs/one.md 'see `libcap/src/gone.c`'
wrong documents "a target that is none" docs/one.md '    make it\n`make bread`'
good_tree
echo 'int x;' >"$tree/libcap/src/bare.c"
try house no "a file without a licence"
good_tree
printf 'int x;' >>"$tree/libcap/src/one.c"
try house no "no line feed at the end"

# Archives, made by the compiler of this machine.
archive() {
	good_tree
	mkdir -p "$tree/libcap/.libs"
	printf '%b\n' "$1" >"$scratch/one.c"
	# shellcheck disable=SC2086 # perhaps several words
	(cd "$scratch" && ${CC_FOR_BUILD:-gcc} -ffreestanding -fPIC -O1 -fno-stack-protector ${2--mgeneral-regs-only} \
	    -c one.c -o one.o && ar cr "$tree/libcap/.libs/libbrainix-cap.a" one.o) || bad "cannot build: $1"
}
libs=libcap/libbrainix-cap.la
archive 'int bx_cap_one(void) { return 1; }'
try freestanding yes "a good archive"
archive 'static const char *const names[] = { "a", "b" }; const char *bx_cap_name(int i) { return names[i]; }'
try freestanding yes "a constant table of addresses"
archive 'int puts(const char *); int bx_cap_one(void) { return puts("x"); }'
try freestanding no "a call of the libc"
archive 'int one(void) { return 1; }'
try freestanding no "a name without the prefix"
archive 'int bx_ipc_one(void); int bx_cap_one(void) { return bx_ipc_one(); }'
try freestanding no "a call of the neighbour"
archive 'int bx_cap_state = 4;'
try freestanding no "a variable"
archive 'int bx_cap_one(void) { static int n; return ++n; }'
try freestanding no "a static variable in a function"
archive 'double bx_cap_one(double x) { return x * 2; }' ''
try freestanding no "vector registers"
archive "const char *bx_cap_one(void) { return \"$tree/x\"; }"
try freestanding no "a path of this machine"
good_tree
try freestanding no "an archive that is not there"

# The sum of `make check'.  one NAME RESULT LOG-TEXT: a test that ended so.
one() {
	test -z "$2" || printf ':test-result: %s\n:global-test-result: %s\n' "$2" "$2" >"$scratch/sum/$1.trs"
	printf '%b\n' "$3" >"$scratch/sum/$1.log"
}

# sum STATUS-OF-THE-HARNESS LAST-LINE WHAT
sum() {
	rule "summary: $3"
	sh "$scripts/summary.sh" "$1" "$scratch"/sum/*.trs >"$scratch/output"
	status=$?
	test "$(tail -n 1 "$scratch/output")" = "$2" || bad "$(cat "$scratch/output")"
	case $2 in
	*' 0 failed'*) test $status = 0 || bad "status $status" ;;
	*) test $status = 1 || bad "status $status" ;;
	esac
	rm -rf "$scratch/sum"
	mkdir "$scratch/sum"
}

mkdir "$scratch/sum"
one a PASS '100%: Checks: 12, Failures: 0, Errors: 0'
one b PASS '50%: Checks: 2, Failures: 0, Errors: 0\n100%: Checks: 3, Failures: 0, Errors: 0'
one c PASS '7 passed, 0 failed, 2 skipped'
one d PASS 'no count at all'
sum 0 '25 passed, 0 failed, 2 skipped' "suites, a script and a program"
one a FAIL '83%: Checks: 6, Failures: 1, Errors: 0'
sum 1 '5 passed, 1 failed' "one test of a suite failed"
one a FAIL '100%: Checks: 6, Failures: 0, Errors: 0'
sum 1 '6 passed, 1 failed' "a suite that dies after its count"
one a FAIL 'Segmentation fault'
one b PASS ''
sum 1 '1 passed, 1 failed' "a program that dies"
one a SKIP 'not here'
one b PASS ''
sum 0 '1 passed, 0 failed, 1 skipped' "a test that was left out"
one a ERROR '4 passed, 0 failed'
sum 1 '4 passed, 1 failed' "a script that broke"
one a PASS '3 passed, 0 failed'
sum 1 '3 passed, 1 failed' "the harness failed, and no test did"
finish
