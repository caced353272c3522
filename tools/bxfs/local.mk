# SPDX-License-Identifier: Apache-2.0 OR MIT
# bxfs, mkfs.bxfs, fsck.bxfs: tools for volumes.  Hosted.  May include: layer 0, libfs.
bin_PROGRAMS += tools/bxfs/bxfs tools/mkfs.bxfs/mkfs.bxfs tools/fsck.bxfs/fsck.bxfs
noinst_HEADERS += tools/mkfs.bxfs/tree.h %D%/image.h %D%/history.h %D%/extract.h %D%/output.h
bx_fs_tool_sources = %D%/image.c $(libfs_libbrainix_fs_la_SOURCES)
%C%_bxfs_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_bxfs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_bxfs_SOURCES = %D%/main.c %D%/history.c %D%/extract.c %D%/output.c $(bx_fs_tool_sources)
tools_mkfs_bxfs_mkfs_bxfs_CPPFLAGS = $(FS_INC) $(BASE_INC)
tools_mkfs_bxfs_mkfs_bxfs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
tools_mkfs_bxfs_mkfs_bxfs_SOURCES = tools/mkfs.bxfs/main.c tools/mkfs.bxfs/tree.c %D%/output.c $(bx_fs_tool_sources)
tools_fsck_bxfs_fsck_bxfs_CPPFLAGS = $(FS_INC) $(BASE_INC)
tools_fsck_bxfs_fsck_bxfs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
tools_fsck_bxfs_fsck_bxfs_SOURCES = tools/fsck.bxfs/main.c $(bx_fs_tool_sources)

dist_man_MANS += %D%/bxfs.1 tools/mkfs.bxfs/mkfs.bxfs.8 tools/fsck.bxfs/fsck.bxfs.8
TESTS += %D%/tests/test-bxfs.sh
EXTRA_DIST += %D%/tests/test-bxfs.sh
TESTS += tools/fsck.bxfs/tests/test-hundred.sh
EXTRA_DIST += tools/fsck.bxfs/tests/test-hundred.sh
