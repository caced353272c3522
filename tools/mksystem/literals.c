/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * literals.c -- whole numbers that libconfig would cut.  It reads a number without the suffix L into
 * 32 bits and drops the rest without a word: a badge of 4294967300 would become 4.  So the text of
 * the manifest is looked through for numbers that need the suffix and lack it.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mksystem.h"

struct scan {
	FILE *file;
	const char *path;
	unsigned line;
	struct diagnostics *diagnostics;
};

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

static void
skip_string(struct scan *scan)
{
	int c;

	do {
		c = next(scan);
		if (c == '\\')
			(void)next(scan);
	} while (c != '"' && c != EOF);
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

/* A word that begins with `first`: a name, or a number, which is looked at. */
static void
word(struct scan *scan, int first)
{
	char text[64];
	size_t length = 0;
	char *end;
	unsigned long long value;
	int c = first;

	while (c != EOF && (isalnum(c) || c == '_' || c == '.' || c == '-' || c == '*')) {
		if (length < sizeof text - 1)
			text[length++] = (char)c;
		c = getc(scan->file);
	}
	if (c != EOF)
		ungetc(c, scan->file);
	text[length] = '\0';
	if (!isdigit(first))
		return;
	errno = 0;
	value = strtoull(text, &end, 0);
	if (*end == '\0' && value > INT32_MAX) {
		fprintf(scan->diagnostics->out, "%s:%u: error: the number %s needs the suffix L: %sL\n",
		    scan->path, scan->line, text, text);
		scan->diagnostics->errors++;
	} else if (errno == ERANGE) {
		fprintf(scan->diagnostics->out, "%s:%u: error: the number %s is too large\n", scan->path,
		    scan->line, text);
		scan->diagnostics->errors++;
	}
}

static bool
literals_check(const char *path, struct diagnostics *diagnostics)
{
	struct scan scan = { .file = fopen(path, "r"), .path = path, .line = 1,
		.diagnostics = diagnostics };
	int c;

	if (scan.file == NULL)
		return false;
	while ((c = next(&scan)) != EOF) {
		if (c == '#')
			skip_line(&scan);
		else if (c == '/')
			skip_comment(&scan);
		else if (c == '"')
			skip_string(&scan);
		else if (isalnum(c) || c == '*')
			word(&scan, c);
	}
	fclose(scan.file);
	return true;
}

/* Files that settings came from, through @include, are looked through once each: settings of one
 * file follow each other, so comparing with the last one seen is enough to do each seldom twice. */
static void
check_included(const config_setting_t *setting, const char **last, struct diagnostics *diagnostics)
{
	const char *file = config_setting_source_file(setting);

	if (file != NULL && strcmp(file, diagnostics->path) != 0 &&
	    (*last == NULL || strcmp(file, *last) != 0)) {
		*last = file;
		(void)literals_check(file, diagnostics);
	}
	/* The depth is that of the manifest's own nesting, which libconfig has just parsed. */
	for (int i = 0; i < config_setting_length(setting); i++)
		check_included(config_setting_get_elem(setting, (unsigned)i), last, diagnostics);
}

void
literals_check_all(const config_t *config, struct diagnostics *diagnostics)
{
	const char *last = NULL;

	(void)literals_check(diagnostics->path, diagnostics);
	check_included(config_root_setting(config), &last, diagnostics);
}
