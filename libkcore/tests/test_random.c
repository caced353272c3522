/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_random.c -- long seeded sequences of events; see driver.h.  All invariants after each step.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../tests/unit/suite.h"
#include "driver.h"

#define STEPS	15000			/* per seed */
#define SEEDS	10

static struct driver driver;

/* Which calls must have succeeded somewhere in a run: so the sequences are not idle talk. */
static const uint8_t must_succeed[] = {
	BX_SYS_NULL, BX_SYS_CALL, BX_SYS_SEND, BX_SYS_RECEIVE, BX_SYS_REPLY, BX_SYS_REPLY_RECEIVE,
	BX_SYS_SIGNAL, BX_SYS_WAIT, BX_SYS_NOTIFICATION_BIND, BX_SYS_YIELD, BX_SYS_SLEEP,
	BX_SYS_CAP_DERIVE, BX_SYS_CAP_COPY, BX_SYS_CAP_MOVE, BX_SYS_CAP_DELETE, BX_SYS_CAP_REVOKE,
	BX_SYS_CAP_INFO, BX_SYS_MAP,
	BX_SYS_UNMAP, BX_SYS_THREAD_START, BX_SYS_THREAD_STOP, BX_SYS_THREAD_RESUME,
	BX_SYS_THREAD_PRIORITY, BX_SYS_IRQ_BIND, BX_SYS_IRQ_ACK, BX_SYS_PORT_IN, BX_SYS_PORT_OUT,
	BX_SYS_SPAWN, BX_SYS_KILL, BX_SYS_PROGRAM_INFO, BX_SYS_INSPECT, BX_SYS_AUDIT_READ,
	BX_SYS_CLOCK_INFO,
};

static uint64_t results[BX_SYS_COUNT][DRIVER_ERRORS];
static uint64_t waits, signals, strings, faults, interrupted;

static void
run(uint64_t seed)
{
	driver_make(&driver, NULL, 0, seed);
	for (unsigned n = 0; n < STEPS; n++)
		ck_assert(driver_step(&driver));
	for (unsigned call = 0; call < BX_SYS_COUNT; call++) {
		for (unsigned e = 0; e < DRIVER_ERRORS; e++)
			results[call][e] += driver.results[call][e];
	}
	waits += driver.waits;
	signals += driver.signals;
	strings += driver.strings;
	faults += driver.faults;
	interrupted += driver.interrupted;
	driver_end(&driver);
}

/* BX_SHOW=1: what came of all the calls. */
static void
show(void)
{
	printf("waits %llu signals %llu strings %llu faults %llu interrupted %llu\n",
	    (unsigned long long)waits, (unsigned long long)signals, (unsigned long long)strings,
	    (unsigned long long)faults, (unsigned long long)interrupted);
	for (unsigned call = 0; call < BX_SYS_COUNT; call++) {
		for (unsigned e = 0; e < DRIVER_ERRORS; e++) {
			if (results[call][e] > 0)
				printf("call %2u %-24s %llu\n", call,
				    bx_err_name((enum bx_err)-(int)e),
				    (unsigned long long)results[call][e]);
		}
	}
}

START_TEST(random_sequences_stay_sound)
{
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		run(0xb7a1 + seed);
	if (getenv("BX_SHOW") != NULL)
		show();
	for (unsigned i = 0; i < BX_ARRAY_COUNT(must_succeed); i++)
		ck_assert_msg(results[must_succeed[i]][0] > 0, "call %u never succeeded",
		    must_succeed[i]);
	ck_assert_uint_gt(waits, 1000);
	ck_assert_uint_gt(signals, 10);
	ck_assert_uint_gt(strings, 10);
	ck_assert_uint_gt(faults, 10);
	ck_assert_uint_gt(interrupted, 10);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("kcore-random");
	TCase *tcase = tcase_create("random");

	tcase_set_timeout(tcase, 600);
	tcase_add_test(tcase, random_sequences_stay_sound);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
