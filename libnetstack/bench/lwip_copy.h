/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/*
 * lwip_copy.h -- a copy of lwIP's shared library (Debian: liblwip-dev), loaded: lwIP keeps its state in globals, so two
 * stacks are two copies of the file, each bound to itself.
 */
#ifndef LWIP_COPY_H
#define LWIP_COPY_H

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/tcp.h>
#include <lwip/timeouts.h>
#include <lwip/udp.h>
#include <netif/ethernet.h>

/* The functions of one copy, by their names in lwIP. */
struct lwip {
	__typeof__(lwip_init) *lwip_init;
	__typeof__(netif_add) *netif_add;
	__typeof__(netif_set_up) *netif_set_up;
	__typeof__(netif_set_link_up) *netif_set_link_up;
	__typeof__(netif_set_default) *netif_set_default;
	__typeof__(ethernet_input) *ethernet_input;
	__typeof__(etharp_output) *etharp_output;
	__typeof__(tcp_new) *tcp_new;
	__typeof__(tcp_bind) *tcp_bind;
	__typeof__(tcp_listen_with_backlog) *tcp_listen_with_backlog;
	__typeof__(tcp_accept) *tcp_accept;
	__typeof__(tcp_connect) *tcp_connect;
	__typeof__(tcp_write) *tcp_write;
	__typeof__(tcp_output) *tcp_output;
	__typeof__(tcp_recv) *tcp_recv;
	__typeof__(tcp_recved) *tcp_recved;
	__typeof__(tcp_sent) *tcp_sent;
	__typeof__(tcp_err) *tcp_err;
	__typeof__(tcp_arg) *tcp_arg;
	__typeof__(tcp_close) *tcp_close;
	__typeof__(tcp_abort) *tcp_abort;
	__typeof__(udp_new) *udp_new;
	__typeof__(udp_bind) *udp_bind;
	__typeof__(udp_recv) *udp_recv;
	__typeof__(udp_sendto) *udp_sendto;
	__typeof__(pbuf_alloc) *pbuf_alloc;
	__typeof__(pbuf_take) *pbuf_take;
	__typeof__(pbuf_copy_partial) *pbuf_copy_partial;
	__typeof__(pbuf_free) *pbuf_free;
	__typeof__(sys_check_timeouts) *sys_check_timeouts;
	__typeof__(sys_timeouts_sleeptime) *sys_timeouts_sleeptime;
	struct tcp_pcb **tcp_tw_pcbs;
};

static inline void *
lwip_symbol(void *handle, const char *name)
{
	void *p = dlsym(handle, name);

	if (p == NULL) {
		fprintf(stderr, "no %s\n", name);
		exit(1);
	}
	return p;
}

/* mode: of dlopen, beside RTLD_NOW | RTLD_LOCAL. */
static inline void
lwip_load(struct lwip *s, const char *library, int mode)
{
	char name[] = "/tmp/bench_lwip_XXXXXX", command[4096];
	int fd = mkstemp(name);
	void *handle;

	if (fd < 0)
		exit(1);
	close(fd);
	snprintf(command, sizeof command, "cp '%s' %s", library, name);
	if (system(command) != 0)
		exit(1);
	handle = dlopen(name, RTLD_NOW | RTLD_LOCAL | mode);
	remove(name);
	if (handle == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
#define FUNCTION(name) do { \
		void *f = lwip_symbol(handle, #name); \
		memcpy(&s->name, &f, sizeof f); \
	} while (0)
	FUNCTION(lwip_init);
	FUNCTION(netif_add);
	FUNCTION(netif_set_up);
	FUNCTION(netif_set_link_up);
	FUNCTION(netif_set_default);
	FUNCTION(ethernet_input);
	FUNCTION(etharp_output);
	FUNCTION(tcp_new);
	FUNCTION(tcp_bind);
	FUNCTION(tcp_listen_with_backlog);
	FUNCTION(tcp_accept);
	FUNCTION(tcp_connect);
	FUNCTION(tcp_write);
	FUNCTION(tcp_output);
	FUNCTION(tcp_recv);
	FUNCTION(tcp_recved);
	FUNCTION(tcp_sent);
	FUNCTION(tcp_err);
	FUNCTION(tcp_arg);
	FUNCTION(tcp_close);
	FUNCTION(tcp_abort);
	FUNCTION(udp_new);
	FUNCTION(udp_bind);
	FUNCTION(udp_recv);
	FUNCTION(udp_sendto);
	FUNCTION(pbuf_alloc);
	FUNCTION(pbuf_take);
	FUNCTION(pbuf_copy_partial);
	FUNCTION(pbuf_free);
	FUNCTION(sys_check_timeouts);
	FUNCTION(sys_timeouts_sleeptime);
	FUNCTION(tcp_tw_pcbs);
#undef FUNCTION
}

#endif
