# SPDX-License-Identifier: Apache-2.0 OR MIT
# libtrust: layer 1.  May include: base.h.  The -I list is the rule.
TRUST_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += %D%/include/brainix/sha256.h
pkgconfig_DATA += %D%/brainix-trust.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md
lib_LTLIBRARIES += %D%/libbrainix-trust.la
%C%_libbrainix_trust_la_CPPFLAGS = $(TRUST_INC) $(BASE_INC)
%C%_libbrainix_trust_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(SELDOM_CFLAGS)
%C%_libbrainix_trust_la_SOURCES = %D%/src/sha256.c

if HAVE_CHECK
check_PROGRAMS += %D%/tests/test_sha256
TESTS += %D%/tests/test_sha256
%C%_tests_test_sha256_CPPFLAGS = $(TRUST_INC) $(BASE_INC)
%C%_tests_test_sha256_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_sha256_SOURCES = %D%/tests/test_sha256.c $(TEST_SUITE) $(TEST_PANIC) $(%C%_libbrainix_trust_la_SOURCES)
%C%_tests_test_sha256_LDADD = $(CHECK_LIBS)
endif
