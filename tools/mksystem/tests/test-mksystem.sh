#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-mksystem.sh -- good manifests compile to the same bytes twice, and what else mksystem says of them.
# The faulty ones: test-faults.sh.
. "${BX_SRCDIR:-.}/tools/test-lib.sh"
here=$source/tools/mksystem/tests
tool=$build/tools/mksystem/mksystem

for manifest in "$here"/*.system "$source"/systems/*.system; do
	name=$(basename "$manifest")
	if "$tool" -o "$scratch/one" "$manifest" && "$tool" -o "$scratch/two" "$manifest" &&
	    cmp -s "$scratch/one" "$scratch/two"; then
		say ok "$name"
	else
		say bad "$name" "does not compile, or not to the same bytes twice"
	fi
done

[ "$("$tool" --binaries "$here/good.system" | tr '\n' ' ')" = "a b " ] && say ok binaries ||
	say bad binaries "$("$tool" --binaries "$here/good.system")"
"$tool" --summary "$here/research.system" >"$scratch/out"
if grep -q '^system t, for research$' "$scratch/out" && grep -Eq '^b .* 8  open$' "$scratch/out" &&
    [ "$(grep -c ' sealed$' "$scratch/out")" -eq 2 ]; then
	say ok summary
else
	say bad summary "$(cat "$scratch/out")"
fi
# Systems that are shipped hold what their manifests say, and nothing else, for ever.
for manifest in "$source"/systems/*.system; do
	"$tool" --summary "$manifest" >"$scratch/out" && ! grep -Eq 'research| open$' "$scratch/out" &&
	    say ok "sealed $(basename "$manifest")" || say bad "sealed $(basename "$manifest")" \
	    "$(cat "$scratch/out")"
done
"$tool" --check "$scratch/none" 2>/dev/null
[ $? -eq 2 ] && say ok no-file || say bad no-file "exit status"
"$tool" 2>/dev/null
[ $? -eq 2 ] && say ok no-arguments || say bad no-arguments "exit status"
"$tool" -o "$scratch/no/such/folder" "$here/good.system" 2>/dev/null
[ $? -eq 2 ] && say ok no-folder || say bad no-folder "exit status"

finish
