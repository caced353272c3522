# SPDX-License-Identifier: Apache-2.0 OR MIT
# libkcore: layer 2.  May include: base.h, libcap, libipc, libtrust.
#
#   libbrainix-kcore.la		the core and the x86-64 machine: links into a kernel
#   libbrainix-kcore-hosted.la	the core and the hosted machine: links into a Linux process
KCORE_INC = -I$(top_srcdir)/%D%/include

include %D%/src/x86_64/local.mk

# What runs often is made to be fast; what runs at boot, for an observer, or when a program starts,
# ends or faults is made to be small.
bx_kcore_often = \
	%D%/src/dispatch.c %D%/src/frame.c %D%/src/ipc_buffers.c %D%/src/ipc_fast.c %D%/src/ipc_short.c %D%/src/sched.c %D%/src/space.c \
	%D%/src/syscall.c %D%/src/sys_cap.c %D%/src/sys_memory.c \
	%D%/src/timer.c %D%/src/x86_64/page_table.c
bx_kcore_seldom = \
	%D%/src/ipc.c %D%/src/ipc_cycle.c %D%/src/ipc_exchange.c %D%/src/ipc_reply.c \
	%D%/src/ipc_wait.c %D%/src/sys_device.c %D%/src/thread.c \
	%D%/src/audit.c %D%/src/budget.c %D%/src/elf.c %D%/src/fault.c %D%/src/init.c %D%/src/inspect.c %D%/src/lend.c %D%/src/notify.c %D%/src/program.c %D%/src/state.c \
	%D%/src/sched_sound.c %D%/src/sound.c %D%/src/sysimage.c \
	%D%/src/sysimage_single.c %D%/src/sys_program.c %D%/src/sys_thread.c
bx_kcore_sources = $(bx_kcore_often) $(bx_kcore_seldom)
bx_hosted_sources = %D%/src/hosted/hosted.c
bx_kcore_inc = -DBX_VERSION='"$(PACKAGE_VERSION)"' $(KCORE_INC) $(CAP_INC) $(TRUST_INC) $(BASE_INC)

bxinclude_HEADERS += %D%/include/brainix/kcore.h %D%/include/brainix/kcore-hosted.h \
	%D%/include/brainix/machine.h
noinst_HEADERS += %D%/src/core.h %D%/src/ipc.h %D%/src/ipc_fast.h %D%/src/sys.h %D%/src/thread.h %D%/tests/driver.h \
	%D%/tests/fixture.h %D%/tests/model/model.h %D%/tests/model/scenarios.h %D%/tests/model/sentences.h \
	%D%/tests/model/spec.h
pkgconfig_DATA += %D%/brainix-kcore.pc %D%/brainix-kcore-hosted.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md

lib_LTLIBRARIES += %D%/libbrainix-kcore.la %D%/libbrainix-kcore-hosted.la
%C%_libbrainix_kcore_la_CPPFLAGS = $(bx_kcore_inc)
# No jump tables: the kernel has no indirect branch that docs/hardening.md does not list.
%C%_libbrainix_kcore_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(DENSE_CFLAGS) -fno-jump-tables
%C%_libbrainix_kcore_la_CCASFLAGS = $(FREE_CFLAGS)
%C%_libbrainix_kcore_la_SOURCES = $(bx_kcore_often) $(bx_x86_64_often)
%C%_libbrainix_kcore_la_LIBADD = %D%/libkcore-seldom.la
noinst_LTLIBRARIES += %D%/libkcore-seldom.la
%C%_libkcore_seldom_la_CPPFLAGS = $(%C%_libbrainix_kcore_la_CPPFLAGS)
%C%_libkcore_seldom_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(SELDOM_CFLAGS) -fno-jump-tables
%C%_libkcore_seldom_la_SOURCES = $(bx_kcore_seldom) $(bx_x86_64_seldom)
%C%_libbrainix_kcore_hosted_la_CPPFLAGS = $(%C%_libbrainix_kcore_la_CPPFLAGS)
%C%_libbrainix_kcore_hosted_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS)
%C%_libbrainix_kcore_hosted_la_SOURCES = $(bx_kcore_sources) $(bx_hosted_sources)

# What every test of the core is made of besides itself.
bx_kcore_world = $(bx_kcore_sources) $(bx_hosted_sources) $(libcap_libbrainix_cap_la_SOURCES) \
	$(libtrust_libbrainix_trust_la_SOURCES)

libkcore_tests = %D%/tests/fuzz_sysimage %D%/tests/fuzz_elf
%C%_tests_fuzz_sysimage_CPPFLAGS = $(bx_kcore_inc) -DFUZZ_CORPUS='"%D%/tests/corpus/sysimage"'
%C%_tests_fuzz_sysimage_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_sysimage_SOURCES = \
	%D%/tests/fuzz_sysimage.c %D%/src/sysimage.c %D%/src/sysimage_single.c $(FUZZ_MAIN)
%C%_tests_fuzz_elf_CPPFLAGS = $(bx_kcore_inc) -DFUZZ_CORPUS='"%D%/tests/corpus/elf"'
%C%_tests_fuzz_elf_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_elf_SOURCES = %D%/tests/fuzz_elf.c %D%/src/elf.c $(FUZZ_MAIN)
EXTRA_DIST += %D%/tests/corpus/sysimage/small %D%/tests/corpus/elf/small

if HAVE_CHECK
# All suites in one program, so that the core is compiled once for them, and once with BX_VERIFY.
libkcore_tests += %D%/tests/test_kcore %D%/tests/test_kcore_verify
%C%_tests_test_kcore_CPPFLAGS = $(bx_kcore_inc)
%C%_tests_test_kcore_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_kcore_SOURCES = \
	%D%/tests/driver.c %D%/tests/fixture.c %D%/tests/ipc.c %D%/tests/test_budget.c \
	%D%/tests/test_elf.c %D%/tests/test_ipc.c %D%/tests/test_ipc_capability.c \
	%D%/tests/test_ipc_event.c %D%/tests/test_ipc_string.c %D%/tests/test_kcore.c \
	%D%/tests/test_open.c %D%/tests/test_program.c %D%/tests/test_sched.c %D%/tests/test_sound.c \
	%D%/tests/test_steps.c %D%/tests/test_sys.c %D%/tests/test_sysimage.c \
	%D%/tests/test_world.c $(bx_kcore_world)
%C%_tests_test_kcore_LDADD = $(CHECK_LIBS)
%C%_tests_test_kcore_verify_CPPFLAGS = $(bx_kcore_inc) -DBX_VERIFY
%C%_tests_test_kcore_verify_CFLAGS = $(%C%_tests_test_kcore_CFLAGS)
%C%_tests_test_kcore_verify_SOURCES = $(%C%_tests_test_kcore_SOURCES)
%C%_tests_test_kcore_verify_LDADD = $(CHECK_LIBS)
# Random events, every invariant after each.
libkcore_tests += %D%/tests/test_random %D%/tests/test_fast %D%/tests/fuzz_syscall
%C%_tests_test_random_CPPFLAGS = $(bx_kcore_inc) -DBX_VERIFY
%C%_tests_test_random_CFLAGS = $(%C%_tests_test_kcore_CFLAGS)
%C%_tests_test_random_SOURCES = \
	%D%/tests/driver.c %D%/tests/fixture.c %D%/tests/test_random.c $(TEST_SUITE) $(bx_kcore_world)
%C%_tests_test_random_LDADD = $(CHECK_LIBS)
# The short ways against the general one.
%C%_tests_test_fast_CPPFLAGS = $(bx_kcore_inc)
%C%_tests_test_fast_CFLAGS = $(%C%_tests_test_kcore_CFLAGS)
%C%_tests_test_fast_SOURCES = \
	%D%/tests/driver.c %D%/tests/fixture.c %D%/tests/test_fast.c $(bx_kcore_world)
%C%_tests_test_fast_LDADD = $(CHECK_LIBS)
%C%_tests_fuzz_syscall_CPPFLAGS = $(bx_kcore_inc) -DBX_VERIFY
%C%_tests_fuzz_syscall_CFLAGS = $(%C%_tests_test_kcore_CFLAGS)
%C%_tests_fuzz_syscall_SOURCES = \
	%D%/tests/driver.c %D%/tests/fixture.c %D%/tests/fuzz_syscall.c $(bx_kcore_world) $(FUZZ_MAIN)
%C%_tests_fuzz_syscall_LDADD = $(CHECK_LIBS)
# What the core says of the state of every program of a manifest.
check_PROGRAMS += %D%/tests/state_of
%C%_tests_state_of_CPPFLAGS = $(bx_kcore_inc)
%C%_tests_state_of_CFLAGS = $(%C%_tests_test_kcore_CFLAGS)
%C%_tests_state_of_SOURCES = %D%/tests/state_of.c %D%/tests/fixture.c $(bx_kcore_world)
%C%_tests_state_of_LDADD = $(CHECK_LIBS)
# The core beside its specification; more of it by `make model MODEL_DEEPER=2 MODEL_RANDOM=10000
# MODEL_SEED=7'.
libkcore_tests += %D%/tests/model/model
%C%_tests_model_model_CPPFLAGS = $(bx_kcore_inc)
%C%_tests_model_model_CFLAGS = $(%C%_tests_test_kcore_CFLAGS)
%C%_tests_model_model_SOURCES = \
	%D%/tests/model/compare.c %D%/tests/model/model.c %D%/tests/model/scenarios.c \
	%D%/tests/model/sentences.c \
	%D%/tests/model/spec.c %D%/tests/model/spec_budget.c %D%/tests/model/spec_caps.c \
	%D%/tests/model/spec_ipc.c %D%/tests/model/spec_threads.c %D%/tests/model/spec_watch.c \
	%D%/tests/model/system.c %D%/tests/fixture.c $(bx_kcore_world)
%C%_tests_model_model_LDADD = $(CHECK_LIBS)
MODEL_DEEPER = 0
MODEL_RANDOM = 2000
MODEL_SEED = 1
PHONY += model-kcore
model-kcore: %D%/tests/model/model
	@if ./$< --deeper $(MODEL_DEEPER) --random $(MODEL_RANDOM) --seed $(MODEL_SEED); then \
		echo '1 passed, 0 failed'; else echo '0 passed, 1 failed'; exit 1; fi
endif
check_PROGRAMS += $(libkcore_tests)
TESTS += $(libkcore_tests) %D%/tests/model/check-lists.sh
EXTRA_DIST += %D%/tests/model/check-lists.sh
