#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-table-fails.sh -- `run.py --look' finds what is wrong with a document or a patch: a copy of all that it
# reads, with one thing wrong each time.  Exit 77: no Python, or no patch.
. "$(dirname "$0")/../check-lib.sh"
test -n "${PYTHON-}" || exit 77
command -v patch >/dev/null || exit 77
scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT
cd "$BX_SRCDIR" || exit 99
mkdir "$scratch/good" || exit 99
tar cf - docs libcap libkcore kernel include configure.ac Makefile.am tests/invariants tests/mutants tests/trials \
    tests/system/attacks tests/system/caps | tar xf - -C "$scratch/good"
chmod -R u+w "$scratch/good"		# a release may be read-only

# look WHAT SAID FILE SED-EDIT: the edit changes the file, and the run says so much of it.
look() {
	rule "$1"
	rm -rf "$scratch/tree"
	cp -r "$scratch/good" "$scratch/tree"
	sed -i "$4" "$scratch/tree/$3"
	cmp -s "$scratch/good/$3" "$scratch/tree/$3" && bad "the edit changes nothing"
	BX_SRCDIR=$scratch/tree PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$scratch/tree/tests/invariants/run.py" --look \
	    >"$scratch/output" 2>&1
	case $? in
	1) grep -qF -e "$2" "$scratch/output" || bad "it says: $(head -n 3 "$scratch/output")" ;;
	*) bad "it passed, or broke: $(tail -n 2 "$scratch/output")" ;;
	esac
}

table=docs/invariants.md
look "a row without a mutant" 'a cell is names in backquotes' $table '/^| MEM-8 /s/| `quota-ignored` |/| - |/'
look "a mutant that is none" 'there is no mutant quota-forgotten' $table 's/`quota-ignored`/`quota-forgotten`/'
look "a mutant without a row" 'quota-ignored: no row has it' $table '/^| MEM-8 /s/`quota-ignored`/`object-overrun`/'
look "an attack that is none" 'there is no attack map-xw' $table '/^| MEM-1 /s/`attack map-wx`/`attack map-xw`/'
look "a check that is no attack" 'walk is no attack' $table '/^| MEM-1 /s/`attack map-wx`/`walk MEM-1`/'
look "a test that is none" 'has no test cap1_derive' $table 's/cap1_derive_never_widens/cap1_derive_always/'
look "a test program that is none" 'not a kind of test' $table 's/`test_cap use_spends_one`/`test_cup use_spends_one`/'
look "a file that is not there" 'there is no file libcap/src/look.c' $table 's,libcap/src/lookup.c,libcap/src/look.c,'
look "a function that has moved" 'has no function bx_cap_derive' $table 's/`derive_check`/`bx_cap_derive_check`/'
look "a call is not a definition" 'has no function find_slot' $table '/^| AUTH-3 /s,libcap/src/forest.h,libcap/src/lookup.c,'
look "a cell too few" 'cells, not 6' $table '/^| IPC-2 /s/ | `string-unbounded` |$/ |/'
look "two rows of one name" 'two rows IPC-2' $table 's/^| IPC-3 /| IPC-2 /'
look "words beside the names" 'a cell is names in backquotes' $table 's/`budgets` |/`budgets` by hand |/'
look "rows that have gone" 'rows of invariants' $table '/^| AUTH-/d; /^| MEM-/d'
look "a protection known by reading" 'a cell is names in backquotes' docs/hardening.md 's/`trial machine-check`/reading the code/'
look "a trial without a row" 'machine-check: no row has it' docs/hardening.md 's/`trial machine-check`/`trial write-idt`/'
look "a check of the binary that is none" 'there is no binary no-jumps' docs/hardening.md 's/`binary no-swapgs`/`binary no-jumps`/'
look "a patch that does not fit" 'does not fit the sources any more' libkcore/src/frame.c 's/owner->frames_used >= owner->frame_quota/owner->frame_quota <= owner->frames_used/'
look "a head that cannot be read" 'its head cannot be read' tests/mutants/quota-ignored.patch 's/^caught by: /cought by: /'
look "a mutant caught by nothing" 'there is no attack exhaust-fames' tests/mutants/quota-ignored.patch 's/exhaust-frames/exhaust-fames/'
look "an option for a mutant in the sources" 'mutants are spoken of in' libkcore/src/frame.c 's/frame_quota)/frame_quota \&\& !MUTANT)/'
finish
