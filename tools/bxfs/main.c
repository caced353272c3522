/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* bxfs -- look into a volume, and put files in and out, without mounting it. */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char usage_text[] =
    "Usage: bxfs [OPTION...] COMMAND FILE [ARGUMENT...]\n\n"
    "  ls FILE [PATH]           the entries of a directory\n"
    "  tree FILE [PATH]         all below it\n"
    "  stat FILE PATH           what is known of an object\n"
    "  cat FILE PATH            the content of a file, verified, to standard output\n"
    "  get FILE PATH TO         ... to a file\n"
    "  put FILE FROM PATH       a file into the volume, replacing what is there, atomically\n"
    "  mkdir FILE PATH          an empty directory\n"
    "  rm FILE PATH             a file, symbolic link or empty directory\n"
    "  info FILE                the volume\n"
    "  snapshots FILE           the states that are kept\n"
    "  snapshot FILE NAME       keep the present one\n"
    "  unsnapshot FILE NAME     keep it no longer\n"
    "  rollback FILE NAME       make the files what they were; newer snapshots go\n"
    "  diff FILE OLD [NEW]      what changed from one snapshot to another, or to now\n\n"
    "      --snapshot NAME      ls, tree, stat, cat, get: of that snapshot\n"
    "      --root-hash HEX      the volume must be the sealed one with this root\n"
    "      --json               ls, tree, stat, info, snapshots and diff as JSON\n"
    "      --progress           get, put: how far it is, to standard error\n"
    "  -h, --help\n";

static struct image image;
static const char *volume;		/* its path */
static const uint8_t *root_hash;
static bool json, with_progress;

/* How far a long copy is. */
static void
progress(const char *what, uint64_t done, uint64_t all)
{
	static uint64_t shown;

	if (!with_progress || (done < all && done - shown < 16u << 20))
		return;
	shown = done;
	fprintf(stderr, "\r%s: %s of %s%s", what, human_size(done), human_size(all),
	    done >= all ? "\n" : "");
}

static uint64_t
find(const char *path)
{
	uint64_t inode;

	must(bx_fs_walk(image.fs, path, strlen(path), &inode), "%s", path);
	return inode;
}

/* The directory of a path, and the name in it. */
static uint64_t
find_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');
	uint64_t inode;

	*name = slash == NULL ? path : slash + 1;
	must(bx_fs_walk(image.fs, path, slash == NULL ? 0 : (size_t)(slash - path), &inode), "%s", path);
	return inode;
}

static void
print_time(uint64_t ns)
{
	time_t seconds = (time_t)(ns / 1000000000u);
	struct tm tm;
	char text[32] = "";

	if (gmtime_r(&seconds, &tm) != NULL)
		strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	printf("%s", text);
}

static void
print_line(const char *name, uint64_t inode)
{
	static const char types[] = "?-dl";
	struct bx_fs_stat st;
	enum bx_err err = bx_fs_stat(image.fs, inode, &st);
	char target[BX_FS_TARGET_MAX + 1];
	size_t length;

	if (err != BX_OK) {
		printf("?????????? %s: %s\n", name, bx_err_text(err));
		return;
	}
	if (json) {
		printf("{\"name\":");
		print_json_string(stdout, name);
		printf(",\"inode\":%llu,\"type\":\"%c\",\"mode\":%u,\"links\":%u,\"uid\":%u,\"gid\":%u,"
		    "\"size\":%llu,\"blocks\":%llu,\"modified_ns\":%llu}\n", (unsigned long long)inode,
		    types[st.type], st.mode, st.links, st.uid, st.gid, (unsigned long long)st.size,
		    (unsigned long long)st.blocks, (unsigned long long)st.modified_ns);
		return;
	}
	printf("%c%04o %3u %5u %5u %12llu ", types[st.type], st.mode, st.links, st.uid, st.gid,
	    (unsigned long long)st.size);
	print_time(st.modified_ns);
	printf(" %s", name);
	if (st.type == BX_FS_SYMLINK &&
	    bx_fs_read_link(image.fs, inode, target, sizeof target - 1, &length) == BX_OK)
		printf(" -> %.*s", (int)length, target);
	putchar('\n');
}

static void
do_ls(char **argument)
{
	uint64_t directory = find(argument[0] != NULL ? argument[0] : "/");
	struct bx_fs_entry e = { .name_length = 0 };
	enum bx_err err;

	while ((err = bx_fs_next_entry(image.fs, directory, e.name, e.name_length, &e)) == BX_OK)
		print_line(e.name, e.inode);
	if (err != BX_ERR_NOT_FOUND)
		must(err, "%s", argument[0] != NULL ? argument[0] : "/");
}

static bool
print_branch(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err)
{
	(void)context;
	(void)path;
	if (e == NULL) {
		printf("%*s%s\n", (int)(2 * depth), "", bx_err_text(err));
	} else if (json) {
		printf("{\"depth\":%zu,\"inode\":%llu,\"type\":%u,\"name\":", depth,
		    (unsigned long long)e->inode, e->type);
		print_json_string(stdout, e->name);
		printf("}\n");
	} else {
		printf("%*s%s%s\n", (int)(2 * (depth - 1)), "", e->name,
		    e->type == BX_FS_DIRECTORY ? "/" : e->type == BX_FS_SYMLINK ? "@" : "");
	}
	return true;
}

static void
do_tree(char **argument)
{
	image_walk(&image, find(argument[0] != NULL ? argument[0] : "/"), print_branch, NULL);
}

static void
do_stat(char **argument)
{
	uint64_t inode = find(argument[0]);
	char name[BX_FS_NAME_MAX + 1] = "";
	size_t length = 0;

	print_line(argument[0], inode);
	while (!json && bx_fs_next_attr(image.fs, inode, name, length, name, &length) == BX_OK)
		printf("attribute %s\n", name);
}

static void
copy_out(const char *path, int fd)
{
	static uint8_t buffer[BX_FS_READ_MAX];
	uint64_t inode = find(path), offset = 0;
	struct bx_fs_stat st;

	must(bx_fs_stat(image.fs, inode, &st), "%s", path);
	for (;;) {
		size_t done;

		must(bx_fs_read(image.fs, inode, offset, buffer, sizeof buffer, &done), "%s at byte %llu", path,
		    (unsigned long long)offset);
		if (done == 0)
			return;
		for (size_t at = 0; at < done;) {
			ssize_t n = write(fd, buffer + at, done - at);

			if (n < 0)
				fail("writing: %s", strerror(errno));
			at += (size_t)n;
		}
		offset += done;
		progress(path, offset, st.size);
	}
}

static void
do_cat(char **argument)
{
	copy_out(argument[0], STDOUT_FILENO);
}

static void
do_get(char **argument)
{
	int fd = open(argument[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		fail("%s: %s", argument[1], strerror(errno));
	copy_out(argument[0], fd);
	if (close(fd) != 0)
		fail("%s: %s", argument[1], strerror(errno));
}

/* A new file beside the old one, then a rename: a cut leaves the one or the other. */
static void
do_put(char **argument)
{
	static const char temporary[] = ".bxfs-put";
	static uint8_t buffer[BX_FS_WRITE_MAX];
	const struct bx_fs_owner owner = { .mode = 0644 };
	const char *name;
	uint64_t directory = find_parent(argument[1], &name), inode, offset = 0;
	int fd = open(argument[0], O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;
	enum bx_err err;

	if (fd < 0 || fstat(fd, &st) != 0)
		fail("%s: %s", argument[0], strerror(errno));
	err = bx_fs_unlink(image.fs, directory, temporary, strlen(temporary), 0, now_ns());
	if (err != BX_ERR_NOT_FOUND)
		must(err, "%s", argument[1]);
	must(bx_fs_create(image.fs, directory, temporary, strlen(temporary), BX_FS_FILE, owner, now_ns(),
	    &inode), "%s", argument[1]);
	while ((n = read(fd, buffer, sizeof buffer)) > 0) {
		size_t done;

		for (size_t at = 0; at < (size_t)n; at += done)
			must(bx_fs_write(image.fs, inode, offset + at, buffer + at, (size_t)n - at, now_ns(), &done),
			    "%s", argument[1]);
		offset += (uint64_t)n;
		progress(argument[1], offset, (uint64_t)st.st_size);
	}
	if (n < 0)
		fail("%s: %s", argument[0], strerror(errno));
	must(bx_fs_rename(image.fs, directory, temporary, strlen(temporary), directory, name, strlen(name),
	    0, now_ns()), "%s", argument[1]);
	close(fd);
}

static void
do_mkdir(char **argument)
{
	const struct bx_fs_owner owner = { .mode = 0755 };
	const char *name;
	uint64_t directory = find_parent(argument[0], &name), inode;

	must(bx_fs_create(image.fs, directory, name, strlen(name), BX_FS_DIRECTORY, owner, now_ns(),
	    &inode), "%s", argument[0]);
}

static void
do_rm(char **argument)
{
	const char *name;
	uint64_t directory = find_parent(argument[0], &name);
	enum bx_err err = bx_fs_unlink(image.fs, directory, name, strlen(name), 0, now_ns());

	if (err == BX_ERR_FS_IS_DIR)
		err = bx_fs_remove_directory(image.fs, directory, name, strlen(name), now_ns());
	must(err, "%s", argument[0]);
}

static void
do_snapshots(char **argument)
{
	(void)argument;
	list_snapshots(&image, json);
}

static void
do_snapshot(char **argument)
{
	must(bx_fs_snapshot_create(image.fs, argument[0], strlen(argument[0]), now_ns()), "%s", argument[0]);
}

static void
do_unsnapshot(char **argument)
{
	enum bx_err err;

	must(bx_fs_snapshot_remove(image.fs, argument[0], strlen(argument[0])), "%s", argument[0]);
	do {
		err = bx_fs_tidy(image.fs);
	} while (err == BX_ERR_AGAIN);
	must(err, "%s: freeing its blocks", argument[0]);
}

static void
do_rollback(char **argument)
{
	must(bx_fs_snapshot_rollback(image.fs, argument[0], strlen(argument[0])), "%s", argument[0]);
}

static void
do_diff(char **argument)
{
	struct image older;

	image_open(&older, volume, false, 0);
	older.snapshot = argument[0];
	must(image_mount(&older, false, root_hash), "%s", argument[0]);
	print_diff(&older, &image, json);
	image_close(&older);
}

static void
do_info(char **argument)
{
	struct bx_fs_info info;

	(void)argument;
	bx_fs_get_info(image.fs, &info);
	if (json) {
		printf("{\"label\":");
		print_json_string(stdout, info.label);
		printf(",\"uuid\":\"");
		print_hex(stdout, info.uuid, sizeof info.uuid);
		printf("\",\"blocks\":%llu,\"free\":%llu,\"inodes\":%llu,\"generation\":%llu,\"records\":%u,"
		    "\"hash\":\"%s\",\"sealed\":%s,\"root_damaged\":%s,\"snapshots\":%u,\"removing\":%s}\n", (unsigned long long)info.blocks,
		    (unsigned long long)info.blocks_free, (unsigned long long)info.inodes,
		    (unsigned long long)info.generation, info.log_records,
		    info.hash == BX_FS_HASH_SHA256 ? "sha256" : "xxh64", info.sealed ? "true" : "false",
		    info.root_damaged ? "true" : "false", info.snapshots, info.removing ? "true" : "false");
		return;
	}
	printf("label      %s\nuuid       ", info.label);
	print_hex(stdout, info.uuid, sizeof info.uuid);
	printf("\nsize       %s, %s free\nobjects    %llu\nroot       %llu, and %u records\nchecksums  %s%s\n",
	    human_size(info.blocks * BX_FS_BLOCK), human_size(info.blocks_free * BX_FS_BLOCK),
	    (unsigned long long)info.inodes, (unsigned long long)info.generation, info.log_records,
	    info.hash == BX_FS_HASH_SHA256 ? "SHA-256" : "XXH64", info.sealed ? ", sealed" : "");
	if (info.snapshots > 0)
		printf("snapshots  %u\n", info.snapshots);
	if (info.sealed) {
		printf("root hash  ");
		print_hex(stdout, info.root_hash, sizeof info.root_hash);
		putchar('\n');
	}
	if (info.root_damaged)
		printf("one copy of the root is damaged: fsck.bxfs --repair writes it again\n");
}

static const struct {
	const char *name;
	int least, most;	/* arguments after FILE */
	bool writes;
	void (*run)(char **argument);
} commands[] = {
	{ "ls", 0, 1, false, do_ls },
	{ "tree", 0, 1, false, do_tree },
	{ "stat", 1, 1, false, do_stat },
	{ "cat", 1, 1, false, do_cat },
	{ "get", 2, 2, false, do_get },
	{ "put", 2, 2, true, do_put },
	{ "mkdir", 1, 1, true, do_mkdir },
	{ "rm", 1, 1, true, do_rm },
	{ "info", 0, 0, false, do_info },
	{ "snapshots", 0, 0, false, do_snapshots },
	{ "snapshot", 1, 1, true, do_snapshot },
	{ "unsnapshot", 1, 1, true, do_unsnapshot },
	{ "rollback", 1, 1, true, do_rollback },
	{ "diff", 1, 2, false, do_diff },
};

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "root-hash", required_argument, NULL, 'H' }, { "json", no_argument, NULL, 'j' },
		{ "snapshot", required_argument, NULL, 's' }, { "progress", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
	};
	static uint8_t hash[BX_FS_DIGEST];
	const char *snapshot = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'H':
			if (!parse_hex(optarg, hash, sizeof hash))
				fail("%s: not 64 hex digits", optarg);
			root_hash = hash;
			break;
		case 's':
			snapshot = optarg;
			break;
		case 'p':
			with_progress = true;
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		default:
			fputs(usage_text, stderr);
			return EXIT_FAILURE;
		}
	}
	for (size_t i = 0; optind + 1 < argc && i < sizeof commands / sizeof commands[0]; i++) {
		int rest = argc - optind - 2;

		if (strcmp(argv[optind], commands[i].name) != 0 || rest < commands[i].least ||
		    rest > commands[i].most)
			continue;
		volume = argv[optind + 1];
		if (snapshot != NULL && commands[i].writes)
			fail("a snapshot cannot be changed");
		image_open(&image, volume, commands[i].writes, 0);
		image.snapshot = commands[i].run == do_diff && rest == 2 ? argv[optind + 3] : snapshot;
		must(image_mount(&image, commands[i].writes, root_hash), "%s", volume);
		commands[i].run(argv + optind + 2);
		must(bx_fs_unmount(image.fs), "%s", volume);
		image_close(&image);
		return EXIT_SUCCESS;
	}
	fputs(usage_text, stderr);
	return EXIT_FAILURE;
}
