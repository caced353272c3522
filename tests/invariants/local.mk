# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests/invariants: docs/invariants.md and docs/hardening.md, run.
#
#	make check-invariants [ONLY='MEM-8 quota']
#	make mutant NAME=quota-ignored		the kernel of one mutant, to be looked at: mutant-NAME.iso
PHONY += check-invariants mutant
CLEANFILES += mutant-*.iso
bx_invariants = $(AM_TESTS_ENVIRONMENT) $(bx_run_variables) $(bx_image_tools) \
	INVARIANTS_MISSING='$(IMAGE_MISSING)$(SYSTEM_MISSING)' $(SHELL) $(srcdir)/%D%/check-invariants.sh
check-invariants: all
	@$(bx_invariants) $(foreach word,$(ONLY),--only $(word))
mutant: all
	@$(bx_invariants) --build '$(NAME)'
EXTRA_DIST += %D%/check-invariants.sh
