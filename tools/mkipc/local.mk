# SPDX-License-Identifier: Apache-2.0 OR MIT
# mkipc: compiles interface files.  Hosted; needs nothing of the tree.
bin_PROGRAMS += %D%/mkipc
TESTS += %D%/tests/test-mkipc.sh
%C%_mkipc_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_mkipc_SOURCES = %D%/emit.c %D%/emit_client.c %D%/emit_fuzz.c %D%/emit_header.c %D%/emit_page.c \
	%D%/emit_source.c %D%/lex.c %D%/main.c %D%/parse.c %D%/mkipc.h

EXTRA_DIST += %D%/tests/test-mkipc.sh %D%/tests/all.ipc %D%/tests/bad
