/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_ipc.c -- fuzz target: a hostile message, read by a hostile choice of fields.
 *
 * Input: count[1] fields[count] label[8] words[48] cap[1], then the byte string.  Whatever is
 * accepted whole is written again from the values that were read, and must come out the same bit
 * for bit: the format has one form for each content (IPC-FMT-4).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/ipc.h>

#define FIELDS_MAX	32u

_Noreturn void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

/* Reads one field and writes what came. */
static void
pass_on(struct bx_ipc_reader *reader, struct bx_ipc_writer *writer, unsigned what)
{
	uint8_t u8 = 0;
	uint16_t u16 = 0;
	uint32_t u32 = 0, length = 0;
	uint64_t u64 = 0;
	int64_t i64 = 0;
	bool truth = false;
	const uint8_t *bytes = NULL;
	const char *text = NULL;

	switch (what % 9) {
	case 0: bx_ipc_read_u8(reader, &u8); bx_ipc_write_u8(writer, u8); break;
	case 1: bx_ipc_read_u16(reader, &u16); bx_ipc_write_u16(writer, u16); break;
	case 2: bx_ipc_read_u32(reader, &u32); bx_ipc_write_u32(writer, u32); break;
	case 3: bx_ipc_read_u64(reader, &u64); bx_ipc_write_u64(writer, u64); break;
	case 4: bx_ipc_read_i64(reader, &i64); bx_ipc_write_i64(writer, i64); break;
	case 5: bx_ipc_read_bool(reader, &truth); bx_ipc_write_bool(writer, truth); break;
	case 6:
		bx_ipc_read_bytes(reader, 64, &bytes, &length);
		bx_ipc_write_bytes(writer, bytes, length);
		break;
	case 7:
		bx_ipc_read_text(reader, 64, &text, &length);
		bx_ipc_write_text(writer, text, length);
		break;
	case 8:
		bx_ipc_read_cap(reader, &u32);
		if (reader->err == BX_OK)
			bx_ipc_write_cap(writer, u32);
		break;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t again_string[BX_IPC_STRING_MAX];
	struct bx_ipc_message message = { .cap_slot = BX_SLOT_NONE }, again;
	struct bx_ipc_reader reader;
	struct bx_ipc_writer writer;
	const uint8_t *fields;
	size_t count;

	if (size < 1)
		return 0;
	count = data[0] % FIELDS_MAX;
	fields = data + 1;
	if (size < 1 + count + 57)
		return 0;
	data += 1 + count;
	size -= 1 + count + 57;
	message.label = bx_get_le64(data);
	for (unsigned i = 0; i < BX_IPC_WORDS; i++)
		message.word[i] = bx_get_le64(data + 8 + 8 * i);
	if (data[56] < 128)
		message.cap_slot = data[56];
	data += 57;
	if (size > BX_IPC_STRING_MAX)
		return 0;
	message.string_length = (uint32_t)size;
	message.string = malloc(size + 1);
	if (message.string == NULL)
		return 0;
	memcpy(message.string, data, size);

	bx_ipc_read_begin(&reader, &message, message.label & BX_IPC_LABEL_HEAD);
	bx_ipc_write_begin(&writer, &again, message.label & BX_IPC_LABEL_HEAD, again_string,
	    sizeof again_string);
	for (size_t i = 0; i < count; i++)
		pass_on(&reader, &writer, fields[i]);
	if (bx_ipc_read_end(&reader) == BX_OK) {
		if (bx_ipc_write_end(&writer) != BX_OK || again.label != message.label ||
		    memcmp(again.word, message.word, sizeof again.word) != 0 ||
		    again.cap_slot != message.cap_slot ||
		    again.string_length != message.string_length ||
		    memcmp(again_string, message.string, size) != 0)
			abort();
	}
	free(message.string);
	return 0;
}
