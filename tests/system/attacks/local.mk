# SPDX-License-Identifier: Apache-2.0 OR MIT
# attacks: hostile programs and their victims, for the system `attacks'.  Freestanding programs.
bx_attack_programs = %D%/attack %D%/victim %D%/witness %D%/spin \
	%D%/officer %D%/hoarder %D%/pawn %D%/keeper
FREE_EXECUTABLES += $(bx_attack_programs)
noinst_HEADERS += %D%/attack.h

# The attacks are what they are: loops without end, recursion, addresses out of nowhere.
%C%_attack_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_attack_CFLAGS = $(bx_program_cflags) -Wno-infinite-recursion
%C%_attack_LDFLAGS = $(bx_program_ldflags)
%C%_attack_SOURCES = %D%/attack.c %D%/common.c %D%/memory.c %D%/instructions.c %D%/calls.c %D%/exhaustion.c \
	%D%/ipc.c
%C%_attack_LDADD = $(bx_program_libs)
EXTRA_%C%_attack_DEPENDENCIES = $(bx_program_script)

%C%_victim_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_victim_CFLAGS = $(bx_program_cflags)
%C%_victim_LDFLAGS = $(bx_program_ldflags)
%C%_victim_SOURCES = %D%/victim.c
%C%_victim_LDADD = $(bx_program_libs)
EXTRA_%C%_victim_DEPENDENCIES = $(bx_program_script)

%C%_witness_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_witness_CFLAGS = $(bx_program_cflags)
%C%_witness_LDFLAGS = $(bx_program_ldflags)
%C%_witness_SOURCES = %D%/witness.c
%C%_witness_LDADD = $(bx_program_libs)
EXTRA_%C%_witness_DEPENDENCIES = $(bx_program_script)

%C%_spin_CPPFLAGS = $(bx_program_cppflags)
%C%_spin_CFLAGS = $(bx_program_cflags)
%C%_spin_LDFLAGS = $(bx_program_ldflags)
%C%_spin_SOURCES = %D%/spin.c
%C%_spin_LDADD = $(bx_program_libs)
EXTRA_%C%_spin_DEPENDENCIES = $(bx_program_script)

%C%_officer_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_officer_CFLAGS = $(bx_program_cflags)
%C%_officer_LDFLAGS = $(bx_program_ldflags)
%C%_officer_SOURCES = %D%/officer.c %D%/common.c
%C%_officer_LDADD = $(bx_program_libs)
EXTRA_%C%_officer_DEPENDENCIES = $(bx_program_script)

%C%_hoarder_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_hoarder_CFLAGS = $(bx_program_cflags)
%C%_hoarder_LDFLAGS = $(bx_program_ldflags)
%C%_hoarder_SOURCES = %D%/hoarder.c
%C%_hoarder_LDADD = $(bx_program_libs)
EXTRA_%C%_hoarder_DEPENDENCIES = $(bx_program_script)

%C%_pawn_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_pawn_CFLAGS = $(bx_program_cflags)
%C%_pawn_LDFLAGS = $(bx_program_ldflags)
%C%_pawn_SOURCES = %D%/pawn.c %D%/common.c
%C%_pawn_LDADD = $(bx_program_libs)
EXTRA_%C%_pawn_DEPENDENCIES = $(bx_program_script)

%C%_keeper_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_keeper_CFLAGS = $(bx_program_cflags)
%C%_keeper_LDFLAGS = $(bx_program_ldflags)
%C%_keeper_SOURCES = %D%/keeper.c %D%/common.c
%C%_keeper_LDADD = $(bx_program_libs)
EXTRA_%C%_keeper_DEPENDENCIES = $(bx_program_script)
