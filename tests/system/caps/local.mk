# SPDX-License-Identifier: Apache-2.0 OR MIT
# caps: programs that lend and borrow capabilities, for the system `open'.
FREE_EXECUTABLES += %D%/lender %D%/borrower
noinst_HEADERS += %D%/lending.h

%C%_lender_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_lender_CFLAGS = $(bx_program_cflags)
%C%_lender_LDFLAGS = $(bx_program_ldflags)
%C%_lender_SOURCES = %D%/lender.c tests/system/attacks/common.c
%C%_lender_LDADD = $(bx_program_libs)
EXTRA_%C%_lender_DEPENDENCIES = $(bx_program_script)

%C%_borrower_CPPFLAGS = $(CAP_INC) $(bx_program_cppflags)
%C%_borrower_CFLAGS = $(bx_program_cflags)
%C%_borrower_LDFLAGS = $(bx_program_ldflags)
%C%_borrower_SOURCES = %D%/borrower.c
%C%_borrower_LDADD = $(bx_program_libs)
EXTRA_%C%_borrower_DEPENDENCIES = $(bx_program_script)
