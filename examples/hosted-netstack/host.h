/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * host.h -- a stack on a tap device of Linux: the device, the memory, the clock, and the loop that the library leaves
 * to its user.
 *
 * The program is the transport stage and the applications.  What is below, it sees through struct below, and there
 * are two of them: direct.c calls the other stages, split.c has them in two further processes and passes batches as byte
 * strings over sockets.  Everything else is the same.
 */
#ifndef HOSTED_NETSTACK_HOST_H
#define HOSTED_NETSTACK_HOST_H

#include <brainix/net_stack.h>

#define HOST_BATCH	32u
#define HOST_FRAME	2048u
#define HOST_WHOLE	70000u
#define NEVER		UINT64_MAX

/* What is below the transport stage.  The calls that end in an error leave their outputs as they were. */
struct below {
	/* Segments go down; what cannot be sent may come back by `take`. */
	void (*send)(struct bx_net_batch *segments);
	/* Segments that have come up, after waiting for them until until_us at most; the batch is empty before. */
	void (*take)(struct bx_net_batch *segments, uint64_t until_us);
	enum bx_err (*path)(const struct bx_net_addr *destination, struct bx_ip_path *path);
	enum bx_err (*address_add)(const struct bx_net_addr *address, uint8_t prefix, bool probe);
	enum bx_err (*address_remove)(const struct bx_net_addr *address);
	enum bx_err (*route_add)(const struct bx_net_addr *network, uint8_t prefix, const struct bx_net_addr *gateway);
	bool (*address_at)(uint32_t index, struct bx_ip_address *address);
};

/* An echo reply that has come (ping). */
struct host_echo {
	struct bx_net_addr from;
	uint16_t id, sequence;
	uint32_t length;
	uint8_t hop_limit;
	bool fresh;
};

struct host {
	struct bx_transport *transport;
	const struct below *below;
	uint8_t mac[6];
	struct host_echo echo;
	struct bx_net_batch in, out;
	uint8_t in_bytes[HOST_BATCH * HOST_FRAME + HOST_WHOLE], out_bytes[HOST_BATCH * HOST_FRAME];
	struct bx_net_buf in_bufs[HOST_BATCH + 4], out_bufs[HOST_BATCH];
};

/* Microseconds of a steady clock. */
uint64_t host_now(void);

/* Opens tap device `name` and makes a stack on it: in this process, or with `split` in three.  Ends the program with a
 * message if it cannot. */
/* control: the congestion control of its connections. */
void host_start(struct host *host, const char *name, bool split, enum bx_tcp_control control);

/* Sends what there is to send, waits for segments or for time, at most until `until_us`, and lets the stack work. */
void host_turn(struct host *host, uint64_t until_us);

/* Sends what the application's calls have queued. */
void host_flush(struct host *host);

/* Sends what a call has put into host->out, datagrams for example. */
void host_out(struct host *host);

/* An echo request.  BX_OK or BX_ERR_NET_UNREACHABLE. */
enum bx_err host_ping(struct host *host, const struct bx_net_addr *to, uint16_t id, uint16_t sequence, uint32_t length);

/* Reads an address of either family up to '/', ']', ':' of a port or the end; false if it is none. */
bool host_address(const char *text, struct bx_net_addr *address, const char **end);

/* An address as text, in a buffer of its own for each of the last four calls. */
const char *host_text(const struct bx_net_addr *address);

/* Prints a message and ends the program. */
BX_NORETURN void host_die(const char *what, const char *why);

/* Ends the program unless err is BX_OK. */
void host_must(enum bx_err err, const char *what);

/* Memory for a stage, or the end of the program. */
void *host_block(size_t size);

/* direct.c: the link and the IP stage of this program, and the tap. */
extern const struct below below_direct;
void stages_start(const char *tap, const uint8_t mac[6], const uint64_t seed[4], const uint64_t stable[2]);
struct stages {
	struct bx_link *link;
	struct bx_ip *ip;
	int tap;
};
extern struct stages stages;
/* Frames of the batch go to the device.  One that it does not take is lost, as on any wire. */
void stages_write(struct bx_net_batch *frames);
/* As many frames as are there and fit. */
void stages_read(struct bx_net_batch *frames);
/* Waits until one of the two can be read (-1: none), or until then. */
void host_wait(int fd, int second_fd, uint64_t until_us);

/* split.c */
extern const struct below below_split;
void split_start(const char *tap, const uint8_t mac[6], const uint64_t seed[4], const uint64_t stable[2]);

/* The applications. */
void serve(struct host *host, uint16_t port);
/* The server's side of iperf3, on port 5201: what has come is dealt with. */
void iperf_listen(struct host *host);
void iperf_work(struct host *host);
void fetch(struct host *host, const char *url);
void ping(struct host *host, const char *name, uint32_t count);
void resolve(struct host *host, const char *name, uint16_t type);
void show(struct host *host);
/* Gets an address from a DHCP server; and keeps it, from then on in each turn. */
void dhcp_get(struct host *host);
void dhcp_keep(struct host *host);
/* An address, or what the name servers say of a name. */
struct bx_net_addr look_up(struct host *host, const char *name, uint32_t length, bool ipv6);
/* A name server to ask. */
void name_server(const struct bx_net_addr *address);
/* Waits until there is a way to it: an address may still be under test. */
enum bx_err way_to(struct host *host, const struct bx_net_addr *to, struct bx_ip_path *path);

#endif
