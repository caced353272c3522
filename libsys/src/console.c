/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * console.c -- the console for its clients: as many messages as it takes, and another try when the console
 * has no room at present.
 */
#include <brainix/console.h>

#include "console-client.h"

BX_STATIC_ASSERT(BX_CONSOLE_READ_MAX == BX_IF_CONSOLE_READ_MAX, "one read, one answer");

/* Ticks to wait before a console that has no room is asked again: some hundreds of microseconds. */
#define RETRY_TICKS	(1u << 20)

enum bx_err
bx_console_write(uint32_t console, uint64_t deadline, const char *bytes, size_t length)
{
	uint8_t string[BX_IF_CONSOLE_WRITE_STRING_MAX];

	while (length > 0) {
		struct bx_if_console_write_request request = { (const uint8_t *)bytes,
		    length < BX_IF_CONSOLE_WRITE_MAX ? (uint32_t)length : BX_IF_CONSOLE_WRITE_MAX };
		enum bx_err err = bx_if_console_write(console, deadline, &request, string, sizeof string);

		/* No place for our request, or no slot for our reply, at present. */
		if ((err == BX_ERR_BUSY || err == BX_ERR_STATE) && bx_sys_now() < deadline) {
			bx_sys_sleep(bx_sys_now() + RETRY_TICKS);
			continue;
		}
		if (err != BX_OK)
			return err;
		bytes += request.data_length;
		length -= request.data_length;
	}
	return BX_OK;
}

/* The console answers by the deadline in the message; the call itself may take a little longer, so
 * that it is the console that decides. */
static uint64_t
later(uint64_t deadline)
{
	uint64_t more = BX_DEADLINE_FAR / 1024;

	return deadline < UINT64_MAX - more ? deadline + more : UINT64_MAX;
}

enum bx_err
bx_console_read(uint32_t console, uint64_t deadline, uint8_t *bytes, uint32_t *length,
    bool *interrupt)
{
	uint8_t string[BX_IF_CONSOLE_READ_STRING_MAX];
	struct bx_if_console_read_answer answer;
	enum bx_err err = bx_if_console_read(console, later(deadline),
	    &(struct bx_if_console_read_request){ .deadline = deadline }, string, sizeof string, &answer);

	if (err != BX_OK)
		return err;
	if (answer.data_length > 0)
		__builtin_memcpy(bytes, answer.data, answer.data_length);
	*length = answer.data_length;
	*interrupt = answer.interrupt;
	return BX_OK;
}

enum bx_err
bx_console_interrupt(uint32_t console, uint64_t deadline)
{
	return bx_if_console_interrupt(console, later(deadline),
	    &(struct bx_if_console_interrupt_request){ .deadline = deadline });
}
