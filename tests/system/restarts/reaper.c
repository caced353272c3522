/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * reaper.c -- kills servers, or makes them crash, at random moments under the load of their clients:
 *
 *	run reaper COUNT [SERVER...]	each server, or those, so many times
 *
 * Every second end is a crash.  Servers that were made for it do it when asked to (mortal.c); all others by a thread
 * capability: wherever it is, and whatever it does, its thread goes on at an address where no program has code, as
 * after a return to a stack that was overwritten, and the page fault ends it.
 *
 * After each time: the server answers again, it has been started exactly once, and every one of its clients goes
 * on.  After each server's turn, and before it, all clients rest, and what the kernel counts must be the same:
 * frames, slots, replies, all pools, and every capability of every server.  What is not so is a BREACH.
 */
#include <brainix/cap.h>

#include "console-client.h"
#include "echo-client.h"
#include "restarts.h"

#define TIMES_MAX	512u
#define CLIENTS		10u		/* badges 1..; two for each server of the table, in its order */
#define POOLS_MAX	16u

#define MOMENT_US	2000u		/* until the next end, at most */
#define PROBE_US	4000000u
#define LOOK_US		50u		/* between two looks whether it is back: how exact a time can be */
#define BACK_US		5000000u	/* by then a server is back, and each client goes on */
#define SETTLE_US	5000000u	/* by then nobody else is at work */
#define LOOKS_SAME	10u		/* looks, a fiftieth of a second apart, that tell so */

enum kind { KIND_CONSOLE, KIND_ECHO, KIND_WORK, KIND_SHELL };

struct server {
	const char *program;
	const char *endpoint, *thread;		/* capabilities of those names; NULL: none */
	enum kind kind;
	bool only_named;			/* not among `all` */
};

static const struct server servers[] = {
	{ "consoled", "console", "consoled-thread", KIND_CONSOLE, false },
	{ "echod", "echo", "echod-thread", KIND_ECHO, false },
	{ "keeper", "keeper", NULL, KIND_WORK, false },
	{ "passive", "passive", NULL, KIND_WORK, false },
	{ "front", "front", NULL, KIND_WORK, false },
	{ "shell", NULL, "shell-thread", KIND_SHELL, false },
	{ "frail", "frail", NULL, KIND_WORK, true },
	{ "spawnd", NULL, "spawnd-thread", KIND_SHELL, true },
};

/* Where a wild jump leads to, in turn: no page; a page of data, which cannot be run. */
static const uint64_t wild[] = { BX_USER_END - BX_PAGE_SIZE, BX_LAUNCH_ADDRESS };

struct client {
	uint64_t good, died, other;
	enum bx_err last;
	uint32_t held;				/* its reply while it rests, or BX_SLOT_NONE */
};

/* What must be the same before and after. */
struct snapshot {
	uint64_t frames_free, frames_table, frames_user, frames_kernel, slots;
	uint32_t used[POOLS_MAX];
	uint32_t replies;
	uint64_t sets;				/* of all capabilities of all servers, but replies */
};

struct reaper {
	const struct bx_sys *sys;
	uint32_t spawn, audit, endpoint;
	uint64_t random;
	uint32_t breaches;
	bool rest;				/* clients that report are kept */
	struct client clients[CLIENTS];
	uint32_t times[TIMES_MAX];		/* microseconds */
	struct bx_sys_service service;
};

static void
breach(struct reaper *reaper, const struct server *server, const char *what, int64_t number)
{
	reaper->breaches++;
	bx_sys_print(reaper->sys, "BREACH: %s: %s (%ld)\n", server->program, what, number);
}

/* ---- clients ----------------------------------------------------------------------------------------- */

static void
report_take(struct reaper *reaper, const struct bx_sys_event *event)
{
	const struct bx_ipc_message answer = { .label = REAPER_REPORT, .cap_slot = BX_SLOT_NONE };
	struct client *client;

	if (event->badge - 1 >= CLIENTS || event->reply == BX_SLOT_NONE)
		return;
	client = &reaper->clients[event->badge - 1];
	client->good = event->message.word[0];
	client->died = event->message.word[1];
	client->other = event->message.word[2];
	client->last = (enum bx_err)(int64_t)event->message.word[3];
	if (reaper->rest)
		client->held = event->reply;
	else
		bx_sys_service_answer(&reaper->service, event->reply, &answer);
}

/* Hears reports until a time. */
static void
hear_until(struct reaper *reaper, uint64_t end)
{
	struct bx_sys_event event;

	do {
		enum bx_err err = bx_sys_service_next(&reaper->service, end, &event);

		if (err == BX_OK && event.kind == BX_SYS_EVENT_MESSAGE)
			report_take(reaper, &event);
	} while (bx_sys_now() < end);
	bx_sys_service_answer(&reaper->service, BX_SLOT_NONE, NULL);
}

static void
hear(struct reaper *reaper, uint64_t us)
{
	hear_until(reaper, bx_sys_deadline_in_us(reaper->sys, us));
}

static uint32_t
resting(const struct reaper *reaper)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < CLIENTS; i++)
		count += reaper->clients[i].held != BX_SLOT_NONE;
	return count;
}

static bool
rest(struct reaper *reaper)
{
	uint64_t end = bx_sys_deadline_in_us(reaper->sys, BACK_US);

	reaper->rest = true;
	while (resting(reaper) < CLIENTS && bx_sys_now() < end)
		hear(reaper, MOMENT_US);
	return resting(reaper) == CLIENTS;
}

static void
go_on(struct reaper *reaper)
{
	const struct bx_ipc_message answer = { .label = REAPER_REPORT, .cap_slot = BX_SLOT_NONE };

	reaper->rest = false;
	for (uint32_t i = 0; i < CLIENTS; i++) {
		if (reaper->clients[i].held == BX_SLOT_NONE)
			continue;
		bx_sys_service_answer(&reaper->service, reaper->clients[i].held, &answer);
		reaper->clients[i].held = BX_SLOT_NONE;
	}
	bx_sys_service_answer(&reaper->service, BX_SLOT_NONE, NULL);
}

/* The first of a server's two clients; CLIENTS: it has none. */
static uint32_t
first_client(const struct server *server)
{
	uint32_t first = 2 * (uint32_t)(server - servers);

	return first < CLIENTS ? first : CLIENTS;
}

/* ---- what the kernel counts ---------------------------------------------------------------------------- */

static bool
name_is(const char *name, const char *wanted)
{
	uint32_t i = 0;

	while (name[i] != '\0' && name[i] == wanted[i])
		i++;
	return name[i] == wanted[i];
}

static bool
program_info(const struct reaper *reaper, const char *name, uint32_t *number, struct bx_info_program *info)
{
	for (*number = 0; bx_sys_inspect(reaper->audit, BX_INSPECT_PROGRAM, *number, 0, info,
	    sizeof *info) == BX_OK; ++*number)
		if (name_is(info->name, name))
			return true;
	return false;
}

static uint32_t
starts_of(const struct reaper *reaper, const struct server *server)
{
	struct bx_info_program info;
	uint32_t number;

	return program_info(reaper, server->program, &number, &info) ? info.starts : 0;
}

/* FNV-1a over words: Fowler, Noll, Vo. */
static void
mix(uint64_t *hash, uint64_t word)
{
	for (unsigned i = 0; i < 8; i++)
		*hash = (*hash ^ (word >> (8 * i) & 0xff)) * 0x100000001b3ull;
}

static void
set_look(const struct reaper *reaper, const struct server *server, struct snapshot *snapshot)
{
	struct bx_info_program info;
	struct bx_info_cap cap;
	uint32_t number;

	if (!program_info(reaper, server->program, &number, &info))
		return;
	for (uint32_t slot = 0; slot < info.slot_count; slot++) {
		if (bx_sys_inspect(reaper->audit, BX_INSPECT_CAP, number, slot, &cap, sizeof cap) != BX_OK)
			continue;
		if (cap.type == BX_CAP_REPLY) {
			snapshot->replies++;
			continue;
		}
		mix(&snapshot->sets, (uint64_t)number << 32 | slot);
		mix(&snapshot->sets, (uint64_t)cap.type << 32 | cap.rights);
		mix(&snapshot->sets, (uint64_t)cap.object << 32 | cap.uses);
		mix(&snapshot->sets, (uint64_t)cap.depth << 32 | cap.stale);
		mix(&snapshot->sets, cap.badge);
		mix(&snapshot->sets, cap.first);
		mix(&snapshot->sets, cap.count);
		mix(&snapshot->sets, cap.expiry);
	}
}

static struct snapshot
look(const struct reaper *reaper)
{
	struct snapshot snapshot = { .sets = 0xcbf29ce484222325ull };
	struct bx_info_system system;
	struct bx_info_pool pool;

	if (bx_sys_inspect(reaper->audit, BX_INSPECT_SYSTEM, 0, 0, &system, sizeof system) != BX_OK)
		return snapshot;
	snapshot.frames_free = system.frames_free;
	snapshot.frames_table = system.frames_table;
	snapshot.frames_user = system.frames_user;
	snapshot.frames_kernel = system.frames_kernel;
	snapshot.slots = system.slots_used;
	for (uint32_t i = 0; i < POOLS_MAX; i++)
		if (bx_sys_inspect(reaper->audit, BX_INSPECT_POOL, i, 0, &pool, sizeof pool) == BX_OK &&
		    !name_is(pool.name, "audit records"))
			snapshot.used[i] = pool.used;
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(servers); i++)
		set_look(reaper, &servers[i], &snapshot);
	return snapshot;
}

/* All clients rest; how it is when nobody else is at work any more: it has been the same for some time. */
static struct snapshot
settled(const struct reaper *reaper)
{
	uint64_t end = bx_sys_deadline_in_us(reaper->sys, SETTLE_US);
	struct snapshot now = look(reaper), last;
	uint32_t same = 0;

	while (same < LOOKS_SAME && bx_sys_now() < end) {
		last = now;
		bx_sys_sleep(bx_sys_deadline_in_us(reaper->sys, 10 * MOMENT_US));
		now = look(reaper);
		same = __builtin_memcmp(&now, &last, sizeof now) == 0 ? same + 1 : 0;
	}
	return now;
}

/* All clients rest.  The others come to rest as well, within a time: what is gone for good stays gone. */
static bool
settles_as(struct reaper *reaper, const struct snapshot *wanted)
{
	uint64_t end = bx_sys_deadline_in_us(reaper->sys, SETTLE_US);
	struct snapshot now;

	do {
		bx_sys_sleep(bx_sys_deadline_in_us(reaper->sys, MOMENT_US));
		now = look(reaper);
		if (__builtin_memcmp(&now, wanted, sizeof now) == 0)
			return true;
	} while (bx_sys_now() < end);
	bx_sys_print(reaper->sys, "was: %lu %lu %lu frames, %lu slots, %u replies, sets 0x%lx\n"
	    "is:  %lu %lu %lu frames, %lu slots, %u replies, sets 0x%lx\n", wanted->frames_free,
	    wanted->frames_table, wanted->frames_user, wanted->slots, wanted->replies, wanted->sets,
	    now.frames_free, now.frames_table, now.frames_user, now.slots, now.replies, now.sets);
	for (uint32_t i = 0; i < POOLS_MAX; i++)
		if (now.used[i] != wanted->used[i])
			bx_sys_print(reaper->sys, "pool %u: was %u, is %u\n", i, wanted->used[i],
			    now.used[i]);
	return false;
}

/* ---- one end ------------------------------------------------------------------------------------------- */

/* The shell is back when it waits for keys: nobody else waits so long. */
static enum bx_err
shell_probe(const struct reaper *reaper, uint32_t program)
{
	struct bx_info_program running;
	struct bx_info_thread info;
	enum bx_err err = bx_sys_inspect(reaper->audit, BX_INSPECT_PROGRAM, program, 0, &running,
	    sizeof running);

	if (err != BX_OK || running.state != BX_PROGRAM_RUNNING)
		return BX_ERR_PEER_DIED;
	for (uint32_t i = 0; err != BX_ERR_RANGE; i++) {
		err = bx_sys_inspect(reaper->audit, BX_INSPECT_THREAD, i, 0, &info, sizeof info);
		if (err == BX_OK && info.program == program && info.state == BX_THREAD_AWAITING_REPLY &&
		    info.deadline > bx_sys_now() + BX_DEADLINE_FAR / 2)
			return BX_OK;
	}
	return BX_ERR_PEER_DIED;
}

/* One exchange, as a client. */
static enum bx_err
probe(const struct reaper *reaper, const struct server *server, uint32_t program, uint32_t endpoint)
{
	uint64_t deadline = bx_sys_deadline_in_us(reaper->sys, PROBE_US);
	struct bx_sys_words words = { .label = WORK_ECHO };
	struct bx_if_echo_echo_answer answer;
	uint8_t string[BX_IF_CONSOLE_WRITE_STRING_MAX];
	enum bx_err err;

	switch (server->kind) {
	case KIND_CONSOLE:
		return bx_if_console_write(endpoint, deadline,
		    &(struct bx_if_console_write_request){ string, 0 }, string, sizeof string);
	case KIND_ECHO:
		return bx_if_echo_echo(endpoint, deadline, &(struct bx_if_echo_echo_request){ "x", 1 },
		    string, sizeof string, &answer);
	case KIND_WORK:
		err = bx_sys_call(endpoint, deadline, &words);
		return err != BX_OK ? err : (enum bx_err)(int64_t)words.word[1];
	default:
		return shell_probe(reaper, program);
	}
}

/* Its thread, wherever it is, goes on where there is no code. */
static void
jump(struct reaper *reaper, const struct server *server, uint64_t where)
{
	uint32_t thread;
	enum bx_err err = bx_sys_find(reaper->sys->launch, server->thread, &thread);

	if (err == BX_OK)
		err = bx_sys_thread_stop(thread);
	if (err == BX_OK)
		err = bx_sys_thread_start(thread, where, BX_USER_END, 0);
	if (err != BX_OK)
		breach(reaper, server, "cannot be made to jump", err);
}

/* Ends it: a kill, or every second time a crash; always one of spawnd, which nobody may kill. */
static void
end_it(struct reaper *reaper, const struct server *server, uint32_t program, uint32_t endpoint, uint32_t turn)
{
	struct bx_sys_words words = { .label = WORK_WRITE + turn / 2 % WORK_CRASHES };
	enum bx_err err;

	if (server->kind == KIND_WORK && turn % 2 == 1) {
		err = bx_sys_call(endpoint, bx_sys_deadline_in_us(reaper->sys, PROBE_US), &words);
		if (err != BX_ERR_PEER_DIED)
			breach(reaper, server, "who lets it crash sees another error", err);
		return;
	}
	if (server->thread != NULL && (turn % 2 == 1 || server->only_named)) {
		jump(reaper, server, wild[turn / 2 % BX_ARRAY_COUNT(wild)]);
		return;
	}
	err = bx_sys_kill(reaper->spawn, program);
	if (err != BX_OK)
		breach(reaper, server, "cannot be killed", err);
}

/* Microseconds from `began` until it answers again; false: it does not. */
static bool
is_back(struct reaper *reaper, const struct server *server, uint32_t program, uint32_t endpoint,
    uint64_t began, uint32_t *us)
{
	uint64_t end = bx_sys_deadline_in_us(reaper->sys, BACK_US);

	while (bx_sys_now() < end) {
		enum bx_err err = probe(reaper, server, program, endpoint);

		*us = (uint32_t)bx_sys_us_of_ticks(reaper->sys->ticks_per_second, bx_sys_now() - began);
		if (err == BX_OK)
			return true;
		if (err != BX_ERR_PEER_DIED && err != BX_ERR_BUSY && err != BX_ERR_STATE)
			breach(reaper, server, "another error than that it died", err);
		hear(reaper, LOOK_US);
	}
	return false;
}

/* Every thread, for whoever has to find out why one does not go on. */
static void
threads_tell(const struct reaper *reaper)
{
	struct bx_info_program program;
	struct bx_info_thread info;
	enum bx_err err = BX_OK;

	for (uint32_t i = 0; err != BX_ERR_RANGE; i++) {
		err = bx_sys_inspect(reaper->audit, BX_INSPECT_THREAD, i, 0, &info, sizeof info);
		if (err == BX_OK && bx_sys_inspect(reaper->audit, BX_INSPECT_PROGRAM, info.program, 0, &program,
		    sizeof program) == BX_OK)
			bx_sys_print(reaper->sys, "thread %u of %s: state %u, partner %d, object %d, account %u, "
			    "priority %u, cpu %lu us\n", i, program.name, info.state, (int)info.partner,
			    (int)info.object, info.account, info.priority,
			    bx_sys_us_of_ticks(reaper->sys->ticks_per_second, info.cpu_ticks));
	}
}

/* Each of its clients has had an answer since. */
static bool
clients_go_on(struct reaper *reaper, const struct server *server)
{
	uint64_t good[CLIENTS], end = bx_sys_deadline_in_us(reaper->sys, BACK_US);
	uint32_t first = first_client(server), going;

	for (uint32_t i = 0; i < CLIENTS; i++)
		good[i] = reaper->clients[i].good;
	do {
		going = 0;
		hear(reaper, MOMENT_US / 4);
		for (uint32_t i = first; i < CLIENTS && i < first + 2; i++)
			going += reaper->clients[i].good > good[i];
	} while (first < CLIENTS && going < 2 && bx_sys_now() < end);
	return first == CLIENTS || going == 2;
}

static bool
once(struct reaper *reaper, const struct server *server, uint32_t turn, uint32_t *us)
{
	uint32_t endpoint = BX_SLOT_NONE, program = 0, starts;
	uint64_t began;
	struct bx_info_program info;

	if (!program_info(reaper, server->program, &program, &info) || (server->endpoint != NULL &&
	    bx_sys_find(reaper->sys->launch, server->endpoint, &endpoint) != BX_OK)) {
		breach(reaper, server, "is not there", 0);
		return false;
	}
	hear(reaper, random_next(&reaper->random) % MOMENT_US);
	starts = starts_of(reaper, server);
	began = bx_sys_now();		/* who is above us may be back before we go on */
	end_it(reaper, server, program, endpoint, turn);
	if (!is_back(reaper, server, program, endpoint, began, us)) {
		breach(reaper, server, "does not come back", turn);
		return false;
	}
	if (starts_of(reaper, server) != starts + 1)
		breach(reaper, server, "was started more than once", starts_of(reaper, server) - starts);
	if (!clients_go_on(reaper, server)) {
		breach(reaper, server, "a client does not go on", turn);
		threads_tell(reaper);
		return false;
	}
	return true;
}

/* ---- all of them --------------------------------------------------------------------------------------- */

static void
sort(uint32_t *times, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++)
		for (uint32_t j = i; j > 0 && times[j] < times[j - 1]; j--) {
			uint32_t time = times[j];

			times[j] = times[j - 1];
			times[j - 1] = time;
		}
}

static struct client
sum(const struct reaper *reaper)
{
	struct client all = { 0 };

	for (uint32_t i = 0; i < CLIENTS; i++) {
		all.good += reaper->clients[i].good;
		all.died += reaper->clients[i].died;
		all.other += reaper->clients[i].other;
		if (reaper->clients[i].other != 0)
			all.last = reaper->clients[i].last;
	}
	return all;
}

/* `count` ends of one server, between two looks at everything. */
static void
turn(struct reaper *reaper, const struct server *server, uint32_t count)
{
	struct snapshot before;
	struct client told, was;
	uint32_t done = 0;

	if (!rest(reaper))
		breach(reaper, server, "clients do not report before its turn", resting(reaper));
	before = settled(reaper);
	was = sum(reaper);
	go_on(reaper);
	while (done < count && once(reaper, server, done, &reaper->times[done]))
		done++;
	if (!rest(reaper))
		breach(reaper, server, "clients do not report after its turn", resting(reaper));
	told = sum(reaper);
	if (done == count && !settles_as(reaper, &before))
		breach(reaper, server, "something is not as it was", 0);
	if (told.other != was.other)
		breach(reaper, server, "clients saw another error than that it died", told.last);
	go_on(reaper);
	if (done == 0)
		return;
	sort(reaper->times, done);
	bx_sys_print(reaper->sys, "restart %s %u times: median %u us, worst %u us; clients: %lu answers, "
	    "%lu told that it died\n", server->program, done, reaper->times[done / 2],
	    reaper->times[done - 1], told.good - was.good, told.died - was.died);
	bx_sys_print(reaper->sys, "conserved %s: %lu frames free, %lu slots, %u replies, sets 0x%lx\n",
	    server->program, before.frames_free, before.slots, before.replies, before.sets);
}

/* "COUNT [SERVER...]": the count; *at is behind it. */
static uint32_t
count_read(const struct bx_sys *sys, uint32_t *at)
{
	uint32_t count = 0;

	for (*at = 0; *at < sys->argument_length && sys->argument[*at] >= '0' && sys->argument[*at] <= '9'; ++*at)
		count = count < TIMES_MAX ? 10 * count + (uint32_t)(sys->argument[*at] - '0') : count;
	return count < TIMES_MAX ? count : TIMES_MAX;
}

/* The server that is named there, and *at behind it; NULL: none is. */
static const struct server *
server_read(const struct bx_sys *sys, uint32_t *at)
{
	char name[BX_NAME_MAX] = "";
	uint32_t length = 0;

	while (*at < sys->argument_length && sys->argument[*at] == ' ')
		++*at;
	for (; *at < sys->argument_length && sys->argument[*at] != ' '; ++*at)
		if (length < BX_NAME_MAX - 1)
			name[length++] = (char)sys->argument[*at];
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(servers); i++)
		if (name_is(servers[i].program, name))
			return &servers[i];
	return NULL;
}

int
bx_main(const struct bx_sys *sys)
{
	struct reaper reaper = { .sys = sys, .random = bx_sys_now() | 1 };
	const struct server *server;
	uint32_t at, count = count_read(sys, &at);

	if (bx_sys_find(sys->launch, "spawn", &reaper.spawn) != BX_OK ||
	    bx_sys_find(sys->launch, "audit", &reaper.audit) != BX_OK ||
	    bx_sys_find(sys->launch, "reaper", &reaper.endpoint) != BX_OK)
		return 1;
	for (uint32_t i = 0; i < CLIENTS; i++)
		reaper.clients[i].held = BX_SLOT_NONE;
	bx_sys_service_init(&reaper.service, sys->launch, reaper.endpoint, NULL, 0);
	for (uint32_t i = 0; i < BX_ARRAY_COUNT(servers) && at == sys->argument_length; i++)
		if (!servers[i].only_named)
			turn(&reaper, &servers[i], count);
	while ((server = server_read(sys, &at)) != NULL)
		turn(&reaper, server, count);
	bx_sys_print(sys, "reaper: done, %u breaches\n", reaper.breaches);
	return reaper.breaches == 0 ? 0 : 2;
}
