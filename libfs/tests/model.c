/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* model.c -- a plain model of a volume, and one digest of the model and of the volume, with their
 * snapshots (support.h). */
#include "support-internal.h"

/* 32 bytes at a time, so that four multiplications run at once. */
static uint64_t
mix_long(uint64_t h, const uint8_t *p, size_t length)
{
	uint64_t lane[4] = { h, h + 1, h + 2, h + 3 }, v[4];

	for (size_t at = 0; at < length; at += sizeof v) {
		memcpy(v, p + at, sizeof v);
		for (unsigned i = 0; i < 4; i++) {
			lane[i] = (lane[i] ^ v[i]) * UINT64_C(0x9FB21C651E98DF25);
			lane[i] ^= lane[i] >> 29;
		}
	}
	return lane[0] + 3 * lane[1] + 5 * lane[2] + 7 * lane[3];
}

/* FNV-like with a multiply-fold: only compared with itself. */
uint64_t
mix(uint64_t h, const void *data, size_t length)
{
	const size_t whole = length < 64 ? 0 : length / 32 * 32;
	const uint8_t *p = data;

	if (whole > 0) {
		h = mix_long(h, p, whole);
		p += whole;
		length -= whole;
	}
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

uint64_t
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

void
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
	for (uint64_t i = 0; i < m->next; i++)
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

void
model_load(struct model *m, const struct model *from)
{
	m->next = from->next;
	memcpy(m->inode, from->inode, from->next * sizeof from->inode[0]);
	for (uint64_t i = 0; i < m->next; i++) {
		struct model_inode *in = &m->inode[i];

		if (in->type != BX_FS_DIRECTORY)
			in->data = copy_of(in->data, in->size);
		in->entries = copy_of(in->entries, in->entry_count * sizeof *in->entries);
		in->attrs = copy_of(in->attrs, in->attr_count * sizeof *in->attrs);
	}
}

struct model *
model_copy(const struct model *m)
{
	struct model *copy = must(malloc(offsetof(struct model, inode) + m->next * sizeof m->inode[0]));

	model_load(copy, m);
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

void
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

void
entry_remove(struct model_inode *dir, const char *name)
{
	bool found;
	size_t at = entry_position(dir, name, &found);

	memmove(dir->entries + at, dir->entries + at + 1,
	    (dir->entry_count - at - 1) * sizeof *dir->entries);
	dir->entry_count--;
	dir->size = dir->entry_count;
}

uint64_t
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
volume_object_digest(struct bx_fs *fs, uint64_t inode, uint64_t *digest)
{
	struct bx_fs_entry e = { .name_length = 0 };
	uint64_t h = 1;
	uint8_t type = 0;
	enum bx_err err = volume_inode_digest(fs, inode, &h, &type);

	while (err == BX_OK && type == BX_FS_DIRECTORY) {
		err = bx_fs_next_entry(fs, inode, e.name, e.name_length, &e);
		if (err == BX_OK)
			h = mix_u64(mix(h, e.name, e.name_length), e.inode);
	}
	if (err == BX_ERR_NOT_FOUND && type == BX_FS_DIRECTORY)
		err = BX_OK;
	if (err == BX_OK)
		*digest = h;
	return err;
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
