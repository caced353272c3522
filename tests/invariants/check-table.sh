#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-table.sh -- the tables of invariants and of hardening, but for the running: each word names
# something, each function is where it is said to be, each mutant and trial fits the sources.  Exit 77:
# no Python, or no patch.
test -n "${PYTHON-}" || exit 77
command -v patch >/dev/null || exit 77
PYTHONDONTWRITEBYTECODE=1 exec "$PYTHON" "${BX_SRCDIR:-.}/tests/invariants/run.py" --look
