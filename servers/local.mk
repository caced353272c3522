# SPDX-License-Identifier: Apache-2.0 OR MIT
# servers: the servers, one folder each.  Freestanding programs.  How they are built: libsys/local.mk.
FREE_EXECUTABLES += %D%/spawnd/spawnd %D%/consoled/consoled
noinst_HEADERS += %D%/spawnd/policy.h %D%/spawnd/spawnd.h %D%/consoled/terminal.h %D%/consoled/uart.h

%C%_spawnd_spawnd_SOURCES = %D%/spawnd/spawnd.c %D%/spawnd/programs.c %D%/spawnd/policy.c
nodist_%C%_spawnd_spawnd_SOURCES = interfaces/spawn-ipc.c
%C%_spawnd_spawnd_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc)
%C%_spawnd_spawnd_CFLAGS = $(bx_program_cflags)
%C%_spawnd_spawnd_LDFLAGS = $(bx_program_ldflags)
%C%_spawnd_spawnd_LDADD = $(bx_program_libs)
EXTRA_%C%_spawnd_spawnd_DEPENDENCIES = $(bx_program_script)

%C%_consoled_consoled_SOURCES = %D%/consoled/consoled.c %D%/consoled/terminal.c %D%/consoled/uart.c
%C%_consoled_consoled_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc)
%C%_consoled_consoled_CFLAGS = $(bx_program_cflags)
%C%_consoled_consoled_LDFLAGS = $(bx_program_ldflags)
%C%_consoled_consoled_LDADD = $(bx_program_libs)
EXTRA_%C%_consoled_consoled_DEPENDENCIES = $(bx_program_script)

FREE_EXECUTABLES += %D%/shell/shell
noinst_HEADERS += %D%/shell/editor.h %D%/shell/names.h %D%/shell/shell.h %D%/shell/words.h \
	%D%/tests/editor_screen.h
%C%_shell_shell_SOURCES = %D%/shell/commands.c %D%/shell/editor.c %D%/shell/names.c \
	%D%/shell/shell.c %D%/shell/log.c %D%/shell/show.c %D%/shell/state.c %D%/shell/words.c
nodist_%C%_shell_shell_SOURCES = interfaces/spawn-ipc.c
%C%_shell_shell_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc) $(CAP_INC)
%C%_shell_shell_CFLAGS = $(bx_program_cflags)
%C%_shell_shell_LDFLAGS = $(bx_program_ldflags)
%C%_shell_shell_LDADD = $(bx_program_libs)
EXTRA_%C%_shell_shell_DEPENDENCIES = $(bx_program_script)

# Small programs that the shell of the default system may run.
FREE_EXECUTABLES += %D%/hello/hello %D%/echod/echod %D%/ask/ask
%C%_hello_hello_SOURCES = %D%/hello/hello.c
%C%_hello_hello_CPPFLAGS = $(bx_program_cppflags)
%C%_hello_hello_CFLAGS = $(bx_program_cflags)
%C%_hello_hello_LDFLAGS = $(bx_program_ldflags)
%C%_hello_hello_LDADD = $(bx_program_libs)
EXTRA_%C%_hello_hello_DEPENDENCIES = $(bx_program_script)
%C%_echod_echod_SOURCES = %D%/echod/echod.c
nodist_%C%_echod_echod_SOURCES = interfaces/echo-ipc.c
%C%_echod_echod_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc)
%C%_echod_echod_CFLAGS = $(bx_program_cflags)
%C%_echod_echod_LDFLAGS = $(bx_program_ldflags)
%C%_echod_echod_LDADD = $(bx_program_libs)
EXTRA_%C%_echod_echod_DEPENDENCIES = $(bx_program_script)
%C%_ask_ask_SOURCES = %D%/ask/ask.c
nodist_%C%_ask_ask_SOURCES = interfaces/echo-ipc.c
%C%_ask_ask_CPPFLAGS = $(bx_program_cppflags) $(bx_interface_inc)
%C%_ask_ask_CFLAGS = $(bx_program_cflags)
%C%_ask_ask_LDFLAGS = $(bx_program_ldflags)
%C%_ask_ask_LDADD = $(bx_program_libs)
EXTRA_%C%_ask_ask_DEPENDENCIES = $(bx_program_script)

# Installed, without symbols: what a system of one's own can be made of.
bxprogramsdir = $(bxdatadir)/programs
bxprograms_DATA = %D%/spawnd.elf %D%/consoled.elf %D%/shell.elf %D%/hello.elf %D%/echod.elf \
	%D%/ask.elf
CLEANFILES += $(bxprograms_DATA)
%D%/spawnd.elf: %D%/spawnd/spawnd
%D%/consoled.elf: %D%/consoled/consoled
%D%/shell.elf: %D%/shell/shell
%D%/hello.elf: %D%/hello/hello
%D%/echod.elf: %D%/echod/echod
%D%/ask.elf: %D%/ask/ask
$(bxprograms_DATA):
	$(AM_V_GEN)$(OBJCOPY) --strip-all $< $@

# What of them is pure is tested on the machine that builds.
EXTRA_DIST += %D%/README.md %D%/tests/corpus-editor/interrupt-long %D%/tests/corpus-editor/keys \
	%D%/tests/corpus-editor/long
bx_server_tests = %D%/tests/fuzz_editor
%C%_tests_fuzz_editor_CPPFLAGS = $(bx_program_cppflags) -DFUZZ_CORPUS='"%D%/tests/corpus-editor"'
%C%_tests_fuzz_editor_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_editor_SOURCES = %D%/tests/fuzz_editor.c %D%/shell/editor.c libsys/src/text.c $(FUZZ_MAIN)
if HAVE_CHECK
bx_server_tests += %D%/tests/test_editor %D%/tests/test_policy %D%/tests/test_shell
%C%_tests_test_policy_CPPFLAGS = $(bx_program_cppflags)
%C%_tests_test_policy_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_policy_SOURCES = %D%/tests/test_policy.c $(TEST_SUITE) %D%/spawnd/policy.c
%C%_tests_test_policy_LDADD = $(CHECK_LIBS)
%C%_tests_test_editor_CPPFLAGS = $(bx_program_cppflags)
%C%_tests_test_editor_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_editor_SOURCES = %D%/tests/test_editor.c $(TEST_SUITE) %D%/shell/editor.c libsys/src/text.c
%C%_tests_test_editor_LDADD = $(CHECK_LIBS)
%C%_tests_test_shell_CPPFLAGS = $(bx_program_cppflags) $(CAP_INC)
%C%_tests_test_shell_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_shell_SOURCES = %D%/tests/test_shell.c $(TEST_SUITE) $(TEST_PANIC) %D%/shell/names.c %D%/shell/words.c \
	%D%/consoled/terminal.c libsys/src/text.c
%C%_tests_test_shell_LDADD = $(CHECK_LIBS)
endif
check_PROGRAMS += $(bx_server_tests)
TESTS += $(bx_server_tests)
