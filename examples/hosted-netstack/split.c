/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * split.c -- the three stages as three processes.
 *
 *   transport, applications  --batches-->  ip  --batches-->  link, tap
 *                            <--batches--      <--batches--
 *                            --questions->     (paths, addresses)
 *                            --questions---------------->    (addresses)
 *
 * A batch is one message of a socket, in the packed form; each receiver checks it whole before it looks at it.  A message
 * that finds no room is lost, as a frame on a wire would be.  Questions are few, and wait for their answers.
 */
#include "host.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_MAX	(HOST_BATCH * (HOST_FRAME + 128u) + HOST_WHOLE)

enum question { PATH, ADDRESS_ADD, ADDRESS_REMOVE, ROUTE_ADD, ADDRESS_AT };

/* A question and its answer, to the IP process; the link process knows those about addresses. */
struct talk {
	enum question question;
	enum bx_err err;
	struct bx_net_addr address, gateway;
	struct bx_ip_path path;
	struct bx_ip_address at;
	uint32_t index;
	uint8_t prefix;
	bool probe;
};

static int to_ip, ask_ip, ask_link;
static uint8_t message[MESSAGE_MAX];

static void
batch_send(int fd, const struct bx_net_batch *batch)
{
	uint32_t length;

	if (bx_net_batch_pack(batch, message, sizeof message, &length) != BX_OK)
		return;
	/* 8 is the head alone: nothing is left in it. */
	if (length > 8 && send(fd, message, length, MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EMSGSIZE &&
	    errno != ENOBUFS)
		exit(0);
}

/* The next message, if there is one.  The other side's end is this one's. */
static bool
batch_receive(int fd, struct bx_net_batch *batch)
{
	ssize_t n = recv(fd, message, sizeof message, MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		exit(0);
	if (n < 0)
		return false;
	if (bx_net_batch_unpack(batch, message, (uint32_t)n) != BX_OK)
		bx_net_batch_clear(batch);
	return true;
}

static void
answer(int fd, void (*work)(struct talk *))
{
	struct talk talk;
	ssize_t n = recv(fd, &talk, sizeof talk, MSG_DONTWAIT);

	if (n == 0)
		exit(0);
	if (n != (ssize_t)sizeof talk)
		return;
	work(&talk);
	if (send(fd, &talk, sizeof talk, 0) < 0)
		exit(0);
}

static enum bx_err
ask(int fd, struct talk *talk)
{
	if (send(fd, talk, sizeof *talk, 0) < 0 || recv(fd, talk, sizeof *talk, 0) != (ssize_t)sizeof *talk)
		host_die("a stage", "has ended");
	return talk->err;
}

/* ---- the link process ---- */

static void
link_answer(struct talk *talk)
{
	talk->err = BX_OK;
	if (talk->question == ADDRESS_ADD)
		talk->err = bx_link_address_add(stages.link, host_now(), &talk->address, talk->probe);
	else if (talk->question == ADDRESS_REMOVE)
		bx_link_address_remove(stages.link, &talk->address);
	else
		talk->err = BX_ERR_UNSUPPORTED;
}

BX_NORETURN static void
link_run(int up, int questions)
{
	static uint8_t in_bytes[MESSAGE_MAX], out_bytes[2 * HOST_BATCH * HOST_FRAME];
	static struct bx_net_buf in_bufs[2 * HOST_BATCH], out_bufs[2 * HOST_BATCH];
	struct bx_net_batch in, out;

	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 2 * HOST_BATCH, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 2 * HOST_BATCH, HOST_FRAME);
	for (;;) {
		struct pollfd wait[3] = {
			{ .fd = up, .events = POLLIN }, { .fd = stages.tap, .events = POLLIN },
			{ .fd = questions, .events = POLLIN },
		};
		uint64_t now = host_now(), next = bx_link_next(stages.link);
		uint64_t left = next > now ? (next - now + 999) / 1000 : 0;

		poll(wait, 3, (int)(left < 3600000 ? left : 3600000));
		answer(questions, link_answer);
		bx_link_poll(stages.link, host_now(), &out);
		while (batch_receive(up, &in)) {
			bx_link_send(stages.link, host_now(), &in, &out);
			stages_write(&in);
			stages_write(&out);
		}
		stages_read(&in);
		bx_link_receive(stages.link, host_now(), &in, &out);
		stages_write(&out);
		batch_send(up, &in);
	}
}

/* ---- the IP process ---- */

static void
ip_answer(struct talk *talk)
{
	switch (talk->question) {
	case PATH:
		talk->err = bx_ip_path(stages.ip, host_now(), &talk->address, &talk->path);
		return;
	case ADDRESS_ADD:
		talk->err = bx_ip_address_add(stages.ip, 0, &talk->address, talk->prefix);
		return;
	case ADDRESS_REMOVE:
		talk->err = bx_ip_address_remove(stages.ip, &talk->address);
		return;
	case ROUTE_ADD:
		talk->err = bx_ip_route_add(stages.ip, &talk->address, talk->prefix, &talk->gateway, 0);
		return;
	case ADDRESS_AT:
		talk->err = bx_ip_address_at(stages.ip, host_now(), talk->index, &talk->at) ? BX_OK : BX_ERR_NOT_FOUND;
		return;
	}
	talk->err = BX_ERR_UNSUPPORTED;
}

/* Those that could not be sent go up again; the rest goes down. */
static void
send_back(int up, struct bx_net_batch *in)
{
	uint8_t kinds[2 * HOST_BATCH];

	for (uint32_t i = 0; i < in->count; i++) {
		kinds[i] = in->bufs[i].kind;
		if (kinds[i] != BX_NET_UNREACHABLE)
			in->bufs[i].kind = BX_NET_NONE;
	}
	batch_send(up, in);
	for (uint32_t i = 0; i < in->count; i++)
		in->bufs[i].kind = kinds[i] == BX_NET_UNREACHABLE ? BX_NET_NONE : kinds[i];
}

BX_NORETURN static void
ip_run(int up, int down, int questions)
{
	static uint8_t in_bytes[MESSAGE_MAX], out_bytes[2 * HOST_BATCH * HOST_FRAME], whole_bytes[HOST_WHOLE];
	static struct bx_net_buf in_bufs[2 * HOST_BATCH], out_bufs[2 * HOST_BATCH], whole_bufs[4];
	struct bx_net_batch in, out, whole;

	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 2 * HOST_BATCH, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 2 * HOST_BATCH, HOST_FRAME);
	bx_net_batch_init(&whole, whole_bytes, sizeof whole_bytes, whole_bufs, 4, 0);
	for (;;) {
		struct pollfd wait[3] = {
			{ .fd = up, .events = POLLIN }, { .fd = down, .events = POLLIN },
			{ .fd = questions, .events = POLLIN },
		};
		uint64_t now = host_now(), next = bx_ip_next(stages.ip);
		uint64_t left = next > now ? (next - now + 999) / 1000 : 0;

		poll(wait, 3, (int)(left < 3600000 ? left : 3600000));
		answer(questions, ip_answer);
		if (bx_ip_poll(stages.ip, host_now(), &out))
			send_back(up, &out);
		while (batch_receive(up, &in)) {
			if (bx_ip_send(stages.ip, host_now(), &in, &out))
				send_back(up, &in);
			batch_send(down, &in);
			batch_send(down, &out);
			bx_net_batch_clear(&out);
		}
		while (batch_receive(down, &in)) {
			bx_ip_receive(stages.ip, host_now(), &in, &out);
			batch_send(up, &in);
			while (bx_ip_whole_ready(stages.ip)) {
				bx_net_batch_clear(&whole);
				bx_ip_whole_take(stages.ip, host_now(), &whole, &out);
				batch_send(up, &whole);
			}
			batch_send(down, &out);
			bx_net_batch_clear(&out);
		}
		batch_send(down, &out);
		bx_net_batch_clear(&out);
	}
}

/* ---- the transport process ---- */

static void
sockets(int pair[2])
{
	int size = 1 << 20;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		host_die("sockets", strerror(errno));
	for (int i = 0; i < 2; i++)
		setsockopt(pair[i], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
}

static bool
child(void)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		host_die("fork", strerror(errno));
	/* Nobody is left over when the program is killed. */
	if (pid == 0 && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent))
		exit(1);
	return pid == 0;
}

void
split_start(const char *tap, const uint8_t mac[6], const uint64_t seed[4], const uint64_t stable[2])
{
	int upper[2], lower[2], of_ip[2], of_link[2];

	stages_start(tap, mac, seed, stable);
	sockets(upper);
	sockets(lower);
	sockets(of_ip);
	sockets(of_link);
	/* Each has its own copy of both stages, and uses one. */
	if (child()) {
		close(upper[0]);
		close(upper[1]);
		close(lower[0]);
		link_run(lower[1], of_link[1]);
	}
	if (child()) {
		close(stages.tap);
		close(upper[0]);
		close(lower[1]);
		ip_run(upper[1], lower[0], of_ip[1]);
	}
	close(stages.tap);
	close(upper[1]);
	close(lower[0]);
	close(lower[1]);
	to_ip = upper[0];
	ask_ip = of_ip[0];
	ask_link = of_link[0];
}

static void
split_send(struct bx_net_batch *segments)
{
	batch_send(to_ip, segments);
}

static void
split_take(struct bx_net_batch *segments, uint64_t until_us)
{
	host_wait(to_ip, -1, until_us);
	batch_receive(to_ip, segments);
}

static enum bx_err
split_path(const struct bx_net_addr *destination, struct bx_ip_path *path)
{
	struct talk talk = { .question = PATH, .address = *destination };

	if (ask(ask_ip, &talk) == BX_OK)
		*path = talk.path;
	return talk.err;
}

static enum bx_err
split_address_add(const struct bx_net_addr *address, uint8_t prefix, bool probe)
{
	struct talk talk = { .question = ADDRESS_ADD, .address = *address, .prefix = prefix, .probe = probe };

	if (ask(ask_ip, &talk) == BX_OK && bx_net_addr_is_ipv4(address))
		ask(ask_link, &talk);
	return talk.err;
}

static enum bx_err
split_address_remove(const struct bx_net_addr *address)
{
	struct talk talk = { .question = ADDRESS_REMOVE, .address = *address };

	ask(ask_link, &talk);
	return ask(ask_ip, &talk);
}

static enum bx_err
split_route_add(const struct bx_net_addr *network, uint8_t prefix, const struct bx_net_addr *gateway)
{
	struct talk talk = { .question = ROUTE_ADD, .address = *network, .prefix = prefix, .gateway = *gateway };

	return ask(ask_ip, &talk);
}

static bool
split_address_at(uint32_t index, struct bx_ip_address *address)
{
	struct talk talk = { .question = ADDRESS_AT, .index = index };

	if (ask(ask_ip, &talk) != BX_OK)
		return false;
	*address = talk.at;
	return true;
}

const struct below below_split = {
	split_send, split_take, split_path, split_address_add, split_address_remove, split_route_add,
	split_address_at,
};
