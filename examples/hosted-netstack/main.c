/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * main.c -- hosted-netstack: libnetstack in Linux processes on a tap device.
 *
 *   hosted-netstack [--split] [--dns ADDRESS] [--control newreno|cubic|bbr] TAP HOW COMMAND
 *
 * HOW is ADDRESS/PREFIX, several times for several, each followed by its gateway if there is one; or dhcp; or auto: what
 * routers say.  IPv6 listens to routers in any case.  --split: the three stages in a process each.
 *
 *   serve [PORT]     an HTTP server: GET / is a page, GET /bytes/N is N bytes.  Answers ping, TCP echo on port 7,
 *                    and iperf3.
 *   fetch URL        prints what http://HOST[:PORT]/PATH answers, without the header.
 *   ping HOST [N]    four echo requests, or N.
 *   dns NAME [aaaa]  what the name servers say.
 *   show             the addresses, after eight seconds.
 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <brainix/net_dns.h>

static struct host host;

BX_NORETURN static void
usage(void)
{
	fprintf(stderr, "usage: hosted-netstack [--split] [--dns ADDRESS] [--control newreno|cubic|bbr] TAP ADDRESS/PREFIX [GATEWAY] ...|dhcp|auto\n"
	    "       serve [PORT] | fetch URL | ping HOST [N] | dns NAME [aaaa] | show\n");
	exit(2);
}

/* The addresses of the command line; returns what comes after them. */
static char **
configure(char **arg)
{
	struct bx_net_addr address, gateway, all = { { 0 } };
	const char *rest;

	if (*arg != NULL && strcmp(*arg, "dhcp") == 0) {
		dhcp_get(&host);
		return arg + 1;
	}
	if (*arg != NULL && strcmp(*arg, "auto") == 0)
		return arg + 1;
	while (*arg != NULL && host_address(*arg, &address, &rest) && *rest == '/') {
		host_must(host.below->address_add(&address, (uint8_t)strtoul(rest + 1, NULL, 10), false), *arg);
		arg++;
		if (*arg == NULL || !host_address(*arg, &gateway, &rest) || *rest != 0)
			continue;
		all = bx_net_addr_is_ipv4(&gateway) ? bx_net_ipv4(0, 0, 0, 0) : (struct bx_net_addr){ { 0 } };
		host_must(host.below->route_add(&all, 0, &gateway), *arg);
		arg++;
	}
	return arg;
}

/* The congestion control of that name; false: there is none. */
static bool
control(const char *name, enum bx_tcp_control *use)
{
	static const char *const names[] = { "newreno", "cubic", "bbr" };

	for (uint32_t i = 0; i < BX_ARRAY_COUNT(names); i++) {
		if (strcmp(name, names[i]) == 0) {
			*use = (enum bx_tcp_control)i;
			return true;
		}
	}
	return false;
}

int
main(int argc, char **argv)
{
	char **arg = argv + 1;
	struct bx_net_addr server;
	enum bx_tcp_control use = BX_TCP_CUBIC_CONTROL;
	bool split = false;
	const char *rest;

	for (; *arg != NULL && strncmp(*arg, "--", 2) == 0; arg++) {
		if (strcmp(*arg, "--split") == 0)
			split = true;
		else if (strcmp(*arg, "--dns") == 0 && arg[1] != NULL && host_address(*++arg, &server, &rest))
			name_server(&server);
		else if (strcmp(*arg, "--control") == 0 && arg[1] != NULL && control(*++arg, &use))
			continue;
		else
			usage();
	}
	if (argc < 4 || arg[0] == NULL || arg[1] == NULL)
		usage();
	host_start(&host, arg[0], split, use);
	arg = configure(arg + 1);
	if (*arg == NULL)
		usage();
	if (strcmp(*arg, "serve") == 0)
		serve(&host, arg[1] != NULL ? (uint16_t)strtoul(arg[1], NULL, 10) : 80);
	else if (strcmp(*arg, "fetch") == 0 && arg[1] != NULL)
		fetch(&host, arg[1]);
	else if (strcmp(*arg, "ping") == 0 && arg[1] != NULL)
		ping(&host, arg[1], arg[2] != NULL ? (uint32_t)strtoul(arg[2], NULL, 10) : 4);
	else if (strcmp(*arg, "dns") == 0 && arg[1] != NULL)
		resolve(&host, arg[1], arg[2] != NULL && strcmp(arg[2], "aaaa") == 0 ? BX_DNS_AAAA : BX_DNS_A);
	else if (strcmp(*arg, "show") == 0)
		show(&host);
	else
		usage();
	return 0;
}
