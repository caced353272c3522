/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * iperf.c -- the server's side of iperf3 over TCP, one test at a time: so that its client can measure the stack.
 *
 *   cookie (37 bytes) -> 9 -> parameters (length, JSON) -> 10 -> a stream for each cookie -> 1, 2 -> data -> 4 from the client
 *   -> 13 -> its results -> ours, 14 -> 16 from the client: over
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT		5201u
#define COOKIE		37u
#define STREAMS		8u
#define CHUNK		65536u
#define TEST_START	1u
#define TEST_RUNNING	2u
#define TEST_END	4u
#define PARAM_EXCHANGE	9u
#define CREATE_STREAMS	10u
#define EXCHANGE_RESULTS 13u
#define DISPLAY_RESULTS	14u

enum step { IDLE, WAIT_COOKIE, WAIT_PARAMETERS, WAIT_STREAMS, RUNNING, WAIT_RESULTS, WAIT_DONE };

static struct {
	enum step step;
	uint64_t listener, control;
	uint8_t cookie[COOKIE];
	uint8_t bytes[8192];
	uint32_t have;
	uint32_t wanted;		/* streams */
	uint32_t count;
	bool reverse;
	struct {
		uint64_t connection, bytes;
		uint32_t cookie_left;
	} stream[STREAMS];
} test;

/* The streams are closed at the end of the data: a client that reads waits for a whole block, or for this. */
static void
streams_close(struct host *host)
{
	for (uint32_t i = 0; i < test.count; i++) {
		if (test.stream[i].connection != 0)
			(void)!bx_tcp_close(host->transport, host_now(), test.stream[i].connection);
		test.stream[i].connection = 0;
	}
}

static void
over(struct host *host)
{
	uint64_t listener = test.listener;

	streams_close(host);
	if (test.control != 0)
		(void)!bx_tcp_close(host->transport, host_now(), test.control);
	memset(&test, 0, sizeof test);
	test.listener = listener;
}

static void
say(struct host *host, const void *bytes, size_t length)
{
	size_t n;

	if (bx_tcp_send(host->transport, test.control, bytes, length, &n) != BX_OK || n != length)
		over(host);
}

static void
say_state(struct host *host, uint8_t state)
{
	say(host, &state, 1);
}

/* A number after a name in the client's JSON, or what it is by default. */
static uint32_t
member(const char *json, const char *name, uint32_t otherwise)
{
	const char *at = strstr(json, name);

	return at == NULL ? otherwise : (uint32_t)strtoul(at + strlen(name), NULL, 10);
}

static void
results(struct host *host)
{
	char json[2048];
	uint8_t length[4];
	int n = snprintf(json, sizeof json, "{\"cpu_util_total\":0,\"cpu_util_user\":0,\"cpu_util_system\":0,"
	    "\"sender_has_retransmits\":0,\"streams\":[");

	for (uint32_t i = 0; i < test.count; i++)
		n += snprintf(json + n, sizeof json - (size_t)n, "%s{\"id\":%u,\"bytes\":%llu,\"retransmits\":0,\"jitter\":0,"
		    "\"errors\":0,\"packets\":0}", i == 0 ? "" : ",", i == 0 ? 1 : i + 2,
		    (unsigned long long)test.stream[i].bytes);
	n += snprintf(json + n, sizeof json - (size_t)n, "]}");
	bx_put_be32(length, (uint32_t)n);
	say(host, length, 4);
	say(host, json, (size_t)n);
	say_state(host, DISPLAY_RESULTS);
}

/* Whether a length and its JSON are there; they stay in front, ended by a zero. */
static bool
json_is_there(struct host *host)
{
	uint32_t length;

	if (test.have < 4)
		return false;
	length = bx_get_be32(test.bytes);
	if (length > sizeof test.bytes - 5) {
		over(host);
		return false;
	}
	if (test.have < 4 + length)
		return false;
	test.bytes[4 + length] = 0;
	test.have = 0;
	return true;
}

static void
stream_work(struct host *host, uint32_t i)
{
	static uint8_t bytes[CHUNK];
	enum bx_err err = BX_OK;
	size_t n;

	while (err == BX_OK && test.stream[i].cookie_left != 0) {
		err = bx_tcp_receive(host->transport, test.stream[i].connection, bytes, test.stream[i].cookie_left, &n);
		test.stream[i].cookie_left -= err == BX_OK ? (uint32_t)n : 0;
	}
	while (err == BX_OK && (!test.reverse || test.step == RUNNING)) {
		err = test.reverse ? bx_tcp_send(host->transport, test.stream[i].connection, bytes, sizeof bytes, &n) :
		    bx_tcp_receive(host->transport, test.stream[i].connection, bytes, sizeof bytes, &n);
		test.stream[i].bytes += err == BX_OK ? n : 0;
	}
}

/* What the control connection has brought moves the test on by a step. */
static bool
control_step(struct host *host)
{
	switch (test.step) {
	case WAIT_COOKIE:
		if (test.have < COOKIE)
			return false;
		memcpy(test.cookie, test.bytes, COOKIE);
		test.have = 0;
		test.step = WAIT_PARAMETERS;
		say_state(host, PARAM_EXCHANGE);
		return true;
	case WAIT_PARAMETERS:
		if (!json_is_there(host))
			return false;
		test.wanted = member((const char *)test.bytes + 4, "\"parallel\":", 1);
		test.reverse = strstr((const char *)test.bytes + 4, "\"reverse\":") != NULL;
		if (test.wanted == 0 || test.wanted > STREAMS || strstr((const char *)test.bytes + 4, "\"udp\"") != NULL) {
			over(host);
			return false;
		}
		test.step = WAIT_STREAMS;
		say_state(host, CREATE_STREAMS);
		return true;
	case RUNNING:
		if (test.have == 0 || test.bytes[0] != TEST_END)
			return false;
		test.have = 0;
		test.step = WAIT_RESULTS;
		for (uint32_t i = 0; i < test.count && !test.reverse; i++)
			stream_work(host, i);
		streams_close(host);
		say_state(host, EXCHANGE_RESULTS);
		return true;
	case WAIT_RESULTS:
		if (!json_is_there(host))
			return false;
		test.step = WAIT_DONE;
		results(host);
		return true;
	case WAIT_DONE:
		if (test.have != 0)
			over(host);
		return false;
	default:
		return false;
	}
}

static void
control_work(struct host *host)
{
	size_t n;
	enum bx_err err = bx_tcp_receive(host->transport, test.control, test.bytes + test.have,
	    sizeof test.bytes - 1 - test.have, &n);

	if (err != BX_OK && err != BX_ERR_WOULD_BLOCK) {
		over(host);
		return;
	}
	test.have += err == BX_OK ? (uint32_t)n : 0;
	while (test.step != IDLE && control_step(host))
		;
}

void
iperf_listen(struct host *host)
{
	static const struct bx_net_addr any;

	host_must(bx_tcp_listen(host->transport, &any, PORT, 16, &test.listener), "iperf3");
}

void
iperf_work(struct host *host)
{
	uint32_t ready = 0;
	uint64_t connection;

	while (bx_tcp_accept(host->transport, test.listener, &connection) == BX_OK) {
		if (test.step == IDLE) {
			test.control = connection;
			test.step = WAIT_COOKIE;
		} else if (test.step == WAIT_STREAMS && test.count < test.wanted) {
			test.stream[test.count].connection = connection;
			test.stream[test.count++].cookie_left = COOKIE;
		} else {
			(void)!bx_tcp_abort(host->transport, host_now(), connection);
		}
	}
	if (test.step == IDLE)
		return;
	control_work(host);
	for (uint32_t i = 0; i < test.count; i++) {
		if (test.stream[i].connection != 0)
			stream_work(host, i);
		ready += test.stream[i].cookie_left == 0;
	}
	if (test.step == WAIT_STREAMS && ready == test.wanted) {
		test.step = RUNNING;
		say_state(host, TEST_START);
		say_state(host, TEST_RUNNING);
		for (uint32_t i = 0; i < test.count; i++)
			stream_work(host, i);
	}
}
