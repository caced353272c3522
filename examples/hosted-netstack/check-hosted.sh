#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-hosted.sh -- libnetstack against the TCP/IP stack of Linux, on a tap device in a network namespace of its own:
# in one process, then as three processes; over IPv4 and IPv6.
# Needs root, ip, /dev/net/tun, curl and Python; exit 77 without them.
set -u
program=${1:-${BX_BUILDDIR:-.}/examples/hosted-netstack/hosted-netstack}
space=bxhosted$$
passed=0
failed=0
test "$(id -u)" = 0 && test -c /dev/net/tun && test -x "$program" || exit 77
for tool in ip curl cmp; do command -v "$tool" >/dev/null || exit 77; done
python=${PYTHON:-python3}
command -v "$python" >/dev/null || exit 77
ip netns add "$space" 2>/dev/null || exit 77
scratch=$(mktemp -d) || exit 99
server=
peer=
finish() {
	for process in $server $peer; do kill "$process" 2>/dev/null; done
	wait 2>/dev/null
	ip netns del "$space"
	rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM
inside() { ip netns exec "$space" "$@"; }
check() {
	what=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAIL: $what"
	fi
}

inside ip link set lo up
inside ip tuntap add dev tap0 mode tap && inside ip addr add 10.77.0.1/24 dev tap0 &&
    inside ip link set tap0 up || exit 77
# A machine without IPv6 checks the rest.
ipv6=$(inside ip addr add fd77::1/64 dev tap0 nodad 2>/dev/null && echo yes)

# N bytes as the server makes them.
bytes() { yes 0123456789abcdef | head -c "$1"; }
get() { inside curl -gsS --max-time 60 "$@"; }
same() { get "http://$2/bytes/$1" -o "$scratch/got" && bytes "$1" | cmp -s - "$scratch/got"; }
echoed() {
	inside "$python" - "$1" "$2" <<'END'
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
refused() {
	inside "$python" - <<'END'
import socket, sys
try:
    socket.create_connection(("10.77.0.2", 81), 60)
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)
END
}
many() {
	pids=
	for _ in 1 2 3 4 5 6 7 8; do get http://10.77.0.2/ -o /dev/null & pids="$pids $!"; done
	for process in $pids; do wait "$process" || return 1; done
}
udp_refused() {
	inside "$python" - <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(60)
s.connect(("10.77.0.2", 99))
s.send(b"anyone?")
try:
    s.recv(10)
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)
END
}
pinged() {
	inside "$python" - "$1" <<'END'
import os, socket, struct, sys
def total(b):
    b += b"\0" * (len(b) % 2)
    s = sum(struct.unpack(">%dH" % (len(b) // 2), b))
    s = (s & 0xffff) + (s >> 16)
    return ~(s + (s >> 16)) & 0xffff
data = os.urandom(int(sys.argv[1]))
head = struct.pack(">BBHHH", 8, 0, 0, 77, 1)
head = struct.pack(">BBHHH", 8, 0, total(head + data), 77, 1)
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
s.settimeout(60)
s.sendto(head + data, ("10.77.0.2", 0))
answer = s.recv(65536)
sys.exit(answer[20] != 0 or answer[28:] != data)
END
}
fetched() {
	inside "$program" $mode tap0 10.77.0.2/24 fd77::2/64 fetch "http://$1:8000/file" >"$scratch/got" &&
	    cmp -s "$scratch/file" "$scratch/got"
}
# The commands of README.md, word for word but for where ping ends, in a namespace that nothing has prepared.
readme() {
	mkdir -p "$scratch/examples/hosted-netstack"
	cp "$program" "$scratch/examples/hosted-netstack/hosted-netstack"
	sed -n '/^```/,/^```/p' "${BX_SRCDIR:-.}/examples/hosted-netstack/README.md" |
	    sed '/^```/d; /configure/d; s/^curl/curl -sS --max-time 20/; s/^ping/ping -c 1/' >"$scratch/readme.sh"
	ip netns add "${space}r" || return 1
	(cd "$scratch" && ip netns exec "${space}r" sh -ec 'trap "kill \$!" EXIT; ip link set lo up; . ./readme.sh') >"$scratch/said" 2>&1
	result=$?
	ip netns del "${space}r"
	test $result = 0 || cat "$scratch/said"
	return $result
}
stop() {
	kill "$server"
	wait "$server" 2>/dev/null
	server=
}

# The checks of one composition: $1 says which, $2 is the option for it.
suite() {
	name=$1
	mode=$2
	# Linux leaves segmentation and checksums to the tap, which asks for neither: frames are whole.
	ip netns exec "$space" "$program" $mode tap0 10.77.0.2/24 fd77::2/64 serve 80 &
	server=$!
	for _ in $(seq 150); do
		get --connect-timeout 1 http://10.77.0.2/ >/dev/null 2>&1 && break
		sleep 0.2
	done
	check "$name, curl: the page" test "$(get http://10.77.0.2/ | head -c 15)" = '<!doctype html>'
	check "$name, curl: not found" test "$(get -o /dev/null -w '%{http_code}' http://10.77.0.2/nowhere)" = 404
	for n in 0 1 1460 1461 100000 20000000; do check "$name, curl: $n bytes are exact" same $n 10.77.0.2; done
	check "$name, curl: eight at a time" many
	for n in 1 1000 100000 5000000; do check "$name, echo of $n bytes by Linux TCP" echoed $n 10.77.0.2; done
	check "$name, a port where nobody listens" refused
	check "$name, ICMP port unreachable for UDP" udp_refused
	check "$name, ping, 56 bytes" pinged 56
	check "$name, ping, 1400 bytes" pinged 1400
	check "$name, ping, 5000 bytes in fragments" pinged 5000
	if test -n "$ipv6"; then
		for n in 1440 1441 5000000; do check "$name, IPv6, curl: $n bytes are exact" same $n '[fd77::2]'; done
		check "$name, IPv6, echo of 1000000 bytes" echoed 1000000 fd77::2
	fi
	stop
	check "$name, fetch from the HTTP server of Python" fetched 10.77.0.1
	test -z "$ipv6" || check "$name, IPv6, fetch from the HTTP server of Python" fetched '[fd77::1]'
	check "$name, ping of Linux" inside "$program" $mode tap0 10.77.0.2/24 ping 10.77.0.1 4 >/dev/null
	test -z "$ipv6" || check "$name, IPv6, ping of Linux" inside "$program" $mode tap0 fd77::2/64 ping fd77::1 4 >/dev/null
}

bytes 3000000 >"$scratch/file"
bind=0.0.0.0
test -z "$ipv6" || bind=::
(cd "$scratch" && exec ip netns exec "$space" "$python" -m http.server --bind $bind 8000) >/dev/null 2>&1 &
peer=$!
suite 'one process' ''
suite 'three processes' --split
suite 'one process, BBR' '--control bbr'
if test -n "$ipv6" && command -v ping >/dev/null; then
	check 'the commands of README.md' readme
fi
echo "$passed passed, $failed failed"
test "$failed" = 0
