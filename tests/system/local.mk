# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests/system: whole systems in QEMU, driven over the serial line by pytest and pexpect.
#
#	make check-system [PYTEST_OPTIONS='-k bios -x']
EXTRA_DIST += %D%/conftest.py %D%/machine.py %D%/images.py %D%/test_boot.py %D%/test_boot_refused.py \
	%D%/test_image.py %D%/manifests %D%/pagewalk.py %D%/test_pagewalk.py %D%/test_attacks.py %D%/test_memory.py %D%/bootcheck/kernel.ld

# The boot-contract test kernel: checks every sentence of brainix/bootinfo.h.
FREE_EXECUTABLES += %D%/bootcheck/bootcheck
%C%_bootcheck_bootcheck_CPPFLAGS = $(BASE_INC)
%C%_bootcheck_bootcheck_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS)
%C%_bootcheck_bootcheck_LDFLAGS = $(FREE_LDFLAGS) -Wl,-T,$(top_srcdir)/%D%/bootcheck/kernel.ld
%C%_bootcheck_bootcheck_DEPENDENCIES = %D%/bootcheck/kernel.ld
%C%_bootcheck_bootcheck_SOURCES = %D%/bootcheck/start.S %D%/bootcheck/kernel.c

include tests/system/attacks/local.mk

PHONY += check-system
check-system: all
	@$(AM_TESTS_ENVIRONMENT) $(bx_run_variables) $(bx_image_tools) PYTHON='$(PYTHON)' \
	    SYSTEM_MISSING='$(IMAGE_MISSING)$(SYSTEM_MISSING)' \
	    $(SHELL) $(srcdir)/tests/pytest.sh $(srcdir)/%D%
