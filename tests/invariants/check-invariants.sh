#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-invariants.sh [--look] [--only WORD]... [--build NAME] -- runs the invariants by the Python that configure found.
#
# PYTHON is that one; INVARIANTS_MISSING, if not empty, the Debian packages without which kernels cannot
# be booted.
if test -n "${INVARIANTS_MISSING-}" || test -z "${PYTHON-}"; then
	echo "the invariants need${INVARIANTS_MISSING:- python3-pytest python3-pexpect}: install them and run configure again"
	echo "0 passed, 1 failed"
	exit 1
fi
PYTHONDONTWRITEBYTECODE=1 exec "$PYTHON" "${BX_SRCDIR:-.}/tests/invariants/run.py" "$@"
