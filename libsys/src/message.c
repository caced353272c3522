/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * message.c -- whole messages, with strings and capabilities, in one system call.
 */
#include <brainix/sys.h>

#include "message.h"

enum bx_err
bx_sys_message_call(uint32_t endpoint, uint64_t deadline, const struct bx_ipc_message *request,
    struct bx_ipc_message *answer)
{
	struct bx_ipc_buffers buffers = buffers_of(request, answer->string, answer->string_length,
	    answer->cap_slot);
	struct bx_sys_words words = words_of(request);
	struct bx_sys_origin origin;
	enum bx_err err;

	err = bx_sys_trap_buffers(BX_SYS_CALL, endpoint, 0, deadline, &buffers, &words, &origin);
	if (err == BX_OK)
		message_put(answer, &words, &origin, &buffers);
	return err;
}

enum bx_err
bx_sys_message_send(uint32_t endpoint, uint64_t deadline, const struct bx_ipc_message *message)
{
	struct bx_ipc_buffers buffers = buffers_of(message, NULL, 0, BX_SLOT_NONE);
	struct bx_sys_words words = words_of(message);
	struct bx_sys_origin origin;

	return bx_sys_trap_buffers(BX_SYS_SEND, endpoint, 0, deadline, &buffers, &words, &origin);
}
