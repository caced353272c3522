/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_policy.c -- spawnd starts a program again as often as its policy says, and when: checked against a model
 * that keeps the time of every end.
 */
#include <check.h>
#include <stdlib.h>

#include "../../tests/unit/suite.h"
#include "../spawnd/policy.h"

#define POISON	0x5a5a5a5au

static bool
again(const struct policy *policy, struct history *history, uint64_t now_us, uint32_t *wait_us)
{
	*wait_us = POISON;
	return policy_again(policy, history, now_us, wait_us);
}

START_TEST(a_span_has_so_many_restarts_and_no_more)
{
	const struct policy policy = { .times = 3, .within_us = 1000 };
	struct history history = { 0, 0 };
	uint32_t wait_us;

	for (uint64_t now = 50; now < 53; now++) {
		ck_assert(again(&policy, &history, now, &wait_us));
		ck_assert_uint_eq(wait_us, 0);
	}
	ck_assert(!again(&policy, &history, 53, &wait_us));
	ck_assert_uint_eq(wait_us, POISON);
	ck_assert(!again(&policy, &history, 1049, &wait_us));
	ck_assert_uint_eq(history.restarts, 3);
}
END_TEST

START_TEST(the_next_span_begins_with_an_end)
{
	const struct policy policy = { .times = 1, .within_us = 1000 };
	struct history history = { 0, 0 };
	uint32_t wait_us;

	ck_assert(again(&policy, &history, 50, &wait_us));
	ck_assert(again(&policy, &history, 1050, &wait_us));
	ck_assert(!again(&policy, &history, 2049, &wait_us));
	ck_assert(again(&policy, &history, 9000, &wait_us));
	ck_assert(!again(&policy, &history, 9999, &wait_us));
	ck_assert(again(&policy, &history, 10000, &wait_us));
}
END_TEST

START_TEST(each_wait_is_twice_the_one_before)
{
	const struct policy policy = { .times = 4, .within_us = 160, .backoff_us = 10 };
	struct history history = { 0, 0 };
	uint32_t wait_us, wanted = 10;

	for (unsigned i = 0; i < 4; i++, wanted *= 2) {
		ck_assert(again(&policy, &history, 0, &wait_us));
		ck_assert_uint_eq(wait_us, wanted);
	}
	ck_assert(!again(&policy, &history, 159, &wait_us));
	ck_assert(again(&policy, &history, 160, &wait_us));
	ck_assert_uint_eq(wait_us, 10);
}
END_TEST

START_TEST(none_is_none)
{
	const struct policy policy = { .times = 0, .within_us = 1000 };
	struct history history = { 0, 0 };
	uint32_t wait_us;

	ck_assert(!again(&policy, &history, 0, &wait_us));
	ck_assert(!again(&policy, &history, UINT64_MAX, &wait_us));
}
END_TEST

START_TEST(the_most_of_everything)
{
	const struct policy policy = { .times = 31, .within_us = 3600000000u, .backoff_us = 1 };
	const struct policy many = { .times = 65535, .within_us = 3600000000u };
	struct history history = { 0, 0 };
	uint32_t wait_us;

	for (unsigned i = 0; i < 31; i++) {
		ck_assert(again(&policy, &history, 7, &wait_us));
		ck_assert_uint_eq(wait_us, 1u << i);
	}
	ck_assert(!again(&policy, &history, 7, &wait_us));
	history = (struct history){ 0, 0 };
	for (unsigned i = 0; i < 65535; i++)
		ck_assert(again(&many, &history, 7, &wait_us) && wait_us == 0);
	ck_assert(!again(&many, &history, 7, &wait_us));
}
END_TEST

/* Ends at random times: a restart is refused exactly when the span that the model counts has had them all. */
START_TEST(follows_a_model)
{
	struct policy policy = { .times = 1 + (uint32_t)_i % 7, .within_us = 1000 };
	struct history history = { 0, 0 };
	uint64_t now = 0, began = 0;
	uint32_t wait_us, in_span = 0;

	srand((unsigned)_i);
	for (unsigned i = 0; i < 2000; i++) {
		bool wanted;

		now += (uint64_t)(rand() % 400);
		if (in_span > 0 && now - began >= 1000)
			in_span = 0;
		if (in_span == 0)
			began = now;
		wanted = in_span < policy.times;
		in_span += wanted;
		ck_assert_int_eq(again(&policy, &history, now, &wait_us), wanted);
	}
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("policy");

	tcase_add_test(tcase, a_span_has_so_many_restarts_and_no_more);
	tcase_add_test(tcase, the_next_span_begins_with_an_end);
	tcase_add_test(tcase, each_wait_is_twice_the_one_before);
	tcase_add_test(tcase, none_is_none);
	tcase_add_test(tcase, the_most_of_everything);
	tcase_add_loop_test(tcase, follows_a_model, 0, 20);
	suite_add_tcase(suite, tcase);
	return suite_run(suite);
}
