# SPDX-License-Identifier: Apache-2.0 OR MIT
# kernel: the kernel binary: libkcore, libcap, libipc and the machine's entry.  Freestanding program.
#
#   kernel/kernel-unnamed	first link, with an empty symbol table
#   kernel/symbols.S		its functions by address, for the backtrace of a panic
#   kernel/kernel		second link, with that table; has symbols for the debugger
#   kernel/kernel.elf		stripped: goes into images
FREE_EXECUTABLES += %D%/kernel-unnamed %D%/kernel
noinst_HEADERS += %D%/kernel.h
EXTRA_DIST += %D%/kernel.ld.in %D%/symbols.awk %D%/tests/check-kernel.sh
CLEANFILES += %D%/kernel.ld %D%/symbols.S %D%/symbols.stamp %D%/kernel.elf
bxdata_DATA += %D%/kernel.elf

bx_kernel_sources = %D%/start.S %D%/main.c %D%/memory.S %D%/panic.c %D%/print.c
bx_kernel_libraries = libkcore/libbrainix-kcore.la libcap/libbrainix-cap.la \
	libtrust/libbrainix-trust.la

%C%_kernel_CPPFLAGS = -DBX_VERSION='"$(PACKAGE_VERSION)"' $(KCORE_INC) $(CAP_INC) $(BASE_INC)
%C%_kernel_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(SELDOM_CFLAGS) -fno-jump-tables
%C%_kernel_CCASFLAGS = $(FREE_CFLAGS)
%C%_kernel_LDFLAGS = $(FREE_LDFLAGS) -Wl,-T,%D%/kernel.ld
%C%_kernel_SOURCES = $(bx_kernel_sources)
nodist_%C%_kernel_SOURCES = %D%/symbols.S
%C%_kernel_LDADD = $(bx_kernel_libraries)
%C%_kernel_DEPENDENCIES = %D%/kernel.ld $(bx_kernel_libraries)

%C%_kernel_unnamed_CPPFLAGS = $(%C%_kernel_CPPFLAGS)
%C%_kernel_unnamed_CFLAGS = $(%C%_kernel_CFLAGS)
%C%_kernel_unnamed_CCASFLAGS = $(%C%_kernel_CCASFLAGS)
%C%_kernel_unnamed_LDFLAGS = $(%C%_kernel_LDFLAGS)
%C%_kernel_unnamed_SOURCES = $(bx_kernel_sources) %D%/symbols-none.S
%C%_kernel_unnamed_LDADD = $(bx_kernel_libraries)
%C%_kernel_unnamed_DEPENDENCIES = $(%C%_kernel_DEPENDENCIES)

# The link script reads the headers that C reads.
%D%/kernel.ld: %D%/kernel.ld.in include/brainix/bootinfo.h libkcore/include/brainix/x86_64.h
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(CC) -E -P -x assembler-with-cpp $(KCORE_INC) $(BASE_INC) $(srcdir)/%D%/kernel.ld.in -o $@

# Written again only when a function has moved.
%D%/symbols.stamp: %D%/kernel-unnamed %D%/symbols.awk
	$(AM_V_GEN)$(NM) -n %D%/kernel-unnamed | $(AWK) -f $(srcdir)/%D%/symbols.awk >%D%/symbols.S-t && \
	{ cmp -s %D%/symbols.S-t %D%/symbols.S || cp %D%/symbols.S-t %D%/symbols.S; } && \
	rm -f %D%/symbols.S-t && echo >$@
%D%/symbols.S: %D%/symbols.stamp
	@test -f $@ || { rm -f %D%/symbols.stamp; $(MAKE) $(AM_MAKEFLAGS) %D%/symbols.stamp; }

%D%/kernel.elf: %D%/kernel
	$(AM_V_GEN)$(OBJCOPY) --strip-all %D%/kernel $@

TESTS += %D%/tests/check-kernel.sh
