"""A name server for tests: speaks DNS over UDP, and gives other answers at each question if it is told to."""

import asyncio
import ipaddress
import socket
import struct
from contextlib import asynccontextmanager

A, AAAA = 1, 28
FAMILIES = {A: socket.AF_INET, AAAA: socket.AF_INET6}


class NameServer(asyncio.DatagramProtocol):
    """Answers each look-up of a name by the next list of addresses, the last one for ever, all with a TTL of 0."""

    def __init__(self, *answers):
        self.answers, self.asked = answers, []

    def connection_made(self, transport):
        self.transport = transport
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, query, sender):
        end = query.index(b"\x00", 12)
        name, kind = query[12 : end + 1], struct.unpack("!H", query[end + 1 : end + 3])[0]
        self.asked.append(kind)
        given = self.answers[min(self.asked.count(kind), len(self.answers)) - 1]
        found = [ip for ip in map(ipaddress.ip_address, given) if (ip.version == 6) == (kind == AAAA)]
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(ip.packed)) + ip.packed for ip in found)
        head = query[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        self.transport.sendto(head + name + struct.pack("!HH", kind, 1) + records, sender)

    def getaddrinfo(self, host, port, family=0, type=0):
        """Ask this server what the system would ask its own."""
        found = [(FAMILIES[kind], ip) for kind in (AAAA, A) for ip in self.look_up(host, kind)]
        return [(kind, type, 6, "", (ip, port)) for kind, ip in found]

    def look_up(self, host, kind):
        name = b"".join(bytes([len(label)]) + label.encode() for label in host.split(".")) + b"\x00"
        query = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0) + name + struct.pack("!HH", kind, 1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(5)
            asking.sendto(query, ("127.0.0.1", self.port))
            answer = asking.recv(1500)
        size, place = (4 if kind == A else 16), len(query)
        for _ in range(struct.unpack("!H", answer[6:8])[0]):
            yield str(ipaddress.ip_address(answer[place + 12 : place + 12 + size]))
            place += 12 + size


@asynccontextmanager
async def name_server(*answers):
    """Run one on a free port of this machine."""
    loop = asyncio.get_running_loop()
    transport, server = await loop.create_datagram_endpoint(lambda: NameServer(*answers), local_addr=("127.0.0.1", 0))
    try:
        yield server
    finally:
        transport.close()
