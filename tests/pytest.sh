#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# pytest.sh TESTS... -- runs the system tests by pytest and ends with "N passed, N failed".
#
# PYTHON is the Python 3 that configure found; SYSTEM_MISSING, if not empty, the Debian packages
# without which there is nothing to run.  PYTEST_OPTIONS is the user's, words as in a shell:
# `-x -k "bios and not attacks"'.
if test -n "${SYSTEM_MISSING-}" || test -z "${PYTHON-}"; then
	echo "the system tests need${SYSTEM_MISSING:- python3-pytest python3-pexpect}: install them and run configure again"
	echo "0 passed, 1 failed"
	exit 1
fi
eval "set -- ${PYTEST_OPTIONS-} \"\$@\"" || exit 99
log=$(mktemp) || exit 99
trap 'rm -f "$log" "$log.status"' EXIT
{
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" -m pytest -p no:cacheprovider -ra --durations=15 \
	    --durations-min=1 "$@"
	echo $? >"$log.status"
} 2>&1 | tee "$log"

# The last line of pytest: "==== 1 failed, 11 passed, 2 skipped, 1 error in 0.12s ====".
number() {
	tail -n 1 "$log" | grep -oE "[0-9]+ $1" | grep -oE '^[0-9]+' || echo 0
}
passed=$(($(number passed) + $(number xfailed)))
failed=$(($(number failed) + $(number error) + $(number xpassed)))
skipped=$(number skipped)
status=$(cat "$log.status")
if test "$status" != 0 && test $failed = 0; then
	failed=1		# no tests, or pytest itself failed
fi
if test "$skipped" -gt 0; then
	echo "$passed passed, $failed failed, $skipped skipped"
else
	echo "$passed passed, $failed failed"
fi
test $failed = 0
