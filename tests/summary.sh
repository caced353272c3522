#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# summary.sh STATUS TRS... -- adds up what the tests of `make check' say of themselves.
#
# A test program of Check ends with "100%: Checks: 12, Failures: 0, Errors: 0", a script with
# "12 passed, 0 failed" (or ", 1 skipped"): their own counts are added.  Every other test counts
# as one.  BX_LEFT_OUT names tests that could not be built: they count as one that failed.  The last
# line is the sum; the exit status says whether all is well.
status=$1
shift

awk -v status="$status" '
function count(file,    log_file, line, result, p, f, s, known, part, shown, why, i) {
	while ((getline line < file) > 0)
		if (line ~ /^:global-test-result:/)
			result = line
	close(file)
	sub(/.*: */, "", result)
	log_file = file
	sub(/\.trs$/, ".log", log_file)
	shown = 0
	while ((getline line < log_file) > 0) {
		if (shown < 10 && line ~ /^FAIL: |error: |:[FE]:|runtime error|ERROR: |[Aa]ssert/)
			why[shown++] = line
		if (match(line, /Checks: [0-9]+, Failures: [0-9]+, Errors: [0-9]+/)) {
			split(substr(line, RSTART, RLENGTH), part, /[^0-9]+/)
			f += part[3] + part[4]
			p += part[2] - part[3] - part[4]
			known = 1
		} else if (line ~ /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/) {
			split(line, part, /[^0-9]+/)
			p += part[1]; f += part[2]; s += part[3]
			known = 1
		}
	}
	close(log_file)
	if (result == "SKIP") { p = 0; f = 0; s = 1 }
	else if (result == "PASS" || result == "XFAIL") { if (!known) p = 1 }
	else if (f == 0) f = 1		# died after or without a count
	if (result == "")
		print "no result: " file
	else if (f > 0) {
		print "failed: " log_file
		for (i = 0; i < shown; i++) print "    " why[i]
	}
	passed += p; failed += f; skipped += s
}
BEGIN {
	for (i = 1; i < ARGC; i++)
		count(ARGV[i])
	if (ENVIRON["BX_LEFT_OUT"] != "") {
		print "left out: " ENVIRON["BX_LEFT_OUT"]
		failed++
	}
	if (status != 0 && failed == 0) {
		print "the test harness failed"
		failed = 1
	}
	printf "%d passed, %d failed", passed, failed
	if (skipped > 0) printf ", %d skipped", skipped
	print ""
	exit failed > 0
}' "$@"
