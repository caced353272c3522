/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reader.c -- typed fields out of a message that somebody else has made.
 *
 * Everything in the message is an allegation but the string's length, which the kernel has
 * measured.  Every access to the string is behind a comparison with what is left of it.
 */
#include <brainix/ipc.h>

#include "field.h"
#include "logic.h"

/*@ assigns \nothing; */
static enum bx_err
head_check(uint64_t label, uint64_t head)
{
	if (bx_ipc_label_protocol(label) != bx_ipc_label_protocol(head))
		return BX_ERR_FORMAT;
	if ((label & BX_IPC_LABEL_ZERO) != 0)
		return BX_ERR_FORMAT;
	if (bx_ipc_label_version(label) != bx_ipc_label_version(head))
		return BX_ERR_VERSION;
	if (bx_ipc_label_method(label) != bx_ipc_label_method(head))
		return BX_ERR_NOT_FOUND;
	return BX_OK;
}

/*@ requires \valid(reader) && message_in_memory(message) && (head & ~BX_IPC_LABEL_HEAD) == 0;
  @ requires message->string != \null || message->string_length == 0;
  @ requires \separated(reader, message) &&
  @    \separated(reader, message->string + (0 .. message->string_length - 1));
  @ assigns *reader;
  @ ensures reader_sound(reader) && reader->message == message;
  @ ensures reader->words == 0 && reader->offset == 0; */
void
bx_ipc_read_begin(struct bx_ipc_reader *reader, const struct bx_ipc_message *message, uint64_t head)
{
	BX_ASSERT((head & ~BX_IPC_LABEL_HEAD) == 0);
	BX_ASSERT(message->string != NULL || message->string_length == 0);

	*reader = (struct bx_ipc_reader){
		.message = message,
		.err = head_check(message->label, head),
	};
	if (reader->err == BX_OK)
		reader->err = bx_ipc_label_error(message->label);
}

/*@ requires \valid(reader) && message_in_memory(message) && (head & ~BX_IPC_LABEL_HEAD) == 0;
  @ requires message->string != \null || message->string_length == 0;
  @ requires \separated(reader, message) &&
  @    \separated(reader, message->string + (0 .. message->string_length - 1));
  @ assigns *reader;
  @ ensures reader_sound(reader) && reader->message == message;
  @ ensures reader->words == 0 && reader->offset == 0; */
void
bx_ipc_read_request(struct bx_ipc_reader *reader, const struct bx_ipc_message *message,
    uint64_t head)
{
	bx_ipc_read_begin(reader, message, head);
	if (message->label >> 48 != 0 && head_check(message->label, head) == BX_OK)
		reader->err = BX_ERR_FORMAT;
}

/* Whether the string's next field may be read as `kind` and has at least `size` bytes left. */
/*@ requires reader_sound(reader) && size > 0;
  @ assigns \nothing;
  @ ensures \result == BX_OK ==> size <= reader->message->string_length - reader->offset; */
static enum bx_err
string_check(const struct bx_ipc_reader *reader, enum bx_ipc_kind kind, uint32_t size)
{
	uint32_t left = reader->message->string_length - reader->offset;
	uint8_t found;

	if (left == 0)
		return BX_ERR_TRUNCATED;
	found = reader->message->string[reader->offset];
	if (found == BX_IPC_NOTHING || found > BX_IPC_TEXT)
		return BX_ERR_FORMAT;
	if (found != kind)
		return BX_ERR_MSG_TYPE;
	return left < size ? BX_ERR_TRUNCATED : BX_OK;
}

/* The next number, of `kind` and at most `greatest`.  Returns whether there was one; else the error
 * is kept. */
/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures \result != 0 <==> reader->err == BX_OK;
  @ ensures \result != 0 ==> *value <= greatest;
  @ ensures \result == 0 ==> *value == \old(*value); */
static bool
read_number(struct bx_ipc_reader *reader, enum bx_ipc_kind kind, uint64_t greatest,
    uint64_t *value)
{
	const struct bx_ipc_message *message = reader->message;
	uint64_t found;

	if (reader->err != BX_OK)
		return false;
	if (reader->words < BX_IPC_WORDS) {
		uint64_t have = message->label >> (32 + 2 * reader->words) & 3;

		if (have != kind) {
			reader->err = have == BX_IPC_NOTHING ? BX_ERR_TRUNCATED : BX_ERR_MSG_TYPE;
			return false;
		}
		found = message->word[reader->words++];
	} else {
		reader->err = string_check(reader, kind, FIELD_NUMBER_SIZE);
		if (reader->err != BX_OK)
			return false;
		found = bx_get_le64(message->string + reader->offset + FIELD_NUMBER_VALUE);
		reader->offset += FIELD_NUMBER_SIZE;
	}
	if (found > greatest) {
		reader->err = kind == BX_IPC_BOOL ? BX_ERR_FORMAT : BX_ERR_RANGE;
		return false;
	}
	*value = found;
	return true;
}

/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *value == \old(*value); */
void
bx_ipc_read_u8(struct bx_ipc_reader *reader, uint8_t *value)
{
	uint64_t found;

	if (read_number(reader, BX_IPC_UNSIGNED, UINT8_MAX, &found))
		*value = (uint8_t)found;
}

/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *value == \old(*value); */
void
bx_ipc_read_u16(struct bx_ipc_reader *reader, uint16_t *value)
{
	uint64_t found;

	if (read_number(reader, BX_IPC_UNSIGNED, UINT16_MAX, &found))
		*value = (uint16_t)found;
}

/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *value == \old(*value); */
void
bx_ipc_read_u32(struct bx_ipc_reader *reader, uint32_t *value)
{
	uint64_t found;

	if (read_number(reader, BX_IPC_UNSIGNED, UINT32_MAX, &found))
		*value = (uint32_t)found;
}

/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *value == \old(*value); */
void
bx_ipc_read_u64(struct bx_ipc_reader *reader, uint64_t *value)
{
	(void)read_number(reader, BX_IPC_UNSIGNED, UINT64_MAX, value);
}

/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *value == \old(*value); */
void
bx_ipc_read_i64(struct bx_ipc_reader *reader, int64_t *value)
{
	uint64_t found;

	if (read_number(reader, BX_IPC_SIGNED, UINT64_MAX, &found))
		*value = (int64_t)found;
}

/*@ requires reader_sound(reader) && \valid(value);
  @ requires \separated(value, reader, reader->message) &&
  @    \separated(value, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *value;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *value == \old(*value); */
void
bx_ipc_read_bool(struct bx_ipc_reader *reader, bool *value)
{
	uint64_t found;

	if (read_number(reader, BX_IPC_BOOL, 1, &found))
		*value = found != 0;
}

/* The next run of bytes, as `kind`. */
/*@ requires reader_sound(reader) && \valid(bytes) && \valid(length);
  @ requires \separated(bytes, length, reader, reader->message) &&
  @    \separated(bytes, reader->message->string + (0 .. reader->message->string_length - 1)) &&
  @    \separated(length, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *bytes, *length;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err == BX_OK ==> *length <= longest &&
  @    *length <= reader->message->string_length;
  @ ensures \result != 0 ==> *bytes == reader->message->string + (reader->offset - *length) &&
  @    *length <= reader->offset - \old(reader->offset);
  @ ensures \result != 0 <==> reader->err == BX_OK;
  @ ensures \result == 0 ==> *bytes == \old(*bytes) && *length == \old(*length); */
static bool
read_run(struct bx_ipc_reader *reader, enum bx_ipc_kind kind, uint32_t longest,
    const uint8_t **bytes, uint32_t *length)
{
	const struct bx_ipc_message *message = reader->message;
	const uint8_t *field;
	uint32_t found;

	if (reader->err != BX_OK)
		return false;
	reader->err = string_check(reader, kind, FIELD_RUN_HEAD);
	if (reader->err != BX_OK)
		return false;
	field = message->string + reader->offset;
	found = bx_get_le32(field + FIELD_RUN_LENGTH);
	if (found > message->string_length - reader->offset - FIELD_RUN_HEAD)
		reader->err = BX_ERR_TRUNCATED;
	else if (found > longest)
		reader->err = BX_ERR_MSG_TOO_LONG;
	else if (kind == BX_IPC_TEXT && !bx_ipc_text_valid(field + FIELD_RUN_HEAD, found))
		reader->err = BX_ERR_FORMAT;
	if (reader->err != BX_OK)
		return false;
	reader->offset += FIELD_RUN_HEAD + found;
	*bytes = field + FIELD_RUN_HEAD;
	*length = found;
	return true;
}

/*@ requires reader_sound(reader) && \valid(bytes) && \valid(length);
  @ requires \separated(bytes, length, reader, reader->message) &&
  @    \separated(bytes, reader->message->string + (0 .. reader->message->string_length - 1)) &&
  @    \separated(length, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *bytes, *length;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err == BX_OK ==> *length <= longest &&
  @    *length <= reader->message->string_length;
  @ ensures reader->err == BX_OK ==> *bytes == reader->message->string + (reader->offset - *length) &&
  @    *length <= reader->offset - \old(reader->offset);
  @ ensures reader->err != BX_OK ==> *bytes == \old(*bytes) && *length == \old(*length); */
void
bx_ipc_read_bytes(struct bx_ipc_reader *reader, uint32_t longest, const uint8_t **bytes,
    uint32_t *length)
{
	(void)read_run(reader, BX_IPC_BYTES, longest, bytes, length);
}

/*@ requires reader_sound(reader) && \valid(text) && \valid(length);
  @ requires \separated(text, length, reader, reader->message) &&
  @    \separated(text, reader->message->string + (0 .. reader->message->string_length - 1)) &&
  @    \separated(length, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->words, reader->offset, *text, *length;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err == BX_OK ==> *length <= longest &&
  @    *length <= reader->message->string_length;
  @ ensures reader->err == BX_OK ==> *text == (char *)(reader->message->string + (reader->offset - *length)) &&
  @    *length <= reader->offset - \old(reader->offset);
  @ ensures reader->err != BX_OK ==> *text == \old(*text) && *length == \old(*length); */
void
bx_ipc_read_text(struct bx_ipc_reader *reader, uint32_t longest, const char **text,
    uint32_t *length)
{
	const uint8_t *bytes;

	if (read_run(reader, BX_IPC_TEXT, longest, &bytes, length))
		*text = (const char *)bytes;
}

/*@ requires reader_sound(reader) && \valid(slot);
  @ requires \separated(slot, reader, reader->message) &&
  @    \separated(slot, reader->message->string + (0 .. reader->message->string_length - 1));
  @ assigns reader->err, reader->cap_read, *slot;
  @ ensures reader_sound(reader) && reader_goes_on{Pre,Post}(reader);
  @ ensures reader->err != BX_OK ==> *slot == \old(*slot);
  @ ensures reader->err == BX_OK ==> *slot != BX_SLOT_NONE; */
void
bx_ipc_read_cap(struct bx_ipc_reader *reader, uint32_t *slot)
{
	if (reader->err != BX_OK)
		return;
	if (reader->message->cap_slot == BX_SLOT_NONE || reader->cap_read) {
		reader->err = BX_ERR_TRUNCATED;
		return;
	}
	reader->cap_read = true;
	*slot = reader->message->cap_slot;
}

/*@ requires reader_sound(reader);
  @ assigns \nothing;
  @ ensures reader->err != BX_OK ==> \result == reader->err;
  @ ensures \result == BX_OK ==> reader->err == BX_OK &&
  @    reader->offset == reader->message->string_length &&
  @    \forall integer i; reader->words <= i < BX_IPC_WORDS ==> reader->message->word[i] == 0; */
enum bx_err
bx_ipc_read_end(const struct bx_ipc_reader *reader)
{
	const struct bx_ipc_message *message = reader->message;

	if (reader->err != BX_OK)
		return reader->err;
	if (reader->offset != message->string_length)
		return BX_ERR_MSG_EXTRA;
	if (message->cap_slot != BX_SLOT_NONE && !reader->cap_read)
		return BX_ERR_MSG_EXTRA;
	if ((message->label & BX_IPC_LABEL_KINDS) >> (32 + 2 * reader->words) != 0)
		return BX_ERR_MSG_EXTRA;
	/* What no kind announces is empty, so that nothing travels unseen. */
	/*@ loop invariant reader->words <= i <= BX_IPC_WORDS;
	  @ loop invariant \forall integer k; reader->words <= k < i ==> message->word[k] == 0;
	  @ loop assigns i;
	  @ loop variant BX_IPC_WORDS - i; */
	for (uint32_t i = reader->words; i < BX_IPC_WORDS; i++)
		if (message->word[i] != 0)
			return BX_ERR_MSG_EXTRA;
	return BX_OK;
}
