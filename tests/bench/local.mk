# SPDX-License-Identifier: Apache-2.0 OR MIT
# bench: what is measured.  `make bench' appends to bench-results.jsonl; docs/bench.md.
FREE_EXECUTABLES += %D%/ipc/bench %D%/ipc/benchd
noinst_HEADERS += %D%/ipc/bench.h %D%/ipc/protocol.h
EXTRA_DIST += %D%/run-bench %D%/peers.json

%C%_ipc_bench_CPPFLAGS = $(bx_program_cppflags)
%C%_ipc_bench_CFLAGS = $(bx_program_cflags)
%C%_ipc_bench_LDFLAGS = $(bx_program_ldflags)
%C%_ipc_bench_SOURCES = %D%/ipc/bench.c %D%/ipc/bench_cap.c
%C%_ipc_bench_LDADD = $(bx_program_libs)
EXTRA_%C%_ipc_bench_DEPENDENCIES = $(bx_program_script)

%C%_ipc_benchd_CPPFLAGS = $(bx_program_cppflags)
%C%_ipc_benchd_CFLAGS = $(bx_program_cflags)
%C%_ipc_benchd_LDFLAGS = $(bx_program_ldflags)
%C%_ipc_benchd_SOURCES = %D%/ipc/benchd.c
%C%_ipc_benchd_LDADD = $(bx_program_libs)
EXTRA_%C%_ipc_benchd_DEPENDENCIES = $(bx_program_script)

PHONY += bench bench-ipc bench-size bench-boot bench-fs
bx_bench = $(AM_TESTS_ENVIRONMENT) $(bx_run_variables) BX_VERSION='$(PACKAGE_VERSION)' \
	$(PYTHON) $(srcdir)/%D%/run-bench
bench: all brainix-bench.iso brainix-default.iso
	@$(bx_bench) ipc boot size fs
bench-ipc: brainix-bench.iso
	@$(bx_bench) ipc
bench-boot: brainix-default.iso
	@$(bx_bench) boot
bench-size: kernel/kernel boot/loader
	@$(bx_bench) size
bench-fs: $(bx_bench_fs_programs)
	@$(bx_bench) fs
