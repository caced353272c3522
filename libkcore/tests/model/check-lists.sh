#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-lists.sh -- each line of mutants.list, both.list and units.list still changes the sources that it names;
# whether the model, or a unit test, sees it, `make model-mutants' says.
top=${BX_SRCDIR:-.}
passed=0 failed=0

changes() {	# what, source, edit
	if ! sed "$3" "$top/$2" >/dev/null || sed "$3" "$top/$2" | cmp -s - "$top/$2"; then
		echo "failed: $1: the edit changes nothing in $2"
		failed=$((failed + 1))
	else
		passed=$((passed + 1))
	fi
}
while IFS='|' read -r what file edit; do
	case $what in '' | '#'*) continue ;; esac
	changes "$what" "libkcore/src/${file%%:*}" "$edit"
done <"$top/libkcore/tests/model/mutants.list"
while IFS='|' read -r what source edit system spec spec_edit; do
	case $what in '' | '#'*) continue ;; esac
	changes "$what, $system" "$source" "$edit"
	changes "$what, the specification" "$spec" "$spec_edit"
done <"$top/libkcore/tests/model/both.list"
while IFS='|' read -r what file edit suite; do
	case $what in '' | '#'*) continue ;; esac
	changes "$what" "libkcore/src/$file" "$edit"
done <"$top/libkcore/tests/model/units.list"
echo "$passed passed, $failed failed"
test "$passed" -gt 0 && test "$failed" = 0
