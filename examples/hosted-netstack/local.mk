# SPDX-License-Identifier: Apache-2.0 OR MIT
# hosted-netstack: libnetstack in a Linux process, on a tap device.
noinst_PROGRAMS += %D%/hosted-netstack
noinst_HEADERS += %D%/host.h
EXTRA_DIST += %D%/README.md %D%/check-hosted.sh
%C%_hosted_netstack_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_hosted_netstack_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_hosted_netstack_SOURCES = %D%/client.c %D%/dhcp.c %D%/direct.c %D%/host.c %D%/iperf.c %D%/main.c %D%/server.c \
	%D%/split.c $(libnetstack_libbrainix_netstack_la_SOURCES)

# Against peers of other people, in network namespaces: a table.
noinst_PROGRAMS += tests/net/wire
tests_net_wire_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
tests_net_wire_SOURCES = tests/net/wire.c
PHONY += check-net
check-net: %D%/hosted-netstack tests/net/wire
	@BX_BUILDDIR=. $(SHELL) $(top_srcdir)/tests/net/conformance.sh
EXTRA_DIST += tests/net/conformance.sh tests/net/check-echo.sh tests/net/echo.c

# A program outside of the tree.
TESTS += tests/net/check-echo.sh

# Against the stack of Linux; skipped without root, a tap device, curl or Python.
TESTS += %D%/check-hosted.sh
