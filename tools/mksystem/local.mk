# SPDX-License-Identifier: Apache-2.0 OR MIT
# mksystem: compiles system manifests.  Hosted.  May include: layer 0, cap.h for types and rights.
if HAVE_LIBCONFIG
bin_PROGRAMS += %D%/mksystem
TESTS += %D%/tests/test-mksystem.sh %D%/tests/test-faults.sh
endif
%C%_mksystem_CPPFLAGS = $(BASE_INC) $(CAP_INC) $(LIBCONFIG_CFLAGS)
%C%_mksystem_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_mksystem_SOURCES = %D%/main.c %D%/literals.c %D%/read.c %D%/check.c %D%/emit.c %D%/mksystem.h
%C%_mksystem_LDADD = $(LIBCONFIG_LIBS)

EXTRA_DIST += %D%/tests/test-mksystem.sh %D%/tests/good.system %D%/tests/research.system \
	%D%/tests/test-faults.sh %D%/tests/base.system %D%/tests/faults.table \
	%D%/tests/make-faults.awk %D%/tests/list-diagnostics.awk
