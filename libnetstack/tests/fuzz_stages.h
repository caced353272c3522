/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_stages.h -- three small stages for the fuzz targets that go through all of them: one interface, one
 * address, so few of everything that inputs find the ends.
 */
#ifndef FUZZ_STAGES_H
#define FUZZ_STAGES_H

#include "fuzz.h"

#include <brainix/net_stack.h>

static _Alignas(64) uint8_t link_block[65536], ip_block[262144], transport_block[1 << 20];

static const struct bx_link_config link_small = {
	.mac = { 2, 0, 0, 0, 0, 1 }, .mtu = 1500, .neighbours = 4, .waiting = 2, .seed = 1,
};
static const struct bx_ip_config ip_small = {
	.routes = 4, .destinations = 4, .reassemblies = 2, .reassembly_bytes = 4096, .seed = 1,
};

static inline struct bx_transport_config
transport_small(uint32_t features)
{
	return (struct bx_transport_config){
		.connections = 4, .half_open = 2, .time_waits = 2, .listeners = 1, .udp_ends = 1, .rings = 6,
		.ring_bytes = 4096, .mtu = 1500, .seed = { 1, 2 },
		.features = (uint16_t)(features | ((features & BX_TCP_CUBIC) != 0 ? 0 : BX_TCP_BBR)),
	};
}

/* Makes them in their blocks, with the address `me`. */
static inline void
stages_start(struct bx_stack *s, uint32_t features, uint64_t now_us, const struct bx_net_addr *me)
{
	struct bx_transport_config transport = transport_small(features);

	must(bx_link_init(link_block, sizeof link_block, &link_small, &s->link) == BX_OK);
	must(bx_ip_init(ip_block, sizeof ip_block, &ip_small, &s->ip) == BX_OK);
	must(bx_transport_init(transport_block, sizeof transport_block, &transport, &s->transport) == BX_OK);
	must(bx_link_address_add(s->link, now_us, me, false) == BX_OK);
	must(bx_ip_interface_set(s->ip, 0, 1500) == BX_OK);
	must(bx_ip_address_add(s->ip, 0, me, 24) == BX_OK);
}

/* Keeps them as they are now. */
static inline void
stages_prepared(struct prepared *p, uint32_t features)
{
	struct bx_transport_config transport = transport_small(features);

	prepared_add(p, link_block, bx_link_size(&link_small));
	prepared_add(p, ip_block, bx_ip_size(&ip_small));
	prepared_add(p, transport_block, bx_transport_size(&transport));
}

#endif
