/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * brainix/ipc.h -- messages and their typed fields.  Layer 1: needs base.h and abi.h.
 * Format: libipc/SPEC.md.  Invariants IPC-FMT-1..: libipc/DESIGN.md.
 *
 * A message is a label, six words that travel in registers, at most one byte string and at most
 * one capability.  The label says which method of which protocol it is, and of which kind each of
 * the words is; so one comparison of the whole label checks a message that has words only.
 *
 * Writing:	bx_ipc_write_begin, one bx_ipc_write_* a field, bx_ipc_write_end
 * Reading:	bx_ipc_read_begin, one bx_ipc_read_* a field in the same order, bx_ipc_read_end
 *
 * Numbers go into the words as long as there are some, then into the byte string; bytes and text go
 * into the byte string.  Both cursors keep the first error: later calls do nothing, and the end
 * returns it.  A message that does not hold exactly the fields that are read is refused; what
 * has been read before the refusal must not be acted on.
 *
 * This is what the stubs of the interface compiler call.  Nobody else should have to.
 */
#ifndef BRAINIX_IPC_H
#define BRAINIX_IPC_H

#include <brainix/abi.h>
#include <brainix/base.h>

/*
 * The label:
 *	bits  0..7	method			bits 32..43	kind of each word, 2 bits each
 *	bits  8..15	version			bits 44..47	0
 *	bits 16..31	protocol		bits 48..63	error (enum bx_err), 0 in a request
 */
enum bx_ipc_kind {
	BX_IPC_NOTHING = 0,		/* the word is not used, and 0 */
	BX_IPC_UNSIGNED = 1,
	BX_IPC_SIGNED = 2,
	BX_IPC_BOOL = 3,
	BX_IPC_BYTES = 4,		/* these two in the byte string only */
	BX_IPC_TEXT = 5
};

#define BX_IPC_LABEL(protocol, version, method) \
	((uint64_t)(uint16_t)(protocol) << 16 | (uint64_t)(uint8_t)(version) << 8 | \
	 (uint64_t)(uint8_t)(method))
/* To be or-ed to a label: word `index` is of `kind`. */
#define BX_IPC_WORD_KIND(index, kind)	((uint64_t)(kind) << (32 + 2 * (index)))

#define BX_IPC_LABEL_HEAD	0x00000000ffffffffull	/* protocol, version, method */
#define BX_IPC_LABEL_KINDS	0x00000fff00000000ull
#define BX_IPC_LABEL_ZERO	0x0000f00000000000ull

/*@ assigns \nothing; */
static inline uint32_t
bx_ipc_label_protocol(uint64_t label)
{
	return (uint32_t)(label >> 16) & 0xffff;
}

/*@ assigns \nothing; */
static inline uint32_t
bx_ipc_label_version(uint64_t label)
{
	return (uint32_t)(label >> 8) & 0xff;
}

/*@ assigns \nothing;
  @ ensures \result <= 0xff; */
static inline uint32_t
bx_ipc_label_method(uint64_t label)
{
	return (uint32_t)label & 0xff;
}

/* The label of an answer to `request` that carries nothing but an error (or BX_OK). */
/*@ assigns \nothing; */
static inline uint64_t
bx_ipc_label_answer(uint64_t request, enum bx_err err)
{
	return (request & BX_IPC_LABEL_HEAD) | (uint64_t)(uint16_t)(int16_t)err << 48;
}

/* The error in a label.  A number that is no error of ours, or is positive: BX_ERR_FORMAT. */
/*@ assigns \nothing; */
enum bx_err bx_ipc_label_error(uint64_t label);

/* A message in memory.  Movable; `string` belongs to the caller.  All zero bytes with cap_slot
 * BX_SLOT_NONE: an empty message. */
struct bx_ipc_message {
	uint64_t label;
	uint64_t word[BX_IPC_WORDS];
	uint8_t *string;
	uint32_t string_length;		/* used bytes of `string` */
	uint32_t cap_slot;		/* sent along or received, or BX_SLOT_NONE */
};

/* Fills a message.  Movable. */
struct bx_ipc_writer {
	struct bx_ipc_message *message;
	uint32_t string_capacity;
	uint32_t words;			/* used so far */
	enum bx_err err;		/* the first */
};

/* Starts *message afresh with `label` (protocol, version, method; error in an answer; no kinds).
 *   string, string_capacity	where bytes and text go; NULL, 0: nowhere.  At most
 *				BX_IPC_STRING_MAX of it is used. */
void bx_ipc_write_begin(struct bx_ipc_writer *writer, struct bx_ipc_message *message,
    uint64_t label, uint8_t *string, uint32_t string_capacity);

void bx_ipc_write_u8(struct bx_ipc_writer *writer, uint8_t value);
void bx_ipc_write_u16(struct bx_ipc_writer *writer, uint16_t value);
void bx_ipc_write_u32(struct bx_ipc_writer *writer, uint32_t value);
void bx_ipc_write_u64(struct bx_ipc_writer *writer, uint64_t value);
void bx_ipc_write_i64(struct bx_ipc_writer *writer, int64_t value);
void bx_ipc_write_bool(struct bx_ipc_writer *writer, bool value);
void bx_ipc_write_bytes(struct bx_ipc_writer *writer, const void *bytes, uint32_t length);
/* Text is UTF-8 without NUL; other bytes: BX_ERR_FORMAT. */
void bx_ipc_write_text(struct bx_ipc_writer *writer, const char *text, uint32_t length);
/* The capability in the writer's slot `slot` goes along.  A second one: BX_ERR_EXISTS. */
void bx_ipc_write_cap(struct bx_ipc_writer *writer, uint32_t slot);

/* Returns BX_OK: the message is complete; or the first error, and the message is empty but for its
 * label without kinds:
 *   BX_ERR_OVERFLOW	the fields do not fit the string
 *   BX_ERR_FORMAT	text that is none
 *   BX_ERR_EXISTS	a second capability */
BX_MUST_USE enum bx_err bx_ipc_write_end(struct bx_ipc_writer *writer);

/* Takes a message apart.  Movable; the message stays as it is. */
struct bx_ipc_reader {
	const struct bx_ipc_message *message;
	uint32_t words;			/* read so far */
	uint32_t offset;		/* in the string */
	bool cap_read;
	enum bx_err err;		/* the first */
};

/* Begins to read a request or an answer.  `head` is the BX_IPC_LABEL that it must have.
 * Keeps as its error
 *   BX_ERR_FORMAT	another protocol, or bits that must be zero
 *   BX_ERR_VERSION	another version of the protocol
 *   BX_ERR_NOT_FOUND	another method
 *   the label's error	an answer that says so (a request has none: bx_ipc_read_request) */
void bx_ipc_read_begin(struct bx_ipc_reader *reader, const struct bx_ipc_message *message,
    uint64_t head);

/* bx_ipc_read_begin for a server that has chosen the method by the label: a label with an error in
 * it is BX_ERR_FORMAT. */
void bx_ipc_read_request(struct bx_ipc_reader *reader, const struct bx_ipc_message *message,
    uint64_t head);

/* Each leaves *value alone and keeps, unless an error is kept already,
 *   BX_ERR_TRUNCATED	the message has no further field
 *   BX_ERR_MSG_TYPE	the next field is of another kind
 *   BX_ERR_RANGE	the number does not fit
 *   BX_ERR_FORMAT	a truth value that is neither 0 nor 1, text that is none, an unknown kind */
void bx_ipc_read_u8(struct bx_ipc_reader *reader, uint8_t *value);
void bx_ipc_read_u16(struct bx_ipc_reader *reader, uint16_t *value);
void bx_ipc_read_u32(struct bx_ipc_reader *reader, uint32_t *value);
void bx_ipc_read_u64(struct bx_ipc_reader *reader, uint64_t *value);
void bx_ipc_read_i64(struct bx_ipc_reader *reader, int64_t *value);
void bx_ipc_read_bool(struct bx_ipc_reader *reader, bool *value);
/* *bytes points into the message's string; longer than `longest`: BX_ERR_MSG_TOO_LONG. */
void bx_ipc_read_bytes(struct bx_ipc_reader *reader, uint32_t longest, const uint8_t **bytes,
    uint32_t *length);
/* The same, of UTF-8 without NUL; there is no NUL behind it. */
void bx_ipc_read_text(struct bx_ipc_reader *reader, uint32_t longest, const char **text,
    uint32_t *length);
void bx_ipc_read_cap(struct bx_ipc_reader *reader, uint32_t *slot);

/* Returns BX_OK: the message held exactly what was read; the first error; or BX_ERR_MSG_EXTRA: there
 * is more in it (words, bytes, a capability). */
BX_MUST_USE enum bx_err bx_ipc_read_end(const struct bx_ipc_reader *reader);

/* What a server knows of a request besides its fields: what the dispatch that mkipc makes is given. */
struct bx_ipc_call {
	uint64_t badge;			/* of the capability that the caller used */
	uint32_t reply;			/* what answers it, or BX_SLOT_NONE: nobody waits */
	bool kept;			/* the server has kept the reply and answers later */
};

/* Whether `length` bytes are UTF-8 (RFC 3629: shortest form, no surrogates, up to U+10FFFF) without
 * NUL. */
/*@ requires length == 0 || \valid_read(text + (0 .. length - 1));
  @ assigns \nothing; */
BX_MUST_USE bool bx_ipc_text_valid(const uint8_t *text, size_t length);

#endif
