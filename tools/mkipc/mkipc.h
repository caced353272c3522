/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mkipc.h -- mkipc: compiles an interface file to stubs.  Language: mkipc(1).
 *
 *	text -> lex.c (words) -> parse.c (struct interface) -> emit_*.c (files)
 *
 * All memory is in struct interface; texts point into the file's bytes, which stay.
 */
#ifndef MKIPC_H
#define MKIPC_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define METHODS_MAX	255
#define FIELDS_MAX	16		/* of one message */
#define NUMBERS_MAX	64		/* constants and badges */
#define NAME_LENGTH_MAX	31

/* A run of the file's bytes. */
struct text {
	const char *at;
	unsigned length;
};

enum field_type { U8, U16, U32, U64, I64, BOOL, BYTES, TEXT, CAP };

struct field {
	enum field_type type;
	struct text name;
	uint32_t longest;		/* BYTES, TEXT */
};

/* The fields of a request or an answer. */
struct message {
	struct field fields[FIELDS_MAX];
	unsigned count;
	uint32_t string_max;		/* bytes of the longest byte string that can be */
	bool has_cap;
};

struct number {
	struct text name, doc;
	struct text written;		/* the value as the file writes it */
	uint64_t value;
	bool badge;			/* bits of a badge, else a constant */
};

struct method {
	struct text name, doc;
	unsigned number;
	struct message request, answer;
	uint64_t badge;			/* bits that the caller's badge must have */
	bool later;			/* the server may keep the reply */
	bool send;			/* may be sent without waiting for an answer */
};

struct interface {
	const char *file;
	struct text name, doc;
	unsigned protocol, version;
	struct number numbers[NUMBERS_MAX];
	unsigned number_count;
	struct method methods[METHODS_MAX];
	unsigned method_count;
};

/* ---- lex.c: words of the language ------------------------------------------------------------- */

enum word_kind { WORD_NAME, WORD_NUMBER, WORD_MARK, WORD_END };

struct word {
	enum word_kind kind;
	struct text text;
	uint64_t value;			/* WORD_NUMBER */
	unsigned line;
	struct text doc;		/* the comment lines right above it */
};

struct lexer {
	const char *file;
	const char *at, *end;
	unsigned line;
	struct word word;		/* the present one */
};

/* "FILE:LINE: error: message" on standard error, and the program ends with status 1. */
void fail(const char *file, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4), noreturn));

void lex_begin(struct lexer *lexer, const char *file, const char *bytes, size_t length);
/* The next word becomes the present one.  Fails on what is none. */
void lex_next(struct lexer *lexer);

/* ---- parse.c ---------------------------------------------------------------------------------- */

/* Fails on the first mistake. */
void interface_parse(struct interface *interface, const char *file, const char *bytes,
    size_t length);

/* ---- emit_*.c --------------------------------------------------------------------------------- */

struct names {
	const char *prefix;		/* of all that is made: "bx_" */
	const char *header;		/* what the others include */
};

void emit_header(FILE *out, const struct interface *interface, const struct names *names);
void emit_source(FILE *out, const struct interface *interface, const struct names *names);
void emit_client(FILE *out, const struct interface *interface, const struct names *names);
void emit_fuzz(FILE *out, const struct interface *interface, const struct names *names);
void emit_page(FILE *out, const struct interface *interface, const struct names *names);

/* ---- emit.c: what they share ------------------------------------------------------------------ */

/*
 * Writes `format`, in which
 *	@p	prefix			@P	the same in capitals
 *	@i	interface		@I	the same in capitals
 *	@m	method			@M	the same in capitals
 *	@k	"request" or "answer"	@f	field
 *	@@	@
 * and everything else stands for itself: % too.
 */
struct place {
	const struct interface *interface;
	const struct names *names;
	const struct method *method;
	const char *kind;
	const struct field *field;
};
void put(FILE *out, const struct place *place, const char *format);
/* A comment of the file, each line behind `before`. */
void put_doc(FILE *out, struct text doc, const char *before);
/* The first lines of a file: what it is, made by whom. */
void put_top(FILE *out, const struct interface *interface, const char *what);

/* Whether a message needs no byte string and no capability: all its fields are in registers. */
bool message_in_words(const struct message *message);
/* "uint32_t ", "const char *": the C type of a field, with what stands before its name. */
const char *field_c_type(enum field_type type);
/* "u32": as in the language, and in bx_ipc_read_u32. */
const char *field_type_name(enum field_type type);
bool field_has_length(enum field_type type);
/* The kinds of a message's words, to be or-ed to its label. */
uint64_t message_kinds(const struct message *message);

#endif
