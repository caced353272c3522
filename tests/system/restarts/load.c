/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * load.c -- a client that calls one server without end: `work`, `echo`, `console` or `keys`, whichever it has.  Every
 * answer is looked at.  The death of the server is the one error that it may see.
 */
#include "echo-client.h"
#include "console-client.h"
#include "restarts.h"

#define CALL_US		5000000u
#define REPORT_US	60000000u
#define KEYS_US		3000u
#define RETRY_US	2000u		/* when the reaper does not listen */
#define DEAD_US		100u		/* before a server that has died is asked again */
#define REPORT_EVERY	32u		/* exchanges; each one that takes so long */
#define PAUSE_US	100u		/* at most, after that: it leaves the processor to its equals */

struct load {
	const struct bx_sys *sys;
	uint32_t reaper, server;
	enum bx_err (*exchange)(struct load *load);
	uint64_t random, count, report_every;
	uint64_t good, died, other;
	enum bx_err last;
	uint8_t request[WORK_STRING_MAX], answer[WORK_STRING_MAX];
};

/* A string of any length, of which no two are alike. */
static uint32_t
string_make(struct load *load, uint32_t longest)
{
	uint32_t length = (uint32_t)(random_next(&load->random) % (longest + 1));

	for (uint32_t i = 0; i < length; i++)
		load->request[i] = (uint8_t)('a' + (load->count + i) % 26);
	return length;
}

static bool
string_same(const struct load *load, const uint8_t *string, uint32_t length, uint32_t wanted)
{
	return length == wanted && __builtin_memcmp(string, load->request, length) == 0;
}

static enum bx_err
work_exchange(struct load *load)
{
	uint32_t length = (load->count & 3) == 0 ? string_make(load, WORK_STRING_MAX) : 0;
	struct bx_ipc_message message = { .label = (load->count & 3) == 1 ? WORK_KEEP : WORK_ECHO,
	    .word = { load->count }, .string = load->request, .string_length = length,
	    .cap_slot = BX_SLOT_NONE };
	struct bx_ipc_message answer = { .string = load->answer, .string_length = sizeof load->answer,
	    .cap_slot = BX_SLOT_NONE };
	enum bx_err err = bx_sys_message_call(load->server, bx_sys_deadline_in_us(load->sys, CALL_US),
	    &message, &answer);

	if (err != BX_OK)
		return err;
	if (answer.word[0] != load->count + 1 ||
	    !string_same(load, answer.string, answer.string_length, length))
		return BX_ERR_CORRUPT;
	return (enum bx_err)(int64_t)answer.word[1];
}

static enum bx_err
echo_exchange(struct load *load)
{
	struct bx_if_echo_echo_request request = { (const char *)load->request,
	    string_make(load, BX_IF_ECHO_TEXT_MAX) };
	struct bx_if_echo_echo_answer answer;
	uint8_t string[BX_IF_ECHO_ECHO_STRING_MAX];
	enum bx_err err = bx_if_echo_echo(load->server, bx_sys_deadline_in_us(load->sys, CALL_US), &request,
	    string, sizeof string, &answer);

	if (err != BX_OK)
		return err;
	return string_same(load, (const uint8_t *)answer.text, answer.text_length, request.text_length) ?
	    BX_OK : BX_ERR_CORRUPT;
}

/* Writes nothing: the serial line is not what is measured. */
static enum bx_err
console_exchange(struct load *load)
{
	uint8_t string[BX_IF_CONSOLE_WRITE_STRING_MAX];
	enum bx_err err;

	for (;;) {
		err = bx_if_console_write(load->server, bx_sys_deadline_in_us(load->sys, CALL_US),
		    &(struct bx_if_console_write_request){ load->request, 0 }, string, sizeof string);
		if (err != BX_ERR_BUSY && err != BX_ERR_STATE)
			return err;
		bx_sys_sleep(bx_sys_deadline_in_us(load->sys, DEAD_US));	/* full: it says so itself */
	}
}

/* Waits for a key that nobody types: the console keeps its reply. */
static enum bx_err
keys_exchange(struct load *load)
{
	enum bx_err err = bx_if_console_interrupt(load->server, bx_sys_deadline_in_us(load->sys, CALL_US),
	    &(struct bx_if_console_interrupt_request){ bx_sys_deadline_in_us(load->sys, KEYS_US) });

	return err == BX_ERR_TIMEOUT ? BX_OK : err;
}

/* Until the reaper has heard it. */
static void
report(struct load *load)
{
	for (;;) {
		struct bx_sys_words words = { .label = REAPER_REPORT, .word = { load->good, load->died,
		    load->other, (uint64_t)(int64_t)load->last } };

		if (bx_sys_call(load->reaper, bx_sys_deadline_in_us(load->sys, REPORT_US), &words) == BX_OK)
			return;
		bx_sys_sleep(bx_sys_deadline_in_us(load->sys, RETRY_US));
	}
}

int
bx_main(const struct bx_sys *sys)
{
	struct load load = { .sys = sys, .random = bx_sys_now() | 1, .report_every = REPORT_EVERY };

	if (bx_sys_find(sys->launch, "reaper", &load.reaper) != BX_OK)
		return 1;
	if (bx_sys_find(sys->launch, "work", &load.server) == BX_OK)
		load.exchange = work_exchange;
	else if (bx_sys_find(sys->launch, "echo", &load.server) == BX_OK)
		load.exchange = echo_exchange;
	else if (bx_sys_find(sys->launch, "console", &load.server) == BX_OK)
		load.exchange = console_exchange;
	else if (bx_sys_find(sys->launch, "keys", &load.server) == BX_OK)
		load.exchange = keys_exchange;
	else
		return 2;
	if (load.exchange == keys_exchange)
		load.report_every = 1;
	for (;;) {
		enum bx_err err = load.exchange(&load);

		load.count++;
		if (err == BX_OK) {
			load.good++;
		} else if (err == BX_ERR_PEER_DIED) {
			load.died++;
			bx_sys_sleep(bx_sys_deadline_in_us(sys, DEAD_US));
		} else {
			load.other++;
			load.last = err;
		}
		if (load.count % load.report_every == 0) {
			report(&load);
			bx_sys_sleep(bx_sys_deadline_in_us(sys, random_next(&load.random) % PAUSE_US));
		}
	}
}
