# SPDX-License-Identifier: Apache-2.0 OR MIT
# authority: who can ever reach what in a system.  Hosted.  Reads manifests as mksystem does.
if HAVE_LIBCONFIG
bin_PROGRAMS += %D%/authority
TESTS += %D%/tests/test-authority.sh %D%/tests/test-state.sh
endif
%C%_authority_CPPFLAGS = $(BASE_INC) $(CAP_INC) $(TRUST_INC) $(LIBCONFIG_CFLAGS)
%C%_authority_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_authority_SOURCES = %D%/main.c %D%/closure.c %D%/assertions.c %D%/show.c %D%/state.c %D%/authority.h \
	tools/mksystem/literals.c tools/mksystem/read.c tools/mksystem/check.c \
	$(libtrust_libbrainix_trust_la_SOURCES)
%C%_authority_LDADD = $(LIBCONFIG_LIBS)

EXTRA_DIST += %D%/tests/test-authority.sh %D%/tests/test-state.sh %D%/tests/base.system %D%/tests/faults.table \
	%D%/tests/research.system
