/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_fs_crash.c -- power cuts at every write of random workloads.
 *
 * A workload is recorded: every device write and flush, every call, every successful sync.
 * For each position in that record, states of the medium are made in six modes: all writes
 * so far; the last one torn; a random subset of those since the last flush; the same with
 * one torn; only the last; one with garbage in a sector.  Each state must mount and be
 * exactly the state after some call k with (last durable) <= k <= (call in flight), first
 * read-only, then writable, then after the first commit and one more mount, with nothing
 * leaked.  Every other workload makes, removes and goes back to snapshots, whose content is
 * part of a state.
 *
 * BX_FS_STATES says how many states at least, BX_FS_SECONDS when to stop before that;
 * BX_FS_SEED which workloads.
 */
#include "cuts.h"

#include <time.h>

/* Whether the time that BX_FS_SECONDS gives is over. */
static bool
late(time_t since)
{
	unsigned long limit = setting("BX_FS_SECONDS", 0);

	return limit > 0 && time(NULL) - since >= (time_t)limit;
}

static uint64_t nested;

START_TEST(fs3_every_cut_leaves_one_state)
{
	unsigned long want = setting("BX_FS_STATES", 6000);
	uint64_t seed = setting("BX_FS_SEED", 1) * 1000;
	time_t since = time(NULL);

	for (unsigned turn = 0; states_tried < want && !late(since); turn++) {
		static struct recording r;
		struct rng rng = { .state = seed + turn };

		make_recording(&r, seed + turn, 40 + turn % 5 * 40, 65536,
		    turn % 7 == 6 ? BX_FS_HASH_SHA256 : BX_FS_HASH_XXH64, turn % 2 == 1, false);
		explore(&r, &rng, 3, 7, false);
		free_recording(&r);
	}
	printf("crash states: %llu, of them continued: %llu\n", (unsigned long long)states_tried,
	    (unsigned long long)states_deep);
}
END_TEST

/* Cuts during the mount after a cut, and during its first commit: the same state. */
START_TEST(fs3_cut_again_while_recovering)
{
	unsigned long want = setting("BX_FS_STATES", 6000) / 20;
	uint64_t seed = setting("BX_FS_SEED", 1) * 7777;
	time_t since = time(NULL);

	for (unsigned turn = 0; nested < want && !late(since); turn++) {
		static struct recording r, second;
		struct disk medium;
		struct rng rng = { .state = seed + turn };
		size_t cut;
		struct bx_fs *fs;
		uint64_t k, inode, low = 0, high = 0;
		struct bx_fs_owner owner = { .mode = 0600 };

		make_recording(&r, seed + turn, 60, 65536, BX_FS_HASH_XXH64, turn % 2 == 1, false);
		disk_init(&medium, VOLUME_BYTES, 512);
		memcpy(medium.bytes, r.start, VOLUME_BYTES);
		cut = rng_below(&rng, r.disk.event_count);
		for (size_t i = 0; i < cut; i++) {
			const struct event *e = &r.disk.events[i];

			if (e->kind == EVENT_WRITE)
				memcpy(medium.bytes + e->offset, e->data, e->length);
			if (e->kind == EVENT_CALL)
				high = e->state;
			if (e->kind == EVENT_DURABLE)
				low = e->state;
		}
		if (high < low)
			high = low;
		/* Record the recovery: mount, one change, sync. */
		memset(&second, 0, sizeof second);
		second.start = malloc(VOLUME_BYTES);
		memcpy(second.start, medium.bytes, VOLUME_BYTES);
		fs = must_mount(&medium, BX_FS_MOUNT_READ_ONLY, "first");
		k = which_state(&r, fs, &medium, low, high, "first");
		second.digest[0] = r.digest[k];
		medium.record = true;
		disk_event(&medium, EVENT_DURABLE, 0);
		disk_event(&medium, EVENT_CALL, 1);
		fs = must_mount(&medium, 0, "recovering");
		if (bx_fs_create(fs, BX_FS_ROOT, "recovered", 9, BX_FS_FILE, owner, 1, &inode) != BX_OK)
			die("create");
		if (volume_digest_all(fs, &medium.device, &second.digest[1]) != BX_OK || bx_fs_sync(fs) != BX_OK)
			die("sync");
		disk_event(&medium, EVENT_DURABLE, 1);
		medium.record = false;
		second.disk = medium;
		second.states = 1;
		{
			uint64_t before = states_tried;

			explore(&second, &rng, 4, 3, false);
			nested += states_tried - before;
		}
		free_recording(&second);
		free_recording(&r);
	}
	printf("nested crash states: %llu\n", (unsigned long long)nested);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("fs-crash");
	TCase *tc = tcase_create("crash");

	tcase_set_timeout(tc, 0);
	tcase_add_test(tc, fs3_every_cut_leaves_one_state);
	tcase_add_test(tc, fs3_cut_again_while_recovering);
	add_sequences(tc);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
