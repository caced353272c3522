/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * lex.c -- the words of an interface file: names, numbers, marks.  '#' begins a comment that ends with
 * its line; comment lines that end right above a word are its documentation.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "mkipc.h"

void
fail(const char *file, unsigned line, const char *format, ...)
{
	va_list arguments;

	fprintf(stderr, "%s:%u: error: ", file, line);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

void
lex_begin(struct lexer *lexer, const char *file, const char *bytes, size_t length)
{
	*lexer = (struct lexer){ .file = file, .at = bytes, .end = bytes + length, .line = 1 };
	for (const char *at = bytes; at < lexer->end; at++) {
		lexer->line += *at == '\n';
		if ((unsigned char)*at >= 0x7f || ((unsigned char)*at < ' ' && *at != '\n' && *at != '\t'))
			fail(file, lexer->line, "byte 0x%02x: only ASCII text, tabs and newlines may stand here",
			    (unsigned char)*at);
	}
	lexer->line = 1;
	lex_next(lexer);
}

/* Skips blanks and comments; *doc is the last block of comment lines if no empty line follows it.
 *   newlines	since the last comment or word: 0 right behind a word, 1 at the start of a line */
static void
skip(struct lexer *lexer, unsigned newlines, struct text *doc)
{
	*doc = (struct text){ .at = lexer->at };
	while (lexer->at < lexer->end) {
		if (*lexer->at == '#') {
			const char *start = lexer->at;

			while (lexer->at < lexer->end && *lexer->at != '\n')
				lexer->at++;
			/* A comment behind a word documents nothing. */
			if (newlines == 0)
				continue;
			if (newlines > 1 || doc->length == 0)
				doc->at = start;
			doc->length = (unsigned)(lexer->at - doc->at);
			newlines = 0;
		} else if (*lexer->at == '\n') {
			lexer->line++;
			lexer->at++;
			newlines++;
		} else if (*lexer->at == ' ' || *lexer->at == '\t') {
			lexer->at++;
		} else {
			break;
		}
	}
	if (newlines > 1)
		doc->length = 0;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static void
lex_number(struct lexer *lexer)
{
	struct word *word = &lexer->word;
	unsigned base = 10;
	const char *digits;

	if (lexer->end - lexer->at > 2 && lexer->at[0] == '0' && lexer->at[1] == 'x') {
		base = 16;
		lexer->at += 2;
	}
	digits = lexer->at;
	word->kind = WORD_NUMBER;
	for (; lexer->at < lexer->end && (is_letter(*lexer->at) || is_digit(*lexer->at)); lexer->at++) {
		const char *set = "0123456789abcdef", *found = strchr(set, *lexer->at);

		if (found == NULL || (unsigned)(found - set) >= base)
			fail(lexer->file, lexer->line, "'%c' in a number", *lexer->at);
		if (__builtin_mul_overflow(word->value, base, &word->value) ||
		    __builtin_add_overflow(word->value, (uint64_t)(found - set), &word->value))
			fail(lexer->file, lexer->line, "a number above 64 bits");
	}
	if (lexer->at == digits)
		fail(lexer->file, lexer->line, "0x without digits");
}

void
lex_next(struct lexer *lexer)
{
	struct word *word = &lexer->word;
	bool first = word->text.at == NULL;

	*word = (struct word){ .kind = WORD_END };
	skip(lexer, first ? 1 : 0, &word->doc);
	word->line = lexer->line;
	word->text.at = lexer->at;
	if (lexer->at == lexer->end)
		return;
	if (is_digit(*lexer->at)) {
		lex_number(lexer);
	} else if (is_letter(*lexer->at)) {
		word->kind = WORD_NAME;
		while (lexer->at < lexer->end && (is_letter(*lexer->at) || is_digit(*lexer->at)))
			lexer->at++;
	} else if (lexer->end - lexer->at > 1 && lexer->at[0] == '-' && lexer->at[1] == '>') {
		word->kind = WORD_MARK;
		lexer->at += 2;
	} else if (strchr("{}();,=", *lexer->at) != NULL) {
		word->kind = WORD_MARK;
		lexer->at++;
	} else {
		fail(lexer->file, lexer->line, "'%c' means nothing here", *lexer->at);
	}
	word->text.length = (unsigned)(lexer->at - word->text.at);
}
