# SPDX-License-Identifier: Apache-2.0 OR MIT
# restarts: servers under load that are killed, or crash, over and over, for the system `churn'.
FREE_EXECUTABLES += %D%/reaper %D%/load %D%/mortal
noinst_HEADERS += %D%/restarts.h

%C%_reaper_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags) $(bx_interface_inc)
%C%_reaper_CFLAGS = $(bx_program_cflags)
%C%_reaper_LDFLAGS = $(bx_program_ldflags)
%C%_reaper_SOURCES = %D%/reaper.c
nodist_%C%_reaper_SOURCES = interfaces/console-ipc.c interfaces/echo-ipc.c
%C%_reaper_LDADD = $(bx_program_libs)
EXTRA_%C%_reaper_DEPENDENCIES = $(bx_program_script)

%C%_load_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc)
%C%_load_CFLAGS = $(bx_program_cflags)
%C%_load_LDFLAGS = $(bx_program_ldflags)
%C%_load_SOURCES = %D%/load.c
nodist_%C%_load_SOURCES = interfaces/console-ipc.c interfaces/echo-ipc.c
%C%_load_LDADD = $(bx_program_libs)
EXTRA_%C%_load_DEPENDENCIES = $(bx_program_script)

%C%_mortal_CPPFLAGS = $(bx_program_cppflags)
%C%_mortal_CFLAGS = $(bx_program_cflags)
%C%_mortal_LDFLAGS = $(bx_program_ldflags)
%C%_mortal_SOURCES = %D%/mortal.c
%C%_mortal_LDADD = $(bx_program_libs)
EXTRA_%C%_mortal_DEPENDENCIES = $(bx_program_script)
