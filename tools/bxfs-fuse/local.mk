# SPDX-License-Identifier: Apache-2.0 OR MIT
# bxfs-fuse: mounts volumes.  Hosted.  May include: layer 0, libfs.  Needs libfuse3.
if HAVE_FUSE
bin_PROGRAMS += %D%/bxfs-fuse
endif
%C%_bxfs_fuse_CPPFLAGS = $(FS_INC) $(BASE_INC) $(FUSE_CFLAGS)
%C%_bxfs_fuse_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_bxfs_fuse_SOURCES = %D%/main.c $(bx_fs_tool_sources)
%C%_bxfs_fuse_LDADD = $(FUSE_LIBS)
dist_man_MANS += %D%/bxfs-fuse.8
if HAVE_FUSE
TESTS += %D%/tests/test-fuse.sh
endif
EXTRA_DIST += %D%/tests/test-fuse.sh
