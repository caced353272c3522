/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * fuzz_dhcp.c -- fuzz target: hostile DHCP messages.  The transaction and the hardware address are the client's, so that
 * the rest is looked at.  Input: the message, from its seconds on, behind the first four bytes.
 */
#include "fuzz.h"

#include <brainix/net_dhcp.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	uint8_t bytes[BX_DHCP_MESSAGE_MAX];
	struct bx_dhcp_message m;

	if (size > sizeof bytes)
		return 0;
	memcpy(bytes, data, size);
	if (size >= 240) {
		bytes[0] = 2;
		bytes[1] = 1;
		bytes[2] = 6;
		bx_put_be32(bytes + 4, 77);
		memcpy(bytes + 28, mac, 6);
		bx_put_be32(bytes + 236, 0x63825363);
	}
	if (bx_dhcp_message_parse(bytes, (uint32_t)size, 77, mac, &m) != BX_OK)
		return 0;
	must(m.type == BX_DHCP_OFFER || m.type == BX_DHCP_ACK || m.type == BX_DHCP_NAK);
	must(bx_net_addr_is_ipv4(&m.lease.server));
	if (m.type == BX_DHCP_NAK)
		return 0;
	must(bx_net_addr_is_ipv4(&m.lease.address) && m.lease.prefix >= 1 && m.lease.prefix <= 32);
	must(m.lease.lifetime_s != 0 && m.lease.renew_s <= m.lease.rebind_s && m.lease.rebind_s <= m.lease.lifetime_s);
	must(m.lease.dns_count <= BX_DHCP_SERVERS && m.lease.route_count <= BX_DHCP_ROUTES);
	for (uint32_t i = 0; i < m.lease.route_count; i++)
		must(m.lease.routes[i].prefix <= 32 && bx_net_addr_is_ipv4(&m.lease.routes[i].network));
	return 0;
}
