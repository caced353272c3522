/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * direct.c -- the link and the IP stage by direct calls, and the tap device under them.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <string.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

struct stages stages;

/* What the stages answer on their own, and what could not be sent, kept until the next take. */
static uint8_t reply_bytes[2 * HOST_BATCH * HOST_FRAME], back_bytes[HOST_BATCH * 192];
static struct bx_net_buf reply_bufs[2 * HOST_BATCH], back_bufs[HOST_BATCH];
static struct bx_net_batch replies, back;

/* A device whose last user has just been ended is let go a moment later: waits up to a minute. */
static int
tap_attach(int fd, struct ifreq *request)
{
	struct timespec moment = { .tv_nsec = 10 * 1000 * 1000 };

	for (unsigned i = 0; i < 6000; i++) {
		if (ioctl(fd, TUNSETIFF, request) == 0)
			return 0;
		if (errno != EBUSY)
			return -1;
		nanosleep(&moment, NULL);
	}
	return -1;
}

static int
tap_open(const char *name)
{
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (fd < 0)
		host_die("/dev/net/tun", strerror(errno));
	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	if (tap_attach(fd, &request) != 0)
		host_die(name, strerror(errno));
	return fd;
}

void
stages_start(const char *tap, const uint8_t mac[6], const uint64_t seed[4], const uint64_t stable[2])
{
	struct bx_link_config link = { .mtu = 1500, .neighbours = 64, .waiting = 32, .seed = seed[2] };
	struct bx_ip_config ip = {
		.routes = 16, .destinations = 64, .reassemblies = 16, .reassembly_bytes = 65528,
		.neighbours = 64, .waiting = 32, .waiting_bytes = 1536, .seed = seed[2] ^ seed[3],
		.stable = { stable[0], stable[1] },
	};

	memcpy(link.mac, mac, 6);
	stages.tap = tap_open(tap);
	host_must(bx_link_init(host_block(bx_link_size(&link)), bx_link_size(&link), &link, &stages.link), "link");
	host_must(bx_ip_init(host_block(bx_ip_size(&ip)), bx_ip_size(&ip), &ip, &stages.ip), "ip");
	host_must(bx_ip_interface_set(stages.ip, 0, link.mtu), "interface");
	host_must(bx_ip_ipv6_start(stages.ip, host_now(), 0, mac, BX_IP_IPV6_ROUTERS), "IPv6");
	bx_net_batch_init(&back, back_bytes, sizeof back_bytes, back_bufs, HOST_BATCH, 0);
	bx_net_batch_init(&replies, reply_bytes, sizeof reply_bytes, reply_bufs, 2 * HOST_BATCH, HOST_FRAME);
}

void
stages_write(struct bx_net_batch *batch)
{
	for (uint32_t i = 0; i < batch->count; i++) {
		const struct bx_net_buf *buf = &batch->bufs[i];

		if (buf->kind == BX_NET_FRAME && write(stages.tap, bx_net_bytes(batch, buf), buf->length) < 0 &&
		    errno != EAGAIN && errno != EIO && errno != ENOBUFS)
			host_die("tap", strerror(errno));
	}
	bx_net_batch_clear(batch);
}

void
stages_read(struct bx_net_batch *batch)
{
	uint8_t frame[HOST_FRAME];
	struct bx_net_buf *buf;
	ssize_t n;

	bx_net_batch_clear(batch);
	while (batch->count < HOST_BATCH && (n = read(stages.tap, frame, sizeof frame)) > 0) {
		buf = bx_net_batch_add(batch, (uint32_t)n);
		if (buf == NULL)
			return;
		memcpy(bx_net_bytes(batch, buf), frame, (size_t)n);
		buf->kind = BX_NET_FRAME;
	}
}

/* A copy of what is to be known of a segment that did not go: its first bytes, and why. */
static void
copy_error(struct bx_net_batch *to, const struct bx_net_batch *from, const struct bx_net_buf *buf)
{
	struct bx_net_buf *copy = bx_net_batch_add(to, buf->length < 64 ? buf->length : 64);

	if (copy == NULL)
		return;
	memcpy(bx_net_bytes(to, copy), bx_net_bytes(from, buf), copy->length);
	copy->kind = BX_NET_UNREACHABLE;
	copy->protocol = buf->protocol;
	copy->error = buf->error;
	copy->segment_size = buf->segment_size;
	copy->source = buf->source;
	copy->destination = buf->destination;
}

static void
copy_errors(struct bx_net_batch *to, const struct bx_net_batch *from)
{
	for (uint32_t i = 0; i < from->count; i++) {
		if (from->bufs[i].kind == BX_NET_UNREACHABLE)
			copy_error(to, from, &from->bufs[i]);
	}
}

static void
direct_send(struct bx_net_batch *segments)
{
	uint64_t now = host_now();

	bx_net_batch_clear(&replies);
	if (bx_ip_send(stages.ip, now, segments, &replies))
		copy_errors(&back, segments);
	bx_link_send(stages.link, now, segments, &replies);
	bx_link_send(stages.link, now, &replies, &replies);
	stages_write(segments);
	stages_write(&replies);
}

static void
direct_take(struct bx_net_batch *segments, uint64_t until_us)
{
	uint64_t now = host_now(), next = bx_ip_next(stages.ip), link = bx_link_next(stages.link);

	next = link < next ? link : next;
	next = next < until_us ? next : until_us;
	host_wait(stages.tap, -1, back.count != 0 ? now : next);
	now = host_now();
	bx_net_batch_clear(&replies);
	bx_link_poll(stages.link, now, &replies);
	if (bx_ip_poll(stages.ip, now, &replies))
		copy_errors(&back, &replies);
	stages_read(segments);
	bx_link_receive(stages.link, now, segments, &replies);
	bx_ip_receive(stages.ip, now, segments, &replies);
	copy_errors(segments, &back);
	bx_net_batch_clear(&back);
	if (bx_ip_whole_ready(stages.ip))
		bx_ip_whole_take(stages.ip, now, segments, &replies);
	bx_link_send(stages.link, now, &replies, &replies);
	stages_write(&replies);
}

static enum bx_err
direct_path(const struct bx_net_addr *destination, struct bx_ip_path *path)
{
	return bx_ip_path(stages.ip, host_now(), destination, path);
}

static enum bx_err
direct_address_add(const struct bx_net_addr *address, uint8_t prefix, bool probe)
{
	enum bx_err err = bx_ip_address_add(stages.ip, 0, address, prefix);

	if (err == BX_OK && bx_net_addr_is_ipv4(address))
		err = bx_link_address_add(stages.link, host_now(), address, probe);
	return err;
}

static enum bx_err
direct_address_remove(const struct bx_net_addr *address)
{
	bx_link_address_remove(stages.link, address);
	return bx_ip_address_remove(stages.ip, address);
}

static enum bx_err
direct_route_add(const struct bx_net_addr *network, uint8_t prefix, const struct bx_net_addr *gateway)
{
	return bx_ip_route_add(stages.ip, network, prefix, gateway, 0);
}

static bool
direct_address_at(uint32_t index, struct bx_ip_address *address)
{
	return bx_ip_address_at(stages.ip, host_now(), index, address);
}

const struct below below_direct = {
	direct_send, direct_take, direct_path, direct_address_add, direct_address_remove, direct_route_add,
	direct_address_at,
};
