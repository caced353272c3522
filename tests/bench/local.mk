# SPDX-License-Identifier: Apache-2.0 OR MIT
# bench: what is measured.  `make bench' appends to bench-results.jsonl; docs/bench.md.
FREE_EXECUTABLES += %D%/ipc/bench %D%/ipc/benchd %D%/ipc/peer
noinst_HEADERS += %D%/ipc/bench.h %D%/ipc/protocol.h
EXTRA_DIST += %D%/run-bench %D%/peers.json %D%/goals.json

%C%_ipc_bench_CPPFLAGS = $(bx_program_cppflags)
%C%_ipc_bench_CFLAGS = $(bx_program_cflags)
%C%_ipc_bench_LDFLAGS = $(bx_program_ldflags)
%C%_ipc_bench_SOURCES = %D%/ipc/bench.c %D%/ipc/bench_cap.c %D%/ipc/bench_switch.c
%C%_ipc_bench_LDADD = $(bx_program_libs)
EXTRA_%C%_ipc_bench_DEPENDENCIES = $(bx_program_script)

%C%_ipc_benchd_CPPFLAGS = $(bx_program_cppflags)
%C%_ipc_benchd_CFLAGS = $(bx_program_cflags)
%C%_ipc_benchd_LDFLAGS = $(bx_program_ldflags)
%C%_ipc_benchd_SOURCES = %D%/ipc/benchd.c
%C%_ipc_benchd_LDADD = $(bx_program_libs)
EXTRA_%C%_ipc_benchd_DEPENDENCIES = $(bx_program_script)

%C%_ipc_peer_CPPFLAGS = $(bx_program_cppflags)
%C%_ipc_peer_CFLAGS = $(bx_program_cflags)
%C%_ipc_peer_LDFLAGS = $(bx_program_ldflags)
%C%_ipc_peer_SOURCES = %D%/ipc/peer.c
%C%_ipc_peer_LDADD = $(bx_program_libs)
EXTRA_%C%_ipc_peer_DEPENDENCIES = $(bx_program_script)


# What fills the kernel's tables for bench-bounds, and measures; docs/bounds.md.
FREE_EXECUTABLES += %D%/bounds/bounds %D%/bounds/crowd
noinst_HEADERS += %D%/bounds/bounds.h %D%/bounds/protocol.h
EXTRA_DIST += %D%/bounds/make-manifest %D%/bounds/check-calls.sh
TESTS += %D%/bounds/check-calls.sh

%C%_bounds_bounds_CPPFLAGS = $(bx_program_cppflags)
%C%_bounds_bounds_CFLAGS = $(bx_program_cflags)
%C%_bounds_bounds_LDFLAGS = $(bx_program_ldflags)
%C%_bounds_bounds_SOURCES = %D%/bounds/bounds.c %D%/bounds/bounds_calls.c %D%/bounds/bounds_ipc.c \
	%D%/bounds/bounds_waits.c
%C%_bounds_bounds_LDADD = $(bx_program_libs)
EXTRA_%C%_bounds_bounds_DEPENDENCIES = $(bx_program_script)

%C%_bounds_crowd_CPPFLAGS = $(bx_program_cppflags)
%C%_bounds_crowd_CFLAGS = $(bx_program_cflags)
%C%_bounds_crowd_LDFLAGS = $(bx_program_ldflags)
%C%_bounds_crowd_SOURCES = %D%/bounds/crowd.c
%C%_bounds_crowd_LDADD = $(bx_program_libs)
EXTRA_%C%_bounds_crowd_DEPENDENCIES = $(bx_program_script)

tests/system/manifests/bounds.system: $(srcdir)/%D%/bounds/make-manifest
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PYTHON) $(srcdir)/%D%/bounds/make-manifest >$@
tests/system/manifests/bounds-budgets.system: $(srcdir)/%D%/bounds/make-manifest
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PYTHON) $(srcdir)/%D%/bounds/make-manifest budgets >$@
tests/system/manifests/bounds-payers.system: $(srcdir)/%D%/bounds/make-manifest
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(PYTHON) $(srcdir)/%D%/bounds/make-manifest payers >$@
CLEANFILES += tests/system/manifests/bounds.system tests/system/manifests/bounds-budgets.system \
	tests/system/manifests/bounds-payers.system
bx_bounds_images = brainix-bounds.iso brainix-bounds-budgets.iso brainix-bounds-payers.iso

# The same system, and each program of it has a budget, which it never uses up.
tests/system/manifests/bench-budgets.system: $(srcdir)/tests/system/manifests/bench.system
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e 's/^name = "bench"/name = "bench-budgets"/' \
	    -e 's/priority = [0-9]*;/& budget_us = 900000; period_us = 1000000;/' \
	    $(srcdir)/tests/system/manifests/bench.system >$@
CLEANFILES += tests/system/manifests/bench-budgets.system

PHONY += bench bench-ipc bench-size bench-boot bench-bounds bench-fs bench-restart
bx_bench = $(AM_TESTS_ENVIRONMENT) $(bx_run_variables) BX_VERSION='$(PACKAGE_VERSION)' \
	$(PYTHON) $(srcdir)/%D%/run-bench
bench: all brainix-bench.iso brainix-bench-budgets.iso brainix-default.iso $(bx_bounds_images)
	@$(bx_bench) ipc boot size bounds fs
bench-ipc: brainix-bench.iso brainix-bench-budgets.iso
	@$(bx_bench) ipc
bench-boot: brainix-default.iso
	@$(bx_bench) boot
bench-bounds: $(bx_bounds_images)
	@$(bx_bench) bounds
bench-restart: brainix-churn.iso
	@$(bx_bench) restart
bench-size: kernel/kernel boot/loader
	@$(bx_bench) size
bench-fs: $(bx_bench_fs_programs)
	@$(bx_bench) fs
