/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * host.c -- see host.h.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
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
	uint8_t b[4];

	for (int i = 0; i < 4; i++) {
		char *after;
		unsigned long n = strtoul(text, &after, 10);

		if (after == text || n > 255 || (i < 3 && *after != '.'))
			return false;
		b[i] = (uint8_t)n;
		text = i < 3 ? after + 1 : after;
	}
	*address = bx_net_ipv4_from(b);
	*end = text;
	return true;
}

static int
tap_open(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0)
		host_die("/dev/net/tun", strerror(errno));
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (ioctl(fd, TUNSETIFF, &request) != 0)
		host_die(name, strerror(errno));
	return fd;
}

static void *
block(size_t size)
{
	void *p = size == 0 ? NULL : aligned_alloc(64, size);

	if (p == NULL)
		host_die("memory", strerror(errno));
	return p;
}

static void
must(enum bx_err err, const char *what)
{
	if (err != BX_OK)
		host_die(what, bx_err_text(err));
}

void
host_start(struct host *host, const char *name, const struct bx_net_addr *address, uint8_t prefix,
    const struct bx_net_addr *gateway)
{
	uint64_t seed[4];
	struct bx_link_config link = { .mac = { 2 }, .mtu = 1500, .neighbours = 64, .waiting = 32 };
	struct bx_ip_config ip = {
		.routes = 8, .destinations = 64, .reassemblies = 16, .reassembly_bytes = 65528,
	};
	struct bx_transport_config transport = {
		.connections = 1024, .half_open = 256, .time_waits = 4096, .listeners = 4, .udp_ends = 4,
		.rings = 512, .ring_bytes = 262144, .mtu = 1500,
		.features = BX_TCP_SACK | BX_TCP_TIMESTAMPS | BX_TCP_WINDOW_SCALE | BX_TCP_CUBIC,
	};
	const struct bx_net_addr all = bx_net_ipv4(0, 0, 0, 0);

	if (getrandom(seed, sizeof seed, 0) != (ssize_t)sizeof seed)
		host_die("random numbers", strerror(errno));
	memcpy(link.mac + 1, &seed[3], 5);
	link.seed = seed[2];
	ip.seed = seed[2] ^ seed[3];
	transport.seed[0] = seed[0];
	transport.seed[1] = seed[1];
	host->tap = tap_open(name);
	host->address = *address;
	must(bx_link_init(block(bx_link_size(&link)), bx_link_size(&link), &link, &host->stack.link), "link");
	must(bx_ip_init(block(bx_ip_size(&ip)), bx_ip_size(&ip), &ip, &host->stack.ip), "ip");
	must(bx_transport_init(block(bx_transport_size(&transport)), bx_transport_size(&transport), &transport,
	    &host->stack.transport), "transport");
	must(bx_ip_interface_set(host->stack.ip, 0, link.mtu), "interface");
	must(bx_ip_address_add(host->stack.ip, 0, address, prefix), "address");
	must(bx_link_address_add(host->stack.link, host_now(), address, false), "address");
	if (gateway != NULL)
		must(bx_ip_route_add(host->stack.ip, &all, 0, gateway, 0), "gateway");
	bx_net_batch_init(&host->in, host->in_bytes, sizeof host->in_bytes, host->in_bufs, HOST_BATCH, HOST_FRAME);
	bx_net_batch_init(&host->out, host->out_bytes, sizeof host->out_bytes, host->out_bufs, HOST_BATCH,
	    HOST_FRAME);
	bx_net_batch_init(&host->whole, host->whole_bytes, sizeof host->whole_bytes, host->whole_bufs, 4, 0);
	host->stack.whole = &host->whole;
}

/* Gives the frames of the batch to the device.  One that it does not take is lost, as on any wire. */
static void
send_frames(struct host *host)
{
	for (uint32_t i = 0; i < host->out.count; i++) {
		const struct bx_net_buf *buf = &host->out.bufs[i];

		if (buf->kind == BX_NET_FRAME &&
		    write(host->tap, bx_net_bytes(&host->out, buf), buf->length) < 0 && errno != EAGAIN &&
		    errno != EIO && errno != ENOBUFS)
			host_die("tap", strerror(errno));
	}
	bx_net_batch_clear(&host->out);
}

void
host_flush(struct host *host)
{
	bool more;

	do {
		more = bx_stack_output(&host->stack, host_now(), &host->out);
		send_frames(host);
	} while (more);
}

/* As many frames as are there and fit one batch. */
static void
take_frames(struct host *host)
{
	struct bx_net_buf *buf;

	bx_net_batch_clear(&host->in);
	while ((buf = bx_net_batch_add(&host->in, HOST_FRAME - BX_NET_HEADROOM)) != NULL) {
		ssize_t n = read(host->tap, bx_net_bytes(&host->in, buf), buf->length);

		if (n <= 0) {
			bx_net_batch_undo(&host->in);
			break;
		}
		buf->kind = BX_NET_FRAME;
		buf->length = (uint32_t)n;
	}
}

void
host_turn(struct host *host, uint64_t until_us)
{
	uint64_t now = host_now(), next = bx_stack_next(&host->stack);
	struct pollfd wait = { .fd = host->tap, .events = POLLIN };

	next = next < until_us ? next : until_us;
	next = next > now ? (next - now + 999) / 1000 : 0;
	if (poll(&wait, 1, (int)(next < 3600000 ? next : 3600000)) < 0 && errno != EINTR)
		host_die("poll", strerror(errno));
	now = host_now();
	bx_stack_poll(&host->stack, now, &host->out);
	send_frames(host);
	take_frames(host);
	bx_stack_receive(&host->stack, now, &host->in, &host->out);
	send_frames(host);
}
