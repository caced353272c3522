/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * console.c -- the client side of the console protocol.
 */
#include <brainix/console.h>

static enum bx_err
write_once(uint32_t console, uint64_t deadline, const char *bytes, uint32_t length)
{
	uint8_t string[BX_CONSOLE_STRING_MAX];
	struct bx_ipc_message message;
	struct bx_ipc_writer writer;
	struct bx_ipc_reader reader;
	enum bx_err err;

	bx_ipc_write_begin(&writer, &message, BX_CONSOLE_WRITE, string, sizeof string);
	bx_ipc_write_bytes(&writer, bytes, length);
	err = bx_ipc_write_end(&writer);
	if (err == BX_OK)
		err = bx_sys_message_call(console, deadline, &message, &message);
	if (err != BX_OK)
		return err;
	bx_ipc_read_begin(&reader, &message, BX_CONSOLE_WRITE);
	return bx_ipc_read_end(&reader);
}

/* Ticks to wait before a console that has no room is asked again: some hundreds of microseconds. */
#define RETRY_TICKS	(1u << 20)

enum bx_err
bx_console_write(uint32_t console, uint64_t deadline, const char *bytes, size_t length)
{
	while (length > 0) {
		uint32_t part = length < BX_CONSOLE_WRITE_MAX ? (uint32_t)length :
		    BX_CONSOLE_WRITE_MAX;
		enum bx_err err = write_once(console, deadline, bytes, part);

		/* No place for our request, or no slot for our reply, at present. */
		if ((err == BX_ERR_BUSY || err == BX_ERR_STATE) && bx_sys_now() < deadline) {
			bx_sys_sleep(bx_sys_now() + RETRY_TICKS);
			continue;
		}
		if (err != BX_OK)
			return err;
		bytes += part;
		length -= part;
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
	uint8_t string[BX_CONSOLE_READ_MAX + 8];
	struct bx_ipc_message message, answer = { .string = string, .string_length = sizeof string,
	    .cap_slot = BX_SLOT_NONE };
	struct bx_ipc_writer writer;
	struct bx_ipc_reader reader;
	const uint8_t *found = string;
	uint32_t found_length = 0;
	bool found_interrupt = false;
	enum bx_err err;

	bx_ipc_write_begin(&writer, &message, BX_CONSOLE_READ, NULL, 0);
	bx_ipc_write_u64(&writer, deadline);
	err = bx_ipc_write_end(&writer);
	if (err == BX_OK)
		err = bx_sys_message_call(console, later(deadline), &message, &answer);
	if (err != BX_OK)
		return err;
	bx_ipc_read_begin(&reader, &answer, BX_CONSOLE_READ);
	bx_ipc_read_bool(&reader, &found_interrupt);
	bx_ipc_read_bytes(&reader, BX_CONSOLE_READ_MAX, &found, &found_length);
	err = bx_ipc_read_end(&reader);
	if (err != BX_OK)
		return err;
	__builtin_memcpy(bytes, found, found_length);
	*length = found_length;
	*interrupt = found_interrupt;
	return BX_OK;
}

enum bx_err
bx_console_interrupt(uint32_t console, uint64_t deadline)
{
	struct bx_ipc_message message;
	struct bx_ipc_writer writer;
	struct bx_ipc_reader reader;
	enum bx_err err;

	bx_ipc_write_begin(&writer, &message, BX_CONSOLE_INTERRUPT, NULL, 0);
	bx_ipc_write_u64(&writer, deadline);
	err = bx_ipc_write_end(&writer);
	if (err == BX_OK)
		err = bx_sys_message_call(console, later(deadline), &message, &message);
	if (err != BX_OK)
		return err;
	bx_ipc_read_begin(&reader, &message, BX_CONSOLE_INTERRUPT);
	return bx_ipc_read_end(&reader);
}
