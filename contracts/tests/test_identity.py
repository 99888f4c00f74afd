"""Users, roots and keys of the registry (scenarios 1 to 13)."""
import pytest
from harness import DAY, HOUR, ZERO, keccak, refused
from people import DeviceKey, Passkey, People, Wallet
from signing import NO_AUTH, Domain

FOR_EVER = 2**63


@pytest.fixture
def people(world):
    return People(world)


@pytest.fixture
def registry(world):
    return world.user_registry


def test_1_a_passkey_registers_once(people, registry):
    root = Passkey("one")
    fields = (root.x, root.y, root.rp)
    good = root.auth(people.domain.message("RegisterPasskey", *fields))
    receipt = registry.register_passkey(*fields, good)
    assert receipt.events == [
        ("UserRegistered", {"user": 1, "kind": 2, "credential": bytes(12) + bytes.fromhex(root.id[2:])}),
        ("RootChanged", {"user": 1, "root": root.id, "kind": 2, "rpIdHash": root.rp, "added": True}),
    ]
    assert registry.user_of(1) == (2, 1, 0, people.world.now)
    assert registry.root_of(root.id) == (1, 2, people.world.now, root.rp)
    refused("already registered", registry.register_passkey, *fields, good)


def test_1_a_passkey_registers_only_as_it_says(people, registry):
    root, other = Passkey("one"), Passkey("two")
    fields = (root.x, root.y, root.rp)
    message = people.domain.message("RegisterPasskey", *fields)
    for auth in (
        NO_AUTH,
        root.auth(message)[:4] + (b"", b""),
        DeviceKey.auth(root, message),
        other.auth(message),
        root.auth(message, rp=bytes(32)),
        root.auth(message, flags=1),
        root.auth(Domain(registry, chain_id=1).message("RegisterPasskey", *fields)),
    ):
        refused("bad signature", registry.register_passkey, *fields, auth)
    assert registry.users() == 0


def test_2_a_wallet_registers_by_itself_or_by_signature(people, registry, world):
    registry.register_wallet(world.other, bytes(32), bytes(32), sender=world.other)
    assert registry.root_of(world.other)[:2] == (1, 1)
    refused("already registered", registry.register_wallet, world.other, bytes(32), bytes(32), sender=world.other)
    refused("not allowed", registry.register_wallet, world.stranger, bytes(32), bytes(32), sender=world.owner)
    root = Wallet("two")
    good = root.sign(people.domain.message("RegisterWallet", root))
    refused("bad signature", registry.register_wallet, root, *Wallet("three").sign(people.domain.message("RegisterWallet", root)))
    refused("bad signature", registry.register_wallet, ZERO, *good)
    refused("bad signature", registry.register_wallet, root, good[0], bytes(32))
    registry.register_wallet(root, *good)
    refused("already registered", registry.register_wallet, root, *good)


def test_3_only_the_registrar_attests(people, registry, world):
    refused("not allowed", registry.register_attested, keccak(b"someone"), sender=world.owner)
    people.attested("one")
    refused("already registered", people.attested, "one")
    assert registry.user_of_commitment(keccak(b"someone one")) == 1
    assert registry.user_of(1)[:2] == (3, 0)


@pytest.mark.parametrize("kind", ["passkey", "wallet"])
def test_4_a_root_grants(people, registry, kind):
    person = getattr(people, kind)("one")
    key, until = DeviceKey("a key"), people.world.next + DAY
    receipt = person.grant(key, cap=77, until=until)
    assert receipt.events == [
        ("KeyGranted", {"user": 1, "key": key.id, "kind": 2, "validUntil": until, "cap": 77})]
    assert registry.key_of(key.id) == (1, 2, until, 0, 77, 0)


def test_4_a_wallet_calls_itself(people, registry, world):
    registry.register_wallet(world.other, bytes(32), bytes(32), sender=world.other)
    fields = (1, Wallet("key").id, 1, world.next + DAY, 5, 0)
    refused("unknown root", registry.grant_key, *fields, NO_AUTH, sender=world.stranger)
    registry.grant_key(*fields, NO_AUTH, sender=world.other)
    assert registry.user_of(1)[2] == 1


def test_5_nothing_replays(people, registry, world):
    person = people.wallet("one")
    fields = (1, Wallet("key").id, 1, world.next + DAY, 5, 0)
    good = person.auth("KeyGrant", *fields)
    refused("unknown user", registry.grant_key, 2, *fields[1:], good)
    refused("bad nonce", registry.grant_key, *fields[:5], 1, good)
    registry.grant_key(*fields, good)
    refused("bad nonce", registry.grant_key, *fields, good)
    for domain in (Domain(registry, chain_id=1), Domain(world.token), Domain(registry, version="2")):
        # Another message has another signer.
        refused("unknown root", registry.grant_key, *fields[:5], 1, person.root.auth(domain.message("KeyGrant", *fields[:5], 1)))


def test_6_every_field_is_signed(people, registry, world):
    person = people.passkey("one")
    fields = [1, Wallet("key").id, 1, world.next + DAY, 5, 0]
    good = person.auth("KeyGrant", *fields)
    for i, other in ((1, Wallet("thief").id), (2, 2), (3, world.next + 2 * DAY), (4, 6)):
        changed = list(fields)
        changed[i] = other
        refused("bad signature", registry.grant_key, *changed, good)
    refused("bad signature", registry.revoke_key, 1, fields[1], 0, good)
    registry.grant_key(*fields, good)


def test_6_an_assertion_with_anything_wrong(people, registry, world):
    person = people.passkey("one")
    fields = (1, Wallet("key").id, 1, world.next + DAY, 5, 0)
    message = people.domain.message("KeyGrant", *fields)
    for auth in (
        person.root.auth(message, flags=1),
        person.root.auth(message, flags=4),
        person.root.auth(message, rp=keccak(b"another party")),
        person.root.auth(message, type="webauthn.create"),
        person.root.auth(message, challenge=keccak(b"another challenge")),
        # The bare signature is that of a session key, and a root is none.
        DeviceKey.auth(person.root, message),
    ):
        refused("bad signature", registry.grant_key, *fields, auth)
    refused("unknown root", registry.grant_key, *fields, Passkey("two").auth(message))
    assert registry.user_of(1)[2] == 0


def test_7_a_key_belongs_to_one_user_for_ever(people, world):
    first, second, key = people.wallet("one"), people.passkey("two"), DeviceKey("key")
    first.grant(key, until=world.next + HOUR)
    refused("key taken", second.grant, key)
    world.pass_time(100 * DAY)
    refused("key taken", second.grant, key)
    first.grant(key)


def test_8_cap_and_validity_move(people, registry, world):
    person = people.wallet("one", deposit=100)
    world.fund(world.other, 1000 * 10**9, world.staking)
    world.node_registry.register(1, bytes(32), bytes(32), world.other, Wallet("node"), 0, 1000 * 10**9, sender=world.other)
    key = person.key(cap=50)
    registry.settle([people.entry(key, 1, 40)])
    refused("bad validity", person.grant, key, until=world.next)
    refused("bad validity", person.grant, key, until=world.next + 30 * DAY + 1)
    refused("bad validity", person.grant, key, until=2**64 - 1)
    refused("wrong kind", person.grant, type("Key", (), {"id": key.id, "kind": 2}))
    refused("wrong kind", person.grant, type("Key", (), {"id": Wallet("n").id, "kind": 0}))
    refused("wrong kind", person.grant, type("Key", (), {"id": Wallet("n").id, "kind": 3}))
    refused("bad address", person.grant, type("Key", (), {"id": ZERO, "kind": 1}))
    person.grant(key, cap=10, until=world.next + 30 * DAY)
    assert registry.key_of(key.id) == (1, 1, world.now + 30 * DAY, 0, 40, 40)
    # The end of a live key comes no sooner than that of a revoked one.
    person.grant(key, cap=2**64 - 1, until=world.next + 1)
    assert registry.key_of(key.id)[2] == world.now + 6 * HOUR
    assert registry.key_of(key.id)[4] == 2**64 - 1
    person.grant(key, cap=10, until=world.next + 1)
    # An expired one is not live any more.
    world.pass_time(7 * HOUR)
    until = world.next + 5
    person.grant(key, cap=10, until=until)
    assert registry.key_of(key.id)[2] == until


def test_9_a_revoked_key_has_its_delay(people, registry, world):
    person, stranger = people.wallet("one"), people.wallet("two")
    key = person.key()
    refused("unknown key", stranger.revoke, key)
    refused("unknown key", person.revoke, Wallet("nobody's"))
    receipt = person.revoke(key)
    assert receipt.events == [("KeyRevoked", {"user": 1, "key": key.id, "validUntil": world.now + 6 * HOUR})]
    before = registry.key_of(key.id)[2]
    world.pass_time(HOUR)
    person.revoke(key)
    assert registry.key_of(key.id)[2] == before


def test_10_generations(people, registry, world):
    person = people.wallet("one")
    receipt = person.bump()
    end = world.now + 6 * HOUR
    assert receipt.events == [("GenerationBumped", {"user": 1, "generation": 1, "endsAt": end})]
    refused("bump pending", person.bump)
    world.set_time(end)
    refused("bump pending", person.bump)
    world.set_time(end + 1)
    person.bump()
    assert person.funds["generation"] == 2


def test_11_roots(people, registry, world):
    person, second = people.wallet("one"), Passkey("second")
    receipt = person.root_change(second)
    assert receipt.named("RootChanged") == [{"user": 1, "root": second.id, "kind": 2, "rpIdHash": second.rp, "added": True}]
    person.grant(Wallet("key"), by=second)
    for i in range(2):
        person.root_change(Wallet(f"more {i}"))
    refused("too many roots", person.root_change, Wallet("fifth"))
    refused("already registered", people.wallet("two").root_change, second)
    refused("unknown root", person.root_change, Wallet("fifth"), add=False)
    person.root_change(person.root, add=False, by=second)
    assert registry.root_of(person.root) == (0, 0, 0, bytes(32))
    refused("unknown root", person.grant, Wallet("key"))
    person.root = second
    wrong = Passkey("second", relying_party="another.example")
    refused("wrong kind", person.root_change, wrong, add=False)
    for i in range(2):
        person.root_change(Wallet(f"more {i}"), add=False)
    refused("last root", person.root_change, second, add=False)
    assert registry.root_of(second.id)[3] == second.rp


def test_11_a_root_signs_in_the_form_of_its_kind(people):
    person = people.wallet("one")
    device, wallet = DeviceKey("device"), Wallet("wallet")
    # The ids of one curve under the kind of the other.
    person.root_change(type("Root", (), {"id": device.id, "kind": 1}))
    person.root_change(type("Root", (), {"id": wallet.id, "kind": 2, "rp": keccak(b"rp")}))
    for by in (device, wallet):
        refused("bad signature", person.grant, Wallet("key"), by=by)


def test_11_a_root_is_well_formed(people, registry):
    person = people.wallet("one")
    for root, kind, rp, reason in (
        (ZERO, 1, bytes(32), "bad address"), (Wallet(9).id, 1, keccak(b"rp"), "wrong kind"), (Wallet(9).id, 2, bytes(32), "wrong kind"),
        (Wallet(9).id, 0, bytes(32), "wrong kind"), (Wallet(9).id, 3, keccak(b"rp"), "wrong kind"),
        (Wallet(9).id, 255, bytes(32), "wrong kind"),
    ):
        fields = (1, root, kind, rp, True, 0)
        refused(reason, registry.change_root, *fields, person.auth("RootChange", *fields))
    refused("unknown user", registry.change_root, 2, Wallet(9).id, 1, bytes(32), True, 0, NO_AUTH)


def test_12_the_registrar_grants_at_once_only_over_bonus(people, registry, world):
    person = people.attested("one")
    refused("not allowed", registry.grant_key_attested, 1, Wallet(1).id, 1, world.next + DAY, 5, sender=world.owner)
    refused("unknown user", registry.grant_key_attested, 2, Wallet(1).id, 1, world.next + DAY, 5, sender=world.registrar)
    world.faucet.grant(1, sender=world.signer)
    first = person.key(1)
    person.deposit(10)
    second, until = DeviceKey("second"), world.next + 20 * DAY
    receipt = person.grant(second, cap=2**64 - 1, until=until)
    ready = world.now + 72 * HOUR
    assert receipt.events == [("KeyProposed", {
        "user": 1, "key": second.id, "kind": 2, "validUntil": until, "cap": 2**64 - 1, "readyAt": ready})]
    assert registry.proposal_of(1) == (second.id, 2, until, 2**64 - 1, ready)
    refused("too early", person.grant, second, cap=2**64 - 1)
    fields = (1, second.id, 0)
    message = people.domain.message("KeyRevoke", *fields)
    refused("unknown key", registry.veto, *fields, second.quad(message))
    refused("bad signature", registry.veto, *fields, (bytes(32),) * 4)
    refused("bad nonce", registry.veto, 1, second.id, 1, first.quad(message))
    assert registry.veto(*fields, first.quad(message)).events == [("KeyVetoed", {"user": 1, "key": second.id})]
    fields = (1, second.id, 1)
    refused("nothing pending", registry.veto, *fields, first.quad(people.domain.message("KeyRevoke", *fields)))
    person.grant(second, cap=7)
    # Another cap is another proposal, with a clock of its own.
    world.pass_time(DAY)
    person.grant(second, cap=8)
    ready = world.now + 72 * HOUR
    world.set_time(ready - 1)
    refused("too early", person.grant, second, cap=8)
    world.set_time(ready)
    assert person.grant(second, cap=8).named("KeyGranted")
    assert registry.proposal_of(1) == (ZERO, 0, 0, 0, 0)


def test_13_a_root_ends_the_registrars_power(people, registry, world):
    person = people.attested("one", deposit=10)
    wallet = people.wallet("two")
    refused("wrong kind", registry.grant_key_attested, wallet.id, Wallet(1).id, 1, world.next + DAY, 5, sender=world.registrar)
    root = Passkey("root")
    refused("unknown key", person.root_change, root, by=Wallet("nobody's"))
    fields = (1, root.id, 2, root.rp, True, 0)
    refused("bad signature", registry.change_root, *fields, NO_AUTH, sender=world.registrar)
    person.grant(DeviceKey("later"), cap=1)
    world.pass_time(3 * DAY)
    person.grant(DeviceKey("later"), cap=1)
    # An assertion is no signature of a key, though it be the key's.
    passkey = Passkey("a key")
    person.grant(passkey, cap=2)
    refused("unknown key", person.root_change, root, by=passkey)
    assert registry.proposal_of(1)[0] == passkey.id
    person.root_change(root, by=DeviceKey("later"))
    assert registry.proposal_of(1)[0] == ZERO
    refused("has roots", registry.grant_key_attested, 1, Wallet(1).id, 1, world.next + DAY, 5, sender=world.registrar)
    person.root = root
    person.grant(Wallet("key"))
    refused("last root", person.root_change, root, add=False)
