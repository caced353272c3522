#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# conformance.sh -- libnetstack, as hosted-netstack runs it, against peers of other people, in network namespaces of its own.
#
#	conformance.sh [HOSTED-NETSTACK]
#
# Prints a table: peer | what was tried | result.  A peer that is not installed is skipped, and said so; `./bootstrap`
# knows the packages.  Needs root and /dev/net/tun; exit 77 without them.
set -u
program=${1:-${BX_BUILDDIR:-.}/examples/hosted-netstack/hosted-netstack}
near=bxnear$$
far=bxfar$$
passed=0
failed=0
skipped=0
test "$(id -u)" = 0 && test -c /dev/net/tun && test -x "$program" || exit 77
for tool in ip curl python3 cmp; do command -v "$tool" >/dev/null || exit 77; done
ip netns add $near 2>/dev/null && ip netns add $far || exit 77
scratch=$(mktemp -d) || exit 99
server=
others=
finish() {
	for process in $server $others; do kill "$process" 2>/dev/null; done
	wait 2>/dev/null
	ip netns del $near
	ip netns del $far
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
inside() { ip netns exec $near "$@"; }
outside() { ip netns exec $far "$@"; }
have() { command -v "$1" >/dev/null || test -x "/usr/sbin/$1"; }

# row PEER TRIED COMMAND...
row() {
	peer=$1
	tried=$2
	shift 2
	if "$@" >"$scratch/said" 2>&1; then
		result=ok
		passed=$((passed + 1))
	else
		result=FAILED
		failed=$((failed + 1))
	fi
	printf '%-12s | %-58s | %s\n' "$peer" "$tried" "$result"
	test $result = ok || sed 's/^/    /' "$scratch/said" | tail -n 8
}
skip() {
	skipped=$((skipped + 1))
	printf '%-12s | %-58s | %s\n' "$1" "$2" skipped
}
start() {
	ip netns exec $near "$program" "$@" &
	server=$!
	sleep 2
}
stop() {
	test -z "$server" || kill "$server" 2>/dev/null
	wait "$server" 2>/dev/null
	server=
}

# Linux on tap0, 10.77.0.1 and fd77::1; the stack 10.77.0.2 and fd77::2.  Behind Linux a second namespace, 10.88.0.2 and
# fd88::2, by a link that is 1300 bytes wide on the way there and wide on the way back.
inside ip link set lo up
inside ip tuntap add dev tap0 mode tap && inside ip addr add 10.77.0.1/24 dev tap0 &&
    inside ip addr add fd77::1/64 dev tap0 nodad && inside ip link set tap0 up || exit 77
ip link add bxnear0 netns $near type veth peer name bxfar0 netns $far || exit 77
inside ip addr add 10.88.0.1/24 dev bxnear0
inside ip addr add fd88::1/64 dev bxnear0 nodad
inside ip link set bxnear0 up mtu 1300
outside ip addr add 10.88.0.2/24 dev bxfar0
outside ip addr add fd88::2/64 dev bxfar0 nodad
outside ip link set bxfar0 up
outside ip route add default via 10.88.0.1
outside ip route add default via fd88::1
inside sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 2>/dev/null

bytes() { yes 0123456789abcdef | head -c "$1"; }
# got N HOST [OPTIONS...]: N bytes from the server of the stack, exact.
got() {
	n=$1
	from=$2
	shift 2
	"$@" curl -gsS --max-time 60 "http://$from/bytes/$n" -o "$scratch/got" && bytes "$n" | cmp - "$scratch/got"
}
echoed() {
	inside python3 - "$1" "$2" <<'END'
import os, socket, sys, threading
data = os.urandom(int(sys.argv[1]))
s = socket.create_connection((sys.argv[2], 7), 60)
t = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)))
t.start()
got = b""
while len(got) < len(data):
    part = s.recv(65536)
    if not part:
        break
    got += part
t.join()
sys.exit(got != data)
END
}

echo 'peer         | tried                                                      | result'
echo '-------------|------------------------------------------------------------|-------'

# ---- everything is looked at by tshark on the way ----
capture=
if have tshark; then
	ip netns exec $near tshark -q -i tap0 -f "not port 5201" -w "$scratch/all.pcap" >/dev/null 2>&1 &
	capture=$!
	others="$others $capture"
	sleep 3
fi

start tap0 10.77.0.2/24 10.77.0.1 fd77::2/64 fd77::1 serve
row curl 'GET, 10 MB, IPv4' got 10000000 10.77.0.2 inside
row curl 'GET, 10 MB, IPv6' got 10000000 '[fd77::2]' inside
if have ping; then
	row ping '-c 5, IPv4' inside ping -c 5 -i 0.2 -W 2 10.77.0.2
	row ping '-6 -c 5' inside ping -6 -c 5 -i 0.2 -W 2 fd77::2
	row ping '-s 5000: echo in fragments, IPv4' inside ping -c 3 -i 0.2 -W 2 -s 5000 10.77.0.2
	row ping '-6 -s 5000: echo in fragments' inside ping -6 -c 3 -i 0.2 -W 2 -s 5000 fd77::2
else
	skip ping 'echo, echo in fragments'
fi

# ---- path MTU: the far namespace says 1460, the way there has room for 1260 ----
row Linux 'path MTU 1300 on the way, 1 MB, IPv4 (fragmentation needed)' got 1000000 10.77.0.2 outside
row Linux 'path MTU 1300 on the way, 1 MB, IPv6 (packet too big)' got 1000000 '[fd77::2]' outside

if have iperf3; then
	# What the client counts at the end: it must be more than a tenth of a gigabit each second.
	measured() {
		inside iperf3 -c "$@" -t 3 -J >"$scratch/iperf" && python3 - "$scratch/iperf" <<'END'
import json, sys
end = json.load(open(sys.argv[1]))["end"]
rate = end["sum_received"]["bits_per_second"]
print(rate)
sys.exit(rate < 1e8)
END
	}
	row iperf3 '3 s to us, IPv4' measured 10.77.0.2
	row iperf3 '-R: 3 s from us, IPv4' measured 10.77.0.2 -R
	row iperf3 '-6, 3 s to us' measured fd77::2 -6
	row iperf3 '-P 4: four streams' measured 10.77.0.2 -P 4
else
	skip iperf3 'throughput'
fi
if have nmap; then
	scanned() {
		inside nmap -n -Pn -sS -p 1-100 "$@" >"$scratch/nmap" 2>&1
		cat "$scratch/nmap"
		test "$(grep -c '/tcp *open' "$scratch/nmap")" = 2 && grep -q '^7/tcp' "$scratch/nmap" &&
		    grep -q '98 closed' "$scratch/nmap"
	}
	row nmap '-sS, 100 ports: 7 and 80 open, 98 closed, IPv4' scanned 10.77.0.2
	row nmap '-6 -sS, the same' scanned -6 fd77::2
	row nmap '-O: the odd packets of system detection, then a GET' \
	    sh -c "ip netns exec $near nmap -n -Pn -O -p 79-81 10.77.0.2 && ip netns exec $near curl -sS --max-time 10 -o /dev/null http://10.77.0.2/"
	row nmap '-sU: closed UDP ports answer' sh -c "ip netns exec $near nmap -n -Pn -sU -p 99 10.77.0.2 | grep -q '99/udp *closed'"
	row nmap '-sO: protocols' inside nmap -n -Pn -sO -p 1,6,17 10.77.0.2
else
	skip nmap 'scans'
fi
if have hping3; then
	# What each kind of segment gets for an answer: flags, or nothing.
	probe() {
		want=$1
		shift
		inside hping3 -n -c 2 -i u200000 "$@" 10.77.0.2 >"$scratch/hping" 2>&1
		cat "$scratch/hping"
		if test "$want" = nothing; then
			! grep -q 'flags=' "$scratch/hping"
		else
			grep -q "flags=$want " "$scratch/hping"
		fi
	}
	row hping3 'SYN to an open port: SYN-ACK' probe SA -S -p 80
	row hping3 'SYN to a closed port: RST-ACK' probe RA -S -p 90
	row hping3 'ACK to a listener: RST' probe R -A -p 80
	row hping3 'FIN to a closed port: RST-ACK' probe RA -F -p 90
	row hping3 'FIN to a listener: nothing' probe nothing -F -p 80
	row hping3 'no flags to a listener: nothing' probe nothing -p 80
	row hping3 'all flags to a listener: nothing' probe nothing -S -F -P -U -p 80
	row hping3 'RST to a closed port: nothing' probe nothing -R -p 90
	row hping3 'bad checksums: nothing' probe nothing -S -p 80 -b
	flooded() {
		timeout 3 ip netns exec $near hping3 -q --flood --rand-source -S -p 80 10.77.0.2
		inside curl -sS --max-time 20 -o /dev/null http://10.77.0.2/
	}
	row hping3 'three seconds of SYN flood from random sources, then a GET' flooded
else
	skip hping3 'odd segments, SYN flood'
fi
stop

# ---- the stack as a client ----
bytes 2000000 >"$scratch/file"
(cd "$scratch" && exec ip netns exec $near python3 -m http.server --bind :: 8000) >/dev/null 2>&1 &
others="$others $!"
client() { inside "$program" "$@"; }
fetched() { client "$@" >"$scratch/got" && cmp "$scratch/file" "$scratch/got"; }
if have dnsmasq; then
	ip netns exec $near dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --bind-interfaces --interface=tap0 \
	    --dhcp-range=10.77.0.100,10.77.0.150,255.255.255.0,1h --dhcp-leasefile="$scratch/leases" \
	    --address=/server.test/10.77.0.1 --address=/server.test/fd77::1 --cname=alias.test,server.test \
	    --host-record=server.test,10.77.0.1,fd77::1 --user=root --pid-file="$scratch/pid" >/dev/null 2>&1 &
	others="$others $!"
	sleep 1
	row dnsmasq 'DHCP: a lease; then ping by it' client tap0 dhcp ping 10.77.0.1 2
	row dnsmasq 'the server has written the lease down' test -s "$scratch/leases"
	row dnsmasq 'DNS: A by the server that DHCP gave; then fetch 2 MB' fetched tap0 dhcp fetch http://server.test:8000/file
	row dnsmasq 'DNS: an alias' client --dns 10.77.0.1 tap0 10.77.0.2/24 dns alias.test
	row dnsmasq 'DNS: AAAA, over IPv6' client --dns fd77::1 tap0 fd77::2/64 dns server.test aaaa
	row dnsmasq 'DHCP, three processes' client --split tap0 dhcp ping 10.77.0.1 2
else
	skip dnsmasq 'DHCP, DNS'
fi
if have radvd; then
	cat >"$scratch/radvd.conf" <<-END
	interface tap0 {
		AdvSendAdvert on;
		MinRtrAdvInterval 3;
		MaxRtrAdvInterval 4;
		AdvLinkMTU 1400;
		prefix fd99::/64 { AdvOnLink on; AdvAutonomous on; };
	};
	END
	ip netns exec $near radvd -n -C "$scratch/radvd.conf" -p "$scratch/radvd.pid" -m none >/dev/null 2>&1 &
	others="$others $!"
	inside ip addr add fd99::1/64 dev tap0 nodad
	shown() { client "$@" tap0 auto show >"$scratch/show" && cat "$scratch/show" && grep -q 'fd99:.*preferred, learnt' "$scratch/show"; }
	row radvd 'an address from the prefix, tested, preferred' shown
	row radvd 'by that address to one of the prefix' client tap0 auto ping fd99::1 2
	row radvd 'by the default router to another network' client tap0 auto ping fd88::2 2
	row radvd 'an address from the prefix, three processes' shown --split
else
	skip radvd 'router advertisements'
fi

# ---- Linux TCP over a bad wire: lost, doubled, exchanged, changed, in 1/10,000 ----
for spec in '200,0,0,0,1 2%_lost' '0,500,0,0,2 5%_doubled' '0,0,500,0,3 5%_exchanged' '0,0,0,100,4 1%_changed' \
    '100,100,300,50,5 all_of_them'; do
	start --wire "${spec% *}" tap0 10.77.0.2/24 fd77::2/64 serve
	what=$(echo "${spec#* }" | tr _ ' ')
	row 'Linux TCP' "bad wire, $what: 2 MB from us, IPv4" got 2000000 10.77.0.2 inside
	row 'Linux TCP' "bad wire, $what: 1 MB there and back, IPv6" echoed 1000000 fd77::2
	stop
done

if test -n "$capture"; then
	kill "$capture"
	wait "$capture" 2>/dev/null
	ours=$(tshark -r "$scratch/all.pcap" -Y 'ip.src == 10.77.0.2' -T fields -e eth.src 2>/dev/null | head -n 1)
	# Frames of the stack, the bad wire apart (it changes bits): what an expert calls an error.
	errors() {
		tshark -r "$scratch/all.pcap" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
		    -Y "eth.src == $ours && _ws.expert.severity == error && frame.number < $1" >"$scratch/errors" 2>/dev/null
		head -n 5 "$scratch/errors"
		# The filter must be one, and have something to look at.
		test -n "$ours" && test ! -s "$scratch/errors" &&
		    test "$(tshark -r "$scratch/all.pcap" -c 20000 -Y "eth.src == $ours" 2>/dev/null | wc -l)" -gt 1000
	}
	last=$(tshark -r "$scratch/all.pcap" -Y 'dhcp' -T fields -e frame.number 2>/dev/null | head -n 1)
	row tshark "no expert error in the frames that we sent (${last:-all})" errors "${last:-999999999}"
else
	skip tshark 'expert errors'
fi
echo "$passed passed, $failed failed, $skipped skipped"
test $failed = 0
