/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * test_interfaces.c -- what mkipc makes of all.ipc: every field arrives as it was, and what is not exactly
 * such a message is refused with the right name before the server sees it.
 */
#include <check.h>
#include <string.h>

#include "../../tests/unit/suite.h"
#include "all-ipc.h"

#define REPLY	7u

/* What the server saw last, and what it is to do. */
struct server {
	unsigned calls;
	struct bx_all_narrow_request narrow;
	struct bx_all_many_request many;
	struct bx_all_strings_request strings;
	uint32_t memory;
	uint64_t badge;
	bool keep;
	enum bx_err err;
};

static enum bx_err
on_nothing(void *context, const struct bx_ipc_call *call)
{
	struct server *server = context;

	server->calls++;
	server->badge = call->badge;
	return server->err;
}

static enum bx_err
on_narrow(void *context, const struct bx_ipc_call *call, const struct bx_all_narrow_request *request,
    struct bx_all_narrow_answer *answer)
{
	struct server *server = context;

	(void)call;
	server->calls++;
	server->narrow = *request;
	*answer = (struct bx_all_narrow_answer){ request->e, request->d, request->a, request->b,
	    request->c };
	return server->err;
}

static enum bx_err
on_many(void *context, const struct bx_ipc_call *call, const struct bx_all_many_request *request,
    struct bx_all_many_answer *answer)
{
	struct server *server = context;

	(void)call;
	server->calls++;
	server->many = *request;
	answer->sum = request->a + request->b;
	return server->err;
}

static enum bx_err
on_strings(void *context, const struct bx_ipc_call *call,
    const struct bx_all_strings_request *request, struct bx_all_strings_answer *answer)
{
	struct server *server = context;

	(void)call;
	server->calls++;
	server->strings = *request;
	answer->word = request->word;
	answer->word_length = request->word_length;
	return server->err;
}

static enum bx_err
on_authority(void *context, const struct bx_ipc_call *call,
    const struct bx_all_authority_request *request, struct bx_all_authority_answer *answer)
{
	struct server *server = context;

	(void)call;
	server->calls++;
	server->memory = request->memory;
	answer->memory = request->memory + 1;
	return server->err;
}

static enum bx_err
on_guarded(void *context, const struct bx_ipc_call *call,
    const struct bx_all_guarded_request *request, struct bx_all_guarded_answer *answer)
{
	struct server *server = context;

	(void)call;
	server->calls++;
	answer->x = request->x;
	return server->err;
}

static enum bx_err
on_later(void *context, struct bx_ipc_call *call, const struct bx_all_later_request *request,
    struct bx_all_later_answer *answer)
{
	struct server *server = context;

	server->calls++;
	answer->x = ~request->x;
	call->kept = server->keep;
	return server->err;
}

/* Of "told" this server knows nothing. */
static const struct bx_all_server handlers = { .nothing = on_nothing, .narrow = on_narrow,
	.many = on_many, .strings = on_strings, .authority = on_authority, .guarded = on_guarded,
	.later = on_later };

static struct server server;
static uint8_t string[66000], answer_string[66000];

static void
setup(void)
{
	server = (struct server){ .err = BX_OK };
}

/* The error of the answer; BX_ERR_AGAIN: none is given now. */
static enum bx_err
ask(const struct bx_ipc_message *message, uint64_t badge, struct bx_ipc_message *answer)
{
	struct bx_ipc_call call = { .badge = badge, .reply = REPLY };

	memset(answer, 0xa5, sizeof *answer);
	if (!bx_all_dispatch(&handlers, &server, &call, message, answer, answer_string,
	    sizeof answer_string)) {
		ck_assert(call.kept);
		return BX_ERR_AGAIN;
	}
	ck_assert(!call.kept);
	return bx_ipc_label_error(answer->label);
}

START_TEST(every_number_arrives)
{
	const struct bx_all_narrow_request request = { UINT8_MAX, UINT16_MAX, UINT32_MAX, true, INT64_MIN,
	    UINT64_MAX };
	struct bx_all_narrow_answer answer;
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_narrow_request_write(&message, NULL, 0, &request), BX_OK);
	ck_assert_int_eq(ask(&message, 0, &back), BX_OK);
	ck_assert_int_eq(memcmp(&server.narrow.f, &request.f, sizeof request.f), 0);
	ck_assert_int_eq(server.narrow.e, INT64_MIN);
	ck_assert_int_eq(bx_all_narrow_answer_read(&back, &answer), BX_OK);
	ck_assert_int_eq(answer.a, UINT8_MAX);
	ck_assert_int_eq(answer.b, UINT16_MAX);
	ck_assert_uint_eq(answer.c, UINT32_MAX);
	ck_assert(answer.d);
	ck_assert_int_eq(answer.e, INT64_MIN);
}
END_TEST

START_TEST(numbers_go_on_in_the_string)
{
	const struct bx_all_many_request request = { 1, 2, 3, 4, true, -6, 7, false, INT64_MAX };
	struct bx_all_many_answer answer;
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_many_request_write(&message, string, BX_ALL_MANY_STRING_MAX, &request), BX_OK);
	ck_assert_uint_eq(message.string_length, BX_ALL_MANY_STRING_MAX);
	ck_assert_int_eq(ask(&message, 0, &back), BX_OK);
	ck_assert_int_eq(server.many.f, -6);
	ck_assert_int_eq(server.many.g, 7);
	ck_assert(!server.many.h);
	ck_assert_int_eq(server.many.i, INT64_MAX);
	ck_assert_int_eq(bx_all_many_answer_read(&back, &answer), BX_OK);
	ck_assert_uint_eq(answer.sum, 3);
}
END_TEST

START_TEST(bytes_and_text_arrive)
{
	static const uint8_t raw[300] = { 1, 0, 2 };
	const struct bx_all_strings_request request = { raw, sizeof raw, 9, "gr\xc3\xbc\xc3\x9f""en", 8 };
	struct bx_all_strings_request most = request;
	struct bx_all_strings_answer answer;
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_strings_request_write(&message, string, 300 + 8 + 10, &request), BX_OK);
	ck_assert_int_eq(ask(&message, 0, &back), BX_OK);
	ck_assert_uint_eq(server.strings.raw_length, sizeof raw);
	ck_assert_int_eq(memcmp(server.strings.raw, raw, sizeof raw), 0);
	ck_assert_int_eq(server.strings.between, 9);
	ck_assert_int_eq(bx_all_strings_answer_read(&back, &answer), BX_OK);
	ck_assert_uint_eq(answer.word_length, 8);
	ck_assert_int_eq(memcmp(answer.word, request.word, 8), 0);

	ck_assert_int_eq(bx_all_strings_request_write(&message, string, 300 + 8 + 9, &request),
	    BX_ERR_OVERFLOW);
	most.raw_length++;
	ck_assert_int_eq(bx_all_strings_request_write(&message, string, sizeof string, &most),
	    BX_ERR_MSG_TOO_LONG);
	most = request;
	most.word_length++;
	ck_assert_int_eq(bx_all_strings_request_write(&message, string, sizeof string, &most),
	    BX_ERR_MSG_TOO_LONG);
	most.word = "\xff";
	most.word_length = 1;
	ck_assert_int_eq(bx_all_strings_request_write(&message, string, sizeof string, &most),
	    BX_ERR_FORMAT);
}
END_TEST

START_TEST(a_capability_travels)
{
	const struct bx_all_authority_request request = { .memory = 3, .pages = 5 };
	struct bx_all_authority_answer answer = { .memory = 99 };
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_authority_request_write(&message, NULL, 0, &request), BX_OK);
	ck_assert_uint_eq(message.cap_slot, 3);
	ck_assert_int_eq(ask(&message, 0, &back), BX_OK);
	ck_assert_uint_eq(server.memory, 3);
	ck_assert_int_eq(bx_all_authority_answer_read(&back, &answer), BX_OK);
	ck_assert_uint_eq(answer.memory, 4);

	server.calls = 0;
	message.cap_slot = BX_SLOT_NONE;
	ck_assert_int_eq(ask(&message, 0, &back), BX_ERR_TRUNCATED);
	back.cap_slot = BX_SLOT_NONE;
	back.label = BX_ALL_AUTHORITY;
	memset(back.word, 0, sizeof back.word);
	answer.memory = 99;
	ck_assert_int_eq(bx_all_authority_answer_read(&back, &answer), BX_ERR_TRUNCATED);
	ck_assert_uint_eq(answer.memory, 99);
	ck_assert_uint_eq(server.calls, 0);
}
END_TEST

/* A good message with one thing wrong: refused by name, and the server is not called. */
static const struct {
	const char *what;
	uint64_t label_xor;
	unsigned word;
	uint64_t value;
	uint32_t string_length;
	uint32_t cap_slot;
	enum bx_err expect;
} wrong[] = {
	{ "u8", 0, 0, 256, 0, BX_SLOT_NONE, BX_ERR_RANGE },
	{ "u16", 0, 1, 65536, 0, BX_SLOT_NONE, BX_ERR_RANGE },
	{ "u32", 0, 2, 1ull << 32, 0, BX_SLOT_NONE, BX_ERR_RANGE },
	{ "bool", 0, 3, 2, 0, BX_SLOT_NONE, BX_ERR_FORMAT },
	{ "string", 0, 0, 1, 1, BX_SLOT_NONE, BX_ERR_MSG_EXTRA },
	{ "capability", 0, 0, 1, 0, 4, BX_ERR_MSG_EXTRA },
	{ "kind", 3ull << 32, 0, 1, 0, BX_SLOT_NONE, BX_ERR_MSG_TYPE },
	{ "a word less", 1ull << 42, 5, 0, 0, BX_SLOT_NONE, BX_ERR_TRUNCATED },
	{ "a bit that must be zero", 1ull << 44, 0, 1, 0, BX_SLOT_NONE, BX_ERR_FORMAT },
	{ "an error in a request", 1ull << 63, 0, 1, 0, BX_SLOT_NONE, BX_ERR_FORMAT },
	{ "protocol", 1ull << 16, 0, 1, 0, BX_SLOT_NONE, BX_ERR_FORMAT },
	{ "version", 1ull << 8, 0, 1, 0, BX_SLOT_NONE, BX_ERR_VERSION },
	{ "method", 0x80, 0, 1, 0, BX_SLOT_NONE, BX_ERR_NOT_FOUND },
	{ "another method", 1, 0, 1, 0, BX_SLOT_NONE, BX_ERR_MSG_TYPE },
};

START_TEST(what_is_wrong_has_a_name)
{
	const struct bx_all_narrow_request request = { 1, 2, 3, true, 5, 6 };
	struct bx_all_narrow_request untouched = request;
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_narrow_request_write(&message, NULL, 0, &request), BX_OK);
	message.label ^= wrong[_i].label_xor;
	message.word[wrong[_i].word] = wrong[_i].value;
	message.string = string;
	message.string_length = wrong[_i].string_length;
	message.cap_slot = wrong[_i].cap_slot;
	ck_assert_msg(ask(&message, 0, &back) == wrong[_i].expect, "%s: %s", wrong[_i].what,
	    bx_err_name(bx_ipc_label_error(back.label)));
	ck_assert_uint_eq(back.label & BX_IPC_LABEL_HEAD, message.label & BX_IPC_LABEL_HEAD);
	ck_assert_uint_eq(server.calls, 0);
	ck_assert_int_ne(bx_all_narrow_request_read(&message, &untouched), BX_OK);
	ck_assert_int_eq(memcmp(&untouched, &request, sizeof request), 0);
}
END_TEST

START_TEST(an_unused_word_is_zero)
{
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_nothing_request_write(&message, NULL, 0), BX_OK);
	for (unsigned i = 0; i < BX_IPC_WORDS; i++) {
		message.word[i] = 1;
		ck_assert_int_eq(ask(&message, 0, &back), BX_ERR_MSG_EXTRA);
		message.word[i] = 0;
	}
	ck_assert_uint_eq(server.calls, 0);
	ck_assert_int_eq(ask(&message, 42, &back), BX_OK);
	ck_assert_uint_eq(server.badge, 42);
}
END_TEST

START_TEST(a_badge_that_lacks_a_bit_is_refused)
{
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_guarded_request_write(&message, NULL, 0,
	    &(struct bx_all_guarded_request){ 1 }), BX_OK);
	ck_assert_int_eq(ask(&message, BX_ALL_ONE, &back), BX_ERR_CAP_RIGHTS);
	ck_assert_int_eq(ask(&message, BX_ALL_BIG, &back), BX_ERR_CAP_RIGHTS);
	ck_assert_int_eq(ask(&message, ~(BX_ALL_BIG | BX_ALL_ONE), &back), BX_ERR_CAP_RIGHTS);
	ck_assert_uint_eq(server.calls, 0);
	ck_assert_int_eq(ask(&message, BX_ALL_BIG | BX_ALL_ONE, &back), BX_OK);
	ck_assert_uint_eq(server.calls, 1);
}
END_TEST

START_TEST(answers_now_later_and_never)
{
	struct bx_ipc_call call = { .reply = BX_SLOT_NONE };
	struct bx_all_later_answer answer;
	struct bx_ipc_message message, back, told;

	ck_assert_int_eq(bx_all_later_request_write(&message, NULL, 0, &(struct bx_all_later_request){ 5 }),
	    BX_OK);
	ck_assert_int_eq(ask(&message, 0, &back), BX_OK);
	ck_assert_int_eq(bx_all_later_answer_read(&back, &answer), BX_OK);
	ck_assert_uint_eq(answer.x, ~5ull);
	server.keep = true;
	ck_assert_int_eq(ask(&message, 0, &back), BX_ERR_AGAIN);
	/* One that keeps the reply and fails has not kept it. */
	server.err = BX_ERR_BUSY;
	ck_assert_int_eq(ask(&message, 0, &back), BX_ERR_BUSY);
	ck_assert_int_eq(bx_all_later_answer_read(&back, &answer), BX_ERR_BUSY);
	/* Nobody waits for the answer: refused, but for what may be sent; that one has no server here. */
	server.calls = 0;
	ck_assert(bx_all_dispatch(&handlers, &server, &call, &message, &back, NULL, 0));
	ck_assert_int_eq(bx_ipc_label_error(back.label), BX_ERR_INVALID);
	ck_assert_int_eq(bx_all_told_request_write(&told, string, sizeof string,
	    &(struct bx_all_told_request){ "a", 1 }), BX_OK);
	ck_assert_int_eq(ask(&told, 0, &back), BX_ERR_NOT_FOUND);
	ck_assert_uint_eq(server.calls, 0);
}
END_TEST

START_TEST(an_answer_that_does_not_fit_is_an_error)
{
	struct bx_ipc_call call = { .reply = REPLY };
	struct bx_ipc_message message, back;

	ck_assert_int_eq(bx_all_strings_request_write(&message, string, sizeof string,
	    &(struct bx_all_strings_request){ NULL, 0, 1, "12345678", 8 }), BX_OK);
	ck_assert(bx_all_dispatch(&handlers, &server, &call, &message, &back, answer_string, 12));
	ck_assert_int_eq(bx_ipc_label_error(back.label), BX_ERR_OVERFLOW);
	ck_assert_uint_eq(back.string_length, 0);
	ck_assert_uint_eq(back.cap_slot, BX_SLOT_NONE);
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("interfaces");
	TCase *tests = tcase_create("interfaces");

	tcase_add_checked_fixture(tests, setup, NULL);
	tcase_add_test(tests, every_number_arrives);
	tcase_add_test(tests, numbers_go_on_in_the_string);
	tcase_add_test(tests, bytes_and_text_arrive);
	tcase_add_test(tests, a_capability_travels);
	tcase_add_loop_test(tests, what_is_wrong_has_a_name, 0, (int)BX_ARRAY_COUNT(wrong));
	tcase_add_test(tests, an_unused_word_is_zero);
	tcase_add_test(tests, a_badge_that_lacks_a_bit_is_refused);
	tcase_add_test(tests, answers_now_later_and_never);
	tcase_add_test(tests, an_answer_that_does_not_fit_is_an_error);
	suite_add_tcase(suite, tests);
	return suite_run(suite);
}
