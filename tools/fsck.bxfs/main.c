/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fsck.bxfs -- check a volume, and say what is wrong and what it means. Exit status: 0
 * nothing found, 1 repaired, 4 something found, 8 the check could not be made.
 */
#include "../bxfs/image.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
    "Usage: fsck.bxfs [OPTION...] FILE\n"
    "Check the bxfs volume in FILE; nothing is written without --repair.\n\n"
    "  -m, --metadata        do not read the content of files\n"
    "  -r, --repair          write a damaged copy of the root again\n"
    "      --root-hash HEX   the volume must be the sealed one with this root\n"
    "      --json            one JSON object for each finding, and one at the end\n"
    "  -h, --help\n";

struct run {
	struct bx_fs_finding *findings;
	size_t count, room;
	bool quiet;
};

static const struct {
	const char *name, *meaning;
} kinds[] = {
	[BX_FS_BAD_ROOT_COPY] = { "root-copy", "one of the two copies of the root is damaged; --repair writes it again" },
	[BX_FS_BAD_NODE] = { "tree-block", "a block of the tree is damaged: what it names cannot be reached" },
	[BX_FS_BAD_MAP] = { "map-block", "a block of the allocation map is damaged: copy the files to a new volume" },
	[BX_FS_BAD_DATA] = { "data-block", "4096 bytes of a file are damaged: the rest of it is sound" },
	[BX_FS_BAD_INODE] = { "inode", "an object contradicts itself" },
	[BX_FS_BAD_ENTRY] = { "entry", "a name leads to nothing" },
	[BX_FS_BAD_LINKS] = { "links", "a count of names is wrong" },
	[BX_FS_BAD_PARENT] = { "parent", "a directory is not where it says" },
	[BX_FS_SHARED] = { "shared", "two objects use one block" },
	[BX_FS_LEAKED] = { "leaked", "a block is marked in use that nothing uses: space is lost, no data" },
	[BX_FS_NOT_MARKED] = { "not-marked", "a block in use is marked free: do not write to this volume" },
	[BX_FS_BAD_COUNT] = { "count", "a total in the root is wrong" },
	[BX_FS_BAD_TABLE] = { "snapshots", "the table of snapshots is damaged: the files themselves are not" },
};

static void
keep(void *context, const struct bx_fs_finding *finding)
{
	struct run *run = context;

	if (run->count == run->room) {
		run->room = run->room == 0 ? 64 : 2 * run->room;
		run->findings = realloc(run->findings, run->room * sizeof *run->findings);
		if (run->findings == NULL)
			fail("out of memory");
	}
	run->findings[run->count++] = *finding;
}

static void
progress(void *context, uint64_t done, uint64_t all)
{
	const struct run *run = context;

	if (!run->quiet && (done % 1024 == 0 || done == all))
		fprintf(stderr, "\r%llu of %llu objects%s", (unsigned long long)done,
		    (unsigned long long)all, done == all ? "\n" : "");
}

static void
explain(struct image *image, const struct bx_fs_finding *f, bool json)
{
	char path[4096] = "";
	bool named = f->inode != 0 && image_path_of(image, f->inode, path, sizeof path);

	if (json) {
		printf("{\"problem\":\"%s\",\"inode\":%llu,\"address\":%llu,\"position\":%llu,\"path\":",
		    kinds[f->problem].name, (unsigned long long)f->inode, (unsigned long long)f->address,
		    (unsigned long long)f->position);
		print_json_string(stdout, path);
		printf("}\n");
		return;
	}
	printf("%s: %s", kinds[f->problem].name, kinds[f->problem].meaning);
	if (f->inode != 0)
		printf("; inode %llu", (unsigned long long)f->inode);
	if (named)
		printf(" (%s)", path);
	if (f->problem == BX_FS_BAD_DATA)
		printf(", bytes %llu to %llu", (unsigned long long)f->position * BX_FS_BLOCK,
		    (unsigned long long)(f->position + 1) * BX_FS_BLOCK - 1);
	if (f->address != 0)
		printf(", block %llu", (unsigned long long)f->address);
	putchar('\n');
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "metadata", no_argument, NULL, 'm' }, { "repair", no_argument, NULL, 'r' },
		{ "root-hash", required_argument, NULL, 'H' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	struct run run = { .quiet = isatty(STDERR_FILENO) == 0 };
	struct bx_fs_checker checker = {
		.context = &run,
		.report = keep,
		.progress = progress,
		.data = true,
	};
	uint8_t hash[BX_FS_DIGEST];
	const uint8_t *want = NULL;
	bool repair = false, json = false;
	struct image image;
	struct bx_fs_info info;
	uint64_t findings;
	enum bx_err err;
	int c, status = 0;

	tool_name = "fsck.bxfs";
	while ((c = getopt_long(argc, argv, "mrh", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			checker.data = false;
			break;
		case 'r':
			repair = true;
			break;
		case 'H':
			if (!parse_hex(optarg, hash, sizeof hash))
				fail("%s: not 64 hex digits", optarg);
			want = hash;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage_text, stderr);
			return 8;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage_text, stderr);
		return 8;
	}
	image_open(&image, argv[optind], repair, 0);
	err = image_mount(&image, repair, want);
	if (err != BX_OK) {
		if (json)
			printf("{\"mounted\":false,\"error\":\"%s\"}\n", bx_err_name(err));
		else
			printf("%s: cannot be mounted: %s\n", argv[optind], bx_err_text(err));
		image_close(&image);
		return 8;
	}
	if (repair) {
		bx_fs_get_info(image.fs, &info);
		if (info.root_damaged && bx_fs_repair_root(image.fs) == BX_OK) {
			status = 1;
			if (!json)
				printf("the damaged copy of the root was written again\n");
		}
	}
	bx_fs_get_info(image.fs, &info);
	checker.bits_bytes = (size_t)((info.blocks + 7) / 8);
	checker.bits = malloc(checker.bits_bytes);
	if (checker.bits == NULL)
		fail("out of memory");
	err = bx_fs_check(image.fs, &checker, &findings);
	if (err != BX_OK)
		printf("the check ended early: %s\n", bx_err_text(err));
	for (size_t i = 0; i < run.count; i++)
		explain(&image, &run.findings[i], json);
	if (run.count > 0 || err != BX_OK)
		status = err != BX_OK ? 8 : 4;
	if (json)
		printf("{\"mounted\":true,\"findings\":%zu,\"objects\":%llu,\"generation\":%llu}\n", run.count,
		    (unsigned long long)info.inodes, (unsigned long long)info.generation);
	else
		printf("%s: %s, %llu objects, %s used of %s, root %llu and %u records; %zu findings\n",
		    argv[optind], run.count == 0 ? "sound" : "damaged", (unsigned long long)info.inodes,
		    human_size((info.blocks - info.blocks_free) * BX_FS_BLOCK),
		    human_size(info.blocks * BX_FS_BLOCK), (unsigned long long)info.generation,
		    info.log_records, run.count);
	free(run.findings);
	free(checker.bits);
	image_close(&image);
	return status;
}
