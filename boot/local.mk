# SPDX-License-Identifier: Apache-2.0 OR MIT
# boot: the multiboot2 loader.  Freestanding program.  May include: layer 0.
#
# boot/loader has symbols for the debugger; boot/loader.elf is what goes into images.
FREE_EXECUTABLES += %D%/loader
noinst_HEADERS += %D%/src/boot.h %D%/src/memory.h %D%/src/port.h
EXTRA_DIST += %D%/boot.ld %D%/DESIGN.md
CLEANFILES += %D%/loader.elf
bxdata_DATA += %D%/loader.elf

bx_boot_pure = %D%/src/mbi.c %D%/src/map.c %D%/src/elf.c %D%/src/tables.c %D%/src/info.c
%C%_loader_CPPFLAGS = $(BASE_INC)
# Tables of pointers would need relocations, which nobody applies: boot.ld refuses them.
%C%_loader_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) -fno-jump-tables
%C%_loader_LDFLAGS = $(FREE_LDFLAGS) -Wl,-pie -Wl,--no-dynamic-linker -Wl,-z,norelro -Wl,-z,text \
	-Wl,-T,$(top_srcdir)/%D%/boot.ld
%C%_loader_DEPENDENCIES = %D%/boot.ld
%C%_loader_SOURCES = %D%/src/start.S %D%/src/main.c %D%/src/efi.c %D%/src/serial.c %D%/src/mem.c \
	$(bx_boot_pure)

%D%/loader.elf: %D%/loader
	$(AM_V_GEN)$(OBJCOPY) --strip-all %D%/loader $@

if HAVE_CHECK
check_PROGRAMS += %D%/tests/test_boot
TESTS += %D%/tests/test_boot
%C%_tests_test_boot_CPPFLAGS = $(BASE_INC) -I$(top_srcdir)/%D%/src
%C%_tests_test_boot_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_boot_SOURCES = %D%/tests/test_boot.c $(TEST_SUITE) $(TEST_PANIC) $(bx_boot_pure)
%C%_tests_test_boot_LDADD = $(CHECK_LIBS)
endif

check_PROGRAMS += %D%/tests/fuzz_mbi %D%/tests/fuzz_elf
TESTS += %D%/tests/fuzz_mbi %D%/tests/fuzz_elf
EXTRA_DIST += %D%/tests/corpus
%C%_tests_fuzz_mbi_CPPFLAGS = $(BASE_INC) -I$(top_srcdir)/%D%/src -DFUZZ_CORPUS='"%D%/tests/corpus/mbi"'
%C%_tests_fuzz_mbi_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_mbi_SOURCES = %D%/tests/fuzz_mbi.c $(bx_boot_pure) $(FUZZ_MAIN)
%C%_tests_fuzz_elf_CPPFLAGS = $(BASE_INC) -I$(top_srcdir)/%D%/src -DFUZZ_CORPUS='"%D%/tests/corpus/elf"'
%C%_tests_fuzz_elf_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_elf_SOURCES = %D%/tests/fuzz_elf.c $(bx_boot_pure) $(FUZZ_MAIN)
