/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* support.c -- see support.h. */
#include "support.h"

#include <stdarg.h>

void
bx_panic(const char *where, const char *what)
{
	die("panic at %s: %s", where, what);
}

void
die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	abort();
}

uint64_t
rng_next(struct rng *r)
{
	uint64_t z = (r->state += UINT64_C(0x9E3779B97F4A7C15));

	if (r->left >= 2) {
		r->left -= 2;
		r->bytes += 2;
		return bx_get_le16(r->bytes - 2);
	}
	z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
	z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
	return z ^ z >> 31;
}

uint64_t
rng_below(struct rng *r, uint64_t limit)
{
	return rng_next(r) % limit;
}

static void *
must(void *p)
{
	if (p == NULL)
		die("out of memory");
	return p;
}

/* ---- device ------------------------------------------------------------------------------ */

static bool
fails(struct disk *d, int64_t *left)
{
	if (*left < 0)
		return false;
	if (*left > 0) {
		(*left)--;
		return false;
	}
	if (!d->fail_for_ever)
		*left = -1;
	return true;
}

static enum bx_err
disk_read(void *context, uint64_t offset, void *buffer, size_t length)
{
	struct disk *d = context;
	uint8_t *to = buffer;

	if (offset % d->sector != 0 || length % d->sector != 0 || length == 0 ||
	    !bx_range_fits(offset, length, d->size))
		die("bad read of %zu at %llu", length, (unsigned long long)offset);
	d->reads++;
	d->bytes_read += length;
	if (fails(d, &d->fail_read)) {
		memset(buffer, 0xA5, length);
		return BX_ERR_IO;
	}
	if (d->below == NULL) {
		memcpy(buffer, d->bytes + offset, length);
		return BX_OK;
	}
	while (length > 0) {
		size_t part = BX_FS_BLOCK - offset % BX_FS_BLOCK;
		const uint8_t *from = d->own[offset / BX_FS_BLOCK] ? d->bytes : d->below;

		if (part > length)
			part = length;
		memcpy(to, from + offset, part);
		to += part;
		offset += part;
		length -= part;
	}
	return BX_OK;
}

static enum bx_err
disk_write(void *context, uint64_t offset, const void *buffer, size_t length)
{
	struct disk *d = context;

	if (d->write_is_error)
		die("write where none may be");
	if (offset % d->sector != 0 || length % d->sector != 0 || length == 0 ||
	    !bx_range_fits(offset, length, d->size))
		die("bad write of %zu at %llu", length, (unsigned long long)offset);
	d->writes++;
	d->bytes_written += length;
	if (fails(d, &d->fail_write))
		return BX_ERR_IO;
	for (uint64_t b = offset / BX_FS_BLOCK; d->below != NULL && b * BX_FS_BLOCK < offset + length;
	    b++) {
		if (d->own[b])
			continue;
		d->own[b] = 1;
		d->own_list[d->own_count++] = (uint32_t)b;
		memcpy(d->bytes + b * BX_FS_BLOCK, d->below + b * BX_FS_BLOCK, BX_FS_BLOCK);
	}
	memcpy(d->bytes + offset, buffer, length);
	if (d->record) {
		disk_event(d, EVENT_WRITE, 0);
		struct event *e = &d->events[d->event_count - 1];

		e->offset = offset;
		e->length = (uint32_t)length;
		e->data = must(malloc(length));
		memcpy(e->data, buffer, length);
	}
	return BX_OK;
}

static enum bx_err
disk_flush(void *context)
{
	struct disk *d = context;

	d->flushes++;
	if (fails(d, &d->fail_flush))
		return BX_ERR_IO;
	if (d->record)
		disk_event(d, EVENT_FLUSH, 0);
	return BX_OK;
}

void
disk_event(struct disk *d, enum event_kind kind, uint64_t state)
{
	if (d->event_count == d->event_room) {
		d->event_room = d->event_room == 0 ? 1024 : 2 * d->event_room;
		d->events = must(realloc(d->events, d->event_room * sizeof *d->events));
	}
	d->events[d->event_count++] = (struct event){ .kind = kind, .state = state };
}

void
disk_init(struct disk *d, uint64_t size, uint32_t sector)
{
	*d = (struct disk){
		.size = size,
		.sector = sector,
		.fail_read = -1,
		.fail_write = -1,
		.fail_flush = -1,
		.bytes = must(calloc(1, size)),
	};
	d->device = (struct bx_fs_device){
		.context = d,
		.read = disk_read,
		.write = disk_write,
		.flush = disk_flush,
		.size_bytes = size,
		.sector_bytes = sector,
	};
}

void
disk_init_over(struct disk *d, const struct disk *below)
{
	disk_init(d, below->size, below->sector);
	d->below = below->bytes;
	d->own = must(calloc(1, below->size / BX_FS_BLOCK));
	d->own_list = must(calloc(below->size / BX_FS_BLOCK, sizeof *d->own_list));
}

void
disk_over_reset(struct disk *d)
{
	while (d->own_count > 0)
		d->own[d->own_list[--d->own_count]] = 0;
}

void
disk_free(struct disk *d)
{
	for (size_t i = 0; i < d->event_count; i++)
		free(d->events[i].data);
	free(d->events);
	free(d->bytes);
	free(d->own);
	free(d->own_list);
}

/* ---- digest ------------------------------------------------------------------------------ */

/* FNV-like with a multiply-fold: only compared with itself. */
static uint64_t
mix(uint64_t h, const void *data, size_t length)
{
	const uint8_t *p = data;

	while (length >= 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		h = (h ^ v) * UINT64_C(0x9FB21C651E98DF25);
		h ^= h >> 29;
		p += 8;
		length -= 8;
	}
	for (; length > 0; length--, p++)
		h = (h ^ *p) * UINT64_C(0x100000001B3);
	return h ^ h >> 32;
}

static uint64_t
mix_u64(uint64_t h, uint64_t v)
{
	return mix(h, &v, sizeof v);
}

#define CONTENT_SEED UINT64_C(0x1234567)
#define CHUNK 65536u

static uint64_t
content_digest(const uint8_t *data, uint64_t size)
{
	uint64_t h = CONTENT_SEED;

	for (uint64_t at = 0; at < size; at += CHUNK)
		h = mix(h, data + at, size - at < CHUNK ? (size_t)(size - at) : CHUNK);
	return h;
}

static uint64_t
digest_head(uint64_t h, uint64_t inode, uint8_t type, uint16_t mode, uint32_t uid, uint32_t gid,
    uint32_t links, uint64_t size, uint64_t mtime)
{
	h = mix_u64(h, inode);
	h = mix_u64(h, type);
	h = mix_u64(h, mode);
	h = mix_u64(h, uid);
	h = mix_u64(h, gid);
	h = mix_u64(h, links);
	h = mix_u64(h, size);
	return mix_u64(h, mtime);
}

/* ---- model ------------------------------------------------------------------------------- */

void
model_init(struct model *m, uint16_t mode, uint64_t time_ns)
{
	memset(m, 0, sizeof *m);
	m->next = 2;
	m->inode[1] = (struct model_inode){
		.type = BX_FS_DIRECTORY,
		.mode = mode,
		.links = 2,
		.mtime = time_ns,
		.parent = 1,
	};
}

static void
model_drop(struct model *m, uint64_t inode)
{
	struct model_inode *in = &m->inode[inode];

	free(in->data);
	free(in->entries);
	free(in->attrs);
	memset(in, 0, sizeof *in);
}

void
model_free(struct model *m)
{
	for (uint64_t i = 0; i < MODEL_INODES; i++)
		model_drop(m, i);
}

void
model_mounted(struct model *m)
{
	for (uint64_t i = 0; i < m->next; i++)
		if (m->inode[i].held)
			model_drop(m, i);
}

static void *
copy_of(const void *p, size_t bytes)
{
	void *to;

	if (bytes == 0)
		return NULL;
	to = must(malloc(bytes));
	memcpy(to, p, bytes);
	return to;
}

struct model *
model_copy(const struct model *m)
{
	struct model *copy = copy_of(m, sizeof *m);

	for (uint64_t i = 0; i < m->next; i++) {
		struct model_inode *in = &copy->inode[i];

		if (in->type != BX_FS_DIRECTORY)
			in->data = copy_of(in->data, in->size);
		in->entries = copy_of(in->entries, in->entry_count * sizeof *in->entries);
		in->attrs = copy_of(in->attrs, in->attr_count * sizeof *in->attrs);
	}
	return copy;
}

static size_t
entry_position(const struct model_inode *dir, const char *name, bool *found)
{
	size_t i = 0;

	while (i < dir->entry_count && strcmp(dir->entries[i].name, name) < 0)
		i++;
	*found = i < dir->entry_count && strcmp(dir->entries[i].name, name) == 0;
	return i;
}

static void
entry_add(struct model_inode *dir, const char *name, uint64_t inode)
{
	bool found;
	size_t at = entry_position(dir, name, &found);

	dir->entries = must(realloc(dir->entries, (dir->entry_count + 1) * sizeof *dir->entries));
	memmove(dir->entries + at + 1, dir->entries + at,
	    (dir->entry_count - at) * sizeof *dir->entries);
	memset(&dir->entries[at], 0, sizeof dir->entries[at]);
	strcpy(dir->entries[at].name, name);
	dir->entries[at].inode = inode;
	dir->entry_count++;
	dir->size = dir->entry_count;
}

static void
entry_remove(struct model_inode *dir, const char *name)
{
	bool found;
	size_t at = entry_position(dir, name, &found);

	memmove(dir->entries + at, dir->entries + at + 1,
	    (dir->entry_count - at - 1) * sizeof *dir->entries);
	dir->entry_count--;
	dir->size = dir->entry_count;
}

static uint64_t
model_find(const struct model *m, uint64_t directory, const char *name)
{
	const struct model_inode *dir = &m->inode[directory];
	bool found;
	size_t at = entry_position(dir, name, &found);

	return found ? dir->entries[at].inode : 0;
}

static uint64_t
inode_digest(struct model *m, uint64_t inode, uint64_t h)
{
	struct model_inode *in = &m->inode[inode];

	h = digest_head(h, inode, in->type, in->mode, in->uid, in->gid, in->links, in->size, in->mtime);
	for (size_t i = 0; i < in->attr_count; i++) {
		h = mix(h, in->attrs[i].name, strlen(in->attrs[i].name));
		h = mix(h, in->attrs[i].value, in->attrs[i].length);
	}
	if (in->type != BX_FS_DIRECTORY) {
		if (!in->digest_valid)
			in->digest = content_digest(in->data, in->size);
		in->digest_valid = true;
		return mix_u64(h, in->digest);
	}
	return h;
}

/* Every name, depth first in order, then what is kept without one. */
uint64_t
model_digest(struct model *m)
{
	uint64_t stack[256];
	size_t place[256];
	size_t depth = 1;
	uint64_t h = inode_digest(m, 1, 1);

	stack[0] = 1;
	place[0] = 0;
	while (depth > 0) {
		struct model_inode *dir = &m->inode[stack[depth - 1]];
		struct model_entry *e;

		if (place[depth - 1] == dir->entry_count) {
			depth--;
			h = mix_u64(h, 99);
			continue;
		}
		e = &dir->entries[place[depth - 1]++];
		h = mix(h, e->name, strlen(e->name));
		h = inode_digest(m, e->inode, h);
		if (m->inode[e->inode].type == BX_FS_DIRECTORY) {
			stack[depth] = e->inode;
			place[depth++] = 0;
		}
	}
	return h;
}

static enum bx_err
volume_inode_digest(struct bx_fs *fs, uint64_t inode, uint64_t *h, uint8_t *type)
{
	static uint8_t bytes[CHUNK];
	struct bx_fs_stat st;
	char name[BX_FS_NAME_MAX + 1];
	size_t length = 0;
	uint64_t content = CONTENT_SEED;
	enum bx_err err = bx_fs_stat(fs, inode, &st);

	if (err != BX_OK)
		return err;
	*type = st.type;
	*h = digest_head(*h, inode, st.type, st.mode, st.uid, st.gid, st.links, st.size,
	    st.modified_ns);
	while ((err = bx_fs_next_attr(fs, inode, name, length, name, &length)) == BX_OK) {
		size_t n;

		err = bx_fs_get_attr(fs, inode, name, length, bytes, sizeof bytes, &n);
		if (err != BX_OK)
			return err;
		*h = mix(*h, name, length);
		*h = mix(*h, bytes, n);
	}
	if (err != BX_ERR_NOT_FOUND)
		return err;
	if (st.type == BX_FS_DIRECTORY)
		return BX_OK;
	if (st.type == BX_FS_SYMLINK) {
		err = bx_fs_read_link(fs, inode, (char *)bytes, sizeof bytes, &length);
		content = mix(content, bytes, length);
	}
	for (uint64_t at = 0; st.type == BX_FS_FILE && at < st.size; at += CHUNK) {
		size_t want = st.size - at < CHUNK ? (size_t)(st.size - at) : CHUNK;

		err = bx_fs_read(fs, inode, at, bytes, want, &length);
		if (err != BX_OK)
			return err;
		if (length != want)
			die("short read: %zu of %zu", length, want);
		content = mix(content, bytes, want);
	}
	*h = mix_u64(*h, content);
	return err == BX_ERR_NOT_FOUND ? BX_OK : err;
}

enum bx_err
volume_digest(struct bx_fs *fs, uint64_t *digest)
{
	static struct bx_fs_entry last[256];
	uint64_t stack[256];
	size_t depth = 1;
	uint64_t h = 1;
	uint8_t type;
	enum bx_err err = volume_inode_digest(fs, BX_FS_ROOT, &h, &type);

	if (err != BX_OK)
		return err;
	stack[0] = BX_FS_ROOT;
	last[0].name_length = 0;
	while (depth > 0) {
		struct bx_fs_entry *e = &last[depth - 1];

		err = bx_fs_next_entry(fs, stack[depth - 1], e->name, e->name_length, e);
		if (err == BX_ERR_NOT_FOUND) {
			depth--;
			h = mix_u64(h, 99);
			continue;
		}
		if (err != BX_OK)
			return err;
		h = mix(h, e->name, e->name_length);
		err = volume_inode_digest(fs, e->inode, &h, &type);
		if (err != BX_OK)
			return err;
		if (type != e->type)
			die("entry %s of type %u, inode of type %u", e->name, e->type, type);
		if (type == BX_FS_DIRECTORY) {
			if (depth == 255)
				die("too deep");
			stack[depth] = e->inode;
			last[depth++].name_length = 0;
		}
	}
	*digest = h;
	return BX_OK;
}

/* ---- checking ---------------------------------------------------------------------------- */

static void
print_finding(void *context, const struct bx_fs_finding *f)
{
	if (*(bool *)context)
		fprintf(stderr, "finding %d: inode %llu, address %llu, position %llu\n", (int)f->problem,
		    (unsigned long long)f->inode, (unsigned long long)f->address,
		    (unsigned long long)f->position);
}

uint64_t
volume_check(struct bx_fs *fs, bool loud)
{
	static uint8_t bits[1u << 16];
	struct bx_fs_checker checker = {
		.context = &loud,
		.report = print_finding,
		.bits = bits,
		.bits_bytes = sizeof bits,
		.data = true,
	};
	uint64_t findings;
	enum bx_err err = bx_fs_check(fs, &checker, &findings);

	if (err != BX_OK)
		die("check: %s", bx_err_name(err));
	return findings;
}

void
volume_must_check(struct bx_fs *fs)
{
	if (volume_check(fs, true) != 0)
		die("the check found something");
}

/* ---- operations -------------------------------------------------------------------------- */

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
call_is_over(struct world *w)
{
	if (w->failing != NULL)
		w->failing->fail_read = -1;
}

/* A changing call must do what the model says; or, if allowed, find the volume full. */
static bool
expect(struct world *w, const char *what, enum bx_err err, enum bx_err want)
{
	call_is_over(w);
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
	for (size_t i = 0; i < length; i += 8) {
		uint64_t v = rng_next(&w->rng);

		memcpy(bytes + i, &v, 8);
	}
	while (at < length) {
		enum bx_err err;

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

			call_is_over(w);
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
		call_is_over(w);
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
	struct model *copy = model_copy(w->kept[index].model);

	while (w->kept_count > index + 1)
		drop_kept(w, index + 1);
	model_free(w->model);
	*w->model = *copy;
	free(copy);
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

static uint64_t
kept_digest(uint64_t h, const char *name, uint64_t digest)
{
	return mix_u64(mix(h, name, strlen(name)), digest);
}

uint64_t
world_digest(struct world *w)
{
	uint64_t h = model_digest(w->model);

	for (unsigned i = 0; i < w->kept_count; i++)
		h = kept_digest(h, w->kept[i].name, model_digest(w->kept[i].model));
	return h;
}

enum bx_err
volume_digest_all(struct bx_fs *fs, const struct bx_fs_device *device, uint64_t *digest)
{
	static uint8_t arena[262144] __attribute__((aligned(16)));
	struct bx_fs_snapshot s = { .generation = 0 };
	uint64_t h;
	enum bx_err err = volume_digest(fs, &h);

	while (err == BX_OK && (err = bx_fs_snapshot_next(fs, s.generation, &s)) == BX_OK) {
		struct bx_fs_config config = {
			.device = device,
			.arena = arena,
			.arena_bytes = sizeof arena,
			.snapshot = s.name,
		};
		struct bx_fs *shown;
		uint64_t one;

		err = bx_fs_mount(&config, &shown);
		if (err == BX_OK)
			err = volume_digest(shown, &one);
		if (err == BX_OK)
			h = kept_digest(h, s.name, one);
	}
	if (err != BX_ERR_NOT_FOUND)
		return err;
	*digest = h;
	return BX_OK;
}

void
world_compare_snapshots(struct world *w)
{
	uint64_t digest;
	enum bx_err err = volume_digest_all(w->fs, &w->disk->device, &digest);

	if (err != BX_OK)
		die("walking the snapshots: %s", bx_err_name(err));
	if (digest != world_digest(w))
		die("snapshots and what was kept differ after %llu calls", (unsigned long long)w->calls);
}

void
world_compare(struct world *w)
{
	uint64_t digest;
	enum bx_err err = volume_digest(w->fs, &digest);

	if (err != BX_OK)
		die("walking the volume: %s", bx_err_name(err));
	if (digest != model_digest(w->model))
		die("volume and model differ after %llu calls", (unsigned long long)w->calls);
}
