/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* cuts.c -- see cuts.h. */
#include "cuts.h"

#define IN_FLIGHT_MAX 4096u

static struct model model;
static uint8_t arena[1u << 20] __attribute__((aligned(16)));

unsigned long
setting(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value != NULL ? strtoul(value, NULL, 0) : otherwise;
}

/* What each object is like now; one that is kept without a name ends with the mount. */
static void
note_objects(struct recording *r, struct bx_fs *fs)
{
	for (uint64_t i = 1; r->object != NULL && i < OBJECTS_MAX; i++) {
		struct bx_fs_stat st;
		enum bx_err err = bx_fs_stat(fs, i, &st);

		if (err == BX_OK && st.links > 0)
			err = volume_object_digest(fs, i, &r->object[r->states][i]);
		if (err != BX_OK && err != BX_ERR_NOT_FOUND)
			die("object %llu: %s", (unsigned long long)i, bx_err_name(err));
	}
}

static void
before_call(struct world *w)
{
	struct recording *r = w->context;

	disk_event(&r->disk, EVENT_CALL, r->states + 1);
}

static void
after_call(struct world *w)
{
	struct recording *r = w->context;

	if (r->states + 1 >= STATES_MAX)
		die("too many calls");
	r->digest[++r->states] = world_digest(w);
	note_objects(r, w->fs);
}

/* Kept files have no name and end with a crash; the digest does not see them, so they
 * need no care here. */
void
make_recording(struct recording *r, uint64_t seed, unsigned steps, size_t arena_bytes, enum bx_fs_hash hash,
    bool snapshots, bool objects)
{
	struct bx_fs_format format = { .hash = hash, .mode = 0755, .log_blocks = 2 + (uint32_t)(seed % 3) };
	struct world w = {
		.model = &model,
		.rng = { .state = seed },
		.file_max = 60000,
		.files_max = 30,
		.allow_full = true,
		.before = before_call,
		.after = after_call,
		.context = r,
		.time = 100,
	};
	struct bx_fs_config config = {
		.device = &r->disk.device,
		.arena = arena,
		.arena_bytes = arena_bytes,
	};
	bool transaction = false;
	uint64_t held_states = 0;

	w.disk = snapshots ? &r->disk : NULL;
	disk_init(&r->disk, VOLUME_BYTES, 512);
	if (bx_fs_format(&r->disk.device, &format, arena, arena_bytes) != BX_OK ||
	    bx_fs_mount(&config, &w.fs) != BX_OK)
		die("format");
	model_init(&model, 0755, 0);
	r->states = 0;
	r->digest[0] = model_digest(&model);
	r->object = objects ? calloc(STATES_MAX, sizeof *r->object) : NULL;
	note_objects(r, w.fs);
	r->start = malloc(VOLUME_BYTES);
	memcpy(r->start, r->disk.bytes, VOLUME_BYTES);
	r->disk.record = true;
	disk_event(&r->disk, EVENT_DURABLE, 0);
	for (unsigned i = 0; i < steps; i++) {
		uint64_t what = rng_below(&w.rng, 100);

		world_step(&w);
		if (w.committed)
			disk_event(&r->disk, EVENT_DURABLE, r->states);
		w.committed = false;
		if (transaction && what < 40) {
			/* All calls of the transaction are one state: give them the
			 * digest of its end. */
			for (uint64_t k = held_states + 1; k < r->states; k++)
				r->digest[k] = 0;
			if (bx_fs_end(w.fs) != BX_OK)
				die("end");
			transaction = w.transaction = false;
		} else if (!transaction && what < 40) {
			if (bx_fs_sync(w.fs) != BX_OK)
				die("sync");
			disk_event(&r->disk, EVENT_DURABLE, r->states);
		} else if (!transaction && what < 44) {
			if (bx_fs_begin(w.fs) != BX_OK)
				die("begin");
			disk_event(&r->disk, EVENT_DURABLE, r->states);
			held_states = r->states;
			transaction = w.transaction = true;
		}
	}
	if (transaction) {
		for (uint64_t k = held_states + 1; k < r->states; k++)
			r->digest[k] = 0;
		if (bx_fs_end(w.fs) != BX_OK)
			die("end");
	}
	if (bx_fs_unmount(w.fs) != BX_OK)
		die("unmount");
	disk_event(&r->disk, EVENT_DURABLE, r->states);
	r->disk.record = false;
	world_free(&w);
}

void
free_recording(struct recording *r)
{
	disk_free(&r->disk);
	free(r->start);
	free(r->object);
}

uint64_t states_tried, states_deep;

/* The call whose state this is. */
uint64_t
which_state(const struct recording *r, struct bx_fs *fs, struct disk *d, uint64_t low, uint64_t high,
    const char *when)
{
	uint64_t digest;
	enum bx_err err = volume_digest_all(fs, &d->device, &digest);

	if (err != BX_OK)
		die("%s: walking says %s", when, bx_err_name(err));
	for (uint64_t k = high + 1; k > low; k--)
		if (r->digest[k - 1] == digest && digest != 0)
			return k - 1;
	die("%s: no state of calls %llu..%llu", when, (unsigned long long)low,
	    (unsigned long long)high);
}

struct bx_fs *
must_mount(struct disk *d, uint32_t flags, const char *when)
{
	struct bx_fs_config config = {
		.device = &d->device,
		.arena = arena,
		.arena_bytes = 65536,
		.flags = flags,
	};
	struct bx_fs *fs;
	enum bx_err err = bx_fs_mount(&config, &fs);

	if (err != BX_OK)
		die("%s: mount says %s", when, bx_err_name(err));
	return fs;
}

/* One state of the medium.  `deep`: also go on with it. */
static void
judge(const struct recording *r, struct disk *d, uint64_t low, uint64_t high, bool deep)
{
	struct bx_fs_owner owner = { .mode = 0600 };
	struct bx_fs *fs;
	uint64_t k, inode, digest;
	size_t done;
	enum bx_err err;

	states_tried++;
	d->write_is_error = true;
	fs = must_mount(d, BX_FS_MOUNT_READ_ONLY, "read-only");
	k = which_state(r, fs, d, low, high, "read-only");
	d->write_is_error = false;
	if (!deep)
		return;
	states_deep++;
	fs = must_mount(d, 0, "writable");
	if (which_state(r, fs, d, low, high, "writable") != k)
		die("the writable mount is another state");
	err = bx_fs_create(fs, BX_FS_ROOT, "after", 5, BX_FS_FILE, owner, 1, &inode);
	if (err == BX_OK)
		err = bx_fs_write(fs, inode, 0, "new", 3, 2, &done);
	if (err == BX_OK)
		err = bx_fs_unlink(fs, BX_FS_ROOT, "after", 5, 0, 3);
	if (err != BX_OK && err != BX_ERR_FS_FULL)
		die("the first changes after a crash: %s", bx_err_name(err));
	volume_must_check(fs);
	if (volume_digest_all(fs, &d->device, &digest) != BX_OK)
		die("walking after the first write");
	fs = must_mount(d, 0, "again");
	{
		uint64_t now;

		if (volume_digest_all(fs, &d->device, &now) != BX_OK || now != digest)
			die("another state after the next mount");
	}
}

struct flying {
	const struct event *event;
	bool lost;
	uint32_t from, to;	/* bytes that arrive; the rest is old */
	bool garbage;		/* of the sector at `to` */
};

static void
apply(struct disk *d, const struct flying *f, size_t count, struct rng *rng)
{
	for (size_t i = 0; i < count; i++) {
		const struct event *e = f[i].event;

		if (!f[i].lost && f[i].to > f[i].from)
			(void)d->device.write(d, e->offset + f[i].from, e->data + f[i].from,
			    f[i].to - f[i].from);
		if (f[i].garbage && f[i].to + 512 <= e->length) {
			uint8_t junk[512];

			for (unsigned j = 0; j < sizeof junk; j++)
				junk[j] = (uint8_t)rng_next(rng);
			(void)d->device.write(d, e->offset + f[i].to, junk, sizeof junk);
		}
	}
}

static void
tear(struct flying *f, struct rng *rng)
{
	uint32_t sectors = f->event->length / 512;

	if (rng_below(rng, 2) == 0)
		f->to = (uint32_t)rng_below(rng, sectors) * 512;
	else
		f->from = (uint32_t)rng_below(rng, sectors) * 512;
}

/* Make the state number `mode` of the writes in flight. */
static void
choose(struct flying *f, size_t count, unsigned mode, struct rng *rng)
{
	for (size_t i = 0; i < count; i++) {
		f[i].lost = false;
		f[i].garbage = false;
		f[i].from = 0;
		f[i].to = f[i].event->length;
	}
	if (count == 0)
		return;
	switch (mode) {
	case 0:
		break;
	case 1:
		tear(&f[count - 1], rng);
		break;
	case 2:
	case 3:
		for (size_t i = 0; i < count; i++)
			f[i].lost = rng_below(rng, 2) == 0;
		if (mode == 3)
			tear(&f[rng_below(rng, count)], rng);
		break;
	case 4:
		for (size_t i = 0; i + 1 < count; i++)
			f[i].lost = true;
		break;
	default: {
		struct flying *one = &f[rng_below(rng, count)];

		one->to = (uint32_t)rng_below(rng, one->event->length / 512) * 512;
		one->garbage = true;
	}
	}
}

/* Every position of a recording; `subsets` states of the random modes at each. */
void
explore(const struct recording *r, struct rng *rng, unsigned subsets, unsigned deep_every, bool all)
{
	static struct flying flying[IN_FLIGHT_MAX];
	struct disk medium = { .size = VOLUME_BYTES }, over;
	size_t in_flight = 0;
	uint64_t low = 0, high = 0, n = 0;

	disk_init(&medium, VOLUME_BYTES, 512);
	memcpy(medium.bytes, r->start, VOLUME_BYTES);
	disk_init_over(&over, &medium);
	for (size_t i = 0; i < r->disk.event_count; i++) {
		const struct event *e = &r->disk.events[i];

		switch (e->kind) {
		case EVENT_CALL:
			high = e->state;
			continue;
		case EVENT_DURABLE:
			low = e->state;
			if (high < low)
				high = low;
			continue;
		case EVENT_FLUSH:
			for (size_t j = 0; j < in_flight; j++)
				memcpy(medium.bytes + flying[j].event->offset, flying[j].event->data,
				    flying[j].event->length);
			in_flight = 0;
			continue;
		case EVENT_WRITE:
			if (in_flight == IN_FLIGHT_MAX)
				die("too many writes in flight");
			flying[in_flight++].event = e;
		}
		for (uint64_t subset = 0; all && in_flight <= 10 && subset < UINT64_C(1) << in_flight; subset++) {
			choose(flying, in_flight, 0, rng);
			for (size_t j = 0; j < in_flight; j++)
				flying[j].lost = (subset >> j & 1) != 0;
			disk_over_reset(&over);
			apply(&over, flying, in_flight, rng);
			judge(r, &over, low, high, n++ % deep_every == 0);
		}
		for (unsigned mode = 0; mode < 6; mode++) {
			unsigned times = mode == 2 || mode == 3 || mode == 5 ? subsets : 1;

			for (unsigned t = 0; t < times; t++) {
				disk_over_reset(&over);
				choose(flying, in_flight, mode, rng);
				apply(&over, flying, in_flight, rng);
				judge(r, &over, low, high, n++ % deep_every == 0);
			}
		}
	}
	disk_free(&medium);
	disk_free(&over);
}

/* ---- a device that lies ------------------------------------------------------------------- */

/* Whether all that can be read is what it was after call k. */
static bool
agrees(const struct recording *r, uint64_t k, const uint64_t *object, const enum bx_err *err)
{
	for (uint64_t i = 1; i < OBJECTS_MAX; i++) {
		if (err[i] != BX_OK && err[i] != BX_ERR_NOT_FOUND)
			continue;
		if (object[i] != r->object[k][i])
			return false;
	}
	return true;
}

/* One state: it is refused by name, or what can be read is all of one earlier state. */
static void
judge_lie(const struct recording *r, struct disk *d, uint64_t high, struct lies *lies)
{
	static const struct bx_fs_owner owner = { .mode = 0600 };
	struct bx_fs_config config = { .device = &d->device, .arena = arena, .arena_bytes = 65536 };
	uint64_t object[OBJECTS_MAX] = { 0 }, again, inode, k;
	enum bx_err err[OBJECTS_MAX];
	struct bx_fs *fs;
	bool whole = true;

	lies->tried++;
	config.flags = BX_FS_MOUNT_READ_ONLY;
	err[0] = bx_fs_mount(&config, &fs);
	if (err[0] != BX_OK) {
		if (err[0] != BX_ERR_CORRUPT)
			die("a device that lied: mount says %s", bx_err_name(err[0]));
		lies->refused++;
		return;
	}
	for (uint64_t i = 1; i < OBJECTS_MAX; i++) {
		err[i] = volume_object_digest(fs, i, &object[i]);
		if (err[i] == BX_ERR_CORRUPT)
			whole = false;
		else if (err[i] != BX_OK && err[i] != BX_ERR_NOT_FOUND)
			die("a device that lied: object %llu says %s", (unsigned long long)i, bx_err_name(err[i]));
	}
	for (k = high + 1; k > 0; k--)
		if (r->digest[k - 1] != 0 && agrees(r, k - 1, object, err))
			break;
	if (k == 0)
		die("a device that lied: what can be read is of no state up to %llu", (unsigned long long)high);
	if (whole)
		lies->whole++;
	else
		lies->partly++;
	/* Go on with it: what was right is not overwritten. */
	config.flags = 0;
	if (bx_fs_mount(&config, &fs) != BX_OK ||
	    bx_fs_create(fs, BX_FS_ROOT, "after", 5, BX_FS_FILE, owner, 1, &inode) != BX_OK ||
	    bx_fs_unmount(fs) != BX_OK || bx_fs_mount(&config, &fs) != BX_OK)
		return;
	lies->continued++;
	for (uint64_t i = 2; i < OBJECTS_MAX; i++)
		if (i != inode && err[i] == BX_OK && (volume_object_digest(fs, i, &again) != BX_OK || again != object[i]))
			die("a device that lied: object %llu is another one later", (unsigned long long)i);
}

/* Of all writes up to some moment, whatever was flushed since, some are not there. */
void
explore_lies(const struct recording *r, struct rng *rng, unsigned states, struct lies *lies)
{
	struct disk medium, over;

	disk_init(&medium, VOLUME_BYTES, 512);
	memcpy(medium.bytes, r->start, VOLUME_BYTES);
	disk_init_over(&over, &medium);
	for (unsigned n = 0; n < states; n++) {
		size_t cut = 1 + rng_below(rng, r->disk.event_count), first = 0;
		unsigned percent = n % 3 == 0 ? 3 : n % 3 == 1 ? 50 : 95;
		uint64_t high = 0;

		/* The last ones only, or any. */
		if (rng_below(rng, 2) == 0)
			first = rng_below(rng, cut);
		disk_over_reset(&over);
		for (size_t i = 0; i < cut; i++) {
			const struct event *e = &r->disk.events[i];

			if (e->kind == EVENT_CALL || (e->kind == EVENT_DURABLE && e->state > high))
				high = e->state;
			if (e->kind == EVENT_WRITE && (i < first || rng_below(rng, 100) >= percent))
				(void)over.device.write(&over, e->offset, e->data, e->length);
		}
		judge_lie(r, &over, high, lies);
	}
	disk_free(&medium);
	disk_free(&over);
}
