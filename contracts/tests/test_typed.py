"""The checks of modules/typed.vy against the published vectors."""
import base64
import json

import pytest
from harness import SHARED, ZERO, keccak
from signing import NO_AUTH, ORDER, DeviceKey, Domain, Passkey, Wallet, struct_hash, word

VECTORS = SHARED / "vectors" / "eth-vectors.json"


@pytest.fixture(scope="module")
def vectors():
    if not VECTORS.exists():
        pytest.skip(f"no vectors at {VECTORS}")
    return json.loads(VECTORS.read_text())


@pytest.fixture
def typed(world):
    return world.deploy("Typed")


def raw(text):
    return bytes.fromhex(text[2:])


def test_recovers_what_the_vectors_recover(typed, vectors):
    for case in vectors["recover"]:
        s, parity = int(case["s"], 0), case["v"]
        # Other signatures have no form in 64 bytes.
        if parity > 1 or s >= 2**255:
            continue
        expected = ZERO if s > ORDER // 2 or not case["address"] else case["address"]
        assert typed.recover(raw(case["hash"]), raw(case["r"]), word(s | parity << 255)).lower() == expected, case


def test_base64_is_that_of_python(typed):
    for text in [bytes(32), b"\xff" * 32, bytes(range(32))] + [keccak(bytes([i])) for i in range(20)]:
        head, tail = typed.base64(text)
        assert head + tail[:11] == base64.urlsafe_b64encode(text).rstrip(b"=")


def test_each_form_of_signature_names_its_signer(typed):
    domain = Domain(typed)
    fields = ("BumpGeneration", 7, 9)
    message, struct = domain.message(*fields), struct_hash(*fields)
    assert typed.domain_separator() == domain.separator
    wallet, device, passkey = Wallet(1), DeviceKey(1), Passkey(1)
    assert typed.signer(struct, wallet.auth(message)) == (wallet.id, 1, bytes(32))
    assert typed.signer(struct, device.auth(message)) == (device.id, 2, bytes(32))
    assert typed.signer(struct, passkey.auth(message)) == (passkey.id, 3, passkey.rp)


def test_webauthn_vectors(typed, vectors):
    prefix = b'{"type":"webauthn.get","challenge":"'
    for case in vectors["webauthn"]:
        data, client = raw(case["authenticatorData"]), case["clientDataJSON"].encode()
        assert client.startswith(prefix)
        rest = client[len(prefix) + 44 :]
        auth = (*(raw(case[n]) for n in ("r", "s", "x", "y")), data, rest)
        assert typed.assertion(raw(case["challenge"]), auth) == (case["signatureValid"] and case["flagsAcceptable"]), case


def test_whatever_changes_in_an_assertion_ends_it(typed):
    passkey, fields = Passkey(2), ("BumpGeneration", 1, 0)
    message, struct = Domain(typed).message(*fields), struct_hash(*fields)
    nothing = (ZERO, 0, bytes(32))
    assert typed.signer(struct, passkey.auth(message, rp=bytes(32))) == (passkey.id, 3, bytes(32))
    assert typed.signer(struct, passkey.auth(message, flags=0xFD))[1] == 3
    for auth in (
        passkey.auth(message, flags=1),
        passkey.auth(message, flags=4),
        passkey.auth(message, type="webauthn.create"),
        passkey.auth(message, challenge=bytes(32)),
        passkey.auth(b"\x19\x01" + bytes(64)),
        passkey.auth(message)[:5] + (b"}",),
        passkey.auth(message)[:4] + (bytes(36), b"}"),
    ):
        assert typed.signer(struct, auth) == nothing


def test_every_prefix_and_every_flipped_bit_of_an_assertion_is_refused(typed):
    passkey, fields = Passkey(3), ("CancelWithdraw", 1, 0)
    struct = struct_hash(*fields)
    r, s, x, y, data, rest = passkey.auth(Domain(typed).message(*fields))
    for count in range(len(data)):
        assert typed.signer(struct, (r, s, x, y, data[:count], rest))[1] != 3
    for bit in range(0, 8 * len(data), 3):
        broken = bytearray(data)
        broken[bit // 8] ^= 1 << bit % 8
        assert typed.signer(struct, (r, s, x, y, bytes(broken), rest))[1] == 0
    for bit in range(0, 256, 17):
        for i in range(4):
            words = [r, s, x, y]
            words[i] = word(int.from_bytes(words[i], "big") ^ 1 << bit)
            assert typed.signer(struct, (*words, data, rest))[1] == 0


def test_only_all_zeros_are_no_signature(typed):
    assert typed.is_empty(NO_AUTH)
    for i in range(6):
        changed = list(NO_AUTH)
        changed[i] = b"\0" if i > 3 else word(1)
        assert not typed.is_empty(changed)
