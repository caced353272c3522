/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* test_kcore.c -- runs all suites of the kernel core. */
#include <stdlib.h>

#include "fixture.h"

int
main(void)
{
	SRunner *runner = srunner_create(suite_sysimage());
	int failed;

	srunner_add_suite(runner, suite_elf());
	srunner_add_suite(runner, suite_program());
	srunner_add_suite(runner, suite_world());
	srunner_add_suite(runner, suite_ipc());
	srunner_add_suite(runner, suite_open());
	srunner_add_suite(runner, suite_sched());
	srunner_add_suite(runner, suite_budget());
	srunner_add_suite(runner, suite_steps());
	srunner_add_suite(runner, suite_sys());
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
