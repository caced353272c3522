# SPDX-License-Identifier: Apache-2.0 OR MIT
# tests/prove: the contracts in the sources, proved by Frama-C/WP; not part of `make check'.
EXTRA_DIST += %D%/run-prove %D%/run-mutants %D%/modules %D%/floor %D%/unreached \
	%D%/assumed.h %D%/base.c %D%/cap.c %D%/lemmas.c %D%/reply.c
PHONY += prove prove-mutants
prove:
	@BX_SRCDIR='$(abs_top_srcdir)' $(SHELL) $(srcdir)/tests/prove/run-prove || test $$? = 77
prove-mutants:
	@BX_SRCDIR='$(abs_top_srcdir)' $(SHELL) $(srcdir)/tests/prove/run-mutants || test $$? = 77
