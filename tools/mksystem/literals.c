/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * literals.c -- what libconfig would read as something else than what stands there, found in the text of the
 * manifest and of all that it includes:
 *
 *	4294967300	without the suffix L is cut to 32 bits: 4
 *	010		is octal: 8
 *	"a\x00b"	loses the NUL: "ab"
 *	@include "."	of a folder ends the program
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "mksystem.h"

#define DEPTH_MAX	10u		/* of files in files: libconfig's own limit, MAX_INCLUDE_DEPTH */
#define WORD_MAX	64u
#define PATH_LENGTH_MAX	4096u

struct scan {
	FILE *file;
	const char *path;
	unsigned line, depth;
	struct diagnostics *diagnostics;
};

static bool file_check(const char *path, unsigned depth, struct diagnostics *diagnostics);

static void
scan_complain(const struct scan *scan, const char *format, ...)
{
	va_list arguments;

	fprintf(scan->diagnostics->out, "%s:%u: error: ", scan->path, scan->line);
	va_start(arguments, format);
	vfprintf(scan->diagnostics->out, format, arguments);
	va_end(arguments);
	fputc('\n', scan->diagnostics->out);
	scan->diagnostics->errors++;
}

static int
next(struct scan *scan)
{
	int c = getc(scan->file);

	if (c == '\n')
		scan->line++;
	return c;
}

static void
skip_line(struct scan *scan)
{
	int c;

	do
		c = next(scan);
	while (c != '\n' && c != EOF);
}

/* Behind \x: two digits, which must not be those of NUL. */
static void
escape(struct scan *scan)
{
	int c = getc(scan->file);

	if (c == '0') {
		c = getc(scan->file);
		if (c == '0') {
			scan_complain(scan, "a string has the character \\x00, which would be lost");
			return;
		}
	}
	if (c != EOF)
		ungetc(c, scan->file);
}

/* A string, whose first quote has been read; in `text` stands what has room of it, without what is escaped. */
static void
string(struct scan *scan, char *text, size_t room)
{
	size_t length = 0;
	int c;

	while ((c = next(scan)) != '"' && c != EOF) {
		if (c == '\\') {
			if (next(scan) == 'x')
				escape(scan);
		} else if (length < room - 1) {
			text[length++] = (char)c;
		}
	}
	text[length] = '\0';
}

/* After a slash: one of the two comments of C, or nothing. */
static void
skip_comment(struct scan *scan)
{
	int c = getc(scan->file), last = 0;

	if (c == '/') {
		skip_line(scan);
	} else if (c == '*') {
		for (c = next(scan); c != EOF && !(last == '*' && c == '/'); c = next(scan))
			last = c;
	} else if (c != EOF) {
		ungetc(c, scan->file);
	}
}

static void
number_check(const struct scan *scan, const char *text, size_t length)
{
	char *end;
	unsigned long long value;

	if (length >= WORD_MAX) {
		scan_complain(scan, "a number has more than %u characters", WORD_MAX - 1);
		return;
	}
	errno = 0;
	value = strtoull(text, &end, 0);
	if (text[0] == '0' && isdigit((unsigned char)text[1]))
		scan_complain(scan, "the number %s begins with 0: it would be read as octal", text);
	else if (*end == '\0' && value > INT32_MAX)
		scan_complain(scan, "the number %s needs the suffix L: %sL", text, text);
	else if (errno == ERANGE)
		scan_complain(scan, "the number %s is too large", text);
}

/* A word that begins with `first`: a name, or a number, which is looked at.  Returns its length. */
static size_t
word(struct scan *scan, int first, char text[WORD_MAX])
{
	size_t length = 0;
	int c = first;

	for (; c != EOF && (isalnum(c) || c == '_' || c == '.' || c == '-' || c == '*'); c = getc(scan->file)) {
		if (length < WORD_MAX - 1)
			text[length] = (char)c;
		length++;
	}
	if (c != EOF)
		ungetc(c, scan->file);
	text[length < WORD_MAX ? length : WORD_MAX - 1] = '\0';
	return length;
}

/* After an @: "include", and a file.  Returns false when libconfig could not live through that. */
static bool
include(struct scan *scan)
{
	char path[PATH_LENGTH_MAX], text[WORD_MAX];
	struct stat status;
	int c = getc(scan->file);

	(void)word(scan, c, text);
	if (strcmp(text, "include") != 0)
		return true;				/* a syntax error, which libconfig names */
	do
		c = getc(scan->file);
	while (c == ' ' || c == '\t');
	if (c != '"') {
		if (c != EOF)
			ungetc(c, scan->file);
		return true;
	}
	string(scan, path, sizeof path);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
		scan_complain(scan, "\"%s\" is a folder", path);
		return false;
	}
	if (scan->depth == DEPTH_MAX) {
		scan_complain(scan, "files include each other more than %u deep", DEPTH_MAX);
		return false;
	}
	return file_check(path, scan->depth + 1, scan->diagnostics);
}

static bool
scan_all(struct scan *scan)
{
	char text[WORD_MAX];
	bool good = true;
	int c;

	while (good && (c = next(scan)) != EOF) {
		if (c == '#')
			skip_line(scan);
		else if (c == '/')
			skip_comment(scan);
		else if (c == '"')
			string(scan, text, sizeof text);
		else if (c == '@')
			good = include(scan);
		else if (isalnum(c) || c == '*') {
			size_t length = word(scan, c, text);

			if (isdigit(c))
				number_check(scan, text, length);
		}
	}
	return good;
}

/* One file, and those that it includes; the depth is bounded.  Of one that is not there libconfig speaks. */
static bool
file_check(const char *path, unsigned depth, struct diagnostics *diagnostics)
{
	struct scan scan = { .file = fopen(path, "r"), .path = path, .line = 1, .depth = depth,
		.diagnostics = diagnostics };
	bool good;

	if (scan.file == NULL)
		return true;
	good = scan_all(&scan);
	fclose(scan.file);
	return good;
}

bool
literals_check(struct diagnostics *diagnostics)
{
	return file_check(diagnostics->path, 0, diagnostics);
}
