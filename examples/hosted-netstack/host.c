/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * host.c -- see host.h: the transport stage, and the loop.
 */
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* The library calls this for a caller's mistake. */
BX_NORETURN void
bx_panic(const char *where, const char *what)
{
	fprintf(stderr, "hosted-netstack: %s: %s\n", where, what);
	abort();
}

void
host_die(const char *what, const char *why)
{
	fprintf(stderr, "hosted-netstack: %s: %s\n", what, why);
	exit(1);
}

void
host_must(enum bx_err err, const char *what)
{
	if (err != BX_OK)
		host_die(what, bx_err_text(err));
}

void *
host_block(size_t size)
{
	void *p = size == 0 ? NULL : aligned_alloc(64, size);

	if (p == NULL)
		host_die("memory", strerror(errno));
	return p;
}

uint64_t
host_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

bool
host_address(const char *text, struct bx_net_addr *address, const char **end)
{
	bool bracket = *text == '[';
	char word[64];
	uint8_t b[16];
	size_t n;

	text += bracket;
	/* A colon ends an IPv4 address, and is part of an IPv6 one. */
	n = strcspn(text, "/] ");
	if (!bracket && memchr(text, '.', n) != NULL)
		n = strcspn(text, "/:] ");
	if (n >= sizeof word)
		return false;
	memcpy(word, text, n);
	word[n] = 0;
	if (inet_pton(AF_INET, word, b) == 1)
		*address = bx_net_ipv4_from(b);
	else if (inet_pton(AF_INET6, word, b) == 1)
		memcpy(address->byte, b, 16);
	else
		return false;
	*end = text + n + (bracket && text[n] == ']');
	return true;
}

const char *
host_text(const struct bx_net_addr *a)
{
	static char texts[4][INET6_ADDRSTRLEN];
	static uint32_t turn;
	char *text = texts[turn++ % 4];

	if (bx_net_addr_is_ipv4(a))
		inet_ntop(AF_INET, a->byte + 12, text, INET6_ADDRSTRLEN);
	else
		inet_ntop(AF_INET6, a->byte, text, INET6_ADDRSTRLEN);
	return text;
}

/* Numbers that are the same each time for one machine and one device: a link address, and the secret of interface
 * identifiers (RFC 7217, 5).  FNV-1a over the machine's own number and the name. */
static void
stable_numbers(const char *name, uint64_t number[2])
{
	char id[64] = "";
	int fd = open("/etc/machine-id", O_RDONLY);
	ssize_t n = fd >= 0 ? read(fd, id, sizeof id - 1) : 0;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		n = 0;
	for (uint32_t k = 0; k < 2; k++) {
		number[k] = 0xcbf29ce484222325u + k;
		for (ssize_t i = 0; i < n; i++)
			number[k] = (number[k] ^ (uint8_t)id[i]) * 0x100000001b3u;
		for (const char *c = name; *c != 0; c++)
			number[k] = (number[k] ^ (uint8_t)*c) * 0x100000001b3u;
	}
}

void
host_start(struct host *host, const char *name, bool split, enum bx_tcp_control control)
{
	uint64_t seed[4], stable[2];
	struct bx_transport_config transport = {
		.connections = 1024, .half_open = 256, .time_waits = 4096, .listeners = 4, .udp_ends = 8,
		.rings = 512, .small_rings = 1024, .ring_bytes = 262144, .mtu = 1500,
		.features = BX_TCP_SACK | BX_TCP_TIMESTAMPS | BX_TCP_WINDOW_SCALE | BX_TCP_ECN,
	};

	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		host_die("random numbers", strerror(errno));
	stable_numbers(name, stable);
	host->mac[0] = 2;
	memcpy(host->mac + 1, stable, 5);
	if (control != BX_TCP_NEWRENO_CONTROL)
		transport.features |= control == BX_TCP_BBR_CONTROL ? BX_TCP_BBR : BX_TCP_CUBIC;
	transport.seed[0] = seed[0];
	transport.seed[1] = seed[1];
	if (split)
		split_start(name, host->mac, seed, stable);
	else
		stages_start(name, host->mac, seed, stable);
	host->below = split ? &below_split : &below_direct;
	host_must(bx_transport_init(host_block(bx_transport_size(&transport)), bx_transport_size(&transport), &transport,
	    &host->transport), "transport");
	bx_net_batch_init(&host->in, host->in_bytes, sizeof host->in_bytes, host->in_bufs, HOST_BATCH + 4, 0);
	bx_net_batch_init(&host->out, host->out_bytes, sizeof host->out_bytes, host->out_bufs, HOST_BATCH,
	    HOST_FRAME);
}

void
host_wait(int fd, int second_fd, uint64_t until_us)
{
	struct pollfd wait[2] = { { .fd = fd, .events = POLLIN }, { .fd = second_fd, .events = POLLIN } };
	uint64_t now = host_now(), left = until_us > now ? (until_us - now + 999) / 1000 : 0;

	if (poll(wait, 2, (int)(left < 3600000 ? left : 3600000)) < 0 && errno != EINTR)
		host_die("poll", strerror(errno));
}

void
host_out(struct host *host)
{
	if (host->out.count != 0)
		host->below->send(&host->out);
	bx_net_batch_clear(&host->out);
}

void
host_flush(struct host *host)
{
	bool more;

	do {
		more = bx_transport_output(host->transport, host_now(), &host->out);
		host_out(host);
	} while (more);
}

/* Echo replies are the application's: the transport stage does not know them. */
static void
echo_take(struct host *host, struct bx_net_batch *segments)
{
	for (uint32_t i = 0; i < segments->count; i++) {
		struct bx_net_buf *buf = &segments->bufs[i];
		const uint8_t *p = bx_net_bytes(segments, buf);

		if (buf->kind != BX_NET_SEGMENT || (buf->protocol != 1 && buf->protocol != 58) || buf->length < 8)
			continue;
		host->echo = (struct host_echo){
			.from = buf->source, .id = bx_get_be16(p + 4), .sequence = bx_get_be16(p + 6),
			.length = buf->length, .hop_limit = buf->hop_limit, .fresh = true,
		};
		buf->kind = BX_NET_NONE;
	}
}

void
host_turn(struct host *host, uint64_t until_us)
{
	uint64_t next;

	/* What is sent sets timers: when to look next is asked after it. */
	host_flush(host);
	next = bx_transport_next(host->transport);
	bx_net_batch_clear(&host->in);
	host->below->take(&host->in, next < until_us ? next : until_us);
	echo_take(host, &host->in);
	bx_transport_receive(host->transport, host_now(), &host->in, &host->out);
	host_out(host);
	bx_transport_poll(host->transport, host_now());
	host_flush(host);
	dhcp_keep(host);
}

enum bx_err
host_ping(struct host *host, const struct bx_net_addr *to, uint16_t id, uint16_t sequence, uint32_t length)
{
	bool ipv4 = bx_net_addr_is_ipv4(to);
	struct bx_net_buf *buf;
	struct bx_ip_path path;
	uint32_t sum;
	uint8_t *p;

	if (host->below->path(to, &path) != BX_OK)
		return BX_ERR_NET_UNREACHABLE;
	buf = bx_net_batch_add(&host->out, length);
	if (buf == NULL)
		return BX_ERR_WOULD_BLOCK;
	p = bx_net_bytes(&host->out, buf);
	for (uint32_t i = 0; i < length; i++)
		p[i] = (uint8_t)i;
	bx_put_be32(p, ipv4 ? 8u << 24 : 128u << 24);
	bx_put_be16(p + 4, id);
	bx_put_be16(p + 6, sequence);
	sum = ipv4 ? 0 : bx_net_sum_pseudo(&path.source, to, 58, length);
	bx_put_be16(p + 2, bx_net_sum_final(bx_net_sum(p, length, sum)));
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = ipv4 ? 1 : 58;
	buf->source = path.source;
	buf->destination = *to;
	host_out(host);
	return BX_OK;
}
