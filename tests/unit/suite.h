/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* suite.h -- how every program of unit tests ends. */
#ifndef BX_TESTS_SUITE_H
#define BX_TESTS_SUITE_H

#include <check.h>

/*
 * Runs a suite as Check's variables in the environment ask (CK_FORK, CK_VERBOSITY ...) and frees it.  Returns the status for
 * main().  Check's last line counts the tests; tests/summary.sh adds it up.
 */
int suite_run(Suite *suite);

#endif
