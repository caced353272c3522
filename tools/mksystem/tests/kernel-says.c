/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * kernel-says.c -- what the kernel's own validation says of a manifest, also of one that mksystem refuses: its image is
 * written regardless of what was complained about, as far as it can be.
 *
 *	kernel-says MANIFEST...		a line for each: NAME: takes | refuses WHERE | no image
 *	kernel-says --ports		compares the ports that each of the two gives to no program
 *
 * "no image": the text or one of its settings is wrong by itself, or leads nowhere: there is nothing to write.
 */
#include <inttypes.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"
#include "mksystem.h"

_Noreturn void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "%s: %s\n", where, what);
	abort();
}

/* Whether each name in it has led somewhere, and each program that tells of its end has a bit for that. */
static bool
can_be_written(const struct system_model *model)
{
	for (uint32_t i = 0; i < model->program_count; i++) {
		const struct system_program *program = &model->programs[i];

		for (uint32_t j = 0; j < program->capability_count; j++)
			if (program->capabilities[j].object >= model->object_count)
				return false;
		if ((program->exit_name != NULL && (program->exit_object == BX_SYSIMAGE_NONE || i >= 64)) ||
		    (program->fault_name != NULL && program->fault_object == BX_SYSIMAGE_NONE))
			return false;
	}
	for (uint32_t i = 0; i < model->object_count; i++)
		if ((model->objects[i].kind == BX_OBJECT_THREAD || model->objects[i].kind == BX_OBJECT_CSPACE) &&
		    system_program_find(model, model->objects[i].program_name) == BX_SYSIMAGE_NONE)
			return false;
	return true;
}

/* Where the kernel finds something wrong, "": nowhere, NULL: there is no image. */
static const char *
judge(const config_t *config, FILE *nowhere, const char *path)
{
	struct diagnostics unheard = { .out = nowhere, .path = path };
	struct system_model model = { 0 };
	struct bx_sysimage view;
	const char *where = "";
	uint8_t *image = NULL;
	size_t size;

	if (system_read(config, &model, &unheard) && unheard.errors == 0) {
		system_check(&model, &unheard);
		unheard.errors = 0;
		if (can_be_written(&model))
			image = system_emit(&model, &size, &unheard);
	}
	if (image == NULL)
		where = NULL;
	else if (bx_sysimage_open(image, size, &view, &where) == BX_OK)
		where = "";
	free(image);
	system_free(&model);
	return where;
}

static void
say(char *path, FILE *nowhere)
{
	struct diagnostics unheard = { .out = nowhere, .path = path };
	const char *where = NULL;
	config_t config;

	config_init(&config);
	if (literals_check(&unheard) && unheard.errors == 0 && config_read_file(&config, path) != CONFIG_FALSE)
		where = judge(&config, nowhere, path);
	if (where == NULL)
		printf("%s: no image\n", basename(path));
	else if (*where == '\0')
		printf("%s: takes\n", basename(path));
	else
		printf("%s: refuses %s\n", basename(path), where);
	config_destroy(&config);
}

/* Every port by itself, and every range that begins or ends at a port where one of the two changes its mind. */
static int
compare_ports(void)
{
	static uint32_t edges[256];
	uint32_t count = 0, compared = 0, different = 0;

	for (uint32_t port = 0; port < 65536; port++) {
		bool kernel = bx_sysimage_ports_of_platform(port, 1);

		different += kernel != (system_ports_of(port, 1) != NULL);
		compared++;
		if (port == 0 || port == 65535 || kernel != bx_sysimage_ports_of_platform(port - 1, 1))
			for (uint32_t i = 0; i < 3 && port + i >= 1; i++)
				edges[count++] = port + i - 1;
	}
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t j = 0; j < count; j++) {
			if (edges[j] < edges[i] || edges[j] > 65535)
				continue;
			different += bx_sysimage_ports_of_platform(edges[i], edges[j] - edges[i] + 1) !=
			    (system_ports_of(edges[i], edges[j] - edges[i] + 1) != NULL);
			compared++;
		}
	printf("%" PRIu32 " ranges, %" PRIu32 " different\n", compared, different);
	return different != 0;
}

int
main(int argc, char **argv)
{
	FILE *nowhere = fopen("/dev/null", "w");

	if (nowhere == NULL || argc < 2)
		return 2;
	if (strcmp(argv[1], "--ports") == 0)
		return compare_ports();
	for (int i = 1; i < argc; i++)
		say(argv[i], nowhere);
	fclose(nowhere);
	return 0;
}
