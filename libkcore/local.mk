# SPDX-License-Identifier: Apache-2.0 OR MIT
# libkcore: layer 2.  May include: layer 0, libcap, libipc.
#
#   libbrainix-kcore.la		the core and the x86_64 machine, freestanding: for a kernel
#   the tests			the core and the hosted machine, for the machine that builds
KCORE_INC = -I$(top_srcdir)/%D%/include
bx_kcore_inc = $(KCORE_INC) $(CAP_INC) $(BASE_INC)

bxinclude_HEADERS += %D%/include/brainix/kcore.h %D%/include/brainix/machine.h \
	%D%/include/brainix/kcore-hosted.h
noinst_HEADERS += %D%/src/core.h %D%/src/sys.h %D%/src/thread.h %D%/tests/fixture.h
pkgconfig_DATA += %D%/brainix-kcore.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md

bx_kcore_core = \
	%D%/src/audit.c %D%/src/elf.c %D%/src/fault.c %D%/src/frame.c %D%/src/init.c \
	%D%/src/inspect.c %D%/src/ipc.c %D%/src/notify.c %D%/src/program.c %D%/src/sched.c \
	%D%/src/sched_sound.c %D%/src/sound.c %D%/src/space.c %D%/src/sys_cap.c %D%/src/sys_device.c \
	%D%/src/sys_memory.c %D%/src/sys_program.c %D%/src/sys_thread.c %D%/src/syscall.c \
	%D%/src/sysimage.c %D%/src/thread.c %D%/src/timer.c %D%/src/x86_64/page_table.c
bx_kcore_hosted = $(bx_kcore_core) %D%/src/hosted/hosted.c $(libcap_libbrainix_cap_la_SOURCES)

include %D%/src/x86_64/local.mk

# No jump tables: the kernel has no indirect branch that docs/hardening.md does not list.
lib_LTLIBRARIES += %D%/libbrainix-kcore.la
%C%_libbrainix_kcore_la_CPPFLAGS = $(bx_kcore_inc)
%C%_libbrainix_kcore_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) -fno-jump-tables
%C%_libbrainix_kcore_la_CCASFLAGS = $(FREE_CFLAGS)
%C%_libbrainix_kcore_la_SOURCES = $(bx_kcore_core) $(bx_x86_64_sources)
