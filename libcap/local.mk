# SPDX-License-Identifier: Apache-2.0 OR MIT
# libcap: layer 1.  May include: base.h.  The -I list is the rule.
CAP_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += %D%/include/brainix/cap.h
noinst_HEADERS += %D%/src/forest.h %D%/src/lemmas.h %D%/src/logic.h %D%/tests/fixture.h
pkgconfig_DATA += %D%/brainix-cap.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md
lib_LTLIBRARIES += %D%/libbrainix-cap.la
%C%_libbrainix_cap_la_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_libbrainix_cap_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(DENSE_CFLAGS)
%C%_libbrainix_cap_la_SOURCES = \
	%D%/src/derive.c %D%/src/forest.c %D%/src/lookup.c %D%/src/move.c %D%/src/recharge.c \
	%D%/src/remove.c %D%/src/reply.c %D%/src/sound.c %D%/src/space.c

# Every sequence of operations in a small world, beside a specification; longer ones by
# `make model MODEL_DEPTH=6'.
MODEL_DEPTH = 6
check_PROGRAMS += %D%/tests/small_world
TESTS += %D%/tests/small_world
%C%_tests_small_world_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_tests_small_world_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_small_world_SOURCES = %D%/tests/small_world.c $(%C%_libbrainix_cap_la_SOURCES)
PHONY += model
model: %D%/tests/small_world
	@if ./$< --depth $(MODEL_DEPTH); then echo '1 passed, 0 failed'; else echo '0 passed, 1 failed'; exit 1; fi

if HAVE_CHECK
libcap_tests = %D%/tests/test_cap %D%/tests/test_cap_verify \
	%D%/tests/test_cap_model %D%/tests/test_cap_model_verify
check_PROGRAMS += $(libcap_tests)
TESTS += $(libcap_tests)
%C%_tests_test_cap_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_tests_test_cap_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_cap_SOURCES = %D%/tests/test_cap.c $(%C%_libbrainix_cap_la_SOURCES)
%C%_tests_test_cap_LDADD = $(CHECK_LIBS)
%C%_tests_test_cap_verify_CPPFLAGS = $(%C%_tests_test_cap_CPPFLAGS) -DBX_VERIFY
%C%_tests_test_cap_verify_CFLAGS = $(%C%_tests_test_cap_CFLAGS)
%C%_tests_test_cap_verify_SOURCES = $(%C%_tests_test_cap_SOURCES)
%C%_tests_test_cap_verify_LDADD = $(CHECK_LIBS)
%C%_tests_test_cap_model_CPPFLAGS = $(%C%_tests_test_cap_CPPFLAGS)
%C%_tests_test_cap_model_CFLAGS = $(%C%_tests_test_cap_CFLAGS)
%C%_tests_test_cap_model_SOURCES = %D%/tests/test_cap_model.c $(%C%_libbrainix_cap_la_SOURCES)
%C%_tests_test_cap_model_LDADD = $(CHECK_LIBS)
%C%_tests_test_cap_model_verify_CPPFLAGS = $(%C%_tests_test_cap_verify_CPPFLAGS)
%C%_tests_test_cap_model_verify_CFLAGS = $(%C%_tests_test_cap_CFLAGS)
%C%_tests_test_cap_model_verify_SOURCES = $(%C%_tests_test_cap_model_SOURCES)
%C%_tests_test_cap_model_verify_LDADD = $(CHECK_LIBS)
endif
