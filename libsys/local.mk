# SPDX-License-Identifier: Apache-2.0 OR MIT
# libsys: layer 2.  May include: base.h, abi.h, libipc.  The -I list is the rule.
SYS_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += %D%/include/brainix/sys.h %D%/include/brainix/console.h
noinst_HEADERS += %D%/src/memory.h %D%/src/message.h
pkgconfig_DATA += %D%/brainix-sys.pc
bxdata_DATA += %D%/server.ld
EXTRA_DIST += %D%/README.md %D%/DESIGN.md %D%/server.ld
lib_LTLIBRARIES += %D%/libbrainix-sys.la
%C%_libbrainix_sys_la_CPPFLAGS = $(SYS_INC) $(IPC_INC) $(BASE_INC) $(bx_interface_inc)
%C%_libbrainix_sys_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS)
%C%_libbrainix_sys_la_CCASFLAGS = $(FREE_CFLAGS)
libsys_pure = %D%/src/clock.c %D%/src/launch.c %D%/src/text.c
%C%_libbrainix_sys_la_SOURCES = $(libsys_pure) \
	%D%/src/console.c %D%/src/memory.c %D%/src/message.c %D%/src/panic.c %D%/src/print.c \
	%D%/src/service.c %D%/src/start.c %D%/src/entry.S
nodist_%C%_libbrainix_sys_la_SOURCES = interfaces/console-ipc.c

# What a program of this tree is compiled and linked with:
#	FREE_EXECUTABLES += %D%/NAME
#	%C%_NAME_CPPFLAGS = $(bx_program_cppflags)	%C%_NAME_CFLAGS = $(bx_program_cflags)
#	%C%_NAME_LDFLAGS = $(bx_program_ldflags)	%C%_NAME_LDADD = $(bx_program_libs)
#	EXTRA_%C%_NAME_DEPENDENCIES = $(bx_program_script)
bx_program_cppflags = $(SYS_INC) $(IPC_INC) $(BASE_INC)
bx_program_cflags = $(AM_CFLAGS) $(FREE_CFLAGS)
bx_program_script = $(top_srcdir)/%D%/server.ld
bx_program_ldflags = $(FREE_LDFLAGS) -Wl,-T,$(bx_program_script)
bx_program_libs = %D%/libbrainix-sys.la libipc/libbrainix-ipc.la

if HAVE_CHECK
libsys_tests = %D%/tests/test_sys
check_PROGRAMS += $(libsys_tests)
TESTS += $(libsys_tests)
%C%_tests_test_sys_CPPFLAGS = $(SYS_INC) $(IPC_INC) $(BASE_INC) -I$(top_srcdir)/%D%/src
%C%_tests_test_sys_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_sys_SOURCES = %D%/tests/test_sys.c $(TEST_SUITE) $(TEST_PANIC) $(libsys_pure)
%C%_tests_test_sys_LDADD = $(CHECK_LIBS)
endif
