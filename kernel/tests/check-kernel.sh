#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-kernel.sh -- what docs/hardening.md says of the kernel's binary, looked up in the binary.
# Usage: check-kernel.sh [KERNEL [SYMBOLS]].  Exit 77: no binutils.
#
# Each check has a name, by which the document calls it; a line `NAME: ok' or `NAME: what is wrong'
# says what came of it.
OBJDUMP=${OBJDUMP:-objdump} READELF=${READELF:-readelf} NM=${NM:-nm}
kernel=${1:-kernel/kernel}
symbols=${2:-kernel/symbols.S}
passed=0 failed=0 bare= unmarked=
for tool in "$OBJDUMP" "$READELF" "$NM"; do
	command -v "$tool" >/dev/null || { echo "no $tool"; exit 77; }
done
test -r "$kernel" || { echo "no $kernel"; exit 99; }

text=`mktemp` || exit 99
trap 'rm -f "$text"' 0
"$OBJDUMP" -d --no-show-raw-insn "$kernel" >"$text" || exit 99
test `grep -c endbr64 "$text"` -gt 256 || { echo "the disassembly is not that of a kernel"; exit 99; }

# check NAME WRONG: WRONG is empty when all is well.
check() {
	if test -z "$2"; then
		echo "$1: ok"
		passed=$((passed + 1))
	else
		printf 'FAIL: %s: %s\n' "$1" "$2"
		failed=$((failed + 1))
	fi
}

# The instructions of one function, one a line, without addresses.
body() {
	awk -v name="<$1>:" '$2 == name { on = 1; next } on && NF == 0 { exit } on' "$text" |
	    sed 's/^[^:]*:[[:space:]]*//'
}

# Lines of a function's instructions that match, in this order, before it ends.
in_order() {
	body "$1" | awk -v a="$2" -v b="$3" '!found && $0 ~ a { found = 1; next } found && $0 ~ b { both = 1 }
		END { exit !both }'
}

# Speculation: no target of an indirect branch to train but that of RET (docs/hardening.md).
check no-indirect-branch "`grep -E '(call|jmp)q? +\*' "$text" | head -n 3`"
# SMAP is never lifted, nothing depends on gs, no transaction, no base that a program could have set.
check no-stac "`grep -wE 'stac|clac' "$text" | head -n 3`"
check no-swapgs "`grep -wE 'swapgs' "$text" | head -n 3`"
check no-base-instructions "`grep -wE 'wrgsbase|wrfsbase|rdgsbase|rdfsbase|xbegin' "$text" | head -n 3`"
check no-vector-registers "`grep -E '%[xyz]mm[0-9]|%st\(|%mm[0-7]' "$text" | head -n 3`"

# Entry points begin with endbr64: the processor's own and every stub.
for way in bx_entry_system_call bx_entry_system_call_shadowed; do
	grep -A1 "<$way>:" "$text" | grep -q endbr64 || unmarked="$unmarked $way"
done
check endbr-system-call "$unmarked"
stubs=`"$OBJDUMP" -d --no-show-raw-insn --disassemble=bx_entry_vectors "$kernel" |
    grep -c '0:[[:space:]]*endbr64'`
check endbr-vectors "`test "$stubs" -eq 256 || echo "$stubs of 256 stubs"`"

# Where there are shadow stacks the kernel's is taken first of all, and nothing else names one: neither WRSS
# nor RSTORSSP, which could make one elsewhere.
check shadow-stack-on-entry "`body bx_entry_system_call_shadowed | sed -n 2p | grep -q '^setssbsy' || echo 'no SETSSBSY'
    grep -wE 'wrssd|wrssq|wrussd|wrussq|rstorssp' "$text" | head -n 3`"

# When another program gets the processor, where the processor can forget: IBPB (IA32_PRED_CMD, 0x49,
# bit 0), then VERW.  SDM 3A, 18.17; 2B, VERW.  Both ways to another program lead there: the scheduler's,
# and the short way of an exchange, which looks first whether there is anything to forget.
check ibpb-on-switch "`in_order bx_machine_domain_switch 'mov +\\$0x49,%ecx' '^wrmsr' || echo 'no WRMSR 0x49'`"
check verw-on-switch "`body bx_machine_domain_switch | grep -q '^verw' || echo 'no VERW'`"
callers=`awk '/^[0-9a-f]+ </ { name = $2 } /(call|jmp).*<bx_machine_domain_switch>/ { print name }' "$text" | sort -u |
    tr -d '<>:' | tr '\n' ' '`
check switch-is-called "`case "$callers" in *dispatch*exchange_slow* | *exchange_slow*switch_to*) ;; *) echo "called by: $callers" ;; esac`"
for way in entry_call entry_reply_receive; do
	in_order $way 'or +.*bx_x86_cpu' 'sysret' || in_order $way 'or +.*(%rip)' 'sysret' || bare="$bare $way"
done
check exchange-looks "$bare"

# One segment for each permission, none writable and executable.
segments=`"$READELF" -lW "$kernel" | sed -n 's/^ *LOAD .* 0x[0-9a-f]* 0x[0-9a-f]* \([RWE ]*\) 0x.*/\1/p' |
    tr -d ' ' | tr '\n' ' '`
check segments "`test "$segments" = "RE R RW " || echo "$segments"`"

# The second link moved nothing: the backtrace's names are right.
if test -r "$symbols"; then
	check names "`"$NM" -n "$kernel" | "${AWK:-awk}" -f "${BX_SRCDIR:-.}/kernel/symbols.awk" | cmp -s - "$symbols" ||
	    echo 'the symbol table is not that of this kernel'`"
fi
check complete "`"$NM" -u "$kernel" | head -n 3`"

echo "$passed passed, $failed failed"
test $failed = 0
