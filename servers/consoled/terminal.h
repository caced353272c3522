/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * terminal.h -- what stands between the UART and the console's clients: two bounded queues and the
 * little that a line discipline does here.  Pure: no port, no system call.
 *
 *	out	a newline becomes carriage return, newline
 *	in	bytes as they come, for editors that do their own; but Ctrl-C is an event: it is not in the
 *		stream, and it throws away what was typed before it.  It must get through always, so
 *		a full queue does not stop the line: what finds no room is lost, counted, and the
 *		terminal's bell rings, once until somebody reads.  What is left of two lines is never taken
 *		for one: from the first lost byte on all is lost up to the end of its line, and where
 *		that was missing a CANCEL stands in the stream, which gives up the line that it is in.
 *		A console that takes the place of one that has ended begins so: with a CANCEL, for who has read
 *		half a line from the other, and losing the rest of it, up to a line's end or a pause
 */
#ifndef BRAINIX_CONSOLED_TERMINAL_H
#define BRAINIX_CONSOLED_TERMINAL_H

#include <brainix/base.h>

#define TERMINAL_OUT_MAX	4096u		/* bytes; a power of two, as is the next */
#define TERMINAL_IN_MAX		2048u
#define TERMINAL_INTERRUPT	0x03		/* Ctrl-C */
#define TERMINAL_CANCEL		0x18		/* CAN: the line so far is not whole (ECMA-48, 8.3.6) */

struct terminal {
	uint32_t out_head, out_tail;		/* count up for ever; the queue is [head, tail) */
	uint32_t in_head, in_tail;
	uint32_t in_lost;			/* bytes that found the queue full */
	bool in_told;				/* the bell has rung for them */
	bool in_losing;				/* up to the end of a line */
	bool in_unbegun;			/* or to a pause: that line began with the console before */
	bool in_cancelled;			/* a CANCEL is the last that went in */
	bool interrupt;				/* Ctrl-C, not told to anybody yet */
	bool out_return;			/* the return of a return-newline pair has gone out */
	uint8_t out[TERMINAL_OUT_MAX];
	uint8_t in[TERMINAL_IN_MAX];
};

/* `again`: another has served these clients and this line before. */
void terminal_init(struct terminal *terminal, bool again);

/* Takes as many of `bytes` as fit; returns how many. */
uint32_t terminal_write(struct terminal *terminal, const uint8_t *bytes, uint32_t length);

/* The next byte for the line; false: none. */
bool terminal_out(struct terminal *terminal, uint8_t *byte);

bool terminal_out_empty(const struct terminal *terminal);

/* A byte has come from the line. */
void terminal_in(struct terminal *terminal, uint8_t byte);

/* The device has lost what came after the last byte. */
void terminal_in_lost(struct terminal *terminal);

/* Nothing has come for so long that what comes next begins a line. */
void terminal_in_pause(struct terminal *terminal);

bool terminal_in_empty(const struct terminal *terminal);

/* Takes at most `room` bytes of input; returns how many. */
uint32_t terminal_read(struct terminal *terminal, uint8_t *bytes, uint32_t room);

#endif
