# SPDX-License-Identifier: Apache-2.0 OR MIT
# libfs: layer 1.  May include: base.h.
FS_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += %D%/include/brainix/fs.h
noinst_HEADERS += %D%/src/fs-internal.h %D%/tests/support.h %D%/tests/support-internal.h \
	%D%/tests/suite.h %D%/tests/test_fs.h %D%/tests/cuts.h
pkgconfig_DATA += %D%/brainix-fs.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md %D%/SPEC.md
lib_LTLIBRARIES += %D%/libbrainix-fs.la
%C%_libbrainix_fs_la_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_libbrainix_fs_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS)
%C%_libbrainix_fs_la_SOURCES = \
	%D%/src/attr.c %D%/src/cache.c %D%/src/check.c %D%/src/data.c %D%/src/diff.c %D%/src/dir.c \
	%D%/src/edit.c %D%/src/extent.c %D%/src/format.c %D%/src/inode.c %D%/src/log.c %D%/src/node.c \
	%D%/src/read.c %D%/src/record.c %D%/src/root.c %D%/src/sha256.c %D%/src/snapshot.c %D%/src/space.c \
	%D%/src/sum.c %D%/src/table.c %D%/src/tree.c %D%/src/volume.c %D%/src/walk.c %D%/src/xxh64.c

# The benchmark suite `fs': an ordinary hosted program.
noinst_PROGRAMS += %D%/tests/bench_fs
%C%_tests_bench_fs_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_tests_bench_fs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_bench_fs_SOURCES = %D%/tests/bench_fs.c $(%C%_libbrainix_fs_la_SOURCES)

bx_bench_fs_programs = %D%/tests/bench_fs
if HAVE_EXT2FS
noinst_PROGRAMS += %D%/tests/peer_ext2fs
bx_bench_fs_programs += %D%/tests/peer_ext2fs
endif
if HAVE_SQUASHFS
noinst_PROGRAMS += %D%/tests/peer_squashfs
bx_bench_fs_programs += %D%/tests/peer_squashfs
endif
%C%_tests_peer_squashfs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(SQUASHFS_CFLAGS)
%C%_tests_peer_squashfs_SOURCES = %D%/tests/peer_squashfs.c
%C%_tests_peer_squashfs_LDADD = $(SQUASHFS_LIBS)
%C%_tests_peer_ext2fs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(EXT2FS_CFLAGS)
%C%_tests_peer_ext2fs_SOURCES = %D%/tests/peer_ext2fs.c
%C%_tests_peer_ext2fs_LDADD = $(EXT2FS_LIBS)

# What every test of the library is made of besides itself; those with Check: the second.
bx_fs_world = %D%/tests/support.c %D%/tests/disk.c %D%/tests/model.c %D%/tests/world.c \
	$(%C%_libbrainix_fs_la_SOURCES)

bx_fs_suite = %D%/tests/suite.c $(TEST_SUITE) $(bx_fs_world)

libfs_tests = %D%/tests/fuzz_decode %D%/tests/fuzz_image %D%/tests/fuzz_operations
%C%_tests_fuzz_decode_CPPFLAGS = $(FS_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus/decode"'
%C%_tests_fuzz_decode_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_decode_SOURCES = %D%/tests/fuzz_decode.c $(bx_fs_world) $(FUZZ_MAIN)
%C%_tests_fuzz_image_CPPFLAGS = $(FS_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus/image"'
%C%_tests_fuzz_image_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_image_SOURCES = %D%/tests/fuzz_image.c $(bx_fs_world) $(FUZZ_MAIN)
%C%_tests_fuzz_operations_CPPFLAGS = $(FS_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus/operations"'
%C%_tests_fuzz_operations_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_operations_SOURCES = %D%/tests/fuzz_operations.c $(bx_fs_world) $(FUZZ_MAIN)

if HAVE_CHECK
libfs_tests += %D%/tests/test_fs %D%/tests/test_fs_verify %D%/tests/test_fs_model \
	%D%/tests/test_fs_crash %D%/tests/test_fs_fault %D%/tests/test_fs_bounds \
	%D%/tests/test_fs_calls %D%/tests/test_fs_snapshots
%C%_tests_test_fs_CPPFLAGS = $(FS_INC) $(BASE_INC) -I$(top_srcdir)/%D%/src
%C%_tests_test_fs_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_fs_SOURCES = %D%/tests/test_fs.c %D%/tests/test_fs_parts.c %D%/tests/test_fs_mount.c \
	%D%/tests/test_fs_contracts.c %D%/tests/test_fs_refusals.c $(bx_fs_suite)
%C%_tests_test_fs_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_verify_CPPFLAGS = $(%C%_tests_test_fs_CPPFLAGS) -DBX_VERIFY
%C%_tests_test_fs_verify_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_verify_SOURCES = $(%C%_tests_test_fs_SOURCES)
%C%_tests_test_fs_verify_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_model_CPPFLAGS = $(FS_INC) $(BASE_INC) -DBX_VERIFY
%C%_tests_test_fs_model_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_model_SOURCES = %D%/tests/test_fs_model.c $(bx_fs_suite)
%C%_tests_test_fs_model_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_crash_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_tests_test_fs_crash_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_crash_SOURCES = %D%/tests/test_fs_crash.c %D%/tests/test_fs_sequences.c %D%/tests/cuts.c \
	$(bx_fs_suite)
%C%_tests_test_fs_crash_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_fault_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_tests_test_fs_fault_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_fault_SOURCES = %D%/tests/test_fs_fault.c $(bx_fs_suite)
%C%_tests_test_fs_fault_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_bounds_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_tests_test_fs_bounds_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_bounds_SOURCES = %D%/tests/test_fs_bounds.c $(bx_fs_suite)
%C%_tests_test_fs_bounds_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_calls_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_tests_test_fs_calls_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_calls_SOURCES = %D%/tests/test_fs_calls.c $(bx_fs_suite)
%C%_tests_test_fs_calls_LDADD = $(CHECK_LIBS)
%C%_tests_test_fs_snapshots_CPPFLAGS = $(FS_INC) $(BASE_INC) -I$(top_srcdir)/%D%/src
%C%_tests_test_fs_snapshots_CFLAGS = $(%C%_tests_test_fs_CFLAGS)
%C%_tests_test_fs_snapshots_SOURCES = %D%/tests/test_fs_snapshots.c $(bx_fs_suite)
%C%_tests_test_fs_snapshots_LDADD = $(CHECK_LIBS)
endif
check_PROGRAMS += $(libfs_tests)
TESTS += $(libfs_tests) %D%/tests/text-size.sh %D%/tests/test-reader.sh
EXTRA_DIST += %D%/tests/text-size.sh %D%/tests/test-reader.sh %D%/tests/reader.py
# Makes volumes for test-reader.sh.
check_PROGRAMS += %D%/tests/leave_log
%C%_tests_leave_log_CPPFLAGS = $(FS_INC) $(BASE_INC)
%C%_tests_leave_log_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_leave_log_SOURCES = %D%/tests/leave_log.c $(bx_fs_world)
EXTRA_DIST += %D%/tests/corpus %D%/tests/fuzz_sum.c
EXTRA_DIST += %D%/tests/prove/run-prove-fs %D%/tests/prove/assumed.h

# The decoders; contracts in src.
PHONY += prove-fs
prove: prove-fs
prove-fs:
	@BX_SRCDIR='$(abs_top_srcdir)' $(SHELL) $(srcdir)/%D%/tests/prove/run-prove-fs || test $$? = 77

# All fuzz targets for FUZZ_SECONDS (tests/local.mk); what they say is in short inputs.
PHONY += fuzz-fs
fuzz-fs:
	@$(FUZZ_LONG) -q -d $(or $(FUZZ_FOLDER),fuzz-fs) -w 'support disk model world fuzz_sum' -p xxh64:bx_fsi_xxh64 \
		libfs image:6:160 operations:3:384 decode:1:600
