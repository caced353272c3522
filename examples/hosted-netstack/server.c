/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * server.c -- the HTTP server, and the echo port.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLIENTS		256u
#define REQUEST_MAX	2048u

static struct host *host;

/* A client of the server.  READING -> the request is whole -> WRITING -> all is sent -> closed; ECHO: what comes goes
 * back. */
enum client_state { FREE, READING, WRITING, ECHO };

struct client {
	enum client_state state;
	uint64_t connection;
	char request[REQUEST_MAX];
	uint32_t request_length;
	char head[256];
	uint32_t head_length, head_sent;
	uint64_t body, body_sent;
	uint8_t echo[4096];
	uint32_t echo_length, echo_sent;
};

static struct client clients[CLIENTS];

static const char page[] =
    "<!doctype html><title>libnetstack</title><p>This page came through a TCP/IP stack in a user process.\n";

/* Byte n of /bytes/N: so that a client can check each. */
static uint8_t
pattern(uint64_t n)
{
	return (uint8_t)("0123456789abcdef\n"[n % 17]);
}

static void
give_up(struct client *c)
{
	enum bx_err err = bx_tcp_close(host->transport, host_now(), c->connection);

	if (err != BX_OK)
		host_die("close", bx_err_text(err));
	c->state = FREE;
}

static void
answer(struct client *c)
{
	char *path = c->request + 4;
	const char *status = "200 OK", *type = "text/html";

	c->body = sizeof page - 1;
	if (strncmp(c->request, "GET ", 4) != 0) {
		status = "405 Method Not Allowed";
	} else if (strncmp(path, "/bytes/", 7) == 0) {
		c->body = strtoull(path + 7, NULL, 10);
		type = "text/plain";
	} else if (strncmp(path, "/ ", 2) != 0) {
		status = "404 Not Found";
	}
	c->head_length = (uint32_t)snprintf(c->head, sizeof c->head,
	    "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %llu\r\nConnection: close\r\n\r\n", status, type,
	    (unsigned long long)c->body);
	c->state = WRITING;
}

/* Reads the request; its end is an empty line. */
static void
client_read(struct client *c)
{
	size_t n;
	enum bx_err err = bx_tcp_receive(host->transport, c->connection,
	    (uint8_t *)c->request + c->request_length, REQUEST_MAX - 1 - c->request_length, &n);

	if (err == BX_ERR_WOULD_BLOCK)
		return;
	if (err != BX_OK) {
		give_up(c);
		return;
	}
	c->request_length += (uint32_t)n;
	c->request[c->request_length] = 0;
	if (strstr(c->request, "\r\n\r\n") != NULL)
		answer(c);
	else if (c->request_length == REQUEST_MAX - 1)
		give_up(c);
}

/* Sends as much of the answer as there is room for. */
static void
client_write(struct client *c)
{
	uint8_t bytes[16384];
	enum bx_err err = BX_OK;
	size_t n;

	while (err == BX_OK && c->head_sent < c->head_length) {
		err = bx_tcp_send(host->transport, c->connection, (const uint8_t *)c->head + c->head_sent,
		    c->head_length - c->head_sent, &n);
		c->head_sent += err == BX_OK ? (uint32_t)n : 0;
	}
	while (err == BX_OK && c->body_sent < c->body) {
		size_t want = c->body - c->body_sent < sizeof bytes ? (size_t)(c->body - c->body_sent) : sizeof bytes;
		bool is_page = c->head[0] != 0 && strstr(c->head, "text/plain") == NULL;

		for (size_t i = 0; i < want; i++)
			bytes[i] = is_page ? (uint8_t)page[c->body_sent + i] : pattern(c->body_sent + i);
		err = bx_tcp_send(host->transport, c->connection, bytes, want, &n);
		c->body_sent += err == BX_OK ? n : 0;
	}
	if (err != BX_ERR_WOULD_BLOCK)
		give_up(c);
}

static void
client_echo(struct client *c)
{
	for (;;) {
		enum bx_err err;
		size_t n;

		if (c->echo_sent == c->echo_length) {
			err = bx_tcp_receive(host->transport, c->connection, c->echo, sizeof c->echo, &n);
			c->echo_sent = 0;
			c->echo_length = err == BX_OK ? (uint32_t)n : 0;
		} else {
			err = bx_tcp_send(host->transport, c->connection, c->echo + c->echo_sent,
			    c->echo_length - c->echo_sent, &n);
			c->echo_sent += err == BX_OK ? (uint32_t)n : 0;
		}
		if (err == BX_ERR_WOULD_BLOCK)
			return;
		if (err != BX_OK) {
			give_up(c);
			return;
		}
	}
}

static void
client_work(struct client *c)
{
	if (c->state == READING)
		client_read(c);
	if (c->state == WRITING)
		client_write(c);
	if (c->state == ECHO)
		client_echo(c);
}

static void
accept_all(uint64_t listener, enum client_state state)
{
	uint64_t connection;

	while (bx_tcp_accept(host->transport, listener, &connection) == BX_OK) {
		struct client *c = NULL;

		for (uint32_t i = 0; i < CLIENTS && c == NULL; i++)
			c = clients[i].state == FREE ? &clients[i] : NULL;
		if (c == NULL) {
			if (bx_tcp_abort(host->transport, host_now(), connection) != BX_OK)
				host_die("abort", "the handle is void");
			continue;
		}
		memset(c, 0, sizeof *c);
		c->state = state;
		c->connection = connection;
		client_work(c);
	}
}

void
serve(struct host *h, uint16_t port)
{
	const struct bx_net_addr any = { { 0 } };
	uint64_t http, echo, handle;
	uint32_t events;

	host = h;
	if (bx_tcp_listen(host->transport, &any, port, 64, &http) != BX_OK ||
	    bx_tcp_listen(host->transport, &any, 7, 64, &echo) != BX_OK)
		host_die("listen", "not possible");
	iperf_listen(host);
	for (;;) {
		host_turn(host, NEVER);
		iperf_work(host);
		while (bx_tcp_event(host->transport, &handle, &events)) {
			if (handle == http)
				accept_all(http, READING);
			else if (handle == echo)
				accept_all(echo, ECHO);
			for (uint32_t i = 0; i < CLIENTS; i++) {
				if (clients[i].state != FREE && clients[i].connection == handle)
					client_work(&clients[i]);
			}
		}
		host_flush(host);
	}
}

