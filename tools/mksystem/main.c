/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * mksystem -- compiles a system manifest.  Manual: docs/man/mksystem.1.
 *
 *	mksystem -o IMAGE MANIFEST	write the image
 *	mksystem --check MANIFEST	only say what is wrong with it
 *	mksystem --binaries MANIFEST	print the names of the ELF files it needs, one a line
 *	mksystem --summary MANIFEST	print what each program gets
 *
 * Exit status: 0 done, 1 the manifest is wrong (file:line: error: ...), 2 used wrongly or the
 * system failed.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mksystem.h"

enum mode { MODE_NONE, MODE_WRITE, MODE_CHECK, MODE_BINARIES, MODE_SUMMARY };

static const char usage_text[] =
    "usage: mksystem -o IMAGE MANIFEST | --check MANIFEST | --binaries MANIFEST | --summary MANIFEST\n";

static bool
write_image(const char *path, const uint8_t *image, size_t size)
{
	FILE *file = fopen(path, "wb");
	bool written;

	if (file == NULL) {
		fprintf(stderr, "mksystem: %s: %s\n", path, strerror(errno));
		return false;
	}
	written = fwrite(image, 1, size, file) == size;
	if (fclose(file) != 0 || !written) {
		fprintf(stderr, "mksystem: %s: %s\n", path, strerror(errno));
		remove(path);
		return false;
	}
	return true;
}

static void
print_binaries(const struct system_model *model)
{
	for (uint32_t i = 0; i < model->program_count; i++) {
		uint32_t earlier = 0;

		while (strcmp(model->programs[earlier].binary, model->programs[i].binary) != 0)
			earlier++;
		if (earlier == i)
			puts(model->programs[i].binary);
	}
}

static void
print_summary(const struct system_model *model)
{
	uint64_t frames = 0;

	for (uint32_t i = 0; i < model->object_count; i++)
		frames += model->objects[i].kind == BX_OBJECT_MEMORY ? model->objects[i].a : 0;
	printf("system %s%s\n%-24s %8s %7s %7s %12s %6s  %s\n", model->name,
	    (model->flags & BX_SYSTEM_RESEARCH) != 0 ? ", for research" : "", "program", "priority",
	    "threads", "frames", "capabilities", "slots", "space");
	for (uint32_t i = 0; i < model->program_count; i++) {
		const struct system_program *program = &model->programs[i];

		printf("%-24s %8u %7u %7u %12u %6u  %s\n", program->name, program->priority,
		    program->thread_count, program->frame_quota, program->capability_count,
		    system_slot_count(program),
		    (program->flags & BX_PROGRAM_OPEN_SPACE) != 0 ? "open" : "sealed");
		frames += program->frame_quota;
	}
	printf("all quotas and memory objects: %" PRIu64 " frames, %" PRIu64 " MiB\n", frames, frames / 256);
}

/* Everything after the manifest has been parsed. */
static int
compile(const config_t *config, enum mode mode, const char *output, struct diagnostics *diagnostics)
{
	struct system_model model = { 0 };
	uint8_t *image = NULL;
	size_t size = 0;
	int status = 2;

	if (!system_read(config, &model, diagnostics))
		goto out_free;
	if (diagnostics->errors == 0)
		system_check(&model, diagnostics);
	image = diagnostics->errors == 0 ? system_emit(&model, &size, diagnostics) : NULL;
	if (diagnostics->errors != 0) {
		status = 1;
		goto out_free;
	}
	if (image == NULL)
		goto out_free;
	status = 0;
	if (mode == MODE_BINARIES)
		print_binaries(&model);
	else if (mode == MODE_SUMMARY)
		print_summary(&model);
	else if (mode == MODE_WRITE && !write_image(output, image, size))
		status = 2;
out_free:
	if (status == 2)
		fputs("mksystem: gave up\n", stderr);
	free(image);
	system_free(&model);
	return status;
}

static int
run(enum mode mode, const char *output, const char *manifest)
{
	struct diagnostics diagnostics = { .out = stderr, .path = manifest };
	config_t config;
	int status;

	config_init(&config);
	status = system_parse(&config, "mksystem", &diagnostics);
	if (status == 0)
		status = compile(&config, mode, output, &diagnostics);
	config_destroy(&config);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "check", no_argument, NULL, 'c' },
		{ "binaries", no_argument, NULL, 'b' },
		{ "summary", no_argument, NULL, 's' },
		{ "output", required_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	enum mode mode = MODE_NONE;
	const char *output = NULL;
	int option;

	while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			mode = MODE_CHECK;
			break;
		case 'b':
			mode = MODE_BINARIES;
			break;
		case 's':
			mode = MODE_SUMMARY;
			break;
		case 'o':
			mode = MODE_WRITE;
			output = optarg;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return 0;
		default:
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (mode == MODE_NONE || argc - optind != 1) {
		fputs(usage_text, stderr);
		return 2;
	}
	return run(mode, output, argv[optind]);
}
