/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* bxfs -- look into a volume, and put files in and out, without mounting it. */
#include "extract.h"
#include "history.h"
#include "output.h"

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
    "  get FILE PATH TO         ... to a file; a directory and all below it to a new directory\n"
    "  salvage FILE TO          what can still be read of a damaged volume, to a new directory\n"
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
    "      --json               ls, tree, stat, info, snapshots, diff, salvage and get of a directory as JSON\n"
    "      --progress           get, put, salvage: how far it is, also where standard error is no terminal\n"
    "  -h, --help\n";

static struct image image;
static const char *volume;		/* its path */
static const uint8_t *root_hash;
static bool json, with_progress;
static int status = EXIT_SUCCESS;	/* what the program ends with */

/* How far a long copy is. */
static void
progress(const char *what, uint64_t done, uint64_t all)
{
	static uint64_t shown;

	if (!with_progress || all < 16u << 20 || (done < all && done - shown < 16u << 20))
		return;
	shown = done;
	fprintf(stderr, "\r%s: %s of %s%s", what, human_size(done), human_size(all),
	    done >= all ? "\n" : "");
}

/* The first length bytes of a path.  What cannot be read is the shortest part of it that cannot. */
static uint64_t
walk(const char *path, size_t length)
{
	uint64_t inode;
	enum bx_err err = bx_fs_walk(image.fs, path, length, &inode);

	for (size_t n = 1; err != BX_OK && n <= length; n++) {
		enum bx_err why = n == length || path[n] == '/' ? bx_fs_walk(image.fs, path, n, &inode) : BX_OK;

		if (why != BX_OK)
			must(why, "%.*s", (int)n, path);
	}
	must(err, "/");
	return inode;
}

static uint64_t
find(const char *path)
{
	return walk(path, strlen(path));
}

/* The directory of a path, and the name in it. */
static uint64_t
find_parent(const char *path, const char **name)
{
	const char *slash = strrchr(path, '/');

	*name = slash == NULL ? path : slash + 1;
	return walk(path, slash == NULL ? 0 : (size_t)(slash - path));
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

static const char types[] = "?-dl";

/* What cannot be read. */
static void
print_problem(const char *name, uint64_t inode, enum bx_err err)
{
	status = EXIT_FAILURE;
	if (json) {
		printf("{\"name\":");
		print_json_string(stdout, name);
		printf(",\"inode\":%llu,\"error\":\"%s\"}\n", (unsigned long long)inode, bx_err_name(err));
		return;
	}
	printf("?????????? ");
	print_name(stdout, name);
	printf(": %s\n", bx_err_text(err));
}

static void
print_json_line(const char *name, const struct bx_fs_stat *st, const char *target, bool with_attributes)
{
	char attribute[BX_FS_NAME_MAX + 1] = "";
	size_t length = 0;
	const char *comma = "";
	enum bx_err err = BX_ERR_NOT_FOUND;

	printf("{\"name\":");
	print_json_string(stdout, name);
	printf(",\"inode\":%llu,\"type\":\"%c\",\"mode\":%u,\"links\":%u,\"uid\":%u,\"gid\":%u,"
	    "\"size\":%llu,\"blocks\":%llu,\"modified_ns\":%llu", (unsigned long long)st->inode,
	    types[st->type], st->mode, st->links, st->uid, st->gid, (unsigned long long)st->size,
	    (unsigned long long)st->blocks, (unsigned long long)st->modified_ns);
	if (target != NULL) {
		printf(",\"target\":");
		print_json_string(stdout, target);
	}
	if (with_attributes) {
		printf(",\"attributes\":[");
		while ((err = bx_fs_next_attr(image.fs, st->inode, attribute, length, attribute, &length)) == BX_OK) {
			fputs(comma, stdout);
			print_json_string(stdout, attribute);
			comma = ",";
		}
		putchar(']');
	}
	if (err != BX_ERR_NOT_FOUND) {
		printf(",\"error\":\"%s\"", bx_err_name(err));
		status = EXIT_FAILURE;
	}
	printf("}\n");
}

static void
print_text_line(const char *name, const struct bx_fs_stat *st, const char *target, bool with_attributes)
{
	char attribute[BX_FS_NAME_MAX + 1] = "";
	size_t length = 0;
	enum bx_err err = BX_ERR_NOT_FOUND;

	printf("%c%04o %3u %5u %5u %12llu ", types[st->type], st->mode, st->links, st->uid, st->gid,
	    (unsigned long long)st->size);
	print_time(st->modified_ns);
	putchar(' ');
	print_name(stdout, name);
	if (target != NULL) {
		printf(" -> ");
		print_name(stdout, target);
	}
	putchar('\n');
	while (with_attributes &&
	    (err = bx_fs_next_attr(image.fs, st->inode, attribute, length, attribute, &length)) == BX_OK) {
		printf("attribute ");
		print_name(stdout, attribute);
		putchar('\n');
	}
	if (err != BX_ERR_NOT_FOUND)
		print_problem(name, st->inode, err);
}

static void
print_line(const char *name, uint64_t inode, bool with_attributes)
{
	char text[BX_FS_TARGET_MAX + 1];
	const char *target = NULL;
	struct bx_fs_stat st;
	size_t length;
	enum bx_err err = bx_fs_stat(image.fs, inode, &st);

	if (err == BX_OK && st.type == BX_FS_SYMLINK) {
		err = bx_fs_read_link(image.fs, inode, text, sizeof text - 1, &length);
		if (err == BX_OK)
			text[length] = '\0';
		target = text;
	}
	if (err != BX_OK)
		print_problem(name, inode, err);
	else if (json)
		print_json_line(name, &st, target, with_attributes);
	else
		print_text_line(name, &st, target, with_attributes);
}

static void
do_ls(char **argument)
{
	uint64_t directory = find(argument[0] != NULL ? argument[0] : "/");
	struct bx_fs_entry e = { .name_length = 0 };
	enum bx_err err;

	while ((err = bx_fs_next_entry(image.fs, directory, e.name, e.name_length, &e)) == BX_OK)
		print_line(e.name, e.inode, false);
	if (err != BX_ERR_NOT_FOUND)
		must(err, "%s", argument[0] != NULL ? argument[0] : "/");
}

static bool
print_branch(void *context, const char *path, size_t depth, const struct bx_fs_entry *e, enum bx_err err)
{
	(void)context;
	if (e == NULL)
		status = EXIT_FAILURE;
	if (e == NULL && json) {
		printf("{\"depth\":%zu,\"error\":\"%s\",\"path\":", depth, bx_err_name(err));
		print_json_string(stdout, path[0] != '\0' ? path : "/");
		printf("}\n");
	} else if (e == NULL) {
		printf("%*s?? ", (int)(2 * (depth - 1)), "");
		print_name(stdout, path[0] != '\0' ? path : "/");
		printf(": %s\n", bx_err_text(err));
	} else if (json) {
		printf("{\"depth\":%zu,\"inode\":%llu,\"type\":%u,\"name\":", depth,
		    (unsigned long long)e->inode, e->type);
		print_json_string(stdout, e->name);
		printf("}\n");
	} else {
		printf("%*s", (int)(2 * (depth - 1)), "");
		print_name(stdout, e->name);
		printf("%s\n", e->type == BX_FS_DIRECTORY ? "/" : e->type == BX_FS_SYMLINK ? "@" : "");
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
	print_line(argument[0], find(argument[0]), true);
}

/* Up to the first byte that cannot be read: which block that is in shows when they are read one by one. */
static void
copy_out(const char *path, uint64_t inode, int fd, const char *to)
{
	static uint8_t buffer[BX_FS_READ_MAX];
	uint64_t offset = 0;
	struct bx_fs_stat st;

	must(bx_fs_stat(image.fs, inode, &st), "%s", path);
	for (;;) {
		size_t done, want = sizeof buffer;
		enum bx_err err = bx_fs_read(image.fs, inode, offset, buffer, want, &done);

		if (err != BX_OK) {
			want = BX_FS_BLOCK - offset % BX_FS_BLOCK;
			err = bx_fs_read(image.fs, inode, offset, buffer, want, &done);
		}
		if (err != BX_OK && st.type == BX_FS_FILE && offset < st.size)
			must(err, "%s: bytes %llu to %llu", path, (unsigned long long)offset,
			    (unsigned long long)(st.size - offset < want ? st.size : offset + want) - 1);
		must(err, "%s", path);
		if (done == 0)
			return;
		for (size_t at = 0; at < done;) {
			ssize_t n = write(fd, buffer + at, done - at);

			if (n < 0 && errno != EINTR)
				fail("%s: %s", to, strerror(errno));
			at += n > 0 ? (size_t)n : 0;
		}
		offset += done;
		progress(path, offset, st.size);
	}
}

static void
do_cat(char **argument)
{
	/* What is written goes to the same terminal. */
	with_progress = with_progress && isatty(STDOUT_FILENO) == 0;
	copy_out(argument[0], find(argument[0]), STDOUT_FILENO, "writing");
}

static void
do_get(char **argument)
{
	uint64_t inode = find(argument[0]);
	struct bx_fs_stat st;
	int fd;

	must(bx_fs_stat(image.fs, inode, &st), "%s", argument[0]);
	if (st.type == BX_FS_DIRECTORY) {
		if (!extract_tree(&image, inode, argument[1], json, with_progress)) {
			output_drop();
			fail("%s: nothing was copied: part of it cannot be", argument[0]);
		}
		output_keep();
		return;
	}
	if (st.type != BX_FS_FILE)
		fail("%s: a symbolic link", argument[0]);
	fd = output_file(argument[1]);
	if (fd < 0)
		fd = open(argument[1], O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		fail("%s: %s", argument[1], strerror(errno));
	copy_out(argument[0], inode, fd, argument[1]);
	if (close(fd) != 0)
		fail("%s: %s", argument[1], strerror(errno));
	output_keep();
}

static void
do_salvage(char **argument)
{
	if (!extract_tree(&image, BX_FS_ROOT, argument[0], json, with_progress))
		status = EXIT_FAILURE;
	output_keep();
}

/* A volume whose newest root or log is damaged: the newest root that is not. */
static enum bx_err
mount_for_salvage(void)
{
	enum bx_err err = image_mount(&image, root_hash);
	struct bx_fs_info info;

	if (err != BX_ERR_CORRUPT && err != BX_ERR_IO)
		return err;
	image.flags = BX_FS_MOUNT_SALVAGE;
	if (image_mount(&image, root_hash) != BX_OK)
		return err;
	bx_fs_get_info(image.fs, &info);
	fprintf(stderr, "%s: %s: the last commits are lost (%s): this is root %llu\n", tool_name, volume, bx_err_text(err),
	    (unsigned long long)info.generation);
	status = EXIT_FAILURE;
	return BX_OK;
}

/* Free the blocks of what was deleted now, not with further use. */
static enum bx_err
tidy(void)
{
	enum bx_err err;

	do {
		err = bx_fs_tidy(image.fs);
	} while (err == BX_ERR_AGAIN);
	return err;
}

static const char temporary[] = ".bxfs-put";

/* Putting failed: nothing is left of the new file. */
static void
put_remove(uint64_t directory)
{
	if (bx_fs_unlink(image.fs, directory, temporary, strlen(temporary), 0, now_ns()) == BX_OK && tidy() == BX_OK)
		(void)(bx_fs_unmount(image.fs) == BX_OK);
}

static void
put_must(enum bx_err err, uint64_t directory, const char *path)
{
	if (err != BX_OK)
		put_remove(directory);
	must(err, "%s", path);
}

/* A new file beside the old one, then a rename: a cut leaves the one or the other. */
static void
do_put(char **argument)
{
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
	if (S_ISDIR(st.st_mode))
		fail("%s: %s", argument[0], strerror(EISDIR));
	err = bx_fs_unlink(image.fs, directory, temporary, strlen(temporary), 0, now_ns());
	if (err != BX_ERR_NOT_FOUND)
		must(err, "%s", argument[1]);
	must(bx_fs_create(image.fs, directory, temporary, strlen(temporary), BX_FS_FILE, owner, now_ns(),
	    &inode), "%s", argument[1]);
	while ((n = read(fd, buffer, sizeof buffer)) > 0) {
		size_t done;

		for (size_t at = 0; at < (size_t)n; at += done)
			put_must(bx_fs_write(image.fs, inode, offset + at, buffer + at, (size_t)n - at, now_ns(), &done),
			    directory, argument[1]);
		offset += (uint64_t)n;
		progress(argument[1], offset, (uint64_t)st.st_size);
	}
	if (n < 0) {
		int why = errno;

		put_remove(directory);
		fail("%s: %s", argument[0], strerror(why));
	}
	put_must(bx_fs_rename(image.fs, directory, temporary, strlen(temporary), directory, name, strlen(name),
	    0, now_ns()), directory, argument[1]);
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
	if (strlen(argument[0]) > BX_FS_SNAPSHOT_NAME_MAX)
		fail("%s: the name of a snapshot has at most %u bytes, this one %zu", argument[0], BX_FS_SNAPSHOT_NAME_MAX,
		    strlen(argument[0]));
	must(bx_fs_snapshot_create(image.fs, argument[0], strlen(argument[0]), now_ns()), "%s", argument[0]);
}

static void
do_unsnapshot(char **argument)
{
	must(bx_fs_snapshot_remove(image.fs, argument[0], strlen(argument[0])), "%s", argument[0]);
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

	image_open(&older, volume, false);
	older.snapshot = argument[0];
	must(image_mount(&older, root_hash), "%s", argument[0]);
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
		    "\"hash\":\"%s\",\"sealed\":%s,\"root_damaged\":%s,\"snapshots\":%u,\"removing\":%s,\"root_hash\":\"", (unsigned long long)info.blocks,
		    (unsigned long long)info.blocks_free, (unsigned long long)info.inodes,
		    (unsigned long long)info.generation, info.log_records,
		    info.hash == BX_FS_HASH_SHA256 ? "sha256" : "xxh64", info.sealed ? "true" : "false",
		    info.root_damaged ? "true" : "false", info.snapshots, info.removing ? "true" : "false");
		if (info.sealed)
			print_hex(stdout, info.root_hash, sizeof info.root_hash);
		printf("\"}\n");
		return;
	}
	printf("label      ");
	print_name(stdout, info.label);
	printf("\nuuid       ");
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
	{ "salvage", 1, 1, false, do_salvage },
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

	with_progress = isatty(STDERR_FILENO) != 0;
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
		enum bx_err err;

		if (strcmp(argv[optind], commands[i].name) != 0 || rest < commands[i].least ||
		    rest > commands[i].most)
			continue;
		volume = argv[optind + 1];
		if (snapshot != NULL && commands[i].writes)
			fail("a snapshot cannot be changed");
		image_open(&image, volume, commands[i].writes);
		image.snapshot = commands[i].run == do_diff && rest == 2 ? argv[optind + 3] : snapshot;
		must(commands[i].run == do_salvage ? mount_for_salvage() : image_mount(&image, root_hash), "%s", volume);
		commands[i].run(argv + optind + 2);
		err = commands[i].writes ? tidy() : BX_OK;
		if (err != BX_OK)
			fprintf(stderr, "%s: %s: not all blocks of what was deleted are free: %s\n", tool_name, volume,
			    bx_err_text(err));
		must(bx_fs_unmount(image.fs), "%s", volume);
		image_close(&image);
		if (fflush(stdout) != 0 || ferror(stdout) != 0)
			fail("writing: %s", strerror(errno));
		return status;
	}
	fputs(usage_text, stderr);
	return EXIT_FAILURE;
}
