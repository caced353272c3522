#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# test-state.sh -- for every manifest of the tree: what the kernel core holds after all launches, and its own
# digest of that, are what authority reads in the text.  (The machine says the same of itself:
# tests/system/test_authority.py.)
. "${BX_SRCDIR:-.}/tools/test-lib.sh"
state_of=$build/libkcore/tests/state_of
if ! test -x "$state_of"; then
	echo "the hosted core was not built: Check is missing"
	exit 77
fi

compiled=0
for manifest in "$source"/systems/*.system "$source"/tests/system/manifests/*.system \
    "$source"/tools/*/tests/*.system "$source"/tests/install/*.system; do
	name=${manifest#"$source"/}
	if ! "$build/tools/mksystem/mksystem" -o "$scratch/image" "$manifest" >"$scratch/out" 2>&1; then
		say bad "$name" "$(cat "$scratch/out")"
		continue
	fi
	compiled=$((compiled + 1))
	for what in state hash; do
		# Of a system whose assertions do not hold authority says so, and shows it nevertheless.
		"$build/tools/authority/authority" --$what "$manifest" >"$scratch/predicted" 2>/dev/null
		"$state_of" --$what "$scratch/image" >"$scratch/found" 2>&1
		if [ -s "$scratch/predicted" ] && cmp -s "$scratch/predicted" "$scratch/found"; then
			say ok "$name"
		else
			say bad "$name, $what" "$(diff "$scratch/predicted" "$scratch/found" | head -n 6)"
		fi
	done
done
[ $compiled -ge 10 ] && say ok count || say bad count "only $compiled manifests were found"

# Each thing that a manifest may say of a capability changes the digest, and of that program alone.
cat >"$scratch/one.system" <<'END'
name = "t";
objects = { ep = { kind = "endpoint"; }; eq = { kind = "endpoint"; };
	bell = { kind = "notification"; }; all = { kind = "spawn"; }; };
programs = (
	{ name = "a"; priority = 10; frames = 16; replies = 1; capabilities = {
		ep = { rights = [ "read" ]; }; eq = { rights = [ "read" ]; };
		all = { rights = [ "read", "write" ]; }; }; },
	{ name = "b"; priority = 10; frames = 16; capabilities = {
		ep = { rights = [ "write" ]; };
		bell = { rights = [ "write" ]; }; }; }
);
END
digests() {	# MANIFEST: b's line, having seen that a's is as ever and that the core agrees
	"$build/tools/mksystem/mksystem" -o "$scratch/image" "$1" && "$state_of" --hash "$scratch/image" \
	    >"$scratch/found" && "$build/tools/authority/authority" --hash "$1" >"$scratch/predicted" &&
	    cmp -s "$scratch/found" "$scratch/predicted" && sed -n '1s/.* //p' "$scratch/found" >"$scratch/a" &&
	    sed -n '2s/.* //p' "$scratch/found"
}
digests "$scratch/one.system" >"$scratch/digests"
cp "$scratch/a" "$scratch/first"
while IFS='|' read -r from to; do
	sed "s/$from/$to/" "$scratch/one.system" >"$scratch/other.system"
	digest=$(digests "$scratch/other.system")
	if [ -n "$digest" ] && ! grep -qxF "$digest" "$scratch/digests" && cmp -s "$scratch/a" "$scratch/first"; then
		say ok "$to"
	else
		say bad "$to" "the digest is not one of its own: $digest"
	fi
	echo "$digest" >>"$scratch/digests"
done <<'END'
bell = { rights = \[ "write" \]|bell = { rights = [ "read", "write" ]
bell = { rights = \[ "write" \]|bell = { rights = [ "write" ]; badge = 7
bell = { rights = \[ "write" \]|bell = { rights = [ "write" ]; uses = 3
bell = { rights = \[ "write" \]|bell = { rights = [ "write" ]; uses = 0
bell = { rights = \[ "write" \]|bell = { rights = [ "write" ]; lifetime_us = 1
bell = { rights = \[ "write" \]|bell = { rights = [ "write" ]; lifetime_us = 1234567
bell = { rights = \[ "write" \]|bell = { object = "ep"; rights = [ "write" ]
ep = { rights = \[ "write" \]|ep = { object = "eq"; rights = [ "write" ]
bell = { rights = \[ "write" \]|part = { from = "a\/all"; rights = [ "read" ]
bell = { rights = \[ "write" \]|part = { from = "a\/all"; rights = [ "read" ]; first = 1; count = 1
bell = { rights = \[ "write" \]; };|
name = "b"; priority = 10|name = "c"; binary = "b"; priority = 10
name = "b"; priority = 10|name = "b"; threads = 2; priority = 10
name = "b"; priority = 10|name = "b"; replies = 1; priority = 10
END

finish
