# SPDX-License-Identifier: Apache-2.0 OR MIT
# libcap: layer 1.  May include: base.h.  The -I list is the rule.
CAP_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += %D%/include/brainix/cap.h
noinst_HEADERS += %D%/src/forest.h %D%/src/lemmas.h %D%/src/logic.h %D%/tests/fixture.h %D%/tests/spec.h %D%/tests/world.h
pkgconfig_DATA += %D%/brainix-cap.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md
lib_LTLIBRARIES += %D%/libbrainix-cap.la
%C%_libbrainix_cap_la_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_libbrainix_cap_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(DENSE_CFLAGS)
%C%_libbrainix_cap_la_SOURCES = \
	%D%/src/derive.c %D%/src/forest.c %D%/src/lookup.c %D%/src/move.c %D%/src/recharge.c \
	%D%/src/remove.c %D%/src/reply.c %D%/src/sound.c %D%/src/space.c

# libcap beside its specification: every sequence of operations in a small world, and long random
# histories in a bigger one.  A short share is in `make check'; `make model MODEL_DEPTH=6
# MODEL_STEPS=100000000' is the whole.  `make model-broken' breaks libcap in many ways, one by one:
# the models must see each.
MODEL_DEPTH = 5
MODEL_STEPS = 20000000
libcap_models = %D%/tests/small_world %D%/tests/long_walk %D%/tests/long_walk_verify
check_PROGRAMS += $(libcap_models)
TESTS += $(libcap_models)
%C%_tests_small_world_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_tests_small_world_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_small_world_SOURCES = %D%/tests/small_world.c $(%C%_libbrainix_cap_la_SOURCES)
%C%_tests_long_walk_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_tests_long_walk_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_long_walk_SOURCES = %D%/tests/long_walk.c $(%C%_libbrainix_cap_la_SOURCES)
%C%_tests_long_walk_verify_CPPFLAGS = $(%C%_tests_long_walk_CPPFLAGS) -DBX_VERIFY
%C%_tests_long_walk_verify_CFLAGS = $(%C%_tests_long_walk_CFLAGS)
%C%_tests_long_walk_verify_SOURCES = $(%C%_tests_long_walk_SOURCES)
EXTRA_DIST += %D%/tests/check-broken.sh %D%/tests/broken.list
PHONY += model model-broken
model: %D%/tests/small_world %D%/tests/long_walk
	@passed=0; ./%D%/tests/small_world --depth $(MODEL_DEPTH) && passed=$$((passed + 1)); \
	./%D%/tests/long_walk --steps $(MODEL_STEPS) && passed=$$((passed + 1)); \
	echo "$$passed passed, $$((2 - passed)) failed"; test $$passed -eq 2
model-broken:
	@CC='$(CC)' BX_SRCDIR='$(srcdir)' sh $(srcdir)/%D%/tests/check-broken.sh

# The benchmark suite `cap': what each operation costs in forests of all sizes.
noinst_PROGRAMS += %D%/bench/capcost
EXTRA_DIST += %D%/bench/cap.sh %D%/bench/cost.gp
%C%_bench_capcost_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_bench_capcost_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_bench_capcost_SOURCES = %D%/bench/capcost.c $(%C%_libbrainix_cap_la_SOURCES)
PHONY += bench-cap
bench: bench-cap
bench-cap: %D%/bench/capcost
	@$(SHELL) $(srcdir)/%D%/bench/cap.sh %D%/bench/capcost

if HAVE_CHECK
libcap_tests = %D%/tests/test_cap %D%/tests/test_cap_verify
check_PROGRAMS += $(libcap_tests)
TESTS += $(libcap_tests)
%C%_tests_test_cap_CPPFLAGS = $(CAP_INC) $(BASE_INC)
%C%_tests_test_cap_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_cap_SOURCES = %D%/tests/test_cap.c $(TEST_SUITE) $(%C%_libbrainix_cap_la_SOURCES)
%C%_tests_test_cap_LDADD = $(CHECK_LIBS)
%C%_tests_test_cap_verify_CPPFLAGS = $(%C%_tests_test_cap_CPPFLAGS) -DBX_VERIFY
%C%_tests_test_cap_verify_CFLAGS = $(%C%_tests_test_cap_CFLAGS)
%C%_tests_test_cap_verify_SOURCES = $(%C%_tests_test_cap_SOURCES)
%C%_tests_test_cap_verify_LDADD = $(CHECK_LIBS)
endif
