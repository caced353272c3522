/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fsck.bxfs -- check a volume, and say what is wrong and what it means. Exit status: 0
 * nothing found, 1 repaired, 4 something found, 8 the check could not be made.
 */
#include "../bxfs/image.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage_text[] =
    "Usage: fsck.bxfs [OPTION...] FILE\n"
    "Check the bxfs volume in FILE; nothing is written without --repair.\n\n"
    "  -m, --metadata        do not read the content of files\n"
    "  -r, --repair          write a damaged copy of the root again\n"
    "      --snapshot NAME   check that snapshot: its names, links and content\n"
    "      --root-hash HEX   the volume must be the sealed one with this root\n"
    "      --json            one JSON object for each finding, and one at the end\n"
    "  -h, --help\n";

/* How the program ends (fsck(8)). */
enum { REPAIRED = 1, DAMAGED = 4, CANNOT = 8 };

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

/* The paths of everything that was found, in one walk, however much it is.  The array is for the caller to free. */
static struct place *
find_places(struct image *image, const struct run *run, size_t *count)
{
	struct place *places = calloc(run->count + 1, sizeof *places);
	size_t unique = 0;

	if (places == NULL)
		fail("out of memory");
	for (size_t i = 0; i < run->count; i++)
		places[i].inode = run->findings[i].inode;
	qsort(places, run->count, sizeof *places, place_compare);
	for (size_t i = 0; i < run->count; i++)
		if (places[i].inode != 0 && (unique == 0 || places[unique - 1].inode != places[i].inode))
			places[unique++] = places[i];
	image_find_paths(image, places, unique);
	*count = unique;
	return places;
}

static void
explain(const struct bx_fs_finding *f, const char *path, bool json)
{
	if (json) {
		printf("{\"problem\":\"%s\",\"inode\":%llu,\"address\":%llu,\"position\":%llu,\"path\":",
		    kinds[f->problem].name, (unsigned long long)f->inode, (unsigned long long)f->address,
		    (unsigned long long)f->position);
		print_json_string(stdout, path != NULL ? path : "");
		printf("}\n");
		return;
	}
	printf("%s: %s", kinds[f->problem].name, kinds[f->problem].meaning);
	if (f->inode != 0)
		printf("; inode %llu", (unsigned long long)f->inode);
	if (path != NULL) {
		printf(" (");
		print_name(stdout, path);
		putchar(')');
	}
	if (f->problem == BX_FS_BAD_DATA)
		printf(", bytes %llu to %llu", (unsigned long long)f->position * BX_FS_BLOCK,
		    (unsigned long long)(f->position + 1) * BX_FS_BLOCK - 1);
	if (f->address != 0)
		printf(", block %llu", (unsigned long long)f->address);
	putchar('\n');
}

static void
explain_all(struct image *image, const struct run *run, bool json)
{
	size_t count;
	struct place *places = find_places(image, run, &count);

	for (size_t i = 0; i < run->count; i++) {
		const struct place key = { .inode = run->findings[i].inode };
		const struct place *place = bsearch(&key, places, count, sizeof key, place_compare);

		explain(&run->findings[i], place != NULL ? place->path : NULL, json);
	}
	for (size_t i = 0; i < count; i++)
		free(places[i].path);
	free(places);
}

struct options {
	const char *path, *snapshot;
	const uint8_t *want;	/* root hash, NULL any */
	uint8_t hash[BX_FS_DIGEST];
	bool content, repair, json;
};

/* False: the program ends here, with *status. */
static bool
take_options(int argc, char **argv, struct options *o, int *status)
{
	static const struct option longs[] = {
		{ "metadata", no_argument, NULL, 'm' }, { "repair", no_argument, NULL, 'r' },
		{ "root-hash", required_argument, NULL, 'H' }, { "json", no_argument, NULL, 'j' },
		{ "snapshot", required_argument, NULL, 's' }, { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*o = (struct options){ .content = true };
	*status = CANNOT;
	while ((c = getopt_long(argc, argv, "mrh", longs, NULL)) != -1) {
		switch (c) {
		case 'm':
			o->content = false;
			break;
		case 'r':
			o->repair = true;
			break;
		case 'H':
			if (!parse_hex(optarg, o->hash, sizeof o->hash))
				fail("%s: not 64 hex digits", optarg);
			o->want = o->hash;
			break;
		case 's':
			o->snapshot = optarg;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			*status = EXIT_SUCCESS;
			return false;
		default:
			fputs(usage_text, stderr);
			return false;
		}
	}
	if (optind + 1 != argc) {
		fputs(usage_text, stderr);
		return false;
	}
	if (o->repair && o->snapshot != NULL)
		fail("a snapshot cannot be changed");
	o->path = argv[optind];
	return true;
}

static bool
mount_or_say(struct image *image, const struct options *o)
{
	enum bx_err err;

	image_open(image, o->path, o->repair);
	image->snapshot = o->snapshot;
	err = image_mount(image, o->want);
	if (err == BX_OK)
		return true;
	if (o->json)
		printf("{\"mounted\":false,\"error\":\"%s\"}\n", bx_err_name(err));
	else
		printf("%s: cannot be mounted: %s\n", o->path, bx_err_text(err));
	image_close(image);
	return false;
}

/* Whether a copy of the root was damaged, and is sound now. */
static bool
repair_root(struct image *image, bool json)
{
	struct bx_fs_info info;

	bx_fs_get_info(image->fs, &info);
	if (!info.root_damaged || bx_fs_repair_root(image->fs) != BX_OK)
		return false;
	if (!json)
		printf("the damaged copy of the root was written again\n");
	return true;
}

static void
summarize(const struct options *o, const struct bx_fs_info *info, size_t findings, enum bx_err err)
{
	if (o->json)
		printf("{\"mounted\":true,\"complete\":%s,\"findings\":%zu,\"objects\":%llu,\"generation\":%llu}\n",
		    err == BX_OK ? "true" : "false", findings, (unsigned long long)info->inodes,
		    (unsigned long long)info->generation);
	else if (err != BX_OK)
		printf("%s: the check ended early: %s; %zu findings\n", o->path, bx_err_text(err), findings);
	else
		printf("%s: %s, %llu objects, %s used of %s, root %llu and %u records; %zu findings\n",
		    o->path, findings == 0 ? "sound" : "damaged", (unsigned long long)info->inodes,
		    human_size((info->blocks - info->blocks_free) * BX_FS_BLOCK),
		    human_size(info->blocks * BX_FS_BLOCK), (unsigned long long)info->generation,
		    info->log_records, findings);
}

/* Check all and explain what was found; the status to end with. */
static int
check(struct image *image, const struct options *o)
{
	struct run run = { .quiet = isatty(STDERR_FILENO) == 0 };
	struct bx_fs_checker checker = {
		.context = &run,
		.report = keep,
		.progress = progress,
		.data = o->content,
	};
	struct bx_fs_info info;
	uint64_t findings;
	enum bx_err err;

	bx_fs_get_info(image->fs, &info);
	checker.bits_bytes = (size_t)((info.blocks + 7) / 8);
	checker.bits = malloc(checker.bits_bytes);
	if (checker.bits == NULL)
		fail("out of memory");
	err = bx_fs_check(image->fs, &checker, &findings);
	explain_all(image, &run, o->json);
	summarize(o, &info, run.count, err);
	free(run.findings);
	free(checker.bits);
	return err != BX_OK ? CANNOT : run.count > 0 ? DAMAGED : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct image image;
	bool repaired;
	int status;

	tool_name = "fsck.bxfs";
	tool_status = CANNOT;
	if (!take_options(argc, argv, &o, &status))
		return status;
	if (!mount_or_say(&image, &o))
		return CANNOT;
	repaired = o.repair && repair_root(&image, o.json);
	status = check(&image, &o);
	image_close(&image);
	if (fflush(stdout) != 0 || ferror(stdout) != 0)
		fail("writing: %s", strerror(errno));
	return status == EXIT_SUCCESS && repaired ? REPAIRED : status;
}
