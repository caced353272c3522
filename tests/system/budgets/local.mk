# SPDX-License-Identifier: Apache-2.0 OR MIT
# budgets: who gets how much of the processor, for the systems `budgets' and `budgets-off'.
FREE_EXECUTABLES += %D%/judge %D%/taker %D%/worker
noinst_HEADERS += %D%/budgets.h

%C%_judge_CPPFLAGS = $(bx_program_cppflags)
%C%_judge_CFLAGS = $(bx_program_cflags)
%C%_judge_LDFLAGS = $(bx_program_ldflags)
%C%_judge_SOURCES = %D%/judge.c
%C%_judge_LDADD = $(bx_program_libs)
EXTRA_%C%_judge_DEPENDENCIES = $(bx_program_script)

%C%_taker_CPPFLAGS = $(bx_program_cppflags)
%C%_taker_CFLAGS = $(bx_program_cflags)
%C%_taker_LDFLAGS = $(bx_program_ldflags)
%C%_taker_SOURCES = %D%/taker.c
%C%_taker_LDADD = $(bx_program_libs)
EXTRA_%C%_taker_DEPENDENCIES = $(bx_program_script)

%C%_worker_CPPFLAGS = $(bx_program_cppflags)
%C%_worker_CFLAGS = $(bx_program_cflags)
%C%_worker_LDFLAGS = $(bx_program_ldflags)
%C%_worker_SOURCES = %D%/worker.c
%C%_worker_LDADD = $(bx_program_libs)
EXTRA_%C%_worker_DEPENDENCIES = $(bx_program_script)
