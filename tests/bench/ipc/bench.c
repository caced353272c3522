/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bench.c -- program 0 of the benchmark system: measures the kernel's operations from user mode.
 *
 * Under `qemu -icount shift=0` the time stamp counter advances by one for each guest instruction,
 * so a difference of two readings is a count of instructions, exact and repeatable; everywhere else
 * it is time.  Each row is the mean of ROUNDS rounds after some to warm up, with the loop and the
 * user's stub included, as the peers count (docs/bench.md).
 *
 * Prints one line a row on the serial port, by its own port capability, and powers the machine off:
 *
 *	bench ipc NAME VALUE ROUNDS
 *	bench marked NAME ROUNDS		begin and end came before this
 */
#include "bench.h"

#define MEMORY_ADDRESS	0x10000000u
#define UART_STATUS	(UART + 5)
#define BENCH_MARK	0x6d61726bu	/* is no BX_POWER_* */
#define UART_EMPTY	0x20u		/* transmitter holding register: PC16550D, 8.4 */

/* ---- output --------------------------------------------------------------------------------- */

static void
put(struct bench *bench, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		uint32_t status = 0;

		while ((status & UART_EMPTY) == 0)
			if (bx_sys_port_in(bench->uart, UART_STATUS, 1, &status) != BX_OK)
				return;
		bx_err_ignore(bx_sys_port_out(bench->uart, UART, 1, (uint8_t)bytes[i]));
	}
}

void
row(struct bench *bench, const char *name, uint64_t ticks, uint64_t rounds)
{
	char line[96];
	size_t length = bx_sys_format(line, sizeof line, "bench ipc %s %llu %llu\r\n", name,
	    (unsigned long long)((ticks + rounds / 2) / rounds), (unsigned long long)rounds);

	put(bench, line, length);
}

/* A way of BX_SYS_POWER that there is not. */
static void
mark(struct bench *bench)
{
	bx_err_ignore(bx_sys_power(bench->power, BENCH_MARK));
}

uint64_t
begin(struct bench *bench)
{
	mark(bench);
	return bx_sys_now();
}

void
end(struct bench *bench, const char *name, uint64_t from, uint64_t rounds)
{
	uint64_t ticks = bx_sys_now() - from;
	char line[96];
	size_t length;

	mark(bench);
	row(bench, name, ticks, rounds);
	length = bx_sys_format(line, sizeof line, "bench marked %s %llu\r\n", name,
	    (unsigned long long)rounds);
	put(bench, line, length);
}

BX_NORETURN static void
stop(struct bench *bench, const char *what, enum bx_err err)
{
	char line[96];
	size_t length = bx_sys_format(line, sizeof line, "bench failed: %s: %s\r\n", what,
	    bx_err_name(err));

	put(bench, line, length);
	bx_err_ignore(bx_sys_power(bench->power, BX_POWER_OFF));
	bx_sys_exit(1);
}

void
need(struct bench *bench, const char *what, enum bx_err err)
{
	if (err != BX_OK)
		stop(bench, what, err);
}

/* ---- rows ------------------------------------------------------------------------------------- */

static enum bx_err
null_call_rounds(unsigned rounds)
{
	enum bx_err err = BX_OK;

	for (unsigned i = 0; i < rounds && err == BX_OK; i++)
		err = bx_sys_null();
	return err;
}

static void
bench_null(struct bench *bench)
{
	uint64_t start;

	need(bench, "null", null_call_rounds(WARM_UP));
	start = begin(bench);
	need(bench, "null", null_call_rounds(ROUNDS));
	end(bench, "null_call", start, ROUNDS);
}

/* The deadline is the same absolute tick throughout, as in a server's loop. */
static enum bx_err
call_rounds(const struct bench *bench, uint64_t deadline, unsigned rounds)
{
	struct bx_sys_words words = { .label = SERVICE_ECHO };
	enum bx_err err = BX_OK;

	for (unsigned i = 0; i < rounds && err == BX_OK; i++)
		err = bx_sys_call(bench->service, deadline, &words);
	return err;
}

/* All six words always travel in registers: a message of two costs what one of six does.  The rows
 * for 2, 4 and 6 words read and write that many in each round: the answer is the next message, each
 * word of it one more, so that in the end the words tell that all have made every round. */
static inline enum bx_err
call_words_rounds(const struct bench *bench, uint64_t deadline, unsigned rounds, unsigned count)
{
	struct bx_sys_words words = { .label = SERVICE_ECHO };
	enum bx_err err = BX_OK;

	for (unsigned i = 0; i < rounds && err == BX_OK; i++) {
		words.word[0]++;
		words.word[1]++;
		words.word[2] += count > 2;
		words.word[3] += count > 2;
		words.word[4] += count > 4;
		words.word[5] += count > 4;
		err = bx_sys_call(bench->service, deadline, &words);
	}
	if (err == BX_OK && (words.word[0] != rounds || words.word[1] != rounds ||
	    words.word[2] != (count > 2 ? rounds : 0) || words.word[3] != words.word[2] ||
	    words.word[4] != (count > 4 ? rounds : 0) || words.word[5] != words.word[4]))
		err = BX_ERR_INVALID;
	return err;
}

/* The count is a constant, so that words are registers. */
static enum bx_err
call_some_rounds(const struct bench *bench, uint64_t deadline, unsigned rounds, unsigned count)
{
	switch (count) {
	case 2:		return call_words_rounds(bench, deadline, rounds, 2);
	case 4:		return call_words_rounds(bench, deadline, rounds, 4);
	default:	return call_words_rounds(bench, deadline, rounds, 6);
	}
}

static void
bench_call(struct bench *bench)
{
	static const struct { const char *name; unsigned count; } rows[] = {
		{ "call_reply_2", 2 }, { "call_reply_4", 4 }, { "call_reply_6", 6 },
	};
	uint64_t start, deadline = bx_sys_deadline_far();

	need(bench, "call", call_rounds(bench, deadline, WARM_UP));
	start = begin(bench);
	need(bench, "call", call_rounds(bench, deadline, ROUNDS));
	end(bench, "call_reply_0", start, ROUNDS);
	for (unsigned i = 0; i < BX_ARRAY_COUNT(rows); i++) {
		start = begin(bench);
		need(bench, rows[i].name, call_some_rounds(bench, deadline, ROUNDS, rows[i].count));
		end(bench, rows[i].name, start, ROUNDS);
	}
}

/* A string there and the same string back. */
static enum bx_err
string_rounds(struct bench *bench, uint32_t length, unsigned rounds)
{
	enum bx_err err = BX_OK;

	for (unsigned i = 0; i < rounds && err == BX_OK; i++) {
		struct bx_ipc_message message = { .label = SERVICE_ECHO, .string = bench->string,
			.string_length = length, .cap_slot = BX_SLOT_NONE };
		struct bx_ipc_message answer = { .string = bench->string,
			.string_length = sizeof bench->string, .cap_slot = BX_SLOT_NONE };

		err = bx_sys_message_call(bench->service, bx_sys_deadline_far(), &message, &answer);
	}
	return err;
}

void
mode(struct bench *bench, uint64_t label)
{
	struct bx_sys_words words = { .label = label };

	need(bench, "mode", bx_sys_call(bench->service, bx_sys_deadline_far(), &words));
}

static void
bench_string(struct bench *bench)
{
	static const struct { const char *name; uint32_t length; unsigned rounds; } rows[] = {
		{ "string_64", 64, 200 }, { "string_4k", 4096, 200 }, { "string_64k", 65536, 20 },
	};

	mode(bench, SERVICE_STRINGS);
	for (unsigned i = 0; i < BX_ARRAY_COUNT(rows); i++) {
		uint64_t start;

		need(bench, rows[i].name, string_rounds(bench, rows[i].length, 2));
		start = begin(bench);
		need(bench, rows[i].name, string_rounds(bench, rows[i].length, rows[i].rounds));
		end(bench, rows[i].name, start, rows[i].rounds);
	}
	mode(bench, SERVICE_WORDS);
}

static void
bench_signal(struct bench *bench)
{
	uint64_t start = begin(bench), bits;

	for (unsigned i = 0; i < ROUNDS; i++)
		need(bench, "signal", bx_sys_signal(bench->answer));
	end(bench, "signal_no_waiter", start, ROUNDS);
	need(bench, "wait", bx_sys_wait(bench->answer, 0, &bits));

	/* The server, of higher priority, waits for the bell: it runs at once and waits again. */
	need(bench, "bell", call_rounds(bench, bx_sys_deadline_far(), 1));
	start = begin(bench);
	for (unsigned i = 0; i < ROUNDS; i++)
		need(bench, "bell", bx_sys_signal(bench->bell));
	end(bench, "signal_round", start, ROUNDS);
}

static void
bench_send(struct bench *bench)
{
	struct bx_sys_words words = { .label = SERVICE_ECHO };
	uint64_t start = begin(bench);

	for (unsigned i = 0; i < ROUNDS; i++)
		need(bench, "send", bx_sys_send(bench->service, bx_sys_deadline_far(), &words));
	end(bench, "send_round", start, ROUNDS);
}

static void
bench_map(struct bench *bench)
{
	uint64_t map = 0, unmap = 0, start;

	for (unsigned i = 0; i < ROUNDS; i++) {
		start = bx_sys_now();
		need(bench, "map", bx_sys_map(bench->memory, MEMORY_ADDRESS, 0, 1,
		    BX_MAP_READ | BX_MAP_WRITE));
		map += bx_sys_now() - start;
		start = bx_sys_now();
		need(bench, "unmap", bx_sys_unmap(bench->memory, 0, 1));
		unmap += bx_sys_now() - start;
	}
	row(bench, "map", map, ROUNDS);
	row(bench, "unmap", unmap, ROUNDS);
}

/* The status of the serial port: what the emulator does for it is no instruction of the guest. */
static void
bench_port(struct bench *bench)
{
	uint64_t start = begin(bench);
	uint32_t status;

	for (unsigned i = 0; i < ROUNDS; i++)
		need(bench, "port", bx_sys_port_in(bench->uart, UART_STATUS, 1, &status));
	end(bench, "port_in", start, ROUNDS);
}

static void
find(struct bench *bench, const char *name, uint32_t *slot)
{
	need(bench, name, bx_sys_find(bench->sys->launch, name, slot));
}

int
bx_main(const struct bx_sys *sys)
{
	struct bench bench = { .sys = sys };
	struct bx_info_program info;

	find(&bench, "uart", &bench.uart);
	find(&bench, "power", &bench.power);
	find(&bench, "spawn", &bench.spawn);
	find(&bench, "service", &bench.service);
	find(&bench, "bell", &bench.bell);
	find(&bench, "answer", &bench.answer);
	find(&bench, "memory", &bench.memory);
	find(&bench, "faults", &bench.faults);
	find(&bench, "report", &bench.report);

	bench_null(&bench);
	need(&bench, "spawn", bx_sys_spawn(bench.spawn, BENCH_SERVER, "", 0));
	need(&bench, "info", bx_sys_program_info(bench.spawn, BENCH_SERVER, &info));
	bench_call(&bench);
	bench_string(&bench);
	bench_send(&bench);
	bench_signal(&bench);
	bench_map(&bench);
	bench_port(&bench);
	bench_switches(&bench);
	bench_capabilities(&bench);
	put(&bench, "bench done\r\n", 12);
	bx_err_ignore(bx_sys_power(bench.power, BX_POWER_OFF));
	return 1;
}
