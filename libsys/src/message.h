/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * message.h -- a message in memory and the same message in registers.  Internal to libsys.
 */
#ifndef BRAINIX_SYS_MESSAGE_H
#define BRAINIX_SYS_MESSAGE_H

#include <brainix/sys.h>

static inline struct bx_sys_words
words_of(const struct bx_ipc_message *message)
{
	struct bx_sys_words words = { .label = message->label };

	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		words.word[i] = message->word[i];
	return words;
}

/* What goes out with *message, and where what comes back may go. */
static inline struct bx_ipc_buffers
buffers_of(const struct bx_ipc_message *message, uint8_t *receive, uint32_t receive_capacity,
    uint32_t receive_slot)
{
	return (struct bx_ipc_buffers){
		.send_address = (uint64_t)(uintptr_t)message->string,
		.send_length = message->string_length,
		.send_slot = message->cap_slot,
		.receive_address = (uint64_t)(uintptr_t)receive,
		.receive_capacity = receive_capacity,
		.receive_slot = receive_slot,
	};
}

/* What came back. */
static inline void
message_put(struct bx_ipc_message *message, const struct bx_sys_words *words,
    const struct bx_sys_origin *origin, const struct bx_ipc_buffers *buffers)
{
	message->label = words->label;
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		message->word[i] = words->word[i];
	message->string = (uint8_t *)(uintptr_t)buffers->receive_address;
	message->string_length = bx_sys_origin_length(origin);
	message->cap_slot = (origin->info & BX_IPC_INFO_CAP) != 0 ? buffers->receive_slot :
	    BX_SLOT_NONE;
}

#endif
