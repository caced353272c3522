/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * bxfs-fuse -- mount a volume with libfuse3, read-write or read-only.
 *
 * One thread; the paths that FUSE gives are looked up by libfs.  fsync and the unmount
 * commit; a commit is also made when the last one is two seconds old, at the next call that
 * changes something.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE		/* fallocate's flags */
#endif
#define FUSE_USE_VERSION 31
#include <fuse.h>

#include "../bxfs/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define COMMIT_NS 2000000000u
#define ARGUMENTS_MAX 60

static struct image image;
static uint64_t last_commit;

static int
errno_of(enum bx_err err)
{
	switch (err) {
	case BX_OK:
		return 0;
	case BX_ERR_NOT_FOUND:
		return -ENOENT;
	case BX_ERR_EXISTS:
		return -EEXIST;
	case BX_ERR_FS_NOT_DIR:
		return -ENOTDIR;
	case BX_ERR_FS_IS_DIR:
		return -EISDIR;
	case BX_ERR_FS_NOT_EMPTY:
		return -ENOTEMPTY;
	case BX_ERR_FS_FULL:
		return -ENOSPC;
	case BX_ERR_FS_READ_ONLY:
		return -EROFS;
	case BX_ERR_FS_NAME:
		return -ENAMETOOLONG;
	case BX_ERR_FS_LOOP:
	case BX_ERR_INVALID:
		return -EINVAL;
	case BX_ERR_RANGE:
		return -EFBIG;
	case BX_ERR_OVERFLOW:
		return -ERANGE;
	case BX_ERR_NO_MEMORY:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static enum bx_err
walk_part(const char *path, size_t length, uint64_t *inode)
{
	enum bx_err err = bx_fs_walk(image.fs, path, length, inode);

	/* Too many names for a path. */
	return err == BX_ERR_RANGE ? BX_ERR_FS_NAME : err;
}

static enum bx_err
walk(const char *path, uint64_t *inode)
{
	return walk_part(path, strlen(path), inode);
}

/* The directory of a path, and the name in it. */
static enum bx_err
walk_parent(const char *path, const char **name, uint64_t *directory)
{
	const char *slash = strrchr(path, '/');
	unsigned depth = 0;

	*name = slash + 1;
	/* Nothing is made where nothing finds it. */
	for (const char *c = path; *c != '\0'; c++)
		depth += *c == '/';
	if (depth > BX_FS_DEPTH_MAX)
		return BX_ERR_FS_NAME;
	return walk_part(path, (size_t)(slash - path), directory);
}

/* After a change. */
static int
done_with(enum bx_err err)
{
	uint64_t now = now_ns();

	if (err == BX_OK && now - last_commit > COMMIT_NS) {
		err = bx_fs_sync(image.fs);
		last_commit = now;
	}
	return errno_of(err);
}

static struct bx_fs_owner
owner_with(mode_t mode)
{
	const struct fuse_context *c = fuse_get_context();

	return (struct bx_fs_owner){ .uid = c->uid, .gid = c->gid, .mode = (uint16_t)(mode & 07777) };
}

static struct timespec
time_from(uint64_t ns)
{
	return (struct timespec){
		.tv_sec = (time_t)(ns / 1000000000u),
		.tv_nsec = (long)(ns % 1000000000u),
	};
}

static int
op_getattr(const char *path, struct stat *st, struct fuse_file_info *fi)
{
	static const mode_t types[] = { 0, S_IFREG, S_IFDIR, S_IFLNK };
	struct bx_fs_stat s;
	uint64_t inode;
	enum bx_err err = walk(path, &inode);

	(void)fi;
	if (err == BX_OK)
		err = bx_fs_stat(image.fs, inode, &s);
	if (err != BX_OK)
		return errno_of(err);
	memset(st, 0, sizeof *st);
	st->st_ino = s.inode;
	st->st_mode = types[s.type] | s.mode;
	st->st_nlink = s.links;
	st->st_uid = s.uid;
	st->st_gid = s.gid;
	st->st_size = (off_t)s.size;
	st->st_blocks = (blkcnt_t)(s.blocks * (BX_FS_BLOCK / 512));
	st->st_blksize = BX_FS_BLOCK;
	st->st_mtim = time_from(s.modified_ns);
	st->st_atim = st->st_mtim;
	st->st_ctim = time_from(s.changed_ns);
	return 0;
}

static int
op_readdir(const char *path, void *buffer, fuse_fill_dir_t fill, off_t offset,
    struct fuse_file_info *fi, enum fuse_readdir_flags flags)
{
	struct bx_fs_entry e = { .name_length = 0 };
	uint64_t inode;
	enum bx_err err = walk(path, &inode);

	(void)offset;
	(void)fi;
	(void)flags;
	if (err != BX_OK)
		return errno_of(err);
	fill(buffer, ".", NULL, 0, (enum fuse_fill_dir_flags)0);
	fill(buffer, "..", NULL, 0, (enum fuse_fill_dir_flags)0);
	while ((err = bx_fs_next_entry(image.fs, inode, e.name, e.name_length, &e)) == BX_OK)
		if (fill(buffer, e.name, NULL, 0, (enum fuse_fill_dir_flags)0) != 0)
			return 0;
	return err == BX_ERR_NOT_FOUND ? 0 : errno_of(err);
}

static int
op_readlink(const char *path, char *buffer, size_t size)
{
	uint64_t inode;
	size_t length = 0;
	char target[BX_FS_TARGET_MAX];
	enum bx_err err = walk(path, &inode);

	if (err == BX_OK)
		err = bx_fs_read_link(image.fs, inode, target, sizeof target, &length);
	if (err != BX_OK)
		return errno_of(err);
	if (length > size - 1)
		length = size - 1;
	memcpy(buffer, target, length);
	buffer[length] = '\0';
	return 0;
}

static int
make(const char *path, enum bx_fs_type type, mode_t mode, uint64_t *inode)
{
	const char *name;
	uint64_t directory;
	enum bx_err err = walk_parent(path, &name, &directory);

	if (err == BX_OK)
		err = bx_fs_create(image.fs, directory, name, strlen(name), type, owner_with(mode), now_ns(),
		    inode);
	return done_with(err);
}

static int
op_mknod(const char *path, mode_t mode, dev_t device)
{
	uint64_t inode;

	(void)device;
	return S_ISREG(mode) ? make(path, BX_FS_FILE, mode, &inode) : -EPERM;
}

static int
op_mkdir(const char *path, mode_t mode)
{
	uint64_t inode;

	return make(path, BX_FS_DIRECTORY, mode, &inode);
}

static int
op_create(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	return make(path, BX_FS_FILE, mode, &fi->fh);
}

static enum bx_err
truncate_to(uint64_t inode, uint64_t size)
{
	enum bx_err err;

	do {
		err = bx_fs_truncate(image.fs, inode, size, now_ns());
	} while (err == BX_ERR_AGAIN);
	return err;
}

/* libfuse leaves O_TRUNC to the file system. */
static int
op_open(const char *path, struct fuse_file_info *fi)
{
	enum bx_err err = walk(path, &fi->fh);

	if (err != BX_OK || (fi->flags & O_TRUNC) == 0)
		return errno_of(err);
	return done_with(truncate_to(fi->fh, 0));
}

static int
op_unlink(const char *path)
{
	const char *name;
	uint64_t directory;
	enum bx_err err = walk_parent(path, &name, &directory);

	if (err == BX_OK)
		err = bx_fs_unlink(image.fs, directory, name, strlen(name), 0, now_ns());
	return done_with(err);
}

static int
op_rmdir(const char *path)
{
	const char *name;
	uint64_t directory;
	enum bx_err err = walk_parent(path, &name, &directory);

	if (err == BX_OK)
		err = bx_fs_remove_directory(image.fs, directory, name, strlen(name), now_ns());
	return done_with(err);
}

static int
op_symlink(const char *target, const char *path)
{
	const char *name;
	uint64_t directory, inode;
	enum bx_err err = walk_parent(path, &name, &directory);

	if (err == BX_OK)
		err = bx_fs_symlink(image.fs, directory, name, strlen(name), target, strlen(target),
		    owner_with(0777), now_ns(), &inode);
	return done_with(err);
}

static int
op_link(const char *from, const char *to)
{
	const char *name;
	uint64_t directory, inode;
	enum bx_err err = walk(from, &inode);

	if (err == BX_OK)
		err = walk_parent(to, &name, &directory);
	if (err == BX_OK)
		err = bx_fs_link(image.fs, inode, directory, name, strlen(name), now_ns());
	if (err == BX_ERR_FS_IS_DIR)
		return -EPERM;
	return done_with(err);
}

static int
op_rename(const char *from, const char *to, unsigned flags)
{
	const char *old_name, *new_name;
	uint64_t old_directory, new_directory;
	enum bx_err err = walk_parent(from, &old_name, &old_directory);

	if ((flags & ~1u) != 0)
		return -EINVAL;
	if (err == BX_OK)
		err = walk_parent(to, &new_name, &new_directory);
	if (err == BX_OK)
		err = bx_fs_rename(image.fs, old_directory, old_name, strlen(old_name), new_directory, new_name,
		    strlen(new_name), flags != 0 ? BX_FS_NO_REPLACE : 0, now_ns());
	return done_with(err);
}

static int
set(const char *path, uint32_t mask, const struct bx_fs_stat *values)
{
	uint64_t inode;
	enum bx_err err = walk(path, &inode);

	if (err == BX_OK && mask != 0)
		err = bx_fs_set_stat(image.fs, inode, mask, values, now_ns());
	return done_with(err);
}

static int
op_chmod(const char *path, mode_t mode, struct fuse_file_info *fi)
{
	const struct bx_fs_stat values = { .mode = (uint16_t)(mode & 07777) };

	(void)fi;
	return set(path, BX_FS_SET_MODE, &values);
}

static int
op_chown(const char *path, uid_t uid, gid_t gid, struct fuse_file_info *fi)
{
	const struct bx_fs_stat values = { .uid = uid, .gid = gid };

	(void)fi;
	return set(path, (uid != (uid_t)-1 ? BX_FS_SET_OWNER : 0) | (gid != (gid_t)-1 ? BX_FS_SET_GROUP : 0),
	    &values);
}

static int
op_utimens(const char *path, const struct timespec times[2], struct fuse_file_info *fi)
{
	struct bx_fs_stat values = { .modified_ns = now_ns() };

	(void)fi;
	if (times[1].tv_nsec == UTIME_OMIT)
		return 0;
	/* The format's times begin in 1970 and end in 2554. */
	if (times[1].tv_nsec != UTIME_NOW && times[1].tv_sec < 0)
		values.modified_ns = 0;
	else if (times[1].tv_nsec != UTIME_NOW && (uint64_t)times[1].tv_sec >= UINT64_MAX / 1000000000u)
		values.modified_ns = UINT64_MAX;
	else if (times[1].tv_nsec != UTIME_NOW)
		values.modified_ns = (uint64_t)times[1].tv_sec * 1000000000u + (uint64_t)times[1].tv_nsec;
	return set(path, BX_FS_SET_MODIFIED, &values);
}

static int
op_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	uint64_t inode;
	enum bx_err err = BX_OK;

	if (fi != NULL)
		inode = fi->fh;
	else
		err = walk(path, &inode);
	if (err == BX_OK)
		err = truncate_to(inode, (uint64_t)size);
	return done_with(err);
}

static int
op_read(const char *path, char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	size_t total = 0, done = 1;

	(void)path;
	while (total < size && done > 0) {
		enum bx_err err = bx_fs_read(image.fs, fi->fh, (uint64_t)offset + total, buffer + total,
		    size - total, &done);

		if (err != BX_OK)
			return errno_of(err);
		total += done;
	}
	return (int)total;
}

static int
op_write(const char *path, const char *buffer, size_t size, off_t offset, struct fuse_file_info *fi)
{
	size_t total = 0, done;
	int status;

	(void)path;
	while (total < size) {
		enum bx_err err = bx_fs_write(image.fs, fi->fh, (uint64_t)offset + total, buffer + total,
		    size - total, now_ns(), &done);

		if (err != BX_OK && total > 0)
			break;
		if (err != BX_OK)
			return errno_of(err);
		total += done;
	}
	status = done_with(BX_OK);
	return status != 0 ? status : (int)total;
}

static int
op_fallocate(const char *path, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
	enum bx_err err;

	(void)path;
	if (mode != (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE))
		return -EOPNOTSUPP;
	do {
		err = bx_fs_punch(image.fs, fi->fh, (uint64_t)offset, (uint64_t)length, now_ns());
	} while (err == BX_ERR_AGAIN);
	return done_with(err);
}

/* What libfuse asks for is SEEK_DATA or SEEK_HOLE. */
static off_t
op_lseek(const char *path, off_t offset, int whence, struct fuse_file_info *fi)
{
	uint64_t at = (uint64_t)offset, length = 0, end = at;
	struct bx_fs_stat st;
	enum bx_err err = bx_fs_stat(image.fs, fi->fh, &st);

	(void)path;
	if (err != BX_OK)
		return errno_of(err);
	if (at >= st.size)
		return -ENXIO;
	/* Pieces of content that follow one another are one. */
	do {
		at = end;
		err = bx_fs_next_data(image.fs, fi->fh, &at, &length);
		if (whence == SEEK_DATA)
			return err == BX_ERR_NOT_FOUND ? -ENXIO : err != BX_OK ? errno_of(err) : (off_t)at;
		if (err != BX_OK || at != end)
			break;
		end = at + length;
	} while (end < st.size);
	return err != BX_OK && err != BX_ERR_NOT_FOUND ? errno_of(err) : (off_t)end;
}

static int
op_fsync(const char *path, int data_only, struct fuse_file_info *fi)
{
	(void)path;
	(void)data_only;
	return errno_of(bx_fs_sync_file(image.fs, fi->fh));
}

static int
op_fsyncdir(const char *path, int data_only, struct fuse_file_info *fi)
{
	uint64_t inode;
	enum bx_err err = walk(path, &inode);

	(void)data_only;
	(void)fi;
	return errno_of(err == BX_OK ? bx_fs_sync_file(image.fs, inode) : err);
}

static int
op_statfs(const char *path, struct statvfs *st)
{
	struct bx_fs_info info;

	(void)path;
	bx_fs_get_info(image.fs, &info);
	memset(st, 0, sizeof *st);
	st->f_bsize = st->f_frsize = BX_FS_BLOCK;
	st->f_blocks = info.blocks;
	st->f_bfree = info.blocks_free;
	st->f_bavail = info.blocks_free > info.blocks_reserved ? info.blocks_free - info.blocks_reserved : 0;
	st->f_files = info.inodes + info.blocks_free * 16;
	st->f_ffree = info.blocks_free * 16;
	st->f_namemax = BX_FS_NAME_MAX;
	return 0;
}

static int
op_setxattr(const char *path, const char *name, const char *value, size_t size, int flags)
{
	uint64_t inode;
	size_t length;
	uint8_t old[BX_FS_ATTR_MAX];
	enum bx_err err = walk(path, &inode);

	if (err == BX_OK && flags != 0) {
		err = bx_fs_get_attr(image.fs, inode, name, strlen(name), old, sizeof old, &length);
		if (err == BX_OK && flags == 1)
			return -EEXIST;
		if (err == BX_ERR_NOT_FOUND && flags == 2)
			return -ENODATA;
		if (err == BX_ERR_NOT_FOUND)
			err = BX_OK;
	}
	if (err == BX_OK)
		err = bx_fs_set_attr(image.fs, inode, name, strlen(name), value, size, now_ns());
	if (err == BX_ERR_RANGE)
		return -ENOSPC;
	return done_with(err);
}

static int
op_getxattr(const char *path, const char *name, char *value, size_t size)
{
	uint64_t inode;
	size_t length;
	uint8_t bytes[BX_FS_ATTR_MAX];
	enum bx_err err = walk(path, &inode);

	if (err != BX_OK)
		return errno_of(err);
	err = bx_fs_get_attr(image.fs, inode, name, strlen(name), bytes, sizeof bytes, &length);
	if (err != BX_OK)
		return err == BX_ERR_NOT_FOUND ? -ENODATA : errno_of(err);
	if (size > 0 && length > size)
		return -ERANGE;
	if (size > 0)
		memcpy(value, bytes, length);
	return (int)length;
}

static int
op_listxattr(const char *path, char *list, size_t size)
{
	char name[BX_FS_NAME_MAX + 1];
	size_t length = 0, total = 0;
	uint64_t inode;
	enum bx_err err = walk(path, &inode);

	while (err == BX_OK) {
		err = bx_fs_next_attr(image.fs, inode, name, length, name, &length);
		if (err != BX_OK)
			break;
		if (size > 0 && length + 1 > size - total)
			return -ERANGE;
		if (size > 0)
			memcpy(list + total, name, length + 1);
		total += length + 1;
	}
	return err == BX_ERR_NOT_FOUND ? (int)total : errno_of(err);
}

static int
op_removexattr(const char *path, const char *name)
{
	uint64_t inode;
	enum bx_err err = walk(path, &inode);

	if (err != BX_OK)
		return errno_of(err);
	err = bx_fs_remove_attr(image.fs, inode, name, strlen(name), now_ns());
	return err == BX_ERR_NOT_FOUND ? -ENODATA : done_with(err);
}

/* Two names of one file are two nodes to libfuse: what the kernel keeps of one is old when the other
 * was used.  What cannot change may be kept for ever. */
static void *
op_init(struct fuse_conn_info *connection, struct fuse_config *config)
{
	struct bx_fs_info info;

	(void)connection;
	bx_fs_get_info(image.fs, &info);
	config->use_ino = 1;
	config->attr_timeout = 0;
	if (info.read_only) {
		config->entry_timeout = config->attr_timeout = config->negative_timeout = 86400;
		config->kernel_cache = 1;
	}
	return NULL;
}

static void
op_destroy(void *data)
{
	enum bx_err err = bx_fs_unmount(image.fs);

	(void)data;
	if (err != BX_OK)
		fprintf(stderr, "%s: the last changes are lost: %s\n", tool_name, bx_err_text(err));
}

static const struct fuse_operations operations = {
	.getattr = op_getattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.chmod = op_chmod,
	.chown = op_chown,
	.truncate = op_truncate,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.statfs = op_statfs,
	.fsync = op_fsync,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.readdir = op_readdir,
	.fsyncdir = op_fsyncdir,
	.init = op_init,
	.destroy = op_destroy,
	.create = op_create,
	.utimens = op_utimens,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
};

int
main(int argc, char **argv)
{
	char *arguments[ARGUMENTS_MAX + 4];
	/* The kernel enforces the modes that libfs only stores. */
	char single[] = "-s", option[] = "-o", permissions[] = "default_permissions";
	int count = 0;
	bool writable = true;
	const char *file = NULL, *snapshot = NULL;

	tool_name = "bxfs-fuse";
	/* The first argument that is no option is the volume; the rest is libfuse's. */
	if (argc > ARGUMENTS_MAX)
		fail("too many arguments");
	for (int i = 0; i < argc; i++) {
		if (i > 0 && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			printf("Usage: bxfs-fuse [--read-only] [--snapshot NAME] VOLUME MOUNTPOINT [libfuse option...]\n"
			    "Mount the bxfs volume in the file or device VOLUME; `fusermount3 -u' commits and ends.\n");
			return EXIT_SUCCESS;
		}
		if (strcmp(argv[i], "--read-only") == 0)
			writable = false;
		else if (strcmp(argv[i], "--snapshot") == 0 && i + 1 < argc)
			snapshot = argv[++i];
		else if (i > 0 && file == NULL && argv[i][0] != '-')
			file = argv[i];
		else
			arguments[count++] = argv[i];
	}
	if (file == NULL || count < 2)
		fail("usage: bxfs-fuse [--read-only] [--snapshot NAME] VOLUME MOUNTPOINT [libfuse option...]");
	writable = writable && snapshot == NULL;
	image_open(&image, file, writable);
	image.snapshot = snapshot;
	must(image_mount(&image, NULL), "%s", file);
	last_commit = now_ns();
	arguments[count++] = single;
	arguments[count++] = option;
	arguments[count++] = permissions;
	arguments[count] = NULL;
	return fuse_main(count, arguments, &operations, NULL);
}
