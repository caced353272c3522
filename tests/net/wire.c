/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * wire.c -- a bad wire between two devices in two network namespaces: frames of both directions are lost, doubled, let
 * past by later ones, changed in a bit, marked, late, and no faster than a rate; by a seed.  For tests, where the kernel
 * has no netem.
 *
 *   wire [OPTION...] END END
 *
 *   END              tap:NAMESPACE:NAME    the wire is the other side of this tap (Linux is on it)
 *                    link:NAMESPACE:NAME   the wire sends and receives by this device, whose tap another program has
 *   --lose N  --double N  --late N  --change N  --mark N     chances in 1/10,000; late: by --jitter; mark: congestion
 *                    experienced, where the packet says that it can be told (RFC 3168, 5)
 *   --delay MS  --jitter MS  --rate KBIT  --queue FRAMES (a direction's, 100)  --seed N
 *
 * Runs until it is told to end (SIGTERM), then says what it did.  Needs root.
 */
#define _GNU_SOURCE			/* setns */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_MAX = 2048,
	FLYING_MAX = 8192,		/* frames under way, both directions */
	TURN_MAX = 64			/* frames taken from one end before the other has its turn */
};

struct end {
	int fd;
	bool tap;
};

struct frame {
	uint64_t at_us, order;
	uint32_t length, to;
	uint8_t bytes[FRAME_MAX];
};

struct direction {
	uint64_t free_us;		/* when the last frame has left */
	uint32_t waiting;
	uint64_t taken, lost, doubled, late, changed, marked, refused;
};

struct wire {
	struct end end[2];
	struct direction direction[2];
	uint32_t lose, twice, late, change, mark, delay_ms, jitter_ms, rate_kbit, queue;
	uint64_t seed, order;
	struct frame *flying[FLYING_MAX];	/* a heap by time, then order */
	uint32_t count;
};

static volatile sig_atomic_t ended;

static void
on_end(int number)
{
	(void)number;
	ended = 1;
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "wire: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

static uint32_t
draw(struct wire *w)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->seed >> 33);
}

static bool
chance(struct wire *w, uint32_t in_10000)
{
	return in_10000 != 0 && draw(w) % 10000 < in_10000;
}

/* ---- the two ends ---- */

static int
tap_open(const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) != 0)
		die(name);
	return fd;
}

static int
link_open(const char *name)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL)), room = 8 << 20;

	to.sll_ifindex = (int)if_nametoindex(name);
	if (fd < 0 || to.sll_ifindex == 0 || bind(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die(name);
	/* More than is under way: what is lost is lost by chance, not here. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
		die("receive buffer");
	return fd;
}

static void
end_open(struct end *end, char *text)
{
	char *kind = strtok(text, ":"), *space = strtok(NULL, ":"), *name = strtok(NULL, ":"), path[256];
	int fd;

	if (name == NULL) {
		errno = EINVAL;
		die("an end is tap:NAMESPACE:NAME or link:NAMESPACE:NAME");
	}
	snprintf(path, sizeof path, "/run/netns/%s", space);
	fd = open(path, O_RDONLY);
	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		die(path);
	close(fd);
	end->tap = strcmp(kind, "tap") == 0;
	end->fd = end->tap ? tap_open(name) : link_open(name);
}

/* One frame, or 0: there is none. */
static uint32_t
end_take(const struct end *end, uint8_t *bytes)
{
	struct sockaddr_ll from;
	socklen_t size = sizeof from;
	ssize_t n;

	for (;;) {
		n = end->tap ? read(end->fd, bytes, FRAME_MAX) :
		    recvfrom(end->fd, bytes, FRAME_MAX, MSG_TRUNC, (struct sockaddr *)&from, &size);
		if (n < 0)
			return 0;
		/* A packet socket hears what it says itself. */
		if ((end->tap || from.sll_pkttype != PACKET_OUTGOING) && n >= ETH_HLEN && n <= FRAME_MAX)
			return (uint32_t)n;
	}
}

/* ---- frames under way ---- */

static bool
earlier(const struct frame *a, const struct frame *b)
{
	return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

static void
fly(struct wire *w, const uint8_t *bytes, uint32_t length, uint32_t to, uint64_t at_us)
{
	uint32_t i = w->count;
	struct frame *f = i < FLYING_MAX ? malloc(sizeof *f) : NULL;

	if (f == NULL) {
		w->direction[to].refused++;
		return;
	}
	f->at_us = at_us;
	f->order = w->order++;
	f->length = length;
	f->to = to;
	memcpy(f->bytes, bytes, length);
	w->direction[to].waiting++;
	for (w->count++; i != 0 && earlier(f, w->flying[(i - 1) / 2]); i = (i - 1) / 2)
		w->flying[i] = w->flying[(i - 1) / 2];
	w->flying[i] = f;
}

static struct frame *
land(struct wire *w)
{
	struct frame *first = w->flying[0], *last = w->flying[--w->count];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < w->count) {
		if (child + 1 < w->count && earlier(w->flying[child + 1], w->flying[child]))
			child++;
		if (!earlier(w->flying[child], last))
			break;
		w->flying[i] = w->flying[child];
		i = child;
	}
	w->flying[i] = last;
	return first;
}

/* Says "congestion experienced" in an IPv4 or IPv6 packet whose sender takes part; the sum of the IPv4 header is made anew by
 * what has changed (RFC 1624). */
static bool
mark(uint8_t *p, uint32_t length)
{
	uint32_t type = length < 40 + ETH_HLEN ? 0 : (uint32_t)p[12] << 8 | p[13], sum;

	p += ETH_HLEN;
	if (type == 0x0800 && (p[1] & 3) != 0 && (p[1] & 3) != 3) {
		sum = (uint32_t)(~(p[10] << 8 | p[11]) & 0xffff) + (3u - (p[1] & 3u));
		sum = ~((sum & 0xffff) + (sum >> 16));
		p[1] |= 3;
		p[10] = (uint8_t)(sum >> 8);
		p[11] = (uint8_t)sum;
		return true;
	}
	if (type == 0x86dd && (p[1] & 0x30) != 0 && (p[1] & 0x30) != 0x30) {
		p[1] |= 0x30;
		return true;
	}
	return false;
}

static void
enter(struct wire *w, uint8_t *bytes, uint32_t length, uint32_t to)
{
	struct direction *d = &w->direction[to];
	uint64_t at = now_us();

	d->taken++;
	if (chance(w, w->lose)) {
		d->lost++;
		return;
	}
	if (w->rate_kbit != 0 && d->waiting >= w->queue) {
		d->refused++;
		return;
	}
	if (chance(w, w->change)) {
		bytes[draw(w) % length] ^= (uint8_t)(1u << draw(w) % 8);
		d->changed++;
	}
	if (chance(w, w->mark))
		d->marked += mark(bytes, length);
	if (w->rate_kbit != 0) {
		d->free_us = (d->free_us > at ? d->free_us : at) + (uint64_t)length * 8000 / w->rate_kbit;
		at = d->free_us;
	}
	at += (uint64_t)w->delay_ms * 1000;
	if (chance(w, w->late)) {
		at += draw(w) % (w->jitter_ms * 1000 + 1);
		d->late++;
	}
	fly(w, bytes, length, to, at);
	if (chance(w, w->twice)) {
		fly(w, bytes, length, to, at);
		d->doubled++;
	}
}

static void
deliver(struct wire *w)
{
	while (w->count != 0 && w->flying[0]->at_us <= now_us()) {
		struct frame *f = land(w);

		w->direction[f->to].waiting--;
		if (write(w->end[f->to].fd, f->bytes, f->length) < 0)
			w->direction[f->to].refused++;
		free(f);
	}
}

static void
turn(struct wire *w)
{
	struct pollfd wait[2] = { { .fd = w->end[0].fd, .events = POLLIN }, { .fd = w->end[1].fd, .events = POLLIN } };
	uint64_t now = now_us(), left = 1000000;
	struct timespec time;
	uint8_t bytes[FRAME_MAX];
	uint32_t n;

	if (w->count != 0)
		left = w->flying[0]->at_us > now ? w->flying[0]->at_us - now : 0;
	time.tv_sec = (time_t)(left / 1000000);
	time.tv_nsec = (long)(left % 1000000) * 1000;
	if (ppoll(wait, 2, &time, NULL) < 0 && errno != EINTR)
		die("poll");
	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t k = 0; k < TURN_MAX && (n = end_take(&w->end[i], bytes)) != 0; k++)
			enter(w, bytes, n, 1 - i);
	}
	deliver(w);
}

static char **
options(struct wire *w, char **arg)
{
	const struct {
		const char *name;
		uint32_t *value;
	} known[] = {
		{ "--lose", &w->lose }, { "--double", &w->twice }, { "--late", &w->late }, { "--change", &w->change },
		{ "--mark", &w->mark }, { "--delay", &w->delay_ms }, { "--jitter", &w->jitter_ms },
		{ "--rate", &w->rate_kbit }, { "--queue", &w->queue },
	};

	for (; arg[0] != NULL && strncmp(arg[0], "--", 2) == 0 && arg[1] != NULL; arg += 2) {
		bool found = strcmp(arg[0], "--seed") == 0;

		if (found)
			w->seed = strtoull(arg[1], NULL, 10) * 2 + 1;
		for (uint32_t i = 0; i < sizeof known / sizeof known[0]; i++) {
			if (strcmp(arg[0], known[i].name) == 0) {
				*known[i].value = (uint32_t)strtoul(arg[1], NULL, 10);
				found = true;
			}
		}
		if (!found) {
			errno = EINVAL;
			die(arg[0]);
		}
	}
	return arg;
}

int
main(int argc, char **argv)
{
	static struct wire w = { .queue = 100, .seed = 1 };
	const struct sigaction action = { .sa_handler = on_end };
	char **arg = options(&w, argv + 1);

	if (argc < 3 || arg[0] == NULL || arg[1] == NULL || arg[2] != NULL) {
		fprintf(stderr, "usage: wire [OPTION...] END END\n");
		return 2;
	}
	end_open(&w.end[0], arg[0]);
	end_open(&w.end[1], arg[1]);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	while (!ended)
		turn(&w);
	for (uint32_t i = 0; i < 2; i++) {
		const struct direction *d = &w.direction[1 - i];

		printf("%s: %llu frames, %llu lost, %llu doubled, %llu late, %llu changed, %llu marked, %llu refused\n",
		    i == 0 ? "there" : "back", (unsigned long long)d->taken, (unsigned long long)d->lost,
		    (unsigned long long)d->doubled, (unsigned long long)d->late, (unsigned long long)d->changed,
		    (unsigned long long)d->marked, (unsigned long long)d->refused);
	}
	return 0;
}
