"""What both sweeps of this folder say to a TURN server: requests of RFC 8656 and what is read from the answers."""

import argparse
import hashlib
import hmac
import os
import socket
import struct

COOKIE = 0x2112A442
ALLOCATE, REFRESH, PERMISSION = 0x003, 0x004, 0x008
RTO, LAST = 0.25, 3
UDP = b"\x11\0\0\0"
PAYLOAD = b"callcheck-naive-"


def attribute(kind, value):
    return struct.pack("!HH", kind, len(value)) + value + b"\0" * (-len(value) % 4)


def message(method, attributes, key=None):
    identity = os.urandom(12)
    body = b"".join(attributes)
    if key:
        head = struct.pack("!HHI", method, len(body) + 24, COOKIE) + identity
        body += attribute(0x0008, hmac.new(key, head + body, hashlib.sha1).digest())
    return struct.pack("!HHI", method, len(body), COOKIE) + identity + body


def attributes_of(data):
    found, place = {}, 20
    while place + 4 <= len(data):
        kind, length = struct.unpack_from("!HH", data, place)
        found.setdefault(kind, data[place + 4:place + 4 + length])
        place += 4 + length + (-length % 4)
    return found


def is_signed(data, key):
    """Whether MESSAGE-INTEGRITY, the last attribute but for a FINGERPRINT, was made with the key (RFC 8489, section 9.2.5)."""
    place = 20
    while place + 24 <= len(data):
        kind, length = struct.unpack_from("!HH", data, place)
        if kind == 0x0008:
            covered = data[:2] + struct.pack("!H", place + 4) + data[4:place]
            return hmac.compare_digest(hmac.new(key, covered, hashlib.sha1).digest(), data[place + 4:place + 24])
        place += 4 + length + (-length % 4)
    return False


def xor_address(value):
    port = struct.unpack("!H", value[2:4])[0] ^ (COOKIE >> 16)
    return socket.inet_ntoa(bytes(a ^ b for a, b in zip(value[4:8], struct.pack("!I", COOKIE)))), port


def allocate(login=(), key=None):
    return message(ALLOCATE, [attribute(0x0019, UDP), *login], key)


def permit(address, login, key):
    masked = bytes(a ^ b for a, b in zip(socket.inet_aton(address), struct.pack("!I", COOKIE)))
    return message(PERMISSION, [attribute(0x0012, struct.pack("!BBH", 0, 1, COOKIE >> 16) + masked), *login], key)


def release(login, key):
    return message(REFRESH, [attribute(0x000D, b"\0\0\0\0"), *login], key)


def login_of(challenge, user, password):
    """The attributes and the key (RFC 8489, section 9.2.2) by which requests are signed after a challenge."""
    realm, nonce = challenge[0x0014], challenge[0x0015]
    key = hashlib.md5(user + b":" + realm + b":" + password).digest()
    return [attribute(0x0006, user), attribute(0x0014, realm), attribute(0x0015, nonce)], key


def outside(server):
    """A socket outside, and the address that it has towards the server."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as towards:
        towards.connect(server)
        return socket.socket(socket.AF_INET, socket.SOCK_DGRAM), towards.getsockname()[0]


def arguments(description):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("host")
    parser.add_argument("user", type=os.fsencode)
    parser.add_argument("password", type=os.fsencode)
    parser.add_argument("--ports", type=int, default=16384)
    parser.add_argument("--window", type=int, default=128)
    return parser.parse_args()
