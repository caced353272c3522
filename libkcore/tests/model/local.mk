# SPDX-License-Identifier: Apache-2.0 OR MIT
# The core beside its specification; more of it by `make model MODEL_DEEPER=2 MODEL_RANDOM=10000
# MODEL_SEED=7'.  `make model-mutants' breaks the core in many ways, one by one: the model must see each.
libkcore_tests += %D%/model
%C%_model_CPPFLAGS = $(bx_kcore_inc)
%C%_model_CFLAGS = $(libkcore_tests_test_kcore_CFLAGS)
%C%_model_SOURCES = \
	%D%/compare.c %D%/model.c %D%/scenarios.c \
	%D%/spec.c %D%/spec_caps.c %D%/spec_ipc.c \
	%D%/spec_threads.c %D%/system.c libkcore/tests/fixture.c $(bx_kcore_world)
%C%_model_LDADD = $(CHECK_LIBS)
MODEL_DEEPER = 0
MODEL_RANDOM = 2000
MODEL_SEED = 1
PHONY += model-kcore model-mutants
model-kcore: %D%/model
	@if ./$< --deeper $(MODEL_DEEPER) --random $(MODEL_RANDOM) --seed $(MODEL_SEED); then \
		echo '1 passed, 0 failed'; else echo '0 passed, 1 failed'; exit 1; fi
model-mutants:
	@CC='$(CC_FOR_BUILD)' BX_SRCDIR='$(srcdir)' BX_CPPFLAGS='$(CHECK_CFLAGS)' BX_LIBS='$(CHECK_LIBS)' \
		$(SHELL) $(srcdir)/%D%/check-mutants.sh
