/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * ip.c -- the life of the IP stage, and what time asks for; receive and send: door.c.
 */
#include "ip.h"

#define TOKENS_MAX	50u	/* RFC 1812, 4.3.2.8: a bucket */
#define TOKEN_US	10000u	/* 100 a second */

static bool
config_is_valid(const struct bx_ip_config *c)
{
	if (c->routes < 1 || c->routes > 1024 || c->reassemblies > 1024)
		return false;
	if (c->destinations < PATH_WAYS || c->destinations > 32768 ||
	    (c->destinations & (c->destinations - 1)) != 0)
		return false;
	if (c->neighbours != 0 && (c->neighbours < ND_WAYS || c->neighbours > 32768 ||
	    (c->neighbours & (c->neighbours - 1)) != 0))
		return false;
	if (c->waiting > 1024 || c->waiting_bytes > 9216)
		return false;
	return c->reassembly_bytes >= 576 && c->reassembly_bytes <= 65528 && c->reassembly_bytes % 8 == 0;
}

/* Lays the stage out in a block; with none it only measures. */
static struct bx_ip *
ip_carve(struct carve *c, const struct bx_ip_config *config)
{
	struct bx_ip *ip = carve_take(c, 1, sizeof *ip);
	struct route *routes = carve_take(c, config->routes, sizeof *routes);
	struct path *paths = carve_take(c, config->destinations, sizeof *paths);
	struct reassembly *parts = carve_take(c, config->reassemblies, sizeof *parts);
	uint8_t *map = carve_take(c, config->reassemblies, (config->reassembly_bytes + 63) / 64);
	uint8_t *bytes = carve_take(c, config->reassemblies, config->reassembly_bytes);
	struct nd_neighbour *neighbours = carve_take(c, config->neighbours, sizeof *neighbours);
	struct nd_waiting *wait = carve_take(c, config->waiting, sizeof *wait);
	uint8_t *wait_bytes = carve_take(c, config->waiting, config->waiting_bytes);

	if (ip != NULL) {
		*ip = (struct bx_ip){
			.config = *config, .routes = routes, .paths = paths, .reassemblies = parts,
			.reassembly_map = map, .reassembly_bytes = bytes, .neighbours = neighbours,
			.wait = wait, .wait_bytes = wait_bytes,
		};
	}
	return ip;
}

size_t
bx_ip_size(const struct bx_ip_config *config)
{
	struct carve c = { 0 };

	if (!config_is_valid(config))
		return 0;
	ip_carve(&c, config);
	return (size_t)bx_align_up(c.used, 64);
}

enum bx_err
bx_ip_init(void *memory, size_t size, const struct bx_ip_config *config, struct bx_ip **out)
{
	struct carve c = { .block = memory };
	enum bx_err e = carve_check(memory, size, bx_ip_size(config));
	struct bx_ip *ip;

	if (e != BX_OK)
		return e;
	ip = ip_carve(&c, config);
	for (uint32_t i = 0; i < config->destinations; i++)
		ip->paths[i] = (struct path){ 0 };
	for (uint32_t i = 0; i < config->reassemblies; i++)
		ip->reassemblies[i] = (struct reassembly){ 0 };
	for (uint32_t i = 0; i < config->neighbours; i++)
		ip->neighbours[i] = (struct nd_neighbour){ .first = NO_SLOT, .last = NO_SLOT };
	ip->wait_free = config->waiting != 0 ? 0 : NO_SLOT;
	for (uint32_t i = 0; i < config->waiting; i++) {
		ip->wait[i] = (struct nd_waiting){
			.next = i + 1u < config->waiting ? (uint16_t)(i + 1u) : NO_SLOT,
		};
	}
	for (uint32_t i = 0; i < BX_IP_INTERFACES; i++)
		ip->interfaces[i].report_us[0] = ip->interfaces[i].report_us[1] = BX_IP_NEVER;
	ip->random = mix64(config->seed ^ 4u);
	ip->id6 = (uint32_t)mix64(config->seed ^ 5u);
	ip->key[0] = mix64(config->seed);
	ip->key[1] = mix64(config->seed ^ 1u);
	ip->id = (uint16_t)mix64(config->seed ^ 2u);
	ip->generation = 1;
	ip->last = &ip->none;
	ip->due_us = BX_IP_NEVER;
	*out = ip;
	return BX_OK;
}

enum bx_err
bx_ip_interface_set(struct bx_ip *ip, uint8_t interface, uint16_t mtu)
{
	if (interface >= BX_IP_INTERFACES)
		return BX_ERR_RANGE;
	if (mtu < BX_IP_MTU_MIN || mtu > 9216)
		return BX_ERR_INVALID;
	ip->interfaces[interface].mtu = mtu;
	ip->generation++;
	return BX_OK;
}

bool
bx_ip_token_take(struct bx_ip *ip, uint64_t now_us)
{
	uint64_t fresh = (now_us - ip->tokens_us) / TOKEN_US;

	if (fresh != 0) {
		ip->tokens = (uint16_t)min_u64(TOKENS_MAX, ip->tokens + fresh);
		ip->tokens_us = now_us;
	}
	if (ip->tokens == 0) {
		ip->stats.icmp_limited++;
		return false;
	}
	ip->tokens--;
	return true;
}

bool
bx_ip_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out)
{
	bool given_back;

	if (now_us < ip->due_us)
		return false;
	ip->due_us = BX_IP_NEVER;
	bx_ip_reassembly_poll(ip, now_us, out);
	bx_ip_group_poll(ip, now_us, out);
	bx_ip_tentative_poll(ip, now_us, out);
	given_back = bx_ip_neighbour_poll(ip, now_us, out);
	bx_ip_router_poll(ip, now_us, out);
	bx_ip_route_expire(ip, now_us);
	bx_ip_address_expire(ip, now_us);
	return given_back;
}

void
bx_ip_sum_now(const struct bx_net_batch *batch, struct bx_net_buf *buf)
{
	uint8_t *p = bx_net_bytes(batch, buf) + buf->sum_start;
	uint16_t sum = bx_net_sum_final(bx_net_sum(p, buf->length - buf->sum_start, 0));

	/* RFC 768: a sum of zero is sent as all ones. */
	bx_put_be16(p + buf->sum_offset, sum != 0 ? sum : 0xffff);
	buf->flags &= (uint16_t)~BX_NET_F_SUM_NEEDED;
}

uint64_t
bx_ip_next(const struct bx_ip *ip)
{
	return ip->due_us;
}

const struct bx_ip_stats *
bx_ip_stats(const struct bx_ip *ip)
{
	return &ip->stats;
}
