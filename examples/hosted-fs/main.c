/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * hosted-fs -- a Linux program that keeps its data in a libfs volume in a file.
 *
 *	hosted-fs VOLUME run [N]	make N transfers between accounts (0: for ever), each a transaction
 *	hosted-fs VOLUME show		the accounts, their sum, and whether that is what it was at first
 *
 * Kill it at any moment: the sum is always right, because a transfer changes two files or
 * none.
 */
#include <brainix/fs.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define VOLUME_BYTES (4u << 20)
#define ACCOUNTS 8u
#define FIRST_BALANCE 1000

static uint8_t arena[BX_FS_ARENA_MIN] __attribute__((aligned(16)));
static int fd;

/* What libfs calls when the program itself is wrong. */
void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "hosted-fs: %s: %s\n", where, what);
	abort();
}

/* The device: three functions over a file. */
static enum bx_err
file_read(void *context, uint64_t offset, void *buffer, size_t length)
{
	(void)context;
	return pread(fd, buffer, length, (off_t)offset) == (ssize_t)length ? BX_OK : BX_ERR_IO;
}

static enum bx_err
file_write(void *context, uint64_t offset, const void *buffer, size_t length)
{
	(void)context;
	return pwrite(fd, buffer, length, (off_t)offset) == (ssize_t)length ? BX_OK : BX_ERR_IO;
}

static enum bx_err
file_flush(void *context)
{
	(void)context;
	return fdatasync(fd) == 0 ? BX_OK : BX_ERR_IO;
}

static void
must(enum bx_err err, const char *what)
{
	if (err == BX_OK)
		return;
	fprintf(stderr, "hosted-fs: %s: %s\n", what, bx_err_text(err));
	exit(EXIT_FAILURE);
}

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static long
balance(struct bx_fs *fs, uint64_t inode)
{
	char text[32] = "";
	size_t length;

	must(bx_fs_read(fs, inode, 0, text, sizeof text - 1, &length), "reading an account");
	return strtol(text, NULL, 10);
}

static void
set_balance(struct bx_fs *fs, uint64_t inode, long value)
{
	char text[32];
	int length = snprintf(text, sizeof text, "%ld", value);
	size_t done;

	must(bx_fs_truncate(fs, inode, 0, now_ns()), "writing an account");
	must(bx_fs_write(fs, inode, 0, text, (size_t)length, now_ns(), &done), "writing an account");
}

static uint64_t
account(struct bx_fs *fs, unsigned number)
{
	char name[16];
	uint64_t inode;

	snprintf(name, sizeof name, "account-%u", number);
	must(bx_fs_lookup(fs, BX_FS_ROOT, name, strlen(name), &inode), name);
	return inode;
}

/* Mount; make the volume and the accounts, all or none, if they are not there. */
static struct bx_fs *
open_volume(const struct bx_fs_device *device)
{
	const struct bx_fs_format format = { .hash = BX_FS_HASH_XXH64, .mode = 0700, .label = "accounts" };
	const struct bx_fs_owner owner = { .mode = 0600 };
	const struct bx_fs_config config = {
		.device = device,
		.arena = arena,
		.arena_bytes = sizeof arena,
	};
	struct bx_fs *fs;
	uint64_t inode;
	enum bx_err err = bx_fs_mount(&config, &fs);

	/* Only a file that never was a volume; a damaged one is for fsck.bxfs to
	 * explain. */
	if (err == BX_ERR_FORMAT) {
		must(bx_fs_format(device, &format, arena, sizeof arena), "format");
		err = bx_fs_mount(&config, &fs);
	}
	must(err, "mount");
	if (bx_fs_lookup(fs, BX_FS_ROOT, "account-0", 9, &inode) == BX_OK)
		return fs;
	must(bx_fs_begin(fs), "begin");
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		char name[16];

		snprintf(name, sizeof name, "account-%u", i);
		must(bx_fs_create(fs, BX_FS_ROOT, name, strlen(name), BX_FS_FILE, owner, now_ns(), &inode),
		    name);
		set_balance(fs, inode, FIRST_BALANCE);
	}
	must(bx_fs_end(fs), "end");
	must(bx_fs_sync(fs), "sync");
	return fs;
}

static void
transfer(struct bx_fs *fs)
{
	uint64_t from = account(fs, (unsigned)rand() % ACCOUNTS);
	uint64_t to = account(fs, (unsigned)rand() % ACCOUNTS);
	long amount = rand() % 100;

	if (from == to)
		return;
	must(bx_fs_begin(fs), "begin");
	set_balance(fs, from, balance(fs, from) - amount);
	set_balance(fs, to, balance(fs, to) + amount);
	must(bx_fs_end(fs), "end");
	must(bx_fs_sync(fs), "sync");
}

static int
show(struct bx_fs *fs)
{
	long sum = 0;

	for (unsigned i = 0; i < ACCOUNTS; i++) {
		long value = balance(fs, account(fs, i));

		printf("account-%u %6ld\n", i, value);
		sum += value;
	}
	printf("sum       %6ld  %s\n", sum, sum == (long)ACCOUNTS * FIRST_BALANCE ? "right" : "WRONG");
	return sum == (long)ACCOUNTS * FIRST_BALANCE ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main(int argc, char **argv)
{
	struct bx_fs_device device = {
		.read = file_read,
		.write = file_write,
		.flush = file_flush,
		.size_bytes = VOLUME_BYTES,
		.sector_bytes = 512,
	};
	struct stat st;
	struct bx_fs *fs;
	unsigned long count = argc > 3 ? strtoul(argv[3], NULL, 10) : 1000;
	int status = EXIT_SUCCESS;

	if (argc < 3 || (strcmp(argv[2], "run") != 0 && strcmp(argv[2], "show") != 0)) {
		fprintf(stderr, "Usage: hosted-fs VOLUME run [N] | hosted-fs VOLUME show\n");
		return EXIT_FAILURE;
	}
	fd = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	/* A volume has one user at a time: the next one waits. The lock ends with the program, however that ends. */
	if (fd < 0 || flock(fd, LOCK_EX) != 0 || fstat(fd, &st) != 0 ||
	    (st.st_size < (off_t)VOLUME_BYTES && ftruncate(fd, VOLUME_BYTES) != 0)) {
		perror(argv[1]);
		return EXIT_FAILURE;
	}
	fs = open_volume(&device);
	srand((unsigned)now_ns());
	if (strcmp(argv[2], "show") == 0)
		status = show(fs);
	else
		for (unsigned long i = 0; i < count || count == 0; i++)
			transfer(fs);
	must(bx_fs_unmount(fs), "unmount");
	close(fd);
	return status;
}
