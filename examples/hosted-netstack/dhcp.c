/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * dhcp.c -- an address by DHCP: what the client of the library asks for is done here.
 */
#include "host.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <brainix/net_dhcp.h>

#define GIVE_UP_US	((uint64_t)30 * 1000000)

static struct bx_dhcp dhcp;
static bool running, configured;

/* The lease becomes addresses and routes. */
static void
configure(struct host *host)
{
	const struct bx_dhcp_lease *l = &dhcp.lease;

	host_must(host->below->address_add(&l->address, l->prefix, false), "the leased address");
	for (uint32_t i = 0; i < l->route_count; i++) {
		/* One that is there already, or that the lease gives twice, is no mistake. */
		(void)!host->below->route_add(&l->routes[i].network, l->routes[i].prefix, &l->routes[i].gateway);
	}
	for (uint32_t i = 0; i < l->dns_count; i++)
		name_server(&l->dns[i]);
	fprintf(stderr, "dhcp: %s/%u for %u s from %s\n", host_text(&l->address), l->prefix, l->lifetime_s,
	    host_text(&l->server));
	configured = true;
}

void
dhcp_keep(struct host *host)
{
	struct bx_net_addr before = dhcp.lease.address;

	if (!running)
		return;
	switch (bx_dhcp_poll(&dhcp, host->transport, host_now(), &host->out)) {
	case BX_DHCP_BOUND:
		if (configured)
			(void)!host->below->address_remove(&before);
		configure(host);
		break;
	case BX_DHCP_LOST:
		(void)!host->below->address_remove(&before);
		configured = false;
		break;
	case BX_DHCP_RENEWED:
	case BX_DHCP_NOTHING:
		break;
	}
	host_out(host);
}

void
dhcp_get(struct host *host)
{
	struct bx_dhcp_config config = { .random = 0 };
	uint64_t end = host_now() + GIVE_UP_US;

	memcpy(config.mac, host->mac, 6);
	if (getrandom(&config.random, sizeof config.random, 0) != (ssize_t)sizeof config.random)
		host_die("dhcp", "no random numbers");
	host_must(bx_dhcp_start(&dhcp, host_now(), &config), "dhcp");
	running = true;
	dhcp_keep(host);
	while (!configured) {
		if (host_now() > end)
			host_die("dhcp", "no server answers");
		host_turn(host, bx_dhcp_next(&dhcp) < end ? bx_dhcp_next(&dhcp) : end);
	}
}
