#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# conformance.sh -- libnetstack, as hosted-netstack runs it, against peers of other people, in network namespaces of its own.
#
#	conformance.sh [HOSTED-NETSTACK [WIRE]]
#
# Prints a table: peer | what was tried | result | seconds.  The stack is in one process, then in three (--split).  A peer that is
# not installed is skipped, and said so; `./bootstrap` knows the packages.  Where nothing can be tried (no root, no tap, no
# namespaces) it says why, and ends well with all skipped.
set -u
program=${1:-${BX_BUILDDIR:-.}/examples/hosted-netstack/hosted-netstack}
wire=${2:-${BX_BUILDDIR:-.}/tests/net/wire}
near=bxnear$$
far=bxfar$$
bad=bxbad$$
passed=0
failed=0
skipped=0
began=$(date +%s)
cannot() {
	echo "check-net: nothing was tried: $*"
	echo "0 passed, 0 failed, 1 skipped"
	exit 0
}
test "$(id -u)" = 0 || cannot "it needs root, for network namespaces and taps"
test -c /dev/net/tun || cannot "there is no /dev/net/tun"
for tool in ip curl python3 cmp; do command -v "$tool" >/dev/null || cannot "$tool is not installed"; done
test -x "$program" && test -x "$wire" || {
	echo "check-net: $program or $wire is not built" >&2
	exit 99
}
# Both compositions at the same time, each in namespaces of its own: most of it is waiting.
if test -z "${BX_NET_MODE+set}"; then
	scratch=$(mktemp -d) || exit 99
	trap 'rm -rf "$scratch"' EXIT
	BX_NET_MODE=--split sh "$0" "$program" "$wire" >"$scratch/split" 2>&1 &
	split=$!
	BX_NET_MODE='' sh "$0" "$program" "$wire" | tee "$scratch/one"
	wait $split
	cat "$scratch/split"
	echo "$(($(date +%s) - began)) s"
	# One that died without a count has failed.
	awk '/passed, .* failed, .* skipped/ { p += $1; f += $3; s += $5 }
	    { seen[FILENAME] += /passed, .* failed, .* skipped/ }
	    END { for (i = 1; i < ARGC; i++) f += !seen[ARGV[i]];
		print p " passed, " f " failed, " s " skipped"; exit f != 0 }' "$scratch/one" "$scratch/split"
	exit
fi
ip netns add $near 2>/dev/null || cannot "network namespaces cannot be made here"
ip netns add $far && ip netns add $bad || exit 99
scratch=$(mktemp -d) || exit 99
server=
others=
finish() {
	for process in $server $others; do kill "$process" 2>/dev/null; done
	wait 2>/dev/null
	for space in $near $far $bad; do ip netns del $space; done
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
	row_began=$(date +%s)
	if "$@" >"$scratch/said" 2>&1; then
		result=ok
		passed=$((passed + 1))
	else
		result=FAILED
		failed=$((failed + 1))
	fi
	printf '%-9s | %-66s | %-6s | %s\n' "$peer" "$tried$mode_says" "$result" $(($(date +%s) - row_began))
	test $result = ok || sed 's/^/    /' "$scratch/said" | tail -n 8
}
skip() {
	skipped=$((skipped + 1))
	printf '%-9s | %-66s | skipped\n' "$1" "$2, not installed"
}
# start NAMESPACE OPTIONS...: the server, in the present composition.
mode=
mode_says=
start() {
	space=$1
	shift
	# shellcheck disable=SC2086 # an option, or none
	ip netns exec "$space" "$program" $mode "$@" &
	server=$!
}
# IPv4 is there at once, an IPv6 address when it has been tested; on a busy host all of it takes longer.
ready() {
	for _ in $(seq 150); do
		inside curl -gsS --max-time 1 -o /dev/null "http://$1/" 2>/dev/null && return
		sleep 0.2
	done
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
    inside ip addr add fd77::1/64 dev tap0 nodad && inside ip link set tap0 up || cannot "no tap device, or no IPv6"
ip link add bxnear0 netns $near type veth peer name bxfar0 netns $far || cannot "no pair of virtual devices"
inside ip addr add 10.88.0.1/24 dev bxnear0
inside ip addr add fd88::1/64 dev bxnear0 nodad
inside ip link set bxnear0 up mtu 1300
for host in 2 3; do
	outside ip addr add 10.88.0.$host/24 dev bxfar0
	outside ip addr add fd88::$host/64 dev bxfar0 nodad
done
outside ip link set bxfar0 up
outside ip route add default via 10.88.0.1
outside ip route add default via fd88::1
inside sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 2>/dev/null
# A bad wire: from tap1 here, where Linux is 10.66.0.1 and fd66::1, to tap1 in a third namespace, where the stack is
# 10.66.0.2 and fd66::2 and Linux does not say a word.
inside ip tuntap add dev tap1 mode tap && inside ip addr add 10.66.0.1/24 dev tap1 &&
    inside ip addr add fd66::1/64 dev tap1 nodad && inside ip link set tap1 up || exit 99
ip netns exec $bad sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1 2>/dev/null
ip netns exec $bad ip tuntap add dev tap1 mode tap && ip netns exec $bad ip link set tap1 up || exit 99

bytes() { yes 0123456789abcdef | head -c "$1"; }
# got N HOST [OPTIONS...]: N bytes from the server of the stack, exact.
got() {
	n=$1
	from=$2
	shift 2
	"$@" curl -gsS --max-time 60 "http://$from/bytes/$n" -o "$scratch/got" && bytes "$n" | cmp - "$scratch/got"
}
# echoed N HOST: N random bytes to the echo port while they come back; a hash of what went and of what came.
echoed() {
	inside python3 - "$1" "$2" <<'END'
import hashlib, os, socket, sys, threading
data = os.urandom(int(sys.argv[1]))
s = socket.create_connection((sys.argv[2], 7), 60)
s.settimeout(60)
t = threading.Thread(target=lambda: (s.sendall(data), s.shutdown(socket.SHUT_WR)), daemon=True)
t.start()
came, count = hashlib.sha256(), 0
while True:
    part = s.recv(65536)
    if not part:
        break
    came.update(part)
    count += len(part)
print(count, came.hexdigest())
sys.exit(came.digest() != hashlib.sha256(data).digest())
END
}
# counter FILE GROUP NAME: one of Linux's own counters.
counter() {
	inside python3 - "$@" <<'END'
import sys
lines = [l.split() for l in open("/proc/net/" + sys.argv[1]) if l.startswith(sys.argv[2] + ":")]
print(dict(zip(lines[0], lines[1]))[sys.argv[3]])
END
}

echo 'peer      | tried                                                              | result | s'
echo '----------|--------------------------------------------------------------------|--------|--'

# capture NAME DEVICE [FILTER]: everything is looked at by tshark on the way.
capturing=
capture() {
	have tshark || return
	ip netns exec $near tshark -q -i "$2" -f "${3-}" -w "$scratch/$1.pcap" >"$scratch/$1.tshark" 2>&1 &
	capturing=$!
	for _ in $(seq 150); do
		test -s "$scratch/$1.pcap" && return
		sleep 0.2
	done
}
captured() {
	test -n "$capturing" || return
	sleep 0.3
	kill "$capturing"
	wait "$capturing" 2>/dev/null
	capturing=
}
# errors NAME FILTER: frames in which tshark's expert finds an error; there have to be frames to look at.
errors() {
	tshark -r "$scratch/$1.pcap" -o tcp.check_checksum:TRUE -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE \
	    -Y "($2) && _ws.expert.severity == error" >"$scratch/errors" 2>/dev/null
	head -n 5 "$scratch/errors"
	test ! -s "$scratch/errors" && test "$(tshark -r "$scratch/$1.pcap" -c 20000 -Y "$2" 2>/dev/null | wc -l)" -gt 500
}

# ---- the stack as a client ----
bytes 2000000 >"$scratch/file"
bytes 300000 >"$scratch/short"
(cd "$scratch" && exec ip netns exec $near python3 -m http.server --bind :: 8000) >/dev/null 2>&1 &
others="$others $!"
# shellcheck disable=SC2086 # an option, or none
client() { inside "$program" $mode "$@"; }
fetched() { client "$@" >"$scratch/got" && cmp "$scratch/file" "$scratch/got"; }
if have dnsmasq; then
	for i in $(seq 1 40); do echo "10.88.0.$i many.test"; done >"$scratch/hosts"
	ip netns exec $near dnsmasq -k --conf-file=/dev/null --no-resolv --no-hosts --addn-hosts="$scratch/hosts" --bind-interfaces --interface=tap0 \
	    --dhcp-range=10.77.0.100,10.77.0.150,255.255.255.0,1h --dhcp-leasefile="$scratch/leases" \
	    --address=/server.test/10.77.0.1 --address=/server.test/fd77::1 --cname=alias.test,server.test \
	    --host-record=server.test,10.77.0.1,fd77::1 --user=root --pid-file="$scratch/pid" >/dev/null 2>&1 &
	others="$others $!"
	# It is there when it has written so.
	for _ in $(seq 150); do test -s "$scratch/pid" && break; sleep 0.2; done
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
fi
clients() {
	if have dnsmasq; then
		row dnsmasq 'DHCP: a lease; then ping by it' client tap0 dhcp ping 10.77.0.1 4
		row dnsmasq 'the server has written the lease down' test -s "$scratch/leases"
		row dnsmasq 'DNS: A by the server that DHCP gave; then fetch 2 MB' fetched tap0 dhcp fetch http://server.test:8000/file
		row dnsmasq 'DNS: an alias' client --dns 10.77.0.1 tap0 10.77.0.2/24 dns alias.test
		many() { client --dns 10.77.0.1 tap0 10.77.0.2/24 dns many.test >"$scratch/many" && test "$(grep -c '^10\.88\.0\.' "$scratch/many")" = 8; }
		row dnsmasq 'DNS: 40 addresses, truncated over UDP, then over TCP' many
		row dnsmasq 'DNS: AAAA, over IPv6' client --dns fd77::1 tap0 fd77::2/64 dns server.test aaaa
	else
		skip dnsmasq 'DHCP, DNS'
	fi
	if have radvd; then
		shown() { client "$@" tap0 auto show >"$scratch/show" && cat "$scratch/show" && grep -q 'fd99:.*preferred, learnt' "$scratch/show"; }
		row radvd 'an address from the prefix, tested, preferred' shown
		row radvd 'by that address to one of the prefix' client tap0 auto ping fd99::1 4
		row radvd 'by the default router to another network' client tap0 auto ping fd88::2 4
	else
		skip radvd 'router advertisements'
	fi
}

# ---- the stack as a server ----
served() {
	row curl 'GET, 10 MB, IPv4' got 10000000 10.77.0.2 inside
	row curl 'GET, 10 MB, IPv6' got 10000000 '[fd77::2]' inside
	if have ping; then
		row ping '-c 5, IPv4' inside ping -c 5 -i 0.2 -W 10 10.77.0.2
		row ping '-6 -c 5' inside ping -6 -c 5 -i 0.2 -W 10 fd77::2
		row ping '-s 5000: echo in fragments, IPv4' inside ping -c 3 -i 0.2 -W 10 -s 5000 10.77.0.2
		row ping '-6 -s 5000: echo in fragments' inside ping -6 -c 3 -i 0.2 -W 10 -s 5000 fd77::2
	else
		skip ping 'echo, echo in fragments'
	fi

	inside ip link set bxnear0 mtu 1300
	# ---- path MTU: the far namespace says 1460, the way there has room for 1260 ----
	row Linux 'path MTU 1300 on the way, 1 MB, IPv4 (fragmentation needed)' got 1000000 10.77.0.2 outside
	row Linux 'path MTU 1300 on the way, 1 MB, IPv6 (packet too big)' got 1000000 '[fd77::2]' outside

	# To an address that the stack has not spoken to yet: the way becomes narrower while 4 MB are under way.
	narrowed() {
		inside ip link set bxnear0 mtu 1500
		{ sleep 0.6; inside ip link set bxnear0 mtu 1280; } &
		outside curl -gsS --max-time 60 --interface "$2" --limit-rate 3M "http://$1/bytes/4000000" -o "$scratch/got" &&
		    bytes 4000000 | cmp - "$scratch/got"
		result_of=$?
		wait $!
		return $result_of
	}
	row Linux 'path MTU from 1500 to 1280 in the middle of 4 MB, IPv4' narrowed 10.77.0.2 10.88.0.3
	row Linux 'path MTU from 1500 to 1280 in the middle of 4 MB, IPv6' narrowed '[fd77::2]' fd88::3

	if have iperf3; then
		# What both ends count: some came, and no more than was sent.  How fast is the host's affair, and is shown.
		measured() {
			inside iperf3 -c "$@" -t 1 -J >"$scratch/iperf" && python3 - "$scratch/iperf" <<'END'
import json, sys
end = json.load(open(sys.argv[1]))["end"]
sent, came = end["sum_sent"]["bytes"], end["sum_received"]["bytes"]
print(sent, came, end["sum_received"]["bits_per_second"])
sys.exit(not 0 < came <= sent)
END
		}
		row iperf3 '1 s to us, IPv4' measured 10.77.0.2
		row iperf3 '-R: 1 s from us, IPv4' measured 10.77.0.2 -R
		row iperf3 '-6, 1 s to us' measured fd77::2 -6
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
		    sh -c "ip netns exec $near nmap -n -Pn -O --max-os-tries 1 -p 79-81 10.77.0.2 && ip netns exec $near curl -sS --max-time 60 -o /dev/null http://10.77.0.2/"
		row nmap '-sU: closed UDP ports answer' sh -c "ip netns exec $near nmap -n -Pn -sU -p 99 10.77.0.2 | grep -q '99/udp *closed'"
		row nmap '-sO: protocols' inside nmap -n -Pn -sO -p 1,6,17 10.77.0.2
	else
		skip nmap 'scans'
	fi
	if have hping3; then
		# What each kind of segment gets for an answer: flags, or nothing.  hping3 waits for a second; an answer that
		# is to come may be later on a busy host, and is asked for again, until some answer comes.
		probe() {
			want=$1
			shift
			for _ in $(seq 10); do
				inside hping3 -n -c 1 "$@" 10.77.0.2 >"$scratch/hping" 2>&1
				cat "$scratch/hping"
				test "$want" != nothing && ! grep -q 'flags=' "$scratch/hping" || break
			done
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
	else
		skip hping3 'odd segments, SYN flood'
	fi
}

# Not looked at by tshark: it is too much.
flood() {
	flooded() {
		timeout 1 ip netns exec $near hping3 -q --flood --rand-source -S -p 80 10.77.0.2
		inside curl -sS --max-time 60 -o /dev/null http://10.77.0.2/
	}
	! have hping3 || row hping3 'a second of SYN flood from random sources, then a GET' flooded
}

# ---- Linux TCP over a wire of its own: hashes of both directions ----
wire_process=
wire_on() {
	"$wire" "$@" tap:$near:tap1 link:$bad:tap1 >"$scratch/wire" 2>&1 &
	wire_process=$!
	start $bad tap1 10.66.0.2/24 fd66::2/64 serve
	ready 10.66.0.2
	ready '[fd66::2]'
}
wire_off() {
	stop
	kill "$wire_process"
	wait "$wire_process" 2>/dev/null
}
wires() {
	capture wire tap1
	wire_on
	row 'Linux TCP' 'a good wire: 3 MB there and back at once, IPv4' echoed 3000000 10.66.0.2
	row 'Linux TCP' 'a good wire: 3 MB there and back at once, IPv6' echoed 3000000 fd66::2
	wire_off
	captured
	if have tshark; then
		row tshark 'that wire: no expert error in any frame of either side' errors wire frame
	else
		skip tshark 'expert errors on a good wire'
	fi
	while read -r options; do
		# shellcheck disable=SC2086 # words
		wire_on $options
		row 'Linux TCP' "bad wire $options, IPv4" echoed 300000 10.66.0.2
		row 'Linux TCP' "bad wire $options, IPv6" echoed 300000 fd66::2
		wire_off
		cat "$scratch/wire" >>"$scratch/wires"
	done <<-END
	--seed 1 --lose 200 --delay 5
	--seed 2 --double 1000 --delay 5
	--seed 3 --late 2000 --jitter 4 --delay 2
	--seed 4 --change 100 --delay 2
	--seed 5 --rate 20000 --queue 12 --delay 5
	--seed 6 --lose 100 --double 100 --late 300 --jitter 5 --change 50 --delay 5
	END
	# What Linux itself has counted: bytes that came marked, and marks that we told it of.
	inside sysctl -q -w net.ipv4.tcp_ecn=1
	marked=$(counter netstat IpExt InCEPkts)
	told=$(counter netstat TcpExt TCPDeliveredCE)
	wire_on --seed 7 --mark 500 --delay 2
	row 'Linux TCP' 'wire --mark 500: explicit congestion notification' echoed 1000000 10.66.0.2
	wire_off
	row 'Linux TCP' 'its counters: our marked segments came, and we told of its own' \
	    test "$(counter netstat IpExt InCEPkts)" -gt "$marked" -a "$(counter netstat TcpExt TCPDeliveredCE)" -gt "$told"
	inside sysctl -q -w net.ipv4.tcp_ecn=2
	# The stack opens.
	"$wire" --seed 8 --lose 100 --late 300 --jitter 5 --delay 2 tap:$near:tap1 link:$bad:tap1 >"$scratch/wire" 2>&1 &
	wire_process=$!
	row 'Python' 'wire --lose 100 --late 300 --jitter 5: fetch 300 kB, IPv6' fetched_bad
	kill "$wire_process"
	wait "$wire_process" 2>/dev/null
}
# shellcheck disable=SC2086 # an option, or none
fetched_bad() {
	ip netns exec $bad "$program" $mode tap1 fd66::2/64 fetch 'http://[fd66::1]:8000/short' >"$scratch/got" &&
	    cmp "$scratch/short" "$scratch/got"
}

# ---- all of it ----
in_one() {
	mode=$1
	mode_says=$2
	capture all tap0 'not port 5201'
	start $near tap0 10.77.0.2/24 10.77.0.1 fd77::2/64 fd77::1 serve
	ready 10.77.0.2
	ready '[fd77::2]'
	served
	captured
	flood
	ours=$(inside ip neigh show 10.77.0.2 | sed -n 's/.*lladdr \([^ ]*\).*/\1/p')
	stop
	if have tshark; then
		row tshark 'no expert error in a frame that we sent, odd questions included' errors all "eth.src == ${ours:-0}"
	else
		skip tshark 'expert errors'
	fi
	clients
	wires
}
case $BX_NET_MODE in
--split) in_one --split ', 3 processes' ;;
*) in_one '' '' ;;
esac
echo "$passed passed, $failed failed, $skipped skipped"
test $failed = 0
