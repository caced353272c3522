/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* world.c -- random operations on a volume and its model (support.h). */
#include "support-internal.h"

static const struct bx_fs_owner owner = { .uid = 7, .gid = 8, .mode = 0644 };

static void
random_name(struct world *w, char *name)
{
	static const char *const few[] = { "a", "b", "c", "d", "e", "f", "g", "h" };

	if (rng_below(&w->rng, 20) == 0) {
		size_t length = 1 + rng_below(&w->rng, 255);

		memset(name, 'A' + (int)rng_below(&w->rng, 4), length);
		name[length] = '\0';
	} else if (rng_below(&w->rng, 3) == 0) {
		sprintf(name, "n%llu", (unsigned long long)rng_below(&w->rng, w->files_max));
	} else {
		strcpy(name, few[rng_below(&w->rng, 8)]);
	}
}

static uint64_t
random_inode(struct world *w, uint8_t type)
{
	uint64_t start = rng_below(&w->rng, w->model->next);

	for (uint64_t i = 0; i < w->model->next; i++) {
		uint64_t n = (start + i) % w->model->next;
		const struct model_inode *in = &w->model->inode[n];

		if (in->type == type && (in->links > 0 || in->held))
			return n;
	}
	return type == BX_FS_DIRECTORY ? 1 : 0;
}

static uint64_t
random_directory(struct world *w)
{
	return rng_below(&w->rng, 2) == 0 ? 1 : random_inode(w, BX_FS_DIRECTORY);
}

static void
begin_call(struct world *w)
{
	w->time++;
	if (w->failing != NULL)
		w->failing->fail_read = (int64_t)rng_below(&w->rng, 12);
	if (w->before != NULL)
		w->before(w);
}

static void
end_call(struct world *w)
{
	w->calls++;
	if (w->after != NULL)
		w->after(w);
}

static void
call_is_over(struct world *w, const char *what)
{
	if (w->over != NULL)
		w->over(w, what);
	if (w->failing != NULL)
		w->failing->fail_read = -1;
}

/* A changing call must do what the model says; or, if allowed, find the volume full. */
static bool
expect(struct world *w, const char *what, enum bx_err err, enum bx_err want)
{
	call_is_over(w, what);
	if (err == BX_ERR_IO && w->failing != NULL) {
		w->failures++;
		return false;
	}
	if (err == BX_ERR_FS_FULL && w->allow_full) {
		w->full++;
		return false;
	}
	if (err != want)
		die("%s: %s, the model says %s", what, bx_err_name(err), bx_err_name(want));
	return err == BX_OK;
}

static void
model_touch(struct model *m, uint64_t inode, uint64_t time)
{
	m->inode[inode].mtime = time;
}

static void
model_unlink(struct model *m, uint64_t inode, bool keep)
{
	struct model_inode *in = &m->inode[inode];

	in->links--;
	if (in->links > 0)
		return;
	if (keep)
		in->held = true;
	else
		model_drop(m, inode);
}

static void
do_create(struct world *w, uint8_t type)
{
	struct model *m = w->model;
	uint64_t directory = random_directory(w), inode = 0;
	char name[300], target[BX_FS_TARGET_MAX];
	size_t length = 1 + rng_below(&w->rng, rng_below(&w->rng, 8) == 0 ? BX_FS_TARGET_MAX : 60);
	enum bx_err want, err;
	struct model_inode *in;

	if (m->next >= MODEL_INODES)
		return;
	random_name(w, name);
	memset(target, 't', length);
	want = model_find(m, directory, name) != 0 ? BX_ERR_EXISTS : BX_OK;
	begin_call(w);
	if (type == BX_FS_SYMLINK)
		err = bx_fs_symlink(w->fs, directory, name, strlen(name), target, length, owner, w->time,
		    &inode);
	else
		err = bx_fs_create(w->fs, directory, name, strlen(name), (enum bx_fs_type)type, owner,
		    w->time, &inode);
	if (!expect(w, "create", err, want))
		return;
	if (inode != m->next)
		die("inode %llu", (unsigned long long)inode);
	in = &m->inode[m->next++];
	*in = (struct model_inode){
		.type = type,
		.mode = owner.mode,
		.uid = owner.uid,
		.gid = owner.gid,
		.links = type == BX_FS_DIRECTORY ? 2 : 1,
		.mtime = w->time,
		.parent = directory,
	};
	if (type == BX_FS_SYMLINK) {
		in->size = length;
		in->data = must(malloc(length));
		memcpy(in->data, target, length);
	}
	entry_add(&m->inode[directory], name, inode);
	if (type == BX_FS_DIRECTORY)
		m->inode[directory].links++;
	model_touch(m, directory, w->time);
	end_call(w);
}

static void
model_resize(struct model_inode *in, uint64_t size)
{
	in->data = must(realloc(in->data, size + 1));
	if (size > in->size)
		memset(in->data + in->size, 0, size - in->size);
	in->size = size;
	in->digest_valid = false;
}

/* A fuzzer's bytes choose what is done; one draw of them is enough for a content. */
static void
random_content(struct world *w, uint8_t *bytes, size_t length)
{
	struct rng own = { .bytes = NULL }, *from = &w->rng;

	if (w->rng.bytes != NULL) {
		own.state = rng_next(&w->rng);
		from = &own;
	}
	for (size_t i = 0; i < length; i += 8) {
		uint64_t v = rng_next(from);

		memcpy(bytes + i, &v, 8);
	}
}

static void
do_write(struct world *w)
{
	static uint8_t bytes[BX_FS_WRITE_MAX + 8192];
	uint64_t inode = random_inode(w, BX_FS_FILE), offset;
	struct model_inode *in = &w->model->inode[inode];
	size_t length, done = 0, at = 0;

	if (inode == 0)
		return;
	switch (rng_below(&w->rng, 5)) {
	case 0:			/* append a little */
		offset = in->size;
		length = 1 + rng_below(&w->rng, 300);
		break;
	case 1:			/* whole blocks */
		offset = rng_below(&w->rng, w->file_max / BX_FS_BLOCK) * BX_FS_BLOCK;
		length = (1 + rng_below(&w->rng, 8)) * BX_FS_BLOCK;
		break;
	case 2:			/* small, near the front */
		offset = rng_below(&w->rng, 1200);
		length = 1 + rng_below(&w->rng, 600);
		break;
	case 3:			/* anything */
		offset = rng_below(&w->rng, w->file_max);
		length = 1 + rng_below(&w->rng, 20000);
		break;
	default:		/* inside what is there */
		offset = in->size > 0 ? rng_below(&w->rng, in->size) : 0;
		length = 1 + rng_below(&w->rng, 5000);
	}
	if (offset > w->file_max)
		offset = 0;
	if (w->write_max != 0 && length > w->write_max)
		length = w->write_max;
	random_content(w, bytes, length);
	while (at < length) {
		enum bx_err err;

		w->payload = length - at;
		begin_call(w);
		err = bx_fs_write(w->fs, inode, offset + at, bytes + at, length - at, w->time, &done);
		if (!expect(w, "write", err, BX_OK))
			return;
		if (done == 0 || done > length - at)
			die("wrote %zu of %zu", done, length - at);
		if (offset + at + done > in->size)
			model_resize(in, offset + at + done);
		memcpy(in->data + offset + at, bytes + at, done);
		in->digest_valid = false;
		in->mtime = w->time;
		at += done;
		end_call(w);
	}
}

static void
do_truncate(struct world *w)
{
	uint64_t inode = random_inode(w, BX_FS_FILE), size;
	struct model_inode *in = &w->model->inode[inode];
	enum bx_err err;

	if (inode == 0)
		return;
	size = rng_below(&w->rng, 3) == 0 ? rng_below(&w->rng, 2000) : rng_below(&w->rng, w->file_max);
	do {
		begin_call(w);
		err = bx_fs_truncate(w->fs, inode, size, w->time);
		if (err == BX_ERR_AGAIN) {
			struct bx_fs_stat st;

			call_is_over(w, "truncate");
			if (bx_fs_stat(w->fs, inode, &st) != BX_OK || st.size >= in->size || st.size <= size)
				die("a step of truncate made no progress");
			model_resize(in, st.size);
		} else if (expect(w, "truncate", err, BX_OK)) {
			model_resize(in, size);
		} else {
			return;
		}
		in->mtime = w->time;
		end_call(w);
	} while (err == BX_ERR_AGAIN);
}

static void
do_punch(struct world *w)
{
	uint64_t inode = random_inode(w, BX_FS_FILE), offset, length;
	struct model_inode *in = &w->model->inode[inode];
	enum bx_err err;

	if (inode == 0 || in->size == 0)
		return;
	offset = rng_below(&w->rng, in->size + 100);
	length = 1 + rng_below(&w->rng, rng_below(&w->rng, 2) == 0 ? 6000 : w->file_max);
	do {
		begin_call(w);
		err = bx_fs_punch(w->fs, inode, offset, length, w->time);
		if (err == BX_ERR_AGAIN)
			call_is_over(w, "punch");
		if (err != BX_ERR_AGAIN && !expect(w, "punch", err, BX_OK))
			return;
		if (offset >= in->size)
			return;
		for (uint64_t i = offset; err == BX_OK && i < in->size && i < offset + length; i++)
			in->data[i] = 0;
		/* A step: what was done is read back, and must be zeros in the range. */
		if (err == BX_ERR_AGAIN) {
			uint8_t *now = must(malloc(in->size));
			size_t done;

			for (uint64_t at = 0; at < in->size; at += done)
				if (bx_fs_read(w->fs, inode, at, now + at, in->size - at, &done) != BX_OK)
					die("read after a step");
			for (uint64_t i = 0; i < in->size; i++)
				if (now[i] != in->data[i] && (now[i] != 0 || i < offset || i - offset >= length))
					die("a step of punch changed byte %llu", (unsigned long long)i);
			memcpy(in->data, now, in->size);
			free(now);
		}
		in->digest_valid = false;
		in->mtime = w->time;
		end_call(w);
	} while (err == BX_ERR_AGAIN);
}

static void
do_unlink(struct world *w)
{
	struct model *m = w->model;
	uint64_t directory = random_directory(w), inode;
	struct model_inode *dir = &m->inode[directory];
	char name[300];
	bool is_dir, keep = rng_below(&w->rng, 8) == 0;
	enum bx_err err, want;

	if (dir->entry_count > 0 && rng_below(&w->rng, 8) != 0)
		strcpy(name, dir->entries[rng_below(&w->rng, dir->entry_count)].name);
	else
		random_name(w, name);
	inode = model_find(m, directory, name);
	is_dir = inode != 0 && m->inode[inode].type == BX_FS_DIRECTORY;
	want = inode == 0 ? BX_ERR_NOT_FOUND : is_dir && m->inode[inode].entry_count > 0 ?
	    BX_ERR_FS_NOT_EMPTY : BX_OK;
	begin_call(w);
	if (is_dir)
		err = bx_fs_remove_directory(w->fs, directory, name, strlen(name), w->time);
	else
		err = bx_fs_unlink(w->fs, directory, name, strlen(name), keep ? BX_FS_KEEP : 0, w->time);
	if (!expect(w, "unlink", err, want))
		return;
	entry_remove(dir, name);
	model_touch(m, directory, w->time);
	if (is_dir) {
		dir->links--;
		model_drop(m, inode);
	} else {
		model_unlink(m, inode, keep);
	}
	end_call(w);
}

static void
do_forget(struct world *w)
{
	struct model *m = w->model;

	for (uint64_t i = 2; i < m->next; i++) {
		if (!m->inode[i].held)
			continue;
		begin_call(w);
		if (!expect(w, "forget", bx_fs_forget(w->fs, i), BX_OK))
			return;
		model_drop(m, i);
		end_call(w);
		return;
	}
}

static void
do_link(struct world *w)
{
	struct model *m = w->model;
	uint64_t inode = random_inode(w, BX_FS_FILE), directory = random_directory(w);
	char name[300];
	enum bx_err want;

	if (inode == 0)
		return;
	random_name(w, name);
	want = m->inode[inode].links == 0 ? BX_ERR_NOT_FOUND :
	    model_find(m, directory, name) != 0 ? BX_ERR_EXISTS : BX_OK;
	begin_call(w);
	if (!expect(w, "link", bx_fs_link(w->fs, inode, directory, name, strlen(name), w->time), want))
		return;
	entry_add(&m->inode[directory], name, inode);
	m->inode[inode].links++;
	model_touch(m, directory, w->time);
	end_call(w);
}

static bool
is_below(const struct model *m, uint64_t inode, uint64_t directory)
{
	while (directory != inode && directory != 1)
		directory = m->inode[directory].parent;
	return directory == inode;
}

static enum bx_err
rename_wants(const struct model *m, uint64_t from, uint64_t to, uint64_t object, uint64_t victim,
    uint32_t flags)
{
	const struct model_inode *o = &m->inode[object], *v = &m->inode[victim];

	if (object == 0)
		return BX_ERR_NOT_FOUND;
	if (victim != 0) {
		if ((flags & BX_FS_NO_REPLACE) != 0)
			return BX_ERR_EXISTS;
		if (victim == object)
			return BX_OK;
		if (v->type == BX_FS_DIRECTORY && o->type != BX_FS_DIRECTORY)
			return BX_ERR_FS_IS_DIR;
		if (v->type != BX_FS_DIRECTORY && o->type == BX_FS_DIRECTORY)
			return BX_ERR_FS_NOT_DIR;
		if (v->type == BX_FS_DIRECTORY && v->entry_count > 0)
			return BX_ERR_FS_NOT_EMPTY;
	}
	if (o->type == BX_FS_DIRECTORY && from != to && is_below(m, object, to))
		return BX_ERR_FS_LOOP;
	return BX_OK;
}

static void
do_rename(struct world *w)
{
	struct model *m = w->model;
	uint64_t from = random_directory(w), to = random_directory(w), object, victim;
	struct model_inode *dir = &m->inode[from];
	char old_name[300], new_name[300];
	uint32_t flags = rng_below(&w->rng, 6) == 0 ? BX_FS_NO_REPLACE :
	    rng_below(&w->rng, 6) == 0 ? BX_FS_KEEP : 0;
	bool is_dir;
	enum bx_err err;

	if (rng_below(&w->rng, 3) == 0)
		to = from;
	if (dir->entry_count > 0 && rng_below(&w->rng, 8) != 0)
		strcpy(old_name, dir->entries[rng_below(&w->rng, dir->entry_count)].name);
	else
		random_name(w, old_name);
	random_name(w, new_name);
	object = model_find(m, from, old_name);
	victim = model_find(m, to, new_name);
	begin_call(w);
	err = bx_fs_rename(w->fs, from, old_name, strlen(old_name), to, new_name, strlen(new_name),
	    flags, w->time);
	if (!expect(w, "rename", err, rename_wants(m, from, to, object, victim, flags)))
		return;
	if (victim == object) {
		end_call(w);
		return;
	}
	is_dir = m->inode[object].type == BX_FS_DIRECTORY;
	if (victim != 0) {
		entry_remove(&m->inode[to], new_name);
		if (is_dir)
			m->inode[to].links--;
		if (is_dir)
			model_drop(m, victim);
		else
			model_unlink(m, victim, flags == BX_FS_KEEP);
	}
	entry_remove(&m->inode[from], old_name);
	entry_add(&m->inode[to], new_name, object);
	if (is_dir) {
		m->inode[from].links--;
		m->inode[to].links++;
		m->inode[object].parent = to;
	}
	model_touch(m, from, w->time);
	model_touch(m, to, w->time);
	end_call(w);
}

static void
do_set_stat(struct world *w)
{
	uint64_t inode = random_inode(w, (uint8_t)(1 + rng_below(&w->rng, 3)));
	struct model_inode *in = &w->model->inode[inode];
	struct bx_fs_stat values = {
		.mode = (uint16_t)rng_below(&w->rng, 07777),
		.uid = (uint32_t)rng_next(&w->rng),
		.gid = (uint32_t)rng_next(&w->rng),
		.modified_ns = rng_next(&w->rng),
	};
	uint32_t mask = 1 + (uint32_t)rng_below(&w->rng, 15);

	if (inode == 0)
		return;
	begin_call(w);
	if (!expect(w, "set_stat", bx_fs_set_stat(w->fs, inode, mask, &values, w->time), BX_OK))
		return;
	if ((mask & BX_FS_SET_MODE) != 0)
		in->mode = values.mode;
	if ((mask & BX_FS_SET_OWNER) != 0)
		in->uid = values.uid;
	if ((mask & BX_FS_SET_GROUP) != 0)
		in->gid = values.gid;
	if ((mask & BX_FS_SET_MODIFIED) != 0)
		in->mtime = values.modified_ns;
	end_call(w);
}

static void
do_attr(struct world *w)
{
	uint64_t inode = random_inode(w, (uint8_t)(1 + rng_below(&w->rng, 3)));
	struct model_inode *in = &w->model->inode[inode];
	char name[300];
	uint8_t value[BX_FS_ATTR_MAX];
	size_t length = rng_below(&w->rng, rng_below(&w->rng, 4) == 0 ? BX_FS_ATTR_MAX + 1 : 40);
	size_t at = 0;
	bool found, set = rng_below(&w->rng, 3) != 0;
	enum bx_err err;

	if (inode == 0)
		return;
	random_name(w, name);
	memset(value, (int)rng_below(&w->rng, 256), sizeof value);
	while (at < in->attr_count && strcmp(in->attrs[at].name, name) < 0)
		at++;
	found = at < in->attr_count && strcmp(in->attrs[at].name, name) == 0;
	begin_call(w);
	if (set)
		err = bx_fs_set_attr(w->fs, inode, name, strlen(name), value, length, w->time);
	else
		err = bx_fs_remove_attr(w->fs, inode, name, strlen(name), w->time);
	if (!expect(w, "attribute", err, set || found ? BX_OK : BX_ERR_NOT_FOUND))
		return;
	if (set && !found) {
		in->attrs = must(realloc(in->attrs, (in->attr_count + 1) * sizeof *in->attrs));
		memmove(in->attrs + at + 1, in->attrs + at, (in->attr_count - at) * sizeof *in->attrs);
		in->attr_count++;
	}
	if (set) {
		strcpy(in->attrs[at].name, name);
		memcpy(in->attrs[at].value, value, length);
		in->attrs[at].length = length;
	} else {
		memmove(in->attrs + at, in->attrs + at + 1,
		    (in->attr_count - at - 1) * sizeof *in->attrs);
		in->attr_count--;
	}
	end_call(w);
}

void
world_step(struct world *w)
{
	uint64_t alive = 0;
	unsigned what = (unsigned)rng_below(&w->rng, 100);

	for (uint64_t i = 1; i < w->model->next; i++)
		alive += w->model->inode[i].type != 0;
	if (alive > w->files_max && what < 20)
		what = 60;
	if (w->disk != NULL && !w->transaction && rng_below(&w->rng, 25) == 0) {
		world_step_snapshot(w);
		return;
	}
	if (what < 15)
		do_create(w, BX_FS_FILE);
	else if (what < 19)
		do_create(w, BX_FS_DIRECTORY);
	else if (what < 22)
		do_create(w, BX_FS_SYMLINK);
	else if (what < 50)
		do_write(w);
	else if (what < 56)
		do_truncate(w);
	else if (what < 60)
		do_punch(w);
	else if (what < 72)
		do_unlink(w);
	else if (what < 75)
		do_link(w);
	else if (what < 86)
		do_rename(w);
	else if (what < 90)
		do_set_stat(w);
	else if (what < 96)
		do_attr(w);
	else if (what < 98)
		do_forget(w);
	else if (bx_fs_tidy(w->fs) < 0 && !w->allow_full)
		return;
}

static void
drop_kept(struct world *w, unsigned index)
{
	model_free(w->kept[index].model);
	free(w->kept[index].model);
	w->kept_count--;
	memmove(&w->kept[index], &w->kept[index + 1], (w->kept_count - index) * sizeof w->kept[0]);
}

void
world_free(struct world *w)
{
	while (w->kept_count > 0)
		drop_kept(w, 0);
	model_free(w->model);
}

static void
roll_back(struct world *w, unsigned index)
{
	uint64_t next = w->model->next;

	while (w->kept_count > index + 1)
		drop_kept(w, index + 1);
	model_free(w->model);
	model_load(w->model, w->kept[index].model);
	model_mounted(w->model);
	w->model->next = next;
}

/* Make, remove or go back to a snapshot; the names are few, so that some are taken. */
void
world_step_snapshot(struct world *w)
{
	char name[BX_FS_SNAPSHOT_NAME_MAX + 1];
	unsigned what = (unsigned)rng_below(&w->rng, 10), at = 0;
	enum bx_err want;

	sprintf(name, "s%u", (unsigned)rng_below(&w->rng, SNAPSHOTS_MAX));
	while (at < w->kept_count && strcmp(w->kept[at].name, name) != 0)
		at++;
	if (what < 5 && at == w->kept_count && w->kept_count == SNAPSHOTS_MAX)
		return;
	begin_call(w);
	if (what < 5) {
		want = at < w->kept_count ? BX_ERR_EXISTS : BX_OK;
		if (!expect(w, "snapshot", bx_fs_snapshot_create(w->fs, name, strlen(name), w->time), want))
			return;
		strcpy(w->kept[w->kept_count].name, name);
		w->kept[w->kept_count++].model = model_copy(w->model);
	} else {
		want = at < w->kept_count ? BX_OK : BX_ERR_NOT_FOUND;
		if (what < 8) {
			if (!expect(w, "remove snapshot",
			    bx_fs_snapshot_remove(w->fs, name, strlen(name)), want))
				return;
			drop_kept(w, at);
		} else {
			if (!expect(w, "rollback", bx_fs_snapshot_rollback(w->fs, name, strlen(name)), want))
				return;
			roll_back(w, at);
		}
	}
	w->committed = true;
	end_call(w);
}
