/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * writer.c -- typed fields into a message.
 */
#include <brainix/ipc.h>

#include "field.h"

void
bx_ipc_write_begin(struct bx_ipc_writer *writer, struct bx_ipc_message *message, uint64_t label,
    uint8_t *string, uint32_t string_capacity)
{
	BX_ASSERT((label & (BX_IPC_LABEL_KINDS | BX_IPC_LABEL_ZERO)) == 0);
	BX_ASSERT(string != NULL || string_capacity == 0);

	*message = (struct bx_ipc_message){
		.label = label,
		.string = string,
		.cap_slot = BX_SLOT_NONE,
	};
	*writer = (struct bx_ipc_writer){
		.message = message,
		.string_capacity = string_capacity < BX_IPC_STRING_MAX ? string_capacity :
		    BX_IPC_STRING_MAX,
		.err = BX_OK,
	};
}

/* Reserves `length` bytes at the end of the string; NULL, with the error kept, when they do not
 * fit. */
static uint8_t *
reserve(struct bx_ipc_writer *writer, uint32_t length)
{
	struct bx_ipc_message *message = writer->message;
	uint8_t *place;

	if (length > writer->string_capacity - message->string_length) {
		writer->err = BX_ERR_OVERFLOW;
		return NULL;
	}
	place = message->string + message->string_length;
	message->string_length += length;
	return place;
}

static void
write_number(struct bx_ipc_writer *writer, enum bx_ipc_kind kind, uint64_t value)
{
	uint8_t *place;

	if (writer->err != BX_OK)
		return;
	if (writer->words < BX_IPC_WORDS) {
		writer->message->word[writer->words] = value;
		writer->message->label |= BX_IPC_WORD_KIND(writer->words, kind);
		writer->words++;
		return;
	}
	place = reserve(writer, FIELD_NUMBER_SIZE);
	if (place == NULL)
		return;
	place[0] = (uint8_t)kind;
	bx_put_le64(place + FIELD_NUMBER_VALUE, value);
}

void
bx_ipc_write_u8(struct bx_ipc_writer *writer, uint8_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

void
bx_ipc_write_u16(struct bx_ipc_writer *writer, uint16_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

void
bx_ipc_write_u32(struct bx_ipc_writer *writer, uint32_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

void
bx_ipc_write_u64(struct bx_ipc_writer *writer, uint64_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

void
bx_ipc_write_i64(struct bx_ipc_writer *writer, int64_t value)
{
	write_number(writer, BX_IPC_SIGNED, (uint64_t)value);
}

void
bx_ipc_write_bool(struct bx_ipc_writer *writer, bool value)
{
	write_number(writer, BX_IPC_BOOL, value);
}

static void
write_run(struct bx_ipc_writer *writer, enum bx_ipc_kind kind, const void *bytes, uint32_t length)
{
	uint8_t *place;

	BX_ASSERT(bytes != NULL || length == 0);

	if (writer->err != BX_OK)
		return;
	if (length > BX_IPC_STRING_MAX - FIELD_RUN_HEAD) {
		writer->err = BX_ERR_OVERFLOW;
		return;
	}
	place = reserve(writer, FIELD_RUN_HEAD + length);
	if (place == NULL)
		return;
	place[0] = (uint8_t)kind;
	bx_put_le32(place + FIELD_RUN_LENGTH, length);
	if (length != 0)
		__builtin_memcpy(place + FIELD_RUN_HEAD, bytes, length);
}

void
bx_ipc_write_bytes(struct bx_ipc_writer *writer, const void *bytes, uint32_t length)
{
	write_run(writer, BX_IPC_BYTES, bytes, length);
}

void
bx_ipc_write_text(struct bx_ipc_writer *writer, const char *text, uint32_t length)
{
	if (writer->err == BX_OK && !bx_ipc_text_valid((const uint8_t *)text, length))
		writer->err = BX_ERR_FORMAT;
	write_run(writer, BX_IPC_TEXT, text, length);
}

void
bx_ipc_write_cap(struct bx_ipc_writer *writer, uint32_t slot)
{
	BX_ASSERT(slot != BX_SLOT_NONE);

	if (writer->err != BX_OK)
		return;
	if (writer->message->cap_slot != BX_SLOT_NONE) {
		writer->err = BX_ERR_EXISTS;
		return;
	}
	writer->message->cap_slot = slot;
}

enum bx_err
bx_ipc_write_end(struct bx_ipc_writer *writer)
{
	struct bx_ipc_message *message = writer->message;

	if (writer->err != BX_OK)
		*message = (struct bx_ipc_message){
			.label = message->label & ~BX_IPC_LABEL_KINDS,
			.string = message->string,
			.cap_slot = BX_SLOT_NONE,
		};
	return writer->err;
}
