#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-authority.sh -- what must hold in good manifests holds; the table and the graph say how authority gets
# where it gets.  Those in which it does not hold: tools/mksystem/tests/test-faults.sh.
. "${BX_SRCDIR:-.}/tools/test-lib.sh"
here=$source/tools/authority/tests
tool=$build/tools/authority/authority

for manifest in "$here"/research.system "$source"/systems/*.system; do
	"$tool" --check "$manifest" >"$scratch/out" 2>&1 && [ ! -s "$scratch/out" ] &&
		say ok "$(basename "$manifest")" || say bad "$(basename "$manifest")" "$(cat "$scratch/out")"
done

"$tool" --table "$here/research.system" >"$scratch/table"
for line in "client (open space)" "  endpoint       ep                       rwga-   in a reply of server" \
    "  notification   bell                     -w---   in a reply of server" \
    "  notification   bell                     -w---   by a thread of client" \
    "  starts, ends   server"; do
	grep -qxF -- "$line" "$scratch/table" && say ok "table: $line" || say bad "table: $line" "not there"
done
"$tool" --graph "$here/research.system" >"$scratch/graph"
grep -q '^digraph "t" {$' "$scratch/graph" && grep -q 'color="#c00000", style=dotted' "$scratch/graph" &&
	say ok graph || say bad graph "$(head -5 "$scratch/graph")"
if command -v dot >/dev/null; then
	dot -Tsvg -o "$scratch/graph.svg" "$scratch/graph" 2>"$scratch/out" && [ ! -s "$scratch/out" ] &&
		say ok svg || say bad svg "$(cat "$scratch/out")"
fi
# What the documents show of the default system is what it is.
"$tool" --graph "$source/systems/default.system" >"$scratch/graph"
shown=$(sed -n 's/^<!-- cksum of the graph: \(.*\) -->$/\1/p' "$source/docs/authority-default.svg")
[ "$shown" = "$(cksum <"$scratch/graph")" ] && say ok shown ||
	say bad shown "docs/authority-default.svg is of another system: make authority-document"
"$tool" --state "$here/research.system" | grep -qxF "server 1 ep endpoint r-g-- ep - - - - -" &&
	say ok state || say bad state "$("$tool" --state "$here/research.system")"

"$tool" 2>/dev/null
[ $? -eq 2 ] && say ok no-arguments || say bad no-arguments "exit status"
"$tool" --check --table "$here/research.system" 2>/dev/null
[ $? -eq 2 ] && say ok two-modes || say bad two-modes "exit status"
"$tool" --check "$scratch/none" 2>/dev/null
[ $? -eq 2 ] && say ok no-file || say bad no-file "exit status"

finish
