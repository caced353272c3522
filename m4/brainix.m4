# SPDX-License-Identifier: Apache-2.0 OR MIT
# brainix.m4 -- what configure needs beyond Autoconf, Automake and Libtool.

# BX_CC_TRY(COMPILER, FLAGS, PROGRAM, IF-YES, [IF-NO])
# Whether COMPILER turns PROGRAM into an object with FLAGS and without a warning.  Runs the compiler
# itself, so that the two compilers (CC and CC_FOR_BUILD) are asked in the same way.
AC_DEFUN([BX_CC_TRY],
[AC_LANG_CONFTEST([AC_LANG_SOURCE([$3])])
AS_ECHO(["configure: trying: $1 $2"]) >&AS_MESSAGE_LOG_FD
AS_IF([eval "$1 -Werror $2 -c conftest.c -o conftest.o" >&AS_MESSAGE_LOG_FD 2>&1], [$4], [$5])
rm -f conftest.c conftest.o])

# BX_CC_TRY_RUN(COMPILER, FLAGS, PROGRAM, IF-YES, [IF-NO])
# The same for a whole program, which is then run: for the build machine only.
AC_DEFUN([BX_CC_TRY_RUN],
[AC_LANG_CONFTEST([AC_LANG_SOURCE([$3])])
AS_ECHO(["configure: trying: $1 $2"]) >&AS_MESSAGE_LOG_FD
AS_IF([eval "$1 $2 conftest.c -o conftest.run" >&AS_MESSAGE_LOG_FD 2>&1 \
    && ./conftest.run >&AS_MESSAGE_LOG_FD 2>&1], [$4], [$5])
rm -f conftest.c conftest.run])

# BX_ADD_FLAGS(VARIABLE, COMPILER, FLAGS...)
# Appends to VARIABLE those FLAGS that COMPILER knows.
AC_DEFUN([BX_ADD_FLAGS],
[for bx_flag in $3; do
	AC_MSG_CHECKING([whether $2 takes $bx_flag])
	BX_CC_TRY([$2], [$bx_flag], [int bx_probe;],
	    [AC_MSG_RESULT([yes])
	    $1="$$1${$1:+ }$bx_flag"],
	    [AC_MSG_RESULT([no])])
done])

# BX_NEED(WHAT, PACKAGE)
# Ends configure with one plain sentence.
AC_DEFUN([BX_NEED],
[AC_MSG_ERROR([$1 is missing.  On Debian or Ubuntu: apt-get install $2.  ./bootstrap installs it for you.])])
