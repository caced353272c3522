/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * main.c -- mkipc: reads interface files, checks them, and writes what is asked for.
 * Nothing is written unless all is right; a file appears whole or not at all.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mkipc.h"

#define FILE_MAX	(1u << 20)
#define FILES_MAX	64

enum output { HEADER, SOURCE, CLIENT, FUZZ, PAGE, OUTPUTS };

static const struct {
	const char *option;
	void (*emit)(FILE *out, const struct interface *interface, const struct names *names);
} outputs[OUTPUTS] = {
	[HEADER] = { "header", emit_header },
	[SOURCE] = { "source", emit_source },
	[CLIENT] = { "client", emit_client },
	[FUZZ] = { "fuzz", emit_fuzz },
	[PAGE] = { "page", emit_page },
};

static void
die(const char *file, const char *why)
{
	fprintf(stderr, "mkipc: %s: %s\n", file, why);
	exit(1);
}

static void
usage(FILE *out)
{
	fputs("usage: mkipc [--prefix P] [--include NAME] [--header F] [--source F] [--client F] [--fuzz F] [--page F]\n"
	    "             FILE.ipc\n"
	    "       mkipc FILE.ipc...        checks only, also that no two have the same protocol\n"
	    "  --prefix P      before every C name that is made (bx_)\n"
	    "  --include NAME  how the other files include the header (the name of --header's file)\n", out);
}

/* The bytes of a file, which stay until the program ends. */
static char *
file_read(const char *name, size_t *length)
{
	FILE *file = fopen(name, "rb");
	char *bytes = malloc(FILE_MAX + 1);

	if (file == NULL || bytes == NULL)
		die(name, strerror(errno));
	*length = fread(bytes, 1, FILE_MAX + 1, file);
	if (ferror(file) != 0)
		die(name, strerror(errno));
	fclose(file);
	if (*length > FILE_MAX)
		die(name, "longer than 1 MiB");
	return bytes;
}

static void
file_write(const char *name, enum output output, const struct interface *interface,
    const struct names *names)
{
	size_t length = strlen(name) + sizeof ".new";
	char *fresh = malloc(length);
	FILE *file;

	if (fresh == NULL)
		die(name, strerror(errno));
	snprintf(fresh, length, "%s.new", name);
	file = fopen(fresh, "wb");
	if (file == NULL)
		die(fresh, strerror(errno));
	outputs[output].emit(file, interface, names);
	if (ferror(file) != 0 || fclose(file) != 0 || rename(fresh, name) != 0) {
		int why = errno;

		unlink(fresh);
		die(name, strerror(why));
	}
	free(fresh);
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* No two interfaces may speak the same protocol. */
static void
protocols_check(const struct interface *interfaces, int count)
{
	for (int i = 1; i < count; i++)
		for (int j = 0; j < i; j++)
			if (interfaces[i].protocol == interfaces[j].protocol)
				fail(interfaces[i].file, 1, "protocol %u is that of %s already",
				    interfaces[i].protocol, interfaces[j].file);
}

/* A prefix is the beginning of a C name. */
static void
prefix_check(const char *prefix)
{
	for (const char *at = prefix; *at != '\0'; at++)
		if (!((*at >= 'a' && *at <= 'z') || *at == '_' || (at > prefix && *at >= '0' && *at <= '9')))
			die(prefix, "a prefix is of small letters, digits and '_'");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "header", required_argument, NULL, HEADER }, { "source", required_argument, NULL, SOURCE },
		{ "client", required_argument, NULL, CLIENT }, { "fuzz", required_argument, NULL, FUZZ },
		{ "page", required_argument, NULL, PAGE }, { "prefix", required_argument, NULL, 'p' },
		{ "include", required_argument, NULL, 'i' }, { "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	static struct interface interfaces[FILES_MAX];
	const char *files[OUTPUTS] = { NULL };
	struct names names = { .prefix = "bx_" };
	bool writes = false;
	int option, count;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 0;
		} else if (option == 'p') {
			names.prefix = optarg;
		} else if (option == 'i') {
			names.header = optarg;
		} else if (option >= 0 && option < OUTPUTS) {
			files[option] = optarg;
			writes = true;
		} else {
			usage(stderr);
			return 2;
		}
	}
	count = argc - optind;
	if (count < 1 || count > FILES_MAX || (writes && count != 1)) {
		usage(stderr);
		return 2;
	}
	prefix_check(names.prefix);
	if (names.header == NULL)
		names.header = files[HEADER] != NULL ? base_name(files[HEADER]) : NULL;
	if (names.header == NULL && (files[SOURCE] != NULL || files[CLIENT] != NULL || files[FUZZ] != NULL))
		die(argv[optind], "--include says which header to include, or --header makes it");
	for (int i = 0; i < count; i++) {
		size_t length;
		const char *bytes = file_read(argv[optind + i], &length);

		interface_parse(&interfaces[i], argv[optind + i], bytes, length);
	}
	protocols_check(interfaces, count);
	for (enum output output = 0; output < OUTPUTS; output++)
		if (files[output] != NULL)
			file_write(files[output], output, &interfaces[0], &names);
	return 0;
}
