# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests/system: whole systems in QEMU, driven over the serial line by pytest and pexpect.
#
#	make check-system [PYTEST_OPTIONS='-x -k "bios and not boot"']
# The boot-contract test kernel: checks every sentence of brainix/bootinfo.h.
FREE_EXECUTABLES += %D%/bootcheck/bootcheck
%C%_bootcheck_bootcheck_CPPFLAGS = $(BASE_INC)
%C%_bootcheck_bootcheck_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS)
%C%_bootcheck_bootcheck_LDFLAGS = $(FREE_LDFLAGS) -Wl,-T,$(top_srcdir)/%D%/bootcheck/kernel.ld
%C%_bootcheck_bootcheck_DEPENDENCIES = %D%/bootcheck/kernel.ld
%C%_bootcheck_bootcheck_SOURCES = %D%/bootcheck/start.S %D%/bootcheck/kernel.c

# A client that tries more with the console than it may, and one that ends it on cue.
FREE_EXECUTABLES += %D%/console/peek %D%/console/cue
%C%_console_cue_SOURCES = %D%/console/cue.c
%C%_console_cue_CPPFLAGS = $(bx_program_cppflags)
%C%_console_cue_CFLAGS = $(bx_program_cflags)
%C%_console_cue_LDFLAGS = $(bx_program_ldflags)
%C%_console_cue_LDADD = $(bx_program_libs)
EXTRA_%C%_console_cue_DEPENDENCIES = $(bx_program_script)
%C%_console_peek_SOURCES = %D%/console/peek.c
%C%_console_peek_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc)
%C%_console_peek_CFLAGS = $(bx_program_cflags)
%C%_console_peek_LDFLAGS = $(bx_program_ldflags)
%C%_console_peek_LDADD = $(bx_program_libs)
EXTRA_%C%_console_peek_DEPENDENCIES = $(bx_program_script)

include tests/system/attacks/local.mk
include tests/system/budgets/local.mk
include tests/system/caps/local.mk
include tests/system/restarts/local.mk

PHONY += check-system
bx_pytest = @$(AM_TESTS_ENVIRONMENT) $(bx_run_variables) $(bx_image_tools) PYTHON='$(PYTHON)' \
	SYSTEM_MISSING='$(IMAGE_MISSING)$(SYSTEM_MISSING)' $(SHELL) $(srcdir)/tests/pytest.sh
check-system: all
	$(bx_pytest) $(srcdir)/%D%
