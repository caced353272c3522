/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * terminal.c -- the console's queues and line discipline.  See terminal.h.
 */
#include "terminal.h"

BX_STATIC_ASSERT((TERMINAL_OUT_MAX & (TERMINAL_OUT_MAX - 1)) == 0, "indices wrap");
BX_STATIC_ASSERT((TERMINAL_IN_MAX & (TERMINAL_IN_MAX - 1)) == 0, "indices wrap");

void
terminal_init(struct terminal *terminal)
{
	terminal->out_head = 0;
	terminal->out_tail = 0;
	terminal->in_head = 0;
	terminal->in_tail = 0;
	terminal->in_lost = 0;
	terminal->in_told = false;
	terminal->interrupt = false;
	terminal->out_return = false;
}

uint32_t
terminal_write(struct terminal *terminal, const uint8_t *bytes, uint32_t length)
{
	uint32_t taken = 0;

	while (taken < length &&
	    (uint32_t)(terminal->out_tail - terminal->out_head) < TERMINAL_OUT_MAX)
		terminal->out[terminal->out_tail++ % TERMINAL_OUT_MAX] = bytes[taken++];
	return taken;
}

bool
terminal_out(struct terminal *terminal, uint8_t *byte)
{
	uint8_t next;

	if (terminal_out_empty(terminal))
		return false;
	next = terminal->out[terminal->out_head % TERMINAL_OUT_MAX];
	if (next == '\n' && !terminal->out_return) {
		terminal->out_return = true;
		*byte = '\r';
		return true;
	}
	terminal->out_return = false;
	terminal->out_head++;
	*byte = next;
	return true;
}

bool
terminal_out_empty(const struct terminal *terminal)
{
	return terminal->out_head == terminal->out_tail;
}

/* Input is lost: the bell rings. */
static void
in_lose(struct terminal *terminal)
{
	static const uint8_t bell = '\a';

	terminal->in_lost++;
	if (!terminal->in_told)
		terminal->in_told = terminal_write(terminal, &bell, 1) == 1;
}

void
terminal_in(struct terminal *terminal, uint8_t byte)
{
	if (byte == TERMINAL_INTERRUPT) {
		terminal->interrupt = true;
		terminal->in_head = terminal->in_tail;
		return;
	}
	if ((uint32_t)(terminal->in_tail - terminal->in_head) == TERMINAL_IN_MAX) {
		in_lose(terminal);
		return;
	}
	terminal->in[terminal->in_tail++ % TERMINAL_IN_MAX] = byte;
}

bool
terminal_in_empty(const struct terminal *terminal)
{
	return terminal->in_head == terminal->in_tail;
}

uint32_t
terminal_read(struct terminal *terminal, uint8_t *bytes, uint32_t room)
{
	uint32_t taken = 0;

	terminal->in_told = false;
	while (taken < room && !terminal_in_empty(terminal))
		bytes[taken++] = terminal->in[terminal->in_head++ % TERMINAL_IN_MAX];
	return taken;
}
