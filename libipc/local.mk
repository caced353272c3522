# SPDX-License-Identifier: Apache-2.0 OR MIT
# libipc: layer 1.  May include: base.h, abi.h.  The -I list is the rule.
IPC_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += %D%/include/brainix/ipc.h
noinst_HEADERS += %D%/src/field.h %D%/src/logic.h
pkgconfig_DATA += %D%/brainix-ipc.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md %D%/SPEC.md %D%/tests/corpus-ipc/all %D%/tests/corpus-ipc/words
lib_LTLIBRARIES += %D%/libbrainix-ipc.la
%C%_libbrainix_ipc_la_CPPFLAGS = $(IPC_INC) $(BASE_INC)
%C%_libbrainix_ipc_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS)
%C%_libbrainix_ipc_la_SOURCES = \
	%D%/src/label.c %D%/src/reader.c %D%/src/text.c %D%/src/writer.c

libipc_tests = %D%/tests/fuzz_ipc
%C%_tests_fuzz_ipc_CPPFLAGS = $(IPC_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-ipc"'
%C%_tests_fuzz_ipc_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_ipc_SOURCES = %D%/tests/fuzz_ipc.c $(FUZZ_MAIN) $(%C%_libbrainix_ipc_la_SOURCES)
if HAVE_CHECK
libipc_tests += %D%/tests/test_ipc
%C%_tests_test_ipc_CPPFLAGS = $(IPC_INC) $(BASE_INC)
%C%_tests_test_ipc_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_ipc_SOURCES = %D%/tests/test_ipc.c $(TEST_SUITE) $(TEST_PANIC) $(%C%_libbrainix_ipc_la_SOURCES)
%C%_tests_test_ipc_LDADD = $(CHECK_LIBS)
endif
check_PROGRAMS += $(libipc_tests)
TESTS += $(libipc_tests)
