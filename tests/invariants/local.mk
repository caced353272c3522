# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests/invariants: docs/invariants.md and docs/hardening.md, run.
#
#	make check-invariants [ONLY='MEM-8 quota']
PHONY += check-invariants
check-invariants: all
	@$(AM_TESTS_ENVIRONMENT) $(bx_run_variables) $(bx_image_tools) \
		INVARIANTS_MISSING='$(IMAGE_MISSING)$(SYSTEM_MISSING)' \
		$(SHELL) $(srcdir)/%D%/check-invariants.sh $(foreach word,$(ONLY),--only $(word))
EXTRA_DIST += %D%/check-invariants.sh
