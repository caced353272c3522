/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * parse.c -- an interface file, by recursive descent without recursion: the language has no nesting.
 *
 *	file	= "interface" NAME "protocol" NUMBER "version" NUMBER "{" { item } "}"
 *	item	= "const" NAME "=" NUMBER ";"
 *		| "badge" NAME "=" NUMBER ";"
 *		| "method" NAME "=" NUMBER message [ "->" message ] { rule } ";"
 *	message	= "(" [ field { "," field } ] ")"
 *	field	= TYPE NAME [ "max" ( NUMBER | NAME ) ]
 *	rule	= "requires" NAME | "later" | "send"
 */
#include <string.h>

#include "mkipc.h"

/* A number in the byte string: kind and eight bytes.  Of bytes and text: kind and length.  SPEC.md. */
#define STRING_NUMBER	9u
#define STRING_HEAD	5u
#define STRING_MAX	65536u
#define WORDS		6u

static bool
text_is(struct text text, const char *word)
{
	return strlen(word) == text.length && memcmp(text.at, word, text.length) == 0;
}

static bool
text_same(struct text a, struct text b)
{
	return a.length == b.length && memcmp(a.at, b.at, a.length) == 0;
}

static void
expected(const struct lexer *lexer, const char *what)
{
	if (lexer->word.kind == WORD_END)
		fail(lexer->file, lexer->word.line, "%s expected, and the file ends", what);
	fail(lexer->file, lexer->word.line, "%s expected, not \"%.*s\"", what,
	    (int)lexer->word.text.length, lexer->word.text.at);
}

static bool
at(const struct lexer *lexer, const char *word)
{
	return lexer->word.kind != WORD_END && text_is(lexer->word.text, word);
}

static void
take(struct lexer *lexer, const char *word)
{
	char what[NAME_LENGTH_MAX + 3];

	if (!at(lexer, word)) {
		snprintf(what, sizeof what, "\"%s\"", word);
		expected(lexer, what);
	}
	lex_next(lexer);
}

static bool
take_if(struct lexer *lexer, const char *word)
{
	bool found = at(lexer, word);

	if (found)
		lex_next(lexer);
	return found;
}

static uint64_t
take_number(struct lexer *lexer, const char *what, uint64_t least, uint64_t most)
{
	uint64_t value = lexer->word.value;

	if (lexer->word.kind != WORD_NUMBER)
		expected(lexer, "a number");
	if (value < least || value > most)
		fail(lexer->file, lexer->word.line, "%s is %llu, and must be %llu to %llu", what,
		    (unsigned long long)value, (unsigned long long)least, (unsigned long long)most);
	lex_next(lexer);
	return value;
}

/* What C and C++ would read as something else. */
static bool
is_keyword(struct text name)
{
	static const char *const words[] = { "alignas", "alignof", "and", "asm", "auto", "bool",
	    "break", "case", "catch", "char", "class", "const", "continue", "default", "delete", "do",
	    "double", "else", "enum", "explicit", "export", "extern", "false", "float", "for",
	    "friend", "goto", "if", "inline", "int", "long", "mutable", "namespace", "new", "not",
	    "operator", "or", "private", "protected", "public", "register", "restrict", "return",
	    "short", "signed", "sizeof", "static", "struct", "switch", "template", "this", "throw",
	    "true", "try", "typedef", "typename", "typeof", "union", "unsigned", "using", "virtual",
	    "void", "volatile", "while", "xor" };

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (text_is(name, words[i]))
			return true;
	return false;
}

/* A name in small letters, or, of constants and badges, in capitals. */
static struct text
take_name(struct lexer *lexer, const char *what, bool capitals)
{
	struct text name = lexer->word.text;

	if (lexer->word.kind != WORD_NAME)
		expected(lexer, what);
	if (name.length > NAME_LENGTH_MAX)
		fail(lexer->file, lexer->word.line, "\"%.*s\" is longer than %d characters",
		    (int)name.length, name.at, NAME_LENGTH_MAX);
	for (unsigned i = 0; i < name.length; i++)
		if (capitals ? name.at[i] >= 'a' && name.at[i] <= 'z' :
		    name.at[i] >= 'A' && name.at[i] <= 'Z')
			fail(lexer->file, lexer->word.line, "\"%.*s\": %s is written in %s letters",
			    (int)name.length, name.at, what, capitals ? "capital" : "small");
	if (name.at[0] == '_')
		fail(lexer->file, lexer->word.line, "\"%.*s\": %s begins with a letter",
		    (int)name.length, name.at, what);
	if (is_keyword(name))
		fail(lexer->file, lexer->word.line, "\"%.*s\" is a word of C", (int)name.length, name.at);
	lex_next(lexer);
	return name;
}

static const struct number *
number_find(const struct interface *interface, struct text name, bool badge)
{
	for (unsigned i = 0; i < interface->number_count; i++)
		if (interface->numbers[i].badge == badge && text_same(interface->numbers[i].name, name))
			return &interface->numbers[i];
	return NULL;
}

static void
parse_number(struct interface *interface, struct lexer *lexer, bool badge)
{
	struct number *number = &interface->numbers[interface->number_count];
	const char *what = badge ? "a badge" : "a constant";
	unsigned line = lexer->word.line;

	if (interface->number_count == NUMBERS_MAX)
		fail(lexer->file, line, "more than %d constants and badges", NUMBERS_MAX);
	*number = (struct number){ .doc = lexer->word.doc, .badge = badge };
	lex_next(lexer);
	line = lexer->word.line;
	number->name = take_name(lexer, what, true);
	for (unsigned i = 0; i < interface->number_count; i++)
		if (text_same(interface->numbers[i].name, number->name))
			fail(lexer->file, line, "\"%.*s\" is there already", (int)number->name.length,
			    number->name.at);
	take(lexer, "=");
	number->written = lexer->word.text;
	number->value = take_number(lexer, what, badge ? 1 : 0, UINT64_MAX);
	take(lexer, ";");
	interface->number_count++;
}

static enum field_type
take_type(struct lexer *lexer)
{
	for (enum field_type type = U8; type <= CAP; type++)
		if (at(lexer, field_type_name(type))) {
			lex_next(lexer);
			return type;
		}
	expected(lexer, "a type (u8 u16 u32 u64 i64 bool bytes text cap)");
	return CAP;
}

/* "max 512" or "max NAME" behind bytes and text. */
static uint32_t
take_longest(const struct interface *interface, struct lexer *lexer)
{
	unsigned line = lexer->word.line;
	uint64_t value;

	take(lexer, "max");
	if (lexer->word.kind == WORD_NAME) {
		struct text name = take_name(lexer, "a constant", true);
		const struct number *number = number_find(interface, name, false);

		if (number == NULL)
			fail(lexer->file, line, "there is no constant \"%.*s\"", (int)name.length, name.at);
		value = number->value;
	} else {
		value = take_number(lexer, "the longest", 0, UINT64_MAX);
	}
	if (value < 1 || value > STRING_MAX - STRING_HEAD)
		fail(lexer->file, line, "the longest is %llu, and must be 1 to %u",
		    (unsigned long long)value, STRING_MAX - STRING_HEAD);
	return (uint32_t)value;
}

/* C names that a field brings: its own, and NAME_length of bytes and text. */
static bool
fields_clash(const struct field *a, const struct field *b)
{
	const struct field *shorter = a->name.length < b->name.length ? a : b;
	const struct field *longer = shorter == a ? b : a;
	const unsigned tail = sizeof "_length" - 1;

	if (text_same(a->name, b->name))
		return true;
	return field_has_length(shorter->type) &&
	    longer->name.length == shorter->name.length + tail &&
	    memcmp(longer->name.at, shorter->name.at, shorter->name.length) == 0 &&
	    memcmp(longer->name.at + shorter->name.length, "_length", tail) == 0;
}

static void
parse_field(const struct interface *interface, struct lexer *lexer, struct message *message)
{
	struct field *field = &message->fields[message->count];
	unsigned line = lexer->word.line;

	if (message->count == FIELDS_MAX)
		fail(lexer->file, line, "more than %d fields", FIELDS_MAX);
	*field = (struct field){ .type = take_type(lexer) };
	field->name = take_name(lexer, "a field", false);
	for (unsigned i = 0; i < message->count; i++)
		if (fields_clash(&message->fields[i], field))
			fail(lexer->file, line, "\"%.*s\" is there already", (int)field->name.length,
			    field->name.at);
	if (field->type == CAP) {
		if (message->has_cap)
			fail(lexer->file, line, "a message carries one capability at most");
		message->has_cap = true;
	}
	if (field_has_length(field->type))
		field->longest = take_longest(interface, lexer);
	message->count++;
}

static void
parse_message(const struct interface *interface, struct lexer *lexer, struct message *message)
{
	unsigned line = lexer->word.line, words = 0;
	uint64_t length = 0;

	take(lexer, "(");
	if (!at(lexer, ")"))
		do
			parse_field(interface, lexer, message);
		while (take_if(lexer, ","));
	take(lexer, ")");
	for (unsigned i = 0; i < message->count; i++) {
		const struct field *field = &message->fields[i];

		if (field_has_length(field->type))
			length += STRING_HEAD + field->longest;
		else if (field->type != CAP && words++ >= WORDS)
			length += STRING_NUMBER;
	}
	if (length > STRING_MAX)
		fail(lexer->file, line, "the byte string may become %llu bytes long; %u is the most",
		    (unsigned long long)length, STRING_MAX);
	message->string_max = (uint32_t)length;
}

static void
parse_rules(const struct interface *interface, struct lexer *lexer, struct method *method)
{
	while (!at(lexer, ";")) {
		unsigned line = lexer->word.line;

		if (take_if(lexer, "requires")) {
			struct text name = take_name(lexer, "a badge", true);
			const struct number *badge = number_find(interface, name, true);

			if (badge == NULL)
				fail(lexer->file, line, "there is no badge \"%.*s\"", (int)name.length,
				    name.at);
			method->badge |= badge->value;
		} else if (take_if(lexer, "later")) {
			method->later = true;
		} else if (take_if(lexer, "send")) {
			method->send = true;
		} else {
			expected(lexer, "\"requires\", \"later\", \"send\" or \";\"");
		}
	}
	if (method->send && method->answer.count > 0)
		fail(lexer->file, lexer->word.line,
		    "\"%.*s\" has an answer with fields: who sends it would not get them",
		    (int)method->name.length, method->name.at);
}

static bool
text_ends(struct text text, const char *tail)
{
	size_t length = strlen(tail);

	return text.length >= length && memcmp(text.at + text.length - length, tail, length) == 0;
}

/* A name and a number of its own; and no function of ours may get the name of its stub. */
static void
method_check(const struct interface *interface, const struct lexer *lexer,
    const struct method *method, unsigned line)
{
	static const char *const ours[] = { "_send", "_request_read", "_request_write",
	    "_answer_read", "_answer_write" };

	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		if (text_is(method->name, "dispatch") || text_is(method->name, "protocol") ||
		    text_is(method->name, "version") || text_ends(method->name, ours[i]))
			fail(lexer->file, line, "\"%.*s\" is a name of mkipc's own",
			    (int)method->name.length, method->name.at);
	for (const struct method *other = interface->methods; other < method; other++) {
		if (text_same(other->name, method->name))
			fail(lexer->file, line, "\"%.*s\" is there already", (int)method->name.length,
			    method->name.at);
		if (other->number == method->number)
			fail(lexer->file, line, "%u is the number of \"%.*s\" already", method->number,
			    (int)other->name.length, other->name.at);
	}
}

static void
parse_method(struct interface *interface, struct lexer *lexer)
{
	struct method *method = &interface->methods[interface->method_count];
	unsigned line = lexer->word.line;

	if (interface->method_count == METHODS_MAX)
		fail(lexer->file, line, "more than %d methods", METHODS_MAX);
	*method = (struct method){ .doc = lexer->word.doc };
	lex_next(lexer);
	line = lexer->word.line;
	method->name = take_name(lexer, "a method", false);
	take(lexer, "=");
	method->number = (unsigned)take_number(lexer, "the number of a method", 1, METHODS_MAX);
	method_check(interface, lexer, method, line);
	parse_message(interface, lexer, &method->request);
	if (take_if(lexer, "->"))
		parse_message(interface, lexer, &method->answer);
	parse_rules(interface, lexer, method);
	take(lexer, ";");
	interface->method_count++;
}

/* The same but for capitals. */
static bool
text_alike(struct text capitals, struct text small)
{
	if (capitals.length != small.length)
		return false;
	for (unsigned i = 0; i < small.length; i++) {
		char c = small.at[i];

		if (capitals.at[i] != (c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c))
			return false;
	}
	return true;
}

/* A macro of each constant, badge and method: none may be another's, or one that mkipc makes. */
static void
numbers_check(const struct interface *interface, const struct lexer *lexer)
{
	for (unsigned i = 0; i < interface->number_count; i++) {
		struct text name = interface->numbers[i].name;

		if (text_is(name, "PROTOCOL") || text_is(name, "VERSION") || text_is(name, "IPC_H") ||
		    text_ends(name, "STRING_MAX"))
			fail(lexer->file, lexer->word.line, "\"%.*s\" is a name of mkipc's own",
			    (int)name.length, name.at);
		for (unsigned j = 0; j < interface->method_count; j++)
			if (text_alike(name, interface->methods[j].name))
				fail(lexer->file, lexer->word.line, "\"%.*s\" is the name of a method too",
				    (int)name.length, name.at);
	}
}

void
interface_parse(struct interface *interface, const char *file, const char *bytes, size_t length)
{
	struct lexer lexer;

	lex_begin(&lexer, file, bytes, length);
	*interface = (struct interface){ .file = file, .doc = lexer.word.doc };
	take(&lexer, "interface");
	interface->name = take_name(&lexer, "an interface", false);
	take(&lexer, "protocol");
	interface->protocol = (unsigned)take_number(&lexer, "the protocol", 1, 65535);
	take(&lexer, "version");
	interface->version = (unsigned)take_number(&lexer, "the version", 1, 255);
	take(&lexer, "{");
	while (!at(&lexer, "}")) {
		if (at(&lexer, "const"))
			parse_number(interface, &lexer, false);
		else if (at(&lexer, "badge"))
			parse_number(interface, &lexer, true);
		else if (at(&lexer, "method"))
			parse_method(interface, &lexer);
		else
			expected(&lexer, "\"const\", \"badge\", \"method\" or \"}\"");
	}
	if (interface->method_count == 0)
		fail(file, lexer.word.line, "an interface without methods");
	numbers_check(interface, &lexer);
	lex_next(&lexer);
	if (lexer.word.kind != WORD_END)
		expected(&lexer, "the end of the file");
}
