# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests: what spans libraries.  Each check script can be run alone, from the build folder:
# `sh SOURCE/tests/check-house.sh'.
bx_checks = %D%/check-freestanding.sh %D%/check-layering.sh %D%/check-headers.sh %D%/check-house.sh \
	%D%/check-documents.sh %D%/check-checks.sh %D%/invariants/check-table.sh \
	%D%/invariants/check-table-fails.sh
bx_builds = %D%/install/check-install.sh %D%/install/check-cross.sh %D%/install/check-clang.sh \
	%D%/install/check-dist.sh
TESTS += $(bx_checks) $(bx_builds)
EXTRA_DIST += $(bx_checks) $(bx_builds) %D%/check-lib.sh %D%/summary.sh %D%/pytest.sh %D%/fuzz-main.c \
	%D%/install/host.c %D%/install/volume.c %D%/install/server.c

# `make check-layering' and the like: one check, alone.
PHONY += check-layering check-freestanding check-headers check-house check-documents \
	check-install check-cross check-clang check-dist
check-layering check-headers check-house check-documents:
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/$@.sh
check-freestanding: $(lib_LTLIBRARIES)
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/$@.sh
check-install check-cross check-clang check-dist: all
	@$(AM_TESTS_ENVIRONMENT) $(SHELL) $(srcdir)/tests/install/$@.sh

# All fuzz targets (programs NAME/tests/fuzz_*), for longer than in `make check':
# `make fuzz FUZZ_RUNS=1000000 FUZZ_SEED=7'.
FUZZ_RUNS = 100000
FUZZ_SEED = 1
bx_fuzz = $(foreach program,$(check_PROGRAMS),$(if $(findstring /fuzz_,$(program)),$(program)))
PHONY += fuzz
fuzz: $(bx_fuzz)
	@$(AM_TESTS_ENVIRONMENT) passed=0; failed=0; \
	for program in $(bx_fuzz); do \
		echo "$$program"; \
		if ./$$program --runs $(FUZZ_RUNS) --seed $(FUZZ_SEED) --save $$program.input; then \
			passed=$$((passed + 1)); rm -f $$program.input; \
		else \
			failed=$$((failed + 1)); echo "the input is in $$program.input"; \
		fi; \
	done; \
	echo "$$passed passed, $$failed failed"; test $$failed = 0

# The fuzz targets of one room for FUZZ_SECONDS, guided by what they reach, with sanitizers (clang): `make fuzz-fs
# FUZZ_SECONDS=3600'.  What was found and counted stays in FUZZ_FOLDER (of its own for each room if not given), and the
# next run goes on there.
FUZZ_SECONDS = 300
FUZZ_LONG = BX_SRCDIR='$(top_srcdir)' $(SHELL) $(top_srcdir)/%D%/fuzz-long.sh -s $(FUZZ_SECONDS)
EXTRA_DIST += %D%/fuzz-long.sh %D%/fuzz-guided.c %D%/fuzz-plain.c %D%/fuzz-bytes.h %D%/fuzz-corpus.h

# What the tests reach: after ./configure --enable-coverage.  `make coverage' asks all tests, `make
# coverage-kernel' builds and asks those of libcap, libipc and libkcore alone; each room is held to 95 % of lines and
# 90 of branches.
if COVERAGE
PHONY += coverage coverage-kernel coverage-begin coverage-held
COVERAGE_ROOMS = libcap libipc libfs libkcore libnetstack
COVERAGE_KERNEL = libcap libipc libkcore
coverage_kernel_tests = $(filter $(COVERAGE_KERNEL:=/%),$(check_PROGRAMS))
coverage_kernel_objects = $(foreach program,$(coverage_kernel_tests),$($(call bx_canonical,$(program))_OBJECTS))
coverage:
	@$(MAKE) coverage-begin COVERAGE_IN=.
	@$(MAKE) check
	@$(GCOVR) --root $(top_srcdir) --object-directory . --exclude '.*/tests/.*' --exclude 'tests/.*' --txt
	@$(MAKE) coverage-held
coverage-kernel:
	@$(MAKE) coverage-begin COVERAGE_IN='$(COVERAGE_KERNEL)'
	@rm -f $(coverage_kernel_objects)
	@$(MAKE) $(coverage_kernel_tests)
	@$(MAKE) check-TESTS check_PROGRAMS='$(coverage_kernel_tests)' \
		TESTS='$(filter $(TESTS),$(coverage_kernel_tests))'
	@$(MAKE) coverage-held COVERAGE_ROOMS='$(COVERAGE_KERNEL)'
# Counters and objects of earlier builds go, those of programs that are not asked, too: when two notes of one
# source disagree on where a function begins, gcovr ends with an assertion.
coverage-begin:
	@test -n '$(GCOVR)' || { echo "coverage needs gcovr (Debian: apt-get install gcovr; then configure again)" >&2; exit 1; }
	@find $(COVERAGE_IN) -name '*.gcda' -exec rm -f {} +
	@find $(COVERAGE_IN) -name '*.gcno' | sed 'p; s/gcno$$/o/' | xargs rm -f
# gcovr says 2 when there are too few lines, 4 for branches, 6 for both.
coverage-held:
	@passed=0; failed=0; \
	for room in $(COVERAGE_ROOMS); do \
		$(GCOVR) --root $(top_srcdir) --filter ".*$$room/src/" --exclude '.*x86_64.*' \
		    --fail-under-line 95 --fail-under-branch 90 --print-summary $$room >$@.out 2>&1; \
		case $$? in 0) passed=$$((passed + 2)) ;; 2 | 4) passed=$$((passed + 1)) failed=$$((failed + 1)) ;; \
		6) failed=$$((failed + 2)) ;; *) failed=$$((failed + 2)); tail -n 5 $@.out ;; esac; \
		sed -n "s/^\(lines\|branches\)/$$room: &/p" $@.out; \
	done; \
	rm -f $@.out; echo "$$passed passed, $$failed failed"; test $$failed = 0
clean-local: clean-coverage
PHONY += clean-coverage
clean-coverage:
	find . -name '*.gcda' -o -name '*.gcno' | xargs rm -f
else
PHONY += coverage coverage-kernel
coverage coverage-kernel:
	@echo "coverage needs ./configure --enable-coverage" >&2; exit 1
endif
# `make model-mutants' breaks the kernel core in many ways, one by one: its model must see each.
# MUTANT='part of a line': those alone.
PHONY += model-mutants
EXTRA_DIST += libkcore/tests/model/check-mutants.sh libkcore/tests/model/mutants.list libkcore/tests/model/both.list \
	libkcore/tests/model/units.list
if HAVE_CHECK
model-mutants:
	@CC='$(CC_FOR_BUILD)' BX_SRCDIR='$(srcdir)' BX_CPPFLAGS="$(subst ",\",$(bx_kcore_inc) $(CHECK_CFLAGS))" \
		BX_SOURCES='$(libkcore_tests_model_model_SOURCES)' \
		BX_UNITS='$(filter libkcore/tests/driver.c libkcore/tests/ipc.c libkcore/tests/test_%.c,$(libkcore_tests_test_kcore_SOURCES))' BX_LIBS='$(CHECK_LIBS)' BX_ONLY='$(MUTANT)' $(SHELL) $(srcdir)/libkcore/tests/model/check-mutants.sh
endif
# `make net-mutants': clauses of standards, each broken; the test that RFC.md names has to fail.
PHONY += net-mutants
EXTRA_DIST += libnetstack/tests/check-mutants.sh libnetstack/tests/mutants.list
if HAVE_CHECK
net-mutants:
	@CC='$(CC_FOR_BUILD)' BX_SRCDIR='$(srcdir)' CHECK_CFLAGS='$(CHECK_CFLAGS)' CHECK_LIBS='$(CHECK_LIBS)' \
		BX_ONLY='$(MUTANT)' $(SHELL) $(srcdir)/libnetstack/tests/check-mutants.sh
endif
include tests/prove/local.mk
include tests/system/local.mk
include tests/invariants/local.mk
include tests/bench/local.mk
