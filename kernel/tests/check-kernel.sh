#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-kernel.sh -- what docs/hardening.md says of the kernel's binary, looked up in the binary.
# Usage: check-kernel.sh [KERNEL [SYMBOLS]].  Exit 77: no binutils.
OBJDUMP=${OBJDUMP:-objdump} READELF=${READELF:-readelf} NM=${NM:-nm}
kernel=${1:-kernel/kernel}
symbols=${2:-kernel/symbols.S}
bad=0
for tool in "$OBJDUMP" "$READELF" "$NM"; do
	command -v "$tool" >/dev/null || { echo "no $tool"; exit 77; }
done
test -r "$kernel" || { echo "no $kernel"; exit 99; }

fail() {
	echo "FAIL: $*"
	bad=1
}

text=`mktemp` || exit 99
trap 'rm -f "$text"' 0
"$OBJDUMP" -d --no-show-raw-insn "$kernel" >"$text" || exit 99
test `grep -c endbr64 "$text"` -gt 256 || fail "the disassembly is not that of a kernel"

grep -E '(call|jmp)q? +\*' "$text" && fail "an indirect branch (speculation: no target to train)"
grep -wE 'swapgs|stac|wrgsbase|wrfsbase|xbegin' "$text" && fail "an instruction that the kernel does without"
grep -E '%[xyz]mm[0-9]|%st\(|%mm[0-7]' "$text" && fail "a vector or x87 register in the kernel"

# Entry points begin with endbr64: the processor's own and every stub.
grep -A1 '<bx_entry_system_call>:' "$text" | grep -q endbr64 || fail "SYSCALL entry without endbr64"
first=`"$NM" "$kernel" | sed -n 's/ . bx_entry_vectors$//p'`
stubs=`"$OBJDUMP" -d --no-show-raw-insn --disassemble=bx_entry_vectors "$kernel" |
    grep -c '0:[[:space:]]*endbr64'`
test "$stubs" -eq 256 || fail "$stubs of 256 stubs at $first begin with endbr64"

# One segment for each permission, none writable and executable.
segments=`"$READELF" -lW "$kernel" | sed -n 's/^ *LOAD .* 0x[0-9a-f]* 0x[0-9a-f]* \([RWE ]*\) 0x.*/\1/p' |
    tr -d ' ' | tr '\n' ' '`
test "$segments" = "RE R RW " || fail "segments are $segments"

# The second link moved nothing: the backtrace's names are right.
if test -r "$symbols"; then
	"$NM" -n "$kernel" | "${AWK:-awk}" -f "${BX_SRCDIR:-.}/kernel/symbols.awk" | cmp -s - "$symbols" ||
	    fail "the symbol table is not that of this kernel"
fi
"$NM" -u "$kernel" | grep . && fail "an undefined symbol"

test $bad = 0 && echo "kernel binary: as docs/hardening.md says"
exit $bad
