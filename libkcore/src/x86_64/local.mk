# SPDX-License-Identifier: Apache-2.0 OR MIT
# The x86-64 machine, for libkcore/local.mk, and the tests of those of its parts that are pure.
bxinclude_HEADERS += libkcore/include/brainix/x86_64.h
noinst_HEADERS += %D%/page_table.h %D%/x86.h libkcore/tests/acpi-tables.h
EXTRA_DIST += %D%/DESIGN.md libkcore/tests/corpus/acpi/pc
bx_x86_64_often = %D%/entry.S
bx_x86_64_seldom = \
	%D%/acpi.c %D%/apic.c %D%/bootinfo.c %D%/clock.c %D%/cpu.c %D%/machine.c %D%/map.c \
	%D%/trap.c
bx_x86_64_inc = $(KCORE_INC) $(BASE_INC)

if HAVE_CHECK
check_PROGRAMS += libkcore/tests/test_x86_64
TESTS += libkcore/tests/test_x86_64
libkcore_tests_test_x86_64_CPPFLAGS = $(bx_x86_64_inc)
libkcore_tests_test_x86_64_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
libkcore_tests_test_x86_64_SOURCES = libkcore/tests/test_x86_64.c $(TEST_SUITE) %D%/acpi.c %D%/bootinfo.c
libkcore_tests_test_x86_64_LDADD = $(CHECK_LIBS)
endif

check_PROGRAMS += libkcore/tests/fuzz_acpi
TESTS += libkcore/tests/fuzz_acpi
libkcore_tests_fuzz_acpi_CPPFLAGS = $(bx_x86_64_inc) -DFUZZ_CORPUS='"libkcore/tests/corpus/acpi"'
libkcore_tests_fuzz_acpi_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
libkcore_tests_fuzz_acpi_SOURCES = libkcore/tests/fuzz_acpi.c %D%/acpi.c $(FUZZ_MAIN)
