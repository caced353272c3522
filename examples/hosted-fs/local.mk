# SPDX-License-Identifier: Apache-2.0 OR MIT
# hosted-fs: libfs in a Linux program.
noinst_PROGRAMS += %D%/hosted-fs
%C%_hosted_fs_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_hosted_fs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_hosted_fs_SOURCES = %D%/main.c $(libfs_libbrainix_fs_la_SOURCES)
TESTS += %D%/test-hosted-fs.sh
EXTRA_DIST += %D%/README.md %D%/test-hosted-fs.sh
