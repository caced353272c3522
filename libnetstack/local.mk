# SPDX-License-Identifier: Apache-2.0 OR MIT
# libnetstack: layer 1.  May include: base.h.  Its three stages do not include one another.
NETSTACK_INC = -I$(top_srcdir)/%D%/include

bxinclude_HEADERS += \
	%D%/include/brainix/net_buf.h %D%/include/brainix/net_dhcp.h %D%/include/brainix/net_dns.h \
	%D%/include/brainix/net_ip.h \
	%D%/include/brainix/net_link.h \
	%D%/include/brainix/net_socket.h %D%/include/brainix/net_stack.h %D%/include/brainix/net_transport.h
noinst_HEADERS += \
	%D%/src/batch.h %D%/src/dhcp/dhcp.h %D%/src/dns/dns.h %D%/src/mem.h %D%/src/sip.h %D%/src/sum.h %D%/src/ip/ip.h %D%/src/link/link.h %D%/src/socket/socket.h %D%/src/transport/bbr.h %D%/src/transport/transport.h \
	%D%/tests/fuzz.h %D%/tests/fuzz_stages.h %D%/tests/limits.h %D%/tests/device.h %D%/tests/pair.h %D%/tests/wire.h %D%/bench/loss.h
pkgconfig_DATA += %D%/brainix-netstack.pc
EXTRA_DIST += %D%/README.md %D%/DESIGN.md %D%/RFC.md
lib_LTLIBRARIES += %D%/libbrainix-netstack.la
%C%_libbrainix_netstack_la_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_libbrainix_netstack_la_CFLAGS = $(AM_CFLAGS) $(FREE_CFLAGS) $(PACKED_CFLAGS)
%C%_libbrainix_netstack_la_SOURCES = \
	%D%/src/batch.c %D%/src/stack.c %D%/src/sum.c \
	%D%/src/mem.c %D%/src/dhcp/client.c %D%/src/dhcp/message.c \
	%D%/src/dns/message.c %D%/src/dns/resolver.c %D%/src/dns/stream.c \
	%D%/src/link/arp.c %D%/src/link/conflict.c %D%/src/link/ethernet.c %D%/src/link/neighbour.c \
	%D%/src/ip/address.c %D%/src/ip/autoconf.c %D%/src/ip/door.c %D%/src/ip/group.c %D%/src/ip/icmpv4.c \
	%D%/src/ip/icmpv6.c %D%/src/ip/igmp.c %D%/src/ip/ip.c %D%/src/ip/ipv4_in.c \
	%D%/src/ip/ipv4_out.c %D%/src/ip/ipv6_in.c %D%/src/ip/ipv6_out.c %D%/src/ip/mld.c \
	%D%/src/ip/nd.c %D%/src/ip/nd_cache.c %D%/src/ip/reassembly.c %D%/src/ip/route.c \
	%D%/src/ip/router.c \
	%D%/src/socket/datagram.c %D%/src/socket/sockets.c %D%/src/socket/stream.c %D%/src/socket/wait.c \
	%D%/src/transport/account.c %D%/src/transport/conn.c %D%/src/transport/demux.c %D%/src/transport/hash.c \
	%D%/src/transport/records.c %D%/src/transport/ring.c %D%/src/transport/tcp_ack.c \
	%D%/src/transport/tcp_api.c %D%/src/transport/tcp_bbr.c %D%/src/transport/tcp_bbr_model.c \
	%D%/src/transport/tcp_congestion.c %D%/src/transport/tcp_cookie.c \
	%D%/src/transport/tcp_data.c %D%/src/transport/tcp_in.c %D%/src/transport/tcp_listen.c \
	%D%/src/transport/tcp_out.c %D%/src/transport/tcp_pace.c %D%/src/transport/tcp_parse.c \
	%D%/src/transport/tcp_rate.c %D%/src/transport/tcp_recovery.c \
	%D%/src/transport/tcp_timer.c %D%/src/transport/tcp_timewait.c %D%/src/transport/timer.c \
	%D%/src/transport/tcp_undo.c %D%/src/transport/tcp_usual.c %D%/src/transport/transport.c %D%/src/transport/udp.c

# Hosted, twice: as shipped, and with the checks of whole structures.
check_LIBRARIES += %D%/tests/libnetstack-plain.a %D%/tests/libnetstack-verify.a
%C%_tests_libnetstack_plain_a_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_libnetstack_plain_a_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_libnetstack_plain_a_SOURCES = $(%C%_libbrainix_netstack_la_SOURCES)
%C%_tests_libnetstack_verify_a_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DBX_VERIFY
%C%_tests_libnetstack_verify_a_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_libnetstack_verify_a_SOURCES = $(%C%_libbrainix_netstack_la_SOURCES)

# Scripts of packets, the property test, and the fuzz targets need no Check.
libnetstack_tests = %D%/tests/discovery %D%/tests/discovery_verify %D%/tests/packets %D%/tests/packets_verify %D%/tests/property %D%/tests/property_verify \
	%D%/tests/fuzz_batch %D%/tests/fuzz_dhcp %D%/tests/fuzz_dns %D%/tests/fuzz_dns_stream %D%/tests/fuzz_ipv6 %D%/tests/fuzz_pair \
	%D%/tests/fuzz_socket %D%/tests/fuzz_stack
%C%_tests_discovery_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_discovery_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_discovery_SOURCES = %D%/tests/discovery.c $(TEST_PANIC)
%C%_tests_discovery_LDADD = %D%/tests/libnetstack-plain.a
%C%_tests_discovery_verify_CPPFLAGS = $(%C%_tests_discovery_CPPFLAGS) -DBX_VERIFY
%C%_tests_discovery_verify_CFLAGS = $(%C%_tests_discovery_CFLAGS)
%C%_tests_discovery_verify_SOURCES = $(%C%_tests_discovery_SOURCES)
%C%_tests_discovery_verify_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_packets_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_packets_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_packets_SOURCES = %D%/tests/packets.c $(TEST_PANIC)
%C%_tests_packets_LDADD = %D%/tests/libnetstack-plain.a
%C%_tests_packets_verify_CPPFLAGS = $(%C%_tests_packets_CPPFLAGS) -DBX_VERIFY
%C%_tests_packets_verify_CFLAGS = $(%C%_tests_packets_CFLAGS)
%C%_tests_packets_verify_SOURCES = $(%C%_tests_packets_SOURCES)
%C%_tests_packets_verify_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_property_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_property_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_property_SOURCES = %D%/tests/property.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(TEST_PANIC)
%C%_tests_property_LDADD = %D%/tests/libnetstack-plain.a
%C%_tests_property_verify_CPPFLAGS = $(%C%_tests_property_CPPFLAGS) -DBX_VERIFY
%C%_tests_property_verify_CFLAGS = $(%C%_tests_property_CFLAGS)
%C%_tests_property_verify_SOURCES = $(%C%_tests_property_SOURCES)
%C%_tests_property_verify_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_batch_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-batch"'
%C%_tests_fuzz_batch_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_batch_SOURCES = %D%/tests/fuzz_batch.c $(FUZZ_MAIN)
%C%_tests_fuzz_batch_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_dhcp_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-dhcp"'
%C%_tests_fuzz_dhcp_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_dhcp_SOURCES = %D%/tests/fuzz_dhcp.c $(FUZZ_MAIN)
%C%_tests_fuzz_dhcp_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_dns_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-dns"'
%C%_tests_fuzz_dns_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_dns_SOURCES = %D%/tests/fuzz_dns.c $(FUZZ_MAIN)
%C%_tests_fuzz_dns_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_dns_stream_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-dns_stream"'
%C%_tests_fuzz_dns_stream_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_dns_stream_SOURCES = %D%/tests/fuzz_dns_stream.c $(FUZZ_MAIN)
%C%_tests_fuzz_dns_stream_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_ipv6_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-ipv6"'
%C%_tests_fuzz_ipv6_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_ipv6_SOURCES = %D%/tests/fuzz_ipv6.c $(FUZZ_MAIN)
%C%_tests_fuzz_ipv6_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_pair_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-pair"'
%C%_tests_fuzz_pair_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_pair_SOURCES = %D%/tests/fuzz_pair.c $(FUZZ_MAIN)
%C%_tests_fuzz_pair_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_socket_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-socket"'
%C%_tests_fuzz_socket_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_socket_SOURCES = %D%/tests/fuzz_socket.c %D%/tests/pair.c %D%/tests/wire.c $(FUZZ_MAIN)
%C%_tests_fuzz_socket_LDADD = %D%/tests/libnetstack-verify.a
%C%_tests_fuzz_stack_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -DFUZZ_CORPUS='"%D%/tests/corpus-stack"'
%C%_tests_fuzz_stack_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_tests_fuzz_stack_SOURCES = %D%/tests/fuzz_stack.c $(FUZZ_MAIN)
%C%_tests_fuzz_stack_LDADD = %D%/tests/libnetstack-verify.a

if HAVE_CHECK
libnetstack_tests += %D%/tests/test_bbr %D%/tests/test_buf %D%/tests/test_dhcp %D%/tests/test_dns %D%/tests/test_link %D%/tests/test_ip \
	%D%/tests/test_ipv6 %D%/tests/test_socket %D%/tests/test_transport
%C%_tests_test_bbr_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_bbr_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_bbr_SOURCES = %D%/tests/test_bbr.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_bbr_LDADD = %D%/tests/libnetstack-verify.a $(CHECK_LIBS)
%C%_tests_test_buf_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_buf_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_buf_SOURCES = %D%/tests/test_buf.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_buf_LDADD = %D%/tests/libnetstack-plain.a $(CHECK_LIBS)
%C%_tests_test_dhcp_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_dhcp_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_dhcp_SOURCES = %D%/tests/test_dhcp.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_dhcp_LDADD = %D%/tests/libnetstack-verify.a $(CHECK_LIBS)
%C%_tests_test_dns_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_dns_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_dns_SOURCES = %D%/tests/test_dns.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_dns_LDADD = %D%/tests/libnetstack-verify.a $(CHECK_LIBS)
%C%_tests_test_link_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_link_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_link_SOURCES = %D%/tests/test_link.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_link_LDADD = %D%/tests/libnetstack-plain.a $(CHECK_LIBS)
%C%_tests_test_ip_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_ip_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_ip_SOURCES = %D%/tests/test_ip.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_ip_LDADD = %D%/tests/libnetstack-plain.a $(CHECK_LIBS)
%C%_tests_test_ipv6_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_ipv6_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_ipv6_SOURCES = %D%/tests/test_ipv6.c %D%/tests/test_icmpv6.c %D%/tests/test_nd.c %D%/tests/test_addresses.c \
	%D%/tests/test_groups.c %D%/tests/ipv6.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_ipv6_LDADD = %D%/tests/libnetstack-plain.a $(CHECK_LIBS)
%C%_tests_test_socket_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_socket_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_socket_SOURCES = %D%/tests/test_socket.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_socket_LDADD = %D%/tests/libnetstack-verify.a $(CHECK_LIBS)
%C%_tests_test_transport_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_tests_test_transport_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(CHECK_CFLAGS)
%C%_tests_test_transport_SOURCES = %D%/tests/test_transport.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(TEST_SUITE) $(TEST_PANIC)
%C%_tests_test_transport_LDADD = %D%/tests/libnetstack-verify.a $(CHECK_LIBS)
endif
check_PROGRAMS += $(libnetstack_tests)
TESTS += $(libnetstack_tests)

# The benchmark suite `net', beside lwIP where it is installed: `make bench-net'.
noinst_PROGRAMS += %D%/bench/bench_net %D%/bench/bench_loss %D%/bench/bench_share
%C%_bench_bench_net_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC)
%C%_bench_bench_net_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS) $(PACKED_CFLAGS)
%C%_bench_bench_net_SOURCES = %D%/bench/bench_net.c $(%C%_libbrainix_netstack_la_SOURCES)
%C%_bench_bench_loss_CPPFLAGS = $(NETSTACK_INC) $(BASE_INC) -I$(top_srcdir)/%D%/tests
%C%_bench_bench_loss_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_bench_bench_loss_SOURCES = %D%/bench/bench_loss.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(%C%_libbrainix_netstack_la_SOURCES)
%C%_bench_bench_share_CPPFLAGS = $(%C%_bench_bench_loss_CPPFLAGS)
%C%_bench_bench_share_CFLAGS = $(AM_CFLAGS) $(HOSTED_CFLAGS)
%C%_bench_bench_share_SOURCES = %D%/bench/bench_share.c %D%/tests/device.c %D%/tests/pair.c %D%/tests/wire.c $(%C%_libbrainix_netstack_la_SOURCES)
PHONY += bench-net
bench-net: %D%/bench/bench_net %D%/bench/bench_loss %D%/bench/bench_share
	CC='$(CC_FOR_BUILD)' $(SHELL) $(top_srcdir)/%D%/bench/net.sh %D%/bench

EXTRA_DIST += %D%/tests/check-rfc.sh
TESTS += %D%/tests/check-rfc.sh

# All fuzz targets for FUZZ_SECONDS (tests/local.mk); those of the whole stack get most of them.
PHONY += fuzz-net
fuzz-net:
	@$(FUZZ_LONG) -d $(or $(FUZZ_FOLDER),fuzz-net) -w 'pair wire' libnetstack pair:4 stack:2 ipv6:3 socket:2 batch dhcp dns dns_stream
