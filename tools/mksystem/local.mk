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

# What the kernel says of a manifest, whatever mksystem says.
if HAVE_LIBCONFIG
check_PROGRAMS += %D%/tests/kernel-says
TESTS += %D%/tests/test-kernel.sh
endif
%C%_tests_kernel_says_CPPFLAGS = $(bx_kcore_inc) -I$(top_srcdir)/libkcore/src -I$(top_srcdir)/%D% $(LIBCONFIG_CFLAGS)
%C%_tests_kernel_says_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_kernel_says_SOURCES = %D%/tests/kernel-says.c %D%/literals.c %D%/read.c %D%/check.c %D%/emit.c \
	libkcore/src/sysimage.c libkcore/src/sysimage_single.c
%C%_tests_kernel_says_LDADD = $(LIBCONFIG_LIBS)

EXTRA_DIST += %D%/tests/test-kernel.sh %D%/tests/kernel-takes.table %D%/tests/lent.system
EXTRA_DIST += %D%/tests/test-mksystem.sh %D%/tests/good.system %D%/tests/research.system \
	%D%/tests/test-faults.sh %D%/tests/base.system %D%/tests/faults.table \
	%D%/tests/make-faults.awk %D%/tests/list-diagnostics.awk
