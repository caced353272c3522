/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* ipv6.c -- see ipv6.h. */
#include "ipv6.h"

_Alignas(64) uint8_t block[262144];
uint8_t out_bytes[65536];
struct bx_net_buf out_bufs[32];
static uint8_t in_bytes[32768], whole_bytes[32768];
static struct bx_net_buf in_bufs[16], whole_bufs[4];
struct bx_net_batch in, out, whole;
struct bx_ip *ip;
struct bx_net_addr mine, yours, router, all_nodes;
const struct bx_net_addr any;
const uint8_t my_mac[6] = { 2, 0, 0, 0, 0, 1 }, your_mac[6] = { 2, 0, 0, 0, 0, 2 };

struct bx_net_addr
addr(const char *text)
{
	struct bx_net_addr a = { { 0 } }, tail = { { 0 } };
	uint32_t n = 0, after = 0;
	bool gap = false;

	while (*text != 0) {
		if (*text == ':') {
			text++;
			if (*text == ':') {
				gap = true;
				text++;
			}
			continue;
		}
		if (gap)
			bx_put_be16(tail.byte + 2 * after++, (uint16_t)strtoul(text, (char **)&text, 16));
		else
			bx_put_be16(a.byte + 2 * n++, (uint16_t)strtoul(text, (char **)&text, 16));
	}
	for (uint32_t i = 0; i < 2 * after; i++)
		a.byte[16 - 2 * after + i] = tail.byte[i];
	return a;
}

struct bx_ip_config
standard(void)
{
	return (struct bx_ip_config){
		.routes = 12, .destinations = 8, .reassemblies = 2, .reassembly_bytes = 8192, .neighbours = 8,
		.waiting = 4, .waiting_bytes = 1536, .seed = 1, .stable = { 7, 8 },
	};
}

void
make(uint32_t flags)
{
	struct bx_ip_config config = standard();

	ck_assert_int_eq(bx_ip_init(block, sizeof block, &config, &ip), BX_OK);
	ck_assert_int_eq(bx_ip_interface_set(ip, 0, 1500), BX_OK);
	ck_assert_int_eq(bx_ip_ipv6_start(ip, 0, 0, my_mac, flags), BX_OK);
	bx_net_batch_clear(&in);
	bx_net_batch_clear(&out);
}

void
settle(uint64_t now)
{
	bx_ip_poll(ip, now, &out);
	bx_ip_poll(ip, now + S, &out);
	bx_net_batch_clear(&out);
}

void
set_up(void)
{
	bx_net_batch_init(&in, in_bytes, sizeof in_bytes, in_bufs, 16, 0);
	bx_net_batch_init(&out, out_bytes, sizeof out_bytes, out_bufs, 32, 0);
	bx_net_batch_init(&whole, whole_bytes, sizeof whole_bytes, whole_bufs, 4, 0);
	mine = addr("fd00::1");
	yours = addr("fd00::2");
	router = addr("fe80::99");
	all_nodes = addr("ff02::1");
	make(BX_IP_IPV6_SURE | BX_IP_IPV6_ROUTERS);
	ck_assert_int_eq(bx_ip_address_add(ip, 0, &mine, 64), BX_OK);
	settle(0);
}

struct bx_net_buf *
packet(const struct bx_net_addr *from, const struct bx_net_addr *to, uint8_t next, uint8_t hops,
    const uint8_t *content, uint32_t length)
{
	struct bx_net_buf *buf = bx_net_batch_add(&in, 40 + length);
	uint8_t *p = bx_net_bytes(&in, buf);

	bx_put_be32(p, 0x60000000);
	bx_put_be16(p + 4, (uint16_t)length);
	p[6] = next;
	p[7] = hops;
	memcpy(p + 8, from->byte, 16);
	memcpy(p + 24, to->byte, 16);
	if (length != 0)
		memcpy(p + 40, content, length);
	buf->kind = BX_NET_IPV6;
	buf->flags = bx_net_addr_is_group(to) ? BX_NET_F_MULTICAST : 0;
	return buf;
}

struct bx_net_buf *
fragment(uint32_t offset, bool more, uint32_t id, const uint8_t *content, uint32_t length)
{
	static uint8_t bytes[8 + 2048];

	memset(bytes, 0, 8);
	bytes[0] = 17;
	bx_put_be16(bytes + 2, (uint16_t)(offset | more));
	bx_put_be32(bytes + 4, id);
	if (length != 0)
		memcpy(bytes + 8, content, length);
	return packet(&yours, &mine, 44, 64, bytes, 8 + length);
}

struct bx_net_buf *
icmp(const struct bx_net_addr *from, const struct bx_net_addr *to, uint8_t hops, uint8_t *m, uint32_t length)
{
	bx_put_be16(m + 2, 0);
	bx_put_be16(m + 2, bx_net_sum_final(bx_net_sum(m, length, bx_net_sum_pseudo(from, to, 58, length))));
	return packet(from, to, 58, hops, m, length);
}

void
receive(uint64_t now)
{
	bx_ip_receive(ip, now, &in, &out);
	for (uint32_t i = 0; i < in.count; i++)
		ck_assert(in.bufs[i].kind != BX_NET_IPV6);
}

void
clear(void)
{
	bx_net_batch_clear(&in);
	bx_net_batch_clear(&out);
}

const uint8_t *
message(uint32_t i, uint32_t hop, struct bx_net_addr *from, struct bx_net_addr *to)
{
	const struct bx_net_buf *buf = &out.bufs[i];
	const uint8_t *p = bx_net_bytes(&out, buf);
	uint32_t length;

	ck_assert_uint_lt(i, out.count);
	ck_assert_uint_eq(buf->kind, BX_NET_IPV6);
	ck_assert_uint_eq(p[0] >> 4, 6);
	ck_assert_uint_eq(p[6], hop != 0 ? 0 : 58);
	ck_assert_uint_eq(bx_get_be16(p + 4), buf->length - 40);
	memcpy(from->byte, p + 8, 16);
	memcpy(to->byte, p + 24, 16);
	length = buf->length - 40 - hop;
	ck_assert_uint_eq(bx_net_sum(p + 40 + hop, length, bx_net_sum_pseudo(from, to, 58, length)), 0xffff);
	return p + 40 + hop;
}

int
find(uint8_t type)
{
	for (uint32_t i = 0; i < out.count; i++) {
		const uint8_t *p = bx_net_bytes(&out, &out.bufs[i]);

		if (out.bufs[i].kind == BX_NET_IPV6 && p[p[6] == 0 ? 48 : 40] == type)
			return (int)i;
	}
	return -1;
}

bool
same(const struct bx_net_addr *a, const char *text)
{
	struct bx_net_addr b = addr(text);

	return bx_net_addr_equal(a, &b);
}

struct bx_net_addr
solicited(const struct bx_net_addr *a)
{
	struct bx_net_addr g = addr("ff02::1:ff00:0");

	memcpy(g.byte + 13, a->byte + 13, 3);
	return g;
}

void
solicit(const struct bx_net_addr *from, const struct bx_net_addr *target)
{
	uint8_t m[32] = { 135 };
	struct bx_net_addr to = solicited(target);
	bool anonymous = bx_net_addr_is_any(from);

	memcpy(m + 8, target->byte, 16);
	m[24] = 1;
	m[25] = 1;
	memcpy(m + 26, your_mac, 6);
	icmp(from, &to, 255, m, anonymous ? 24 : 32);
}

void
advertise(const struct bx_net_addr *target, uint32_t flags, const uint8_t *mac, const struct bx_net_addr *to)
{
	uint8_t m[32] = { 136 };

	bx_put_be32(m + 4, flags);
	memcpy(m + 8, target->byte, 16);
	m[24] = 2;
	m[25] = 1;
	if (mac != NULL)
		memcpy(m + 26, mac, 6);
	icmp(target, to, 255, m, mac != NULL ? 32 : 24);
}

struct bx_net_buf *
segment(uint32_t length, const struct bx_net_addr *to)
{
	struct bx_net_buf *buf;

	bx_net_batch_clear(&in);
	buf = bx_net_batch_add(&in, length);
	for (uint32_t i = 0; i < length; i++)
		bx_net_bytes(&in, buf)[i] = (uint8_t)(i * 3);
	buf->kind = BX_NET_SEGMENT;
	buf->protocol = 17;
	buf->source = mine;
	buf->destination = *to;
	return buf;
}

void
acquaint(uint64_t now)
{
	clear();
	solicit(&yours, &mine);
	receive(now);
	clear();
}

void
router_says(const struct bx_net_addr *who, uint8_t flags, uint16_t lifetime, uint32_t valid, uint32_t preferred,
    uint32_t mtu, uint64_t now)
{
	struct bx_net_addr prefix = addr("fd01::");
	uint8_t m[64] = { 134, 0, 0, 0, 33, flags };
	uint32_t length = 24;

	bx_put_be16(m + 6, lifetime);
	m[16] = 1;
	m[17] = 1;
	memcpy(m + 18, who->byte + 10, 6);
	m[18] = 2;
	if (valid != 0 || preferred != 0) {
		m[length] = 3;
		m[length + 1] = 4;
		m[length + 2] = 64;
		m[length + 3] = 0xc0;
		bx_put_be32(m + length + 4, valid);
		bx_put_be32(m + length + 8, preferred);
		memcpy(m + length + 16, prefix.byte, 16);
		length += 32;
	}
	if (mtu != 0) {
		m[length] = 5;
		m[length + 1] = 1;
		bx_put_be32(m + length + 4, mtu);
		length += 8;
	}
	clear();
	icmp(who, &all_nodes, 255, m, length);
	receive(now);
	clear();
}

bool
learnt(uint64_t now, struct bx_ip_address *a)
{
	struct bx_net_addr prefix = addr("fd01::");

	for (uint32_t i = 0; bx_ip_address_at(ip, now, i, a); i++) {
		if (memcmp(a->address.byte, prefix.byte, 8) == 0)
			return true;
	}
	return false;
}
