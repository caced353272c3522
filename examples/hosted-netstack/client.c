/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * client.c -- fetch, ping, dns, show.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include <brainix/net_dns.h>

#define FETCH_US	((uint64_t)60 * 1000000)
#define WAY_US		((uint64_t)8 * 1000000)	/* an address and a router take some seconds */
#define SECOND_US	((uint64_t)1000000)

enum bx_err
way_to(struct host *host, const struct bx_net_addr *to, struct bx_ip_path *path)
{
	uint64_t end = host_now() + WAY_US;
	enum bx_err err;

	/* To other networks from an address of this link alone is no way: a better one may be under test. */
	for (;;) {
		bool local;

		err = host->below->path(to, path);
		local = err == BX_OK && path->source.byte[0] == 0xfe && to->byte[0] != 0xfe && to->byte[0] != 0xff;
		if ((err == BX_OK && !local) || host_now() >= end)
			return err;
		host_turn(host, host_now() + SECOND_US / 10);
	}
}

/* Prints the answer's body; true when it is whole. */
static bool
print_answer(struct host *host, uint64_t connection, bool *in_body)
{
	static char head[8192];
	static size_t have;
	uint8_t bytes[16384];
	size_t n;

	for (;;) {
		size_t at = 0;
		enum bx_err err = bx_tcp_receive(host->transport, connection, bytes, sizeof bytes, &n);

		if (err == BX_ERR_WOULD_BLOCK)
			return false;
		if (err == BX_ERR_NET_CLOSED)
			return true;
		if (err != BX_OK)
			host_die("fetch", bx_err_text(err));
		for (; at < n && !*in_body; at++) {
			if (have < sizeof head)
				head[have++] = (char)bytes[at];
			*in_body = have >= 4 && memcmp(head + have - 4, "\r\n\r\n", 4) == 0;
		}
		fwrite(bytes + at, 1, n - at, stdout);
	}
}

void
fetch(struct host *host, const char *url)
{
	struct bx_net_addr server;
	struct bx_ip_path path;
	char request[1024];
	uint64_t connection, end = host_now() + FETCH_US;
	unsigned long port = 80;
	bool in_body = false;
	const char *rest = url;
	size_t sent;

	if (strncmp(url, "http://", 7) != 0)
		host_die(url, "must be http://ADDRESS[:PORT]/PATH");
	if (!host_address(url + 7, &server, &rest)) {
		rest = url + 7 + strcspn(url + 7, ":/");
		server = look_up(host, url + 7, (uint32_t)(rest - url - 7), false);
	}
	if (*rest == ':')
		port = strtoul(rest + 1, (char **)(uintptr_t)&rest, 10);
	if (*rest != '/' || port == 0 || port > 65535)
		host_die(url, "must be http://ADDRESS[:PORT]/PATH");
	snprintf(request, sizeof request, "GET %s HTTP/1.0\r\nConnection: close\r\n\r\n", rest);
	if (way_to(host, &server, &path) != BX_OK)
		host_die(url, "there is no way to that address");
	if (bx_tcp_connect(host->transport, host_now(), &path.source, 0, &server, (uint16_t)port, path.mtu,
	    &connection) != BX_OK ||
	    bx_tcp_send(host->transport, connection, (const uint8_t *)request, strlen(request), &sent) != BX_OK)
		host_die(url, "not possible");
	while (!print_answer(host, connection, &in_body)) {
		if (host_now() > end)
			host_die(url, "no answer");
		host_turn(host, end);
	}
	if (bx_tcp_close(host->transport, host_now(), connection) != BX_OK)
		host_die("close", "the handle is void");
	host_flush(host);
}

/* ---- names ---- */

/* An answer that does not fit UDP comes over TCP into here. */
static uint8_t long_answer[65537];
static struct bx_dns_config servers = { .stream = long_answer, .stream_bytes = sizeof long_answer };

void
name_server(const struct bx_net_addr *address)
{
	if (servers.server_count < BX_DNS_SERVERS)
		servers.servers[servers.server_count++] = *address;
}

static enum bx_err
question(struct host *host, const char *name, uint32_t length, uint16_t type, struct bx_dns_answer *answer)
{
	struct bx_dns_query query;
	struct bx_ip_path path;
	uint64_t random;
	enum bx_err err;

	if (servers.server_count == 0)
		host_die(name, "there is no name server to ask: --dns ADDRESS, or dhcp");
	if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random ||
	    way_to(host, &servers.servers[0], &path) != BX_OK)
		host_die(name, "there is no way to the name server");
	err = bx_dns_start(&query, &servers, name, length, type, random);
	while (err == BX_OK || err == BX_ERR_WOULD_BLOCK) {
		err = bx_dns_poll(&query, host->transport, host_now(), &path.source, &host->out);
		host_out(host);
		if (err != BX_ERR_WOULD_BLOCK)
			break;
		host_turn(host, bx_dns_next(&query));
	}
	if (err == BX_OK)
		*answer = query.answer;
	return err;
}

struct bx_net_addr
look_up(struct host *host, const char *name, uint32_t length, bool ipv6)
{
	struct bx_dns_answer answer;
	enum bx_err err = question(host, name, length, ipv6 ? BX_DNS_AAAA : BX_DNS_A, &answer);

	if (err != BX_OK)
		host_die(name, bx_err_text(err));
	return answer.addresses[0];
}

void
resolve(struct host *host, const char *name, uint16_t type)
{
	struct bx_dns_answer answer;
	enum bx_err err = question(host, name, (uint32_t)strlen(name), type, &answer);

	if (err != BX_OK)
		host_die(name, bx_err_text(err));
	for (uint32_t i = 0; i < answer.count; i++)
		printf("%s  %u s\n", host_text(&answer.addresses[i]), answer.lifetime_s);
}

/* ---- ping ---- */

void
ping(struct host *host, const char *name, uint32_t count)
{
	const uint16_t id = 0x4258;
	struct bx_net_addr to;
	struct bx_ip_path path;
	uint32_t answered = 0;
	const char *rest;

	if (!host_address(name, &to, &rest))
		to = look_up(host, name, (uint32_t)strlen(name), false);
	if (way_to(host, &to, &path) != BX_OK)
		host_die(name, "there is no way to that address");
	for (uint16_t i = 1; i <= count; i++) {
		uint64_t sent = host_now(), end = sent + SECOND_US;
		bool come = false;

		host->echo.fresh = false;
		if (host_ping(host, &to, id, i, 64) != BX_OK)
			host_die(name, "there is no way to that address");
		while (!come && host_now() < end) {
			host_turn(host, end);
			come = host->echo.fresh && host->echo.id == id && host->echo.sequence == i;
		}
		if (come) {
			printf("%u bytes from %s: seq %u, hop limit %u, %.3f ms\n", host->echo.length,
			    host_text(&host->echo.from), i, host->echo.hop_limit, (double)(host_now() - sent) / 1000);
			answered++;
		} else {
			printf("seq %u: no answer\n", i);
		}
		fflush(stdout);
		while (i < count && come && host_now() < end)
			host_turn(host, end);
	}
	printf("%u sent, %u answered\n", count, answered);
	fflush(stdout);
	if (answered == 0)
		exit(1);
}

void
show(struct host *host)
{
	static const char *const states[] = { "none", "tentative", "preferred", "deprecated", "duplicate" };
	struct bx_ip_address a;
	uint64_t end = host_now() + WAY_US;

	while (host_now() < end)
		host_turn(host, end);
	for (uint32_t i = 0; host->below->address_at(i, &a); i++)
		printf("%s/%u %s%s\n", host_text(&a.address), a.prefix, states[a.state], a.learnt ? ", learnt" : "");
	for (uint32_t i = 0; i < servers.server_count; i++)
		printf("dns %s\n", host_text(&servers.servers[i]));
}
