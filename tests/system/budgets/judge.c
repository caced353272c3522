/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * judge.c -- program 0 of the systems `budgets' and `budgets-off': starts the others, says when they are
 * to begin and to end, and prints what each says it had, on the serial port by its own port capability:
 *
 *	share NAME RAN ALL			in us
 *	throttled NAME COUNT			how often the kernel has stopped it
 *	budgets: done
 *
 * Badges are the numbers of programs; the server, which tells nothing, is the last one.
 */
#include "budgets.h"

#define UART		0x3f8
#define UART_STATUS	(UART + 5)
#define UART_EMPTY	0x20u		/* transmitter holding register: PC16550D, 8.4 */
#define PROGRAMS_MAX	8u
#define READY_US	150000u		/* until all are there, a passive server too */
#define SPAN_US		500000u

struct judge {
	const struct bx_sys *sys;
	uint32_t uart, power, spawn, audit, service, takers;
	uint64_t begin, end;
	uint64_t ran[PROGRAMS_MAX];
};

static void
put(const struct judge *judge, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint32_t status = 0;

		while ((status & UART_EMPTY) == 0)
			if (bx_sys_port_in(judge->uart, UART_STATUS, 1, &status) != BX_OK)
				return;
		bx_err_ignore(bx_sys_port_out(judge->uart, UART, 1, (uint8_t)bytes[i]));
	}
}

static uint64_t
microseconds(const struct judge *judge, uint64_t ticks)
{
	return ticks * 1000000 / judge->sys->ticks_per_second;
}

/* Answers until all have told. */
static enum bx_err
serve(struct judge *judge)
{
	struct bx_sys_words words = { .label = 0 };
	struct bx_sys_origin origin;
	uint32_t told = 0, reply = judge->sys->launch->reply_first;
	enum bx_err err = bx_sys_receive(judge->service, reply, bx_sys_deadline_far(), &words, &origin);

	while (err == BX_OK) {
		if (words.label == JUDGE_ASK) {
			words.word[0] = judge->begin;
			words.word[1] = judge->end;
		} else if (words.label == JUDGE_TELL && origin.badge < PROGRAMS_MAX) {
			judge->ran[origin.badge] = words.word[0];
			told++;
		}
		if (told == judge->takers)
			return bx_sys_reply(reply, &words);
		err = bx_sys_reply_receive(judge->service, reply, bx_sys_deadline_far(), &words,
		    &origin);
	}
	return err;
}

static void
show(const struct judge *judge)
{
	struct bx_info_program program;
	struct bx_info_thread thread;
	char line[96];

	for (uint32_t i = 1; i <= judge->takers; i++) {
		if (bx_sys_inspect(judge->audit, BX_INSPECT_PROGRAM, i, 0, &program, sizeof program) !=
		    BX_OK || bx_sys_inspect(judge->audit, BX_INSPECT_THREAD, i, 0, &thread,
		    sizeof thread) != BX_OK)
			continue;
		put(judge, line, bx_sys_format(line, sizeof line, "share %s %llu %llu\r\n", program.name,
		    (unsigned long long)microseconds(judge, judge->ran[i]),
		    (unsigned long long)SPAN_US));
		put(judge, line, bx_sys_format(line, sizeof line, "throttled %s %u\r\n", program.name,
		    thread.throttles));
	}
	put(judge, line, bx_sys_format(line, sizeof line, "budgets: done\r\n"));
}

int
bx_main(const struct bx_sys *sys)
{
	struct judge judge = { .sys = sys };
	struct bx_info_system system;

	if (bx_sys_find(sys->launch, "uart", &judge.uart) != BX_OK ||
	    bx_sys_find(sys->launch, "power", &judge.power) != BX_OK ||
	    bx_sys_find(sys->launch, "spawn", &judge.spawn) != BX_OK ||
	    bx_sys_find(sys->launch, "audit", &judge.audit) != BX_OK ||
	    bx_sys_find(sys->launch, "judge", &judge.service) != BX_OK ||
	    bx_sys_inspect(judge.audit, BX_INSPECT_SYSTEM, 0, 0, &system, sizeof system) != BX_OK)
		return 1;
	judge.takers = system.program_count - 2;
	judge.begin = bx_sys_deadline_in_us(sys, READY_US);
	judge.end = judge.begin + sys->ticks_per_second / 1000000 * SPAN_US;
	for (uint32_t i = system.program_count - 1; i > 0; i--)
		if (bx_sys_spawn(judge.spawn, i, NULL, 0) != BX_OK)
			return 2;
	if (serve(&judge) == BX_OK)
		show(&judge);
	bx_err_ignore(bx_sys_power(judge.power, BX_POWER_OFF));
	return 3;
}
