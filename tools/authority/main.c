/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * main.c -- authority: reads a manifest and says who can ever reach what in its system.
 *
 *	authority --check MANIFEST	only whether all holds that must
 *	authority --table MANIFEST	who reaches what, and how
 *	authority --graph MANIFEST	the same as a graph for dot(1)
 *	authority --state MANIFEST	the capabilities of every program after its launch
 *	authority --hash MANIFEST	the digest of that, of every program
 *
 * Exit status: 0 all holds, 1 the manifest is wrong or an assertion does not hold (file:line: error:
 * ...), 2 used wrongly or the system failed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "authority.h"

static const char usage_text[] =
    "usage: authority --check | --table | --graph | --state | --hash MANIFEST\n";

/* Of libtrust, which is written for programs without a libc. */
void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "authority: %s: %s\n", where, what);
	abort();
}

static int
examine(const config_t *config, int mode, struct diagnostics *diagnostics)
{
	struct system_model model = { 0 };
	struct reach reach = { 0 };
	int status = 2;

	if (!system_read(config, &model, diagnostics))
		goto out_free;
	if (diagnostics->errors == 0)
		system_check(&model, diagnostics);
	status = 1;
	if (diagnostics->errors != 0)
		goto out_free;
	if (!reach_compute(&reach, &model)) {
		status = 2;
		goto out_free;
	}
	if (!assertions_check(&reach, diagnostics)) {
		status = 2;
		goto out_free;
	}
	if (mode == 't')
		show_table(&reach, stdout);
	else if (mode == 'g')
		show_graph(&reach, stdout);
	else if (mode == 's')
		show_state(&model, stdout);
	else if (mode == 'd')
		show_hash(&model, stdout);
	status = diagnostics->errors == 0 ? 0 : 1;
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		status = 2;
out_free:
	if (status == 2)
		fputs("authority: gave up\n", stderr);
	reach_free(&reach);
	system_free(&model);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "table", no_argument, NULL, 't' },
		{ "graph", no_argument, NULL, 'g' },
		{ "state", no_argument, NULL, 's' },
		{ "hash", no_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct diagnostics diagnostics = { .out = stderr };
	config_t config;
	int mode = 0, option, status;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			fputs(usage_text, stdout);
			return 0;
		}
		mode = option == '?' || mode != 0 ? '?' : option;
		if (mode == '?')
			break;
	}
	if (mode == 0 || mode == '?' || argc - optind != 1) {
		fputs(usage_text, stderr);
		return 2;
	}
	diagnostics.path = argv[optind];
	config_init(&config);
	status = system_parse(&config, "authority", &diagnostics);
	if (status == 0)
		status = examine(&config, mode, &diagnostics);
	config_destroy(&config);
	return status;
}
