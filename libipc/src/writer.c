/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * writer.c -- typed fields into a message.
 */
#include <brainix/ipc.h>

#include "field.h"
#include "logic.h"

/*@ requires \valid(writer) && \valid(message) && \separated(writer, message);
  @ requires (label & (BX_IPC_LABEL_KINDS | BX_IPC_LABEL_ZERO)) == 0;
  @ requires string != \null || string_capacity == 0;
  @ requires string_capacity != 0 ==> \valid(string + (0 .. string_capacity - 1));
  @ requires \separated(writer, string + (0 .. string_capacity - 1)) &&
  @    \separated(message, string + (0 .. string_capacity - 1));
  @ assigns *writer, *message;
  @ ensures writer_sound(writer) && writer->message == message && message->string == string;
  @ ensures writer->words == 0 && message->string_length == 0 && writer->err == BX_OK; */
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
/*@ requires writer_sound(writer) && length > 0 && writer->err == BX_OK;
  @ assigns writer->err, writer->message->string_length;
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer);
  @ ensures \result == \null ==> writer->err == BX_ERR_OVERFLOW &&
  @    writer->message->string_length == \old(writer->message->string_length);
  @ ensures \result != \null ==> writer->err == BX_OK &&
  @    \result == writer->message->string + \old(writer->message->string_length) &&
  @    writer->message->string_length == \old(writer->message->string_length) + length; */
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

/*@ requires writer_sound(writer) && 0 <= kind <= 3;
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
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

/*@ requires writer_sound(writer);
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_u8(struct bx_ipc_writer *writer, uint8_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

/*@ requires writer_sound(writer);
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_u16(struct bx_ipc_writer *writer, uint16_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

/*@ requires writer_sound(writer);
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_u32(struct bx_ipc_writer *writer, uint32_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

/*@ requires writer_sound(writer);
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_u64(struct bx_ipc_writer *writer, uint64_t value)
{
	write_number(writer, BX_IPC_UNSIGNED, value);
}

/*@ requires writer_sound(writer);
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_i64(struct bx_ipc_writer *writer, int64_t value)
{
	write_number(writer, BX_IPC_SIGNED, (uint64_t)value);
}

/*@ requires writer_sound(writer);
  @ assigns writer->err, writer->words, writer->message->string_length, writer->message->label,
  @    writer->message->word[0 .. BX_IPC_WORDS - 1],
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_bool(struct bx_ipc_writer *writer, bool value)
{
	write_number(writer, BX_IPC_BOOL, value);
}

/*@ requires writer_sound(writer) && 0 <= kind <= BX_IPC_TEXT;
  @ requires bytes != \null || length == 0;
  @ requires length != 0 ==> \valid_read((uint8_t *)bytes + (0 .. length - 1));
  @ requires \separated((uint8_t *)bytes + (0 .. length - 1), writer, writer->message,
  @    writer->message->string + (0 .. writer->string_capacity - 1));
  @ assigns writer->err, writer->message->string_length,
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
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

/*@ requires writer_sound(writer);
  @ requires bytes != \null || length == 0;
  @ requires length != 0 ==> \valid_read((uint8_t *)bytes + (0 .. length - 1));
  @ requires \separated((uint8_t *)bytes + (0 .. length - 1), writer, writer->message,
  @    writer->message->string + (0 .. writer->string_capacity - 1));
  @ assigns writer->err, writer->message->string_length,
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_bytes(struct bx_ipc_writer *writer, const void *bytes, uint32_t length)
{
	write_run(writer, BX_IPC_BYTES, bytes, length);
}

/*@ requires writer_sound(writer);
  @ requires text != \null || length == 0;
  @ requires length != 0 ==> \valid_read((uint8_t *)text + (0 .. length - 1));
  @ requires \separated((uint8_t *)text + (0 .. length - 1), writer, writer->message,
  @    writer->message->string + (0 .. writer->string_capacity - 1));
  @ assigns writer->err, writer->message->string_length,
  @    writer->message->string[0 .. writer->string_capacity - 1];
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
void
bx_ipc_write_text(struct bx_ipc_writer *writer, const char *text, uint32_t length)
{
	if (writer->err == BX_OK && !bx_ipc_text_valid((const uint8_t *)text, length))
		writer->err = BX_ERR_FORMAT;
	write_run(writer, BX_IPC_TEXT, text, length);
}

/*@ requires writer_sound(writer) && slot != BX_SLOT_NONE;
  @ assigns writer->err, writer->message->cap_slot;
  @ ensures writer_sound(writer) && writer_goes_on{Pre,Post}(writer); */
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

/*@ requires writer_sound(writer);
  @ assigns *writer->message;
  @ ensures \result == writer->err; */
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
