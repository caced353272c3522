/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* suite.c -- see suite.h. */
#include "suite.h"

int
suite_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed, run;

	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	run = srunner_ntests_run(runner);
	srunner_free(runner);
	printf("%d passed, %d failed\n", run - failed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void
volume_end(struct bx_fs *fs, struct disk *disk)
{
	struct bx_fs_info info;

	bx_fs_get_info(fs, &info);
	if (!info.failed && !info.read_only)
		volume_must_check(fs);
	disk_free(disk);
}
