/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * group.c -- the groups that are listened to, and when routers are told (RFC 3376, 5; RFC 3810, 6).  All sources of a
 * group are wanted: a join is a change to "exclude none", a leave one to "include none".
 */
#include "ip.h"

#define ROBUSTNESS	2u			/* RFC 3376, 8.1; RFC 3810, 9.1 */
#define INTERVAL_US	((uint64_t)SECOND_US)	/* unsolicited reports: RFC 3376, 8.11; RFC 3810, 9.11 */
#define INTERVAL_OLD_US	(10 * INTERVAL_US)	/* RFC 2236, 8.10; RFC 2710, 7.10 */
/* RFC 3376, 8.12; RFC 3810, 9.12: robustness times the interval of queries, and a time to answer. */
#define OLDER_US	((ROBUSTNESS * 125 + 10) * (uint64_t)SECOND_US)

/* Groups that every host is in and no router is told of (RFC 3376, 6; RFC 3810, 6): all nodes, and scopes that do not
 * leave the host. */
static bool
is_own_matter(const struct bx_net_addr *g)
{
	if (bx_net_addr_is_ipv4(g))
		return bx_get_be32(g->byte + 12) == 0xe0000001u;
	return (g->byte[1] & 0x0f) < 2 || (bx_get_be64(g->byte) == 0xff02000000000000u && bx_get_be64(g->byte + 8) == 1);
}

static struct group *
group_find(const struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group)
{
	for (uint32_t i = 0; i < BX_IP_GROUPS; i++) {
		const struct group *g = &ip->groups[i];

		if ((g->users != 0 || g->reports != 0) && g->interface == interface &&
		    bx_net_addr_equal(&g->addr, group))
			return (struct group *)(uintptr_t)g;
	}
	return NULL;
}

bool
bx_ip_group_has(const struct bx_ip *ip, uint8_t interface, const struct bx_net_addr *group)
{
	const struct group *g;

	if (is_own_matter(group))
		return true;
	g = group_find(ip, interface, group);
	return g != NULL && g->users != 0;
}

/* A change is told now, and once more within a second. */
static void
changed(struct bx_ip *ip, uint64_t now_us, struct group *g)
{
	g->reports = ROBUSTNESS;
	g->when_us = now_us;
	ip_due(ip, now_us);
}

enum bx_err
bx_ip_group_join(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group)
{
	struct group *g;

	if (!bx_net_addr_is_group(group) || (group->byte[0] == 0xff && (group->byte[1] & 0x0f) < 2) ||
	    (bx_net_addr_is_ipv4(group) && group->byte[12] == 255))
		return BX_ERR_INVALID;
	if (interface >= BX_IP_INTERFACES || ip->interfaces[interface].mtu == 0)
		return BX_ERR_RANGE;
	if (!bx_net_addr_is_ipv4(group) && ip->interfaces[interface].mtu6 == 0)
		return BX_ERR_UNSUPPORTED;
	if (is_own_matter(group))
		return BX_OK;
	g = group_find(ip, interface, group);
	for (uint32_t i = 0; g == NULL && i < BX_IP_GROUPS; i++) {
		if (ip->groups[i].users == 0 && ip->groups[i].reports == 0)
			g = &ip->groups[i];
	}
	if (g == NULL || g->users == UINT16_MAX)
		return BX_ERR_NO_MEMORY;
	if (g->users++ == 0) {
		g->addr = *group;
		g->interface = interface;
		changed(ip, now_us, g);
	}
	return BX_OK;
}

enum bx_err
bx_ip_group_leave(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group)
{
	struct group *g = group_find(ip, interface, group);

	if (is_own_matter(group) && bx_net_addr_is_group(group))
		return BX_OK;
	if (g == NULL || g->users == 0)
		return BX_ERR_NOT_FOUND;
	if (--g->users == 0)
		changed(ip, now_us, g);
	return BX_OK;
}

/* What the routers of the link speak (RFC 3376, 7.2.1; RFC 3810, 8.2.1). */
static enum group_version
version_of(const struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6)
{
	const uint64_t *until_us = ip->interfaces[interface].older_us[ipv6];

	if (now_us < until_us[GROUP_FIRST])
		return GROUP_FIRST;
	return now_us < until_us[GROUP_SECOND] ? GROUP_SECOND : GROUP_NEWEST;
}

static bool
is_of(const struct group *g, uint8_t interface, bool ipv6)
{
	return g->interface == interface && bx_net_addr_is_ipv4(&g->addr) != ipv6;
}

/* Each group, or the one that was asked for, is reported after a random time of its own, or earlier if it is to be. */
static void
report_each(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group, bool ipv6,
    uint64_t max_us)
{
	for (uint32_t i = 0; i < BX_IP_GROUPS; i++) {
		struct group *g = &ip->groups[i];
		uint64_t when_us = now_us + random_next(&ip->random) % (max_us + 1);

		if (g->users == 0 || !is_of(g, interface, ipv6) || (group != NULL && !bx_net_addr_equal(&g->addr, group)))
			continue;
		if (g->reports == 0) {
			g->reports = 1;
			g->when_us = when_us;
		}
		g->when_us = min_u64(g->when_us, when_us);
		ip_due(ip, g->when_us);
	}
}

void
bx_ip_group_query(struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6, uint64_t max_us)
{
	uint64_t *due = &ip->interfaces[interface].report_us[ipv6];

	if (version_of(ip, now_us, interface, ipv6) != GROUP_NEWEST) {
		report_each(ip, now_us, interface, NULL, ipv6, max_us);
		return;
	}
	/* RFC 3376, 5.2; RFC 3810, 6.2: a random part of what the router allows; an answer under way serves. */
	*due = min_u64(*due, now_us + random_next(&ip->random) % (max_us + 1));
	ip_due(ip, *due);
}

void
bx_ip_group_query_old(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group, bool ipv6,
    enum group_version version, uint64_t max_us)
{
	struct interface *f = &ip->interfaces[interface];
	enum group_version before = version_of(ip, now_us, interface, ipv6);

	f->older_us[ipv6][version] = now_us + OLDER_US;
	/* RFC 3376, 7.2.1; RFC 3810, 8.2.1: with another version everything that is still to be said is void. */
	if (version_of(ip, now_us, interface, ipv6) != before) {
		f->report_us[ipv6] = BX_IP_NEVER;
		for (uint32_t i = 0; i < BX_IP_GROUPS; i++) {
			if (is_of(&ip->groups[i], interface, ipv6))
				ip->groups[i].reports = 0;
		}
	}
	report_each(ip, now_us, interface, group, ipv6, max_us);
}

void
bx_ip_group_heard(struct bx_ip *ip, uint64_t now_us, uint8_t interface, const struct bx_net_addr *group)
{
	struct group *g = group_find(ip, interface, group);

	/* RFC 2236, 3; RFC 2710, 4: one member's report serves for all.  Newer routers want to hear each. */
	if (g != NULL && g->users != 0 &&
	    version_of(ip, now_us, interface, !bx_net_addr_is_ipv4(group)) != GROUP_NEWEST)
		g->reports = 0;
}

static bool
report(struct bx_ip *ip, uint8_t interface, bool ipv6, const struct bx_net_addr *list, uint32_t n,
    uint32_t kind, struct bx_net_batch *out)
{
	if (n == 0)
		return true;
	return ipv6 ? bx_ip_mld_report(ip, interface, list, n, kind, out) :
	    bx_ip_igmp_report(ip, interface, list, n, kind, out);
}

/* All groups of a family on an interface, in answer to a query. */
static void
answer(struct bx_ip *ip, uint8_t interface, bool ipv6, struct bx_net_batch *out)
{
	struct bx_net_addr list[BX_IP_GROUPS];
	uint32_t n = 0;

	for (uint32_t i = 0; i < BX_IP_GROUPS; i++) {
		const struct group *g = &ip->groups[i];

		if (g->users != 0 && is_of(g, interface, ipv6))
			list[n++] = g->addr;
	}
	/* One that finds no room is lost: the router asks again. */
	(void)report(ip, interface, ipv6, list, n, REPORT_IS_EXCLUDE, out);
}

/* One report of a group is out: the next, if there is to be one. */
static void
told(struct bx_ip *ip, uint64_t now_us, struct group *g, uint64_t interval_us)
{
	if (--g->reports == 0)
		return;
	g->when_us = now_us + random_next(&ip->random) % interval_us;
	ip_due(ip, g->when_us);
}

/* The changes of one kind that are due; returns how many. */
static uint32_t
changes_due(struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6, bool joined, struct group **due)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < BX_IP_GROUPS; i++) {
		struct group *g = &ip->groups[i];

		if (g->reports == 0 || !is_of(g, interface, ipv6) || (g->users != 0) != joined)
			continue;
		if (now_us >= g->when_us)
			due[n++] = g;
		else
			ip_due(ip, g->when_us);
	}
	return n;
}

/* They are told together. */
static void
tell(struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6, bool joined, struct bx_net_batch *out)
{
	struct bx_net_addr list[BX_IP_GROUPS];
	struct group *due[BX_IP_GROUPS];
	uint32_t n = changes_due(ip, now_us, interface, ipv6, joined, due);

	for (uint32_t i = 0; i < n; i++)
		list[i] = due[i]->addr;
	if (!report(ip, interface, ipv6, list, n, joined ? REPORT_TO_EXCLUDE : REPORT_TO_INCLUDE, out)) {
		ip_due(ip, now_us + INTERVAL_US);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		told(ip, now_us, due[i], INTERVAL_US);
}

/* As older versions do: one message for each group, and one for a leave. */
static void
tell_old(struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6, bool joined, enum group_version version,
    struct bx_net_batch *out)
{
	struct group *due[BX_IP_GROUPS];
	uint32_t n = changes_due(ip, now_us, interface, ipv6, joined, due);

	for (uint32_t i = 0; i < n; i++) {
		struct group *g = due[i];

		if (!(ipv6 ? bx_ip_mld_old(ip, interface, &g->addr, joined, out) :
		    bx_ip_igmp_old(ip, interface, &g->addr, joined, version, out))) {
			ip_due(ip, now_us + INTERVAL_US);
			return;
		}
		if (!joined)
			g->reports = 1;
		told(ip, now_us, g, INTERVAL_OLD_US);
	}
}

static void
poll_one(struct bx_ip *ip, uint64_t now_us, uint8_t interface, bool ipv6, struct bx_net_batch *out)
{
	enum group_version version = version_of(ip, now_us, interface, ipv6);
	uint64_t *due = &ip->interfaces[interface].report_us[ipv6];

	if (now_us >= *due) {
		*due = BX_IP_NEVER;
		answer(ip, interface, ipv6, out);
	}
	ip_due(ip, *due);
	for (uint32_t joined = 2; joined-- > 0;) {
		if (version == GROUP_NEWEST)
			tell(ip, now_us, interface, ipv6, joined != 0, out);
		else
			tell_old(ip, now_us, interface, ipv6, joined != 0, version, out);
	}
}

void
bx_ip_group_poll(struct bx_ip *ip, uint64_t now_us, struct bx_net_batch *out)
{
	for (uint8_t i = 0; i < BX_IP_INTERFACES; i++) {
		for (uint32_t family = 0; family < 2; family++) {
			if (ip->interfaces[i].mtu != 0)
				poll_one(ip, now_us, i, family != 0, out);
		}
	}
}
