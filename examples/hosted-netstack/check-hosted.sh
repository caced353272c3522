#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# check-hosted.sh -- libnetstack against the TCP/IP stack of Linux, on a tap device in a network namespace of its own.
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
# Linux leaves segmentation and checksums to the tap, which asks for neither: frames are whole.
ip netns exec "$space" "$program" tap0 10.77.0.2/24 serve 80 &
server=$!

# N bytes as the server makes them.
bytes() { yes 0123456789abcdef | head -c "$1"; }
get() { inside curl -sS --max-time 20 "$@"; }
same() { get "http://10.77.0.2/bytes/$1" -o "$scratch/got" && bytes "$1" | cmp -s - "$scratch/got"; }
echoed() {
	inside "$python" - "$1" <<'END'
import os, socket, sys, threading
data = os.urandom(int(sys.argv[1]))
s = socket.create_connection(("10.77.0.2", 7), 20)
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
    socket.create_connection(("10.77.0.2", 81), 5)
except ConnectionRefusedError:
    sys.exit(0)
sys.exit(1)
END
}
many() {
	for _ in 1 2 3 4 5 6 7 8; do get http://10.77.0.2/ -o /dev/null & pids="${pids-} $!"; done
	for process in $pids; do wait "$process" || return 1; done
}
udp_refused() {
	inside "$python" - <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
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
s.settimeout(5)
s.sendto(head + data, ("10.77.0.2", 0))
answer = s.recv(65536)
sys.exit(answer[20] != 0 or answer[28:] != data)
END
}
fetched() {
	kill "$server"
	wait "$server" 2>/dev/null
	server=
	(cd "$scratch" && bytes 3000000 >file && exec ip netns exec "$space" "$python" -m http.server 8000) >/dev/null 2>&1 &
	peer=$!
	sleep 1
	inside "$program" tap0 10.77.0.2/24 fetch http://10.77.0.1:8000/file >"$scratch/got" &&
	    cmp -s "$scratch/file" "$scratch/got"
}

for _ in 1 2 3 4 5 6 7 8 9 10; do get --connect-timeout 1 http://10.77.0.2/ >/dev/null 2>&1 && break; done
check 'curl: the page' test "$(get http://10.77.0.2/ | head -c 15)" = '<!doctype html>'
check 'curl: not found' test "$(get -o /dev/null -w '%{http_code}' http://10.77.0.2/nowhere)" = 404
for n in 0 1 1460 1461 100000 20000000; do check "curl: $n bytes are exact" same $n; done
check 'curl: eight at a time' many
for n in 1 1000 100000 5000000; do check "echo of $n bytes by Linux TCP" echoed $n; done
check 'a port where nobody listens' refused
check 'ICMP port unreachable for UDP' udp_refused
check 'ping, 56 bytes' pinged 56
check 'ping, 1400 bytes' pinged 1400
check 'fetch from the HTTP server of Python, 3,000,000 bytes' fetched
echo "$passed passed, $failed failed"
test "$failed" = 0
