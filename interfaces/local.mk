# SPDX-License-Identifier: Apache-2.0 OR MIT
# interfaces: the service interfaces, one .ipc file a protocol.  mkipc makes of NAME.ipc, in this folder
# of the build:
#	NAME-ipc.h NAME-ipc.c	messages, server side		NAME-client.h	client side
#	NAME-fuzz.c		fuzz target			NAME.md		reference page
# Public names that are made begin bx_if_.
bx_interfaces = %D%/console.ipc %D%/echo.ipc %D%/spawn.ipc
bx_interface_inc = -I%D%
bx_interface_headers = $(bx_interfaces:.ipc=-ipc.h) $(bx_interfaces:.ipc=-client.h)
bx_interface_pages = $(bx_interfaces:.ipc=.md)
bx_interface_made = $(bx_interface_headers) $(bx_interfaces:.ipc=-ipc.c) $(bx_interfaces:.ipc=-fuzz.c) \
	$(bx_interface_pages)
BUILT_SOURCES += $(bx_interface_headers)
CLEANFILES += $(bx_interface_made)
EXTRA_DIST += $(bx_interfaces)
bxinterfacesdir = $(bxdatadir)/interfaces
bxinterfaces_DATA = $(bx_interfaces) $(bx_interface_pages)

bx_prefix = $(if $(findstring tests,$(@D)),bx_,bx_if_)
MKIPC = tools/mkipc/mkipc
bx_mkipc = $(AM_V_GEN)$(MKDIR_P) $(@D) && $(MKIPC) --prefix $(bx_prefix) --include $(*F)-ipc.h
%-ipc.h: %.ipc $(MKIPC)
	$(bx_mkipc) --header $@ $<
%-ipc.c: %.ipc $(MKIPC)
	$(bx_mkipc) --source $@ $<
%-client.h: %.ipc $(MKIPC)
	$(bx_mkipc) --client $@ $<
%-fuzz.c: %.ipc $(MKIPC)
	$(bx_mkipc) --fuzz $@ $<
%.md: %.ipc $(MKIPC)
	$(bx_mkipc) --page $@ $<

# Who includes a header that is made waits for it, in a build of one target too.
$(libsys_libbrainix_sys_la_OBJECTS) $(servers_spawnd_spawnd_OBJECTS) $(servers_consoled_consoled_OBJECTS) \
$(servers_shell_shell_OBJECTS) $(servers_echod_echod_OBJECTS) $(servers_ask_ask_OBJECTS) \
$(tests_system_console_peek_OBJECTS) $(tests_system_restarts_reaper_OBJECTS) \
$(tests_system_restarts_load_OBJECTS) $(bx_interface_tests_objects): $(bx_interface_headers)

# All interfaces together: no two of one protocol.  Each fuzz target is a test; all.ipc has every type.
bx_interface_libipc = libipc/src/label.c libipc/src/reader.c libipc/src/text.c libipc/src/writer.c
bx_interface_tests_cppflags = $(IPC_INC) $(BASE_INC) -I$(top_srcdir)/include $(bx_interface_inc) \
	-Itools/mkipc/tests
bx_interface_tests = %D%/tests/fuzz_console %D%/tests/fuzz_echo %D%/tests/fuzz_spawn %D%/tests/fuzz_all
%C%_tests_fuzz_console_CPPFLAGS = $(bx_interface_tests_cppflags) -DFUZZ_CORPUS='"%D%/tests/corpus"'
%C%_tests_fuzz_console_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_console_SOURCES = $(FUZZ_MAIN) $(bx_interface_libipc)
nodist_%C%_tests_fuzz_console_SOURCES = %D%/console-fuzz.c %D%/console-ipc.c
%C%_tests_fuzz_echo_CPPFLAGS = $(%C%_tests_fuzz_console_CPPFLAGS)
%C%_tests_fuzz_echo_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_echo_SOURCES = $(FUZZ_MAIN) $(bx_interface_libipc)
nodist_%C%_tests_fuzz_echo_SOURCES = %D%/echo-fuzz.c %D%/echo-ipc.c
%C%_tests_fuzz_spawn_CPPFLAGS = $(%C%_tests_fuzz_console_CPPFLAGS)
%C%_tests_fuzz_spawn_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_spawn_SOURCES = $(FUZZ_MAIN) $(bx_interface_libipc)
nodist_%C%_tests_fuzz_spawn_SOURCES = %D%/spawn-fuzz.c %D%/spawn-ipc.c
%C%_tests_fuzz_all_CPPFLAGS = $(%C%_tests_fuzz_console_CPPFLAGS)
%C%_tests_fuzz_all_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_all_SOURCES = $(FUZZ_MAIN) $(bx_interface_libipc)
nodist_%C%_tests_fuzz_all_SOURCES = tools/mkipc/tests/all-fuzz.c tools/mkipc/tests/all-ipc.c
bx_interface_tests_objects = $(interfaces_tests_fuzz_console_OBJECTS) $(interfaces_tests_fuzz_echo_OBJECTS) \
	$(interfaces_tests_fuzz_spawn_OBJECTS) $(interfaces_tests_fuzz_all_OBJECTS)
if HAVE_CHECK
bx_interface_tests += %D%/tests/test_interfaces
%C%_tests_test_interfaces_CPPFLAGS = $(bx_interface_tests_cppflags)
%C%_tests_test_interfaces_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_interfaces_SOURCES = %D%/tests/test_interfaces.c $(TEST_SUITE) $(TEST_PANIC) $(bx_interface_libipc)
nodist_%C%_tests_test_interfaces_SOURCES = tools/mkipc/tests/all-ipc.c
%C%_tests_test_interfaces_LDADD = $(CHECK_LIBS)
endif
BUILT_SOURCES += tools/mkipc/tests/all-ipc.h
CLEANFILES += tools/mkipc/tests/all-ipc.h tools/mkipc/tests/all-ipc.c tools/mkipc/tests/all-fuzz.c
check_PROGRAMS += $(bx_interface_tests)
TESTS += $(bx_interface_tests)
