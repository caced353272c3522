/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * terminal.c -- the console's queues and line discipline.  See terminal.h.
 */
#include "terminal.h"

BX_STATIC_ASSERT((TERMINAL_OUT_MAX & (TERMINAL_OUT_MAX - 1)) == 0, "indices wrap");
BX_STATIC_ASSERT((TERMINAL_IN_MAX & (TERMINAL_IN_MAX - 1)) == 0, "indices wrap");

static void
in_put(struct terminal *terminal, uint8_t byte)
{
	terminal->in[terminal->in_tail++ % TERMINAL_IN_MAX] = byte;
	terminal->in_cancelled = byte == TERMINAL_CANCEL;
}

void
terminal_init(struct terminal *terminal, bool again)
{
	terminal->out_head = 0;
	terminal->out_tail = 0;
	terminal->in_head = 0;
	terminal->in_tail = 0;
	terminal->in_lost = 0;
	terminal->in_told = false;
	terminal->in_losing = again;
	terminal->in_unbegun = again;
	terminal->in_cancelled = false;
	terminal->interrupt = false;
	terminal->out_return = false;
	if (again)
		in_put(terminal, TERMINAL_CANCEL);
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

static uint32_t
in_used(const struct terminal *terminal)
{
	return (uint32_t)(terminal->in_tail - terminal->in_head);
}

/* The queue's last place is kept for the CANCEL. */
static void
in_lose(struct terminal *terminal)
{
	static const uint8_t bell = '\a';

	terminal->in_lost++;
	terminal->in_losing = true;
	if (!terminal->in_cancelled)
		in_put(terminal, TERMINAL_CANCEL);
	if (!terminal->in_told)
		terminal->in_told = terminal_write(terminal, &bell, 1) == 1;
}

/* Only the end of its line ends this. */
void
terminal_in_lost(struct terminal *terminal)
{
	terminal->in_unbegun = false;
	in_lose(terminal);
}

void
terminal_in_pause(struct terminal *terminal)
{
	if (terminal->in_unbegun)
		terminal->in_losing = false;
	terminal->in_unbegun = false;
}

void
terminal_in(struct terminal *terminal, uint8_t byte)
{
	if (byte == TERMINAL_INTERRUPT) {
		terminal->interrupt = true;
		terminal->in_head = terminal->in_tail;
		terminal->in_losing = false;
		terminal->in_unbegun = false;
		terminal->in_cancelled = false;
		return;
	}
	if (terminal->in_losing || in_used(terminal) >= TERMINAL_IN_MAX - 1) {
		in_lose(terminal);
		terminal->in_losing = byte != '\r' && byte != '\n';
		terminal->in_unbegun &= terminal->in_losing;
		return;
	}
	in_put(terminal, byte);
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
