"""Settlement (scenarios 23 to 47): what a batch does to the nano, and every signature that is none."""
import random

import pytest
from harness import DAY, HOUR, NANO, World, keccak, refused
from people import DeviceKey, People, Wallet
from signing import ORDER, P256_ORDER, Domain, entry, word

NODES = 20


@pytest.fixture(scope="module")
def plain():
    """A chain whose registry of nodes says what a test wants."""
    world = World(doubles={"NodeRegistry": "Nodes"})
    world.node_registry.set_nodes(NODES)
    world.people = People(world)
    return world


@pytest.fixture
def world(plain):
    before = plain.snapshot()
    yield plain
    plain.revert(before)


@pytest.fixture
def people(world):
    return world.people


@pytest.fixture
def registry(world):
    return world.user_registry


def statuses(registry, entries, **kw):
    """What settle answers, which preview said before; and what it logged."""
    previewed = registry.ask("preview", entries)
    answer = registry.ask("settle", entries)
    receipt = registry.settle(entries, **kw)
    assert previewed == answer
    rejected = [(i, s) for i, s in enumerate(answer) if s > 1]
    assert [(e["index"], e["reason"]) for e in receipt.named("Rejected")] == rejected
    return list(answer), receipt


@pytest.mark.parametrize("kind", [Wallet, DeviceKey])
def test_23_24_25_one_voucher(people, registry, world, kind):
    person = people.wallet("one", deposit=10_000)
    key, receipts = person.key(kind=kind), keccak(b"receipts")
    got, receipt = statuses(registry, [people.entry(key, 3, 1001, 7, receipts)], sender=world.stranger)
    assert got == [0]
    assert receipt.events == [
        ("Settled", {"key": key.id, "node": 3, "amount": 1001, "paid": 1001, "units": 7, "receipts": receipts}),
        ("Transfer", {"sender": registry.address, "receiver": world.tokenomics.address, "value": 1001 * NANO}),
        ("Collected", {"node": 3, "gross": 1001, "bonus": 0, "fee": 51})]
    assert registry.channel_of(key.id, 3) == (1001, 7)
    assert registry.key_of(key.id)[5] == 1001
    assert person.funds["available"] == 8999
    assert world.tokenomics.earnings_of(3) == (950, 0, 0) and world.tokenomics.fees() == 51
    assert world.tokenomics.fee_of(world.now // DAY, 3) == 51
    got, receipt = statuses(registry, [people.entry(key, 3, 1001, 7, receipts)])
    assert got == [2] and receipt.names == ["Rejected"]
    got, receipt = statuses(registry, [people.entry(key, 3, 1002), people.entry(key, 3, 1002), people.entry(key, 3, 5)])
    assert got == [0, 2, 2] and receipt.named("Collected") == [{"node": 3, "gross": 1, "bonus": 0, "fee": 1}]
    assert registry.channel_of(key.id, 3) == (1002, 7)


def test_26_27_any_order_any_batches(people, registry):
    dice = random.Random(26)
    person = people.wallet("one", deposit=10**6)
    keys = [person.key(i, kind=kind) for i, kind in enumerate((Wallet, DeviceKey))]
    vouchers = [people.entry(key, 1, amount * 100, amount) for key in keys for amount in range(1, 51)]
    dice.shuffle(vouchers)
    while vouchers:
        count = dice.randrange(1, 30)
        registry.settle(vouchers[:count])
        del vouchers[:count]
    assert [registry.channel_of(k.id, 1) for k in keys] == [(5000, 50)] * 2
    assert person.funds["available"] == 10**6 - 10_000


def test_28_bounds(people, registry):
    person = people.wallet("one", deposit=10**6)
    key = person.key()
    receipt = registry.settle([])
    assert receipt.events == [] and registry.ask("settle", []) == () and registry.ask("preview", []) == ()
    entries = [people.entry(key, 1 + i // 10, 100) for i in range(200)]
    # The decoder refuses a longer list before any code of the contract runs.
    refused("", registry.settle, entries + entries[:1])
    refused("", registry.ask, "preview", entries + entries[:1])
    got, receipt = statuses(registry, entries)
    assert got.count(0) == 20 and got.count(2) == 180
    assert [c["node"] for c in receipt.named("Collected")] == list(range(1, 21))


def test_credits_join_neighbours_only(people, registry):
    person = people.wallet("one", deposit=10**6)
    a, b = person.key("a"), person.key("b")
    entries = [people.entry(a, 1, 10), people.entry(Wallet("nobody"), 2, 10), people.entry(b, 1, 10), people.entry(a, 2, 10),
               people.entry(a, 1, 20)]
    got, receipt = statuses(registry, entries)
    assert got == [0, 3, 0, 0, 0]
    assert [(c["node"], c["gross"]) for c in receipt.named("Collected")] == [(1, 20), (2, 10), (1, 10)]
    assert len(receipt.named("Transfer")) == 1


def test_30_31_a_short_balance(people, registry):
    person = people.wallet("one", deposit=30)
    key = person.key()
    voucher = people.entry(key, 1, 100)
    assert statuses(registry, [voucher])[0] == [1]
    assert statuses(registry, [voucher])[0] == [6]
    person.deposit(1)
    assert statuses(registry, [voucher])[0] == [1]
    person.deposit(100)
    assert statuses(registry, [voucher])[0] == [0]
    assert person.funds["available"] == 31


def test_32_a_short_cap(people, registry):
    person = people.wallet("one", deposit=1000)
    key = person.key(cap=30)
    voucher, other = people.entry(key, 1, 100), people.entry(key, 2, 100)
    assert statuses(registry, [voucher, other])[0] == [1, 7]
    person.grant(key, cap=150)
    assert statuses(registry, [voucher, other])[0] == [0, 1]
    assert registry.key_of(key.id)[4:] == (150, 150)


def test_33_unknown_nodes(people, registry):
    person = people.wallet("one", deposit=1000)
    key = person.key()
    nodes = (0, NODES + 1, 2**64 - 1)
    assert statuses(registry, [people.entry(key, n, 5) for n in nodes])[0] == [5, 5, 5]
    # The node comes first: not even the signature is looked at.
    assert statuses(registry, [(0, 5, 5, bytes(32), bytes(32), bytes(32), bytes(32), bytes(32))])[0] == [5]
    assert person.funds["available"] == 1000


def malformed(domain, wallet, device):
    """Entries that nobody signed, by what is wrong with them."""
    fields = (1, 10, 1, keccak(b"receipts"))
    message = domain.message("Voucher", *fields)
    (r, vs), (pr, ps) = wallet.sign(message), device.sign(message)
    number, zero, x, y = int.from_bytes(vs, "big"), bytes(32), device.x, device.y
    low, parity = number & 2**255 - 1, number >> 255
    ps_number = int.from_bytes(ps, "big")
    yield "zeros", (*fields, zero, zero, zero, zero)
    yield "high s", (*fields, r, word(ORDER - low), zero, zero)
    yield "high s with the other parity", (*fields, r, word((ORDER - low) % 2**255 | (1 - parity) << 255), zero, zero)
    yield "r zero", (*fields, zero, vs, zero, zero)
    yield "s zero", (*fields, r, word(parity << 255), zero, zero)
    yield "r the order", (*fields, word(ORDER), vs, zero, zero)
    yield "r beyond", (*fields, b"\xff" * 32, vs, zero, zero)
    yield "the other parity", (*fields, r, word(number ^ 1 << 255), zero, zero)
    yield "r off the curve", (*fields, word(5), vs, zero, zero)
    yield "P-256 r zero", (*fields, zero, ps, x, y)
    yield "P-256 s zero", (*fields, pr, zero, x, y)
    yield "P-256 r the order", (*fields, word(P256_ORDER), ps, x, y)
    yield "P-256 s the order", (*fields, pr, word(P256_ORDER), x, y)
    yield "P-256 s beyond", (*fields, pr, word(ps_number + P256_ORDER if ps_number + P256_ORDER < 2**256 else 2**256 - 1), x, y)
    yield "off the curve", (*fields, pr, ps, x, word(int.from_bytes(y, "big") ^ 1))
    yield "x with y zero", (*fields, pr, ps, x, zero)
    yield "coordinates beyond the field", (*fields, pr, ps, b"\xff" * 32, b"\xff" * 32)
    yield "infinity", (*fields, pr, ps, zero, zero)
    yield "x one bit off", (*fields, pr, ps, word(int.from_bytes(x, "big") ^ 1), y)
    yield "r one bit off", (*fields, word(int.from_bytes(pr, "big") ^ 1), ps, x, y)
    yield "swapped", (*fields, ps, pr, x, y)
    for i, other in ((0, 2), (1, 11), (2, 2), (3, bytes(32))):
        changed = list(fields)
        changed[i] = other
        yield f"field {i}", (*changed, r, vs, zero, zero)
        yield f"field {i}, P-256", (*changed, pr, ps, x, y)


def test_34_what_is_no_signature_rejects_its_entry_alone(people, registry):
    person = people.wallet("one", deposit=1000)
    wallet, device = person.key(), person.key(kind=DeviceKey)
    entries, expected = [], []
    for i, (what, bad) in enumerate(malformed(people.domain, wallet, device)):
        entries += [bad, people.entry(wallet, 5, i + 1)]
        expected += [3, 0]
    assert statuses(registry, entries)[0] == expected
    assert registry.channel_of(wallet.id, 1) == registry.channel_of(device.id, 1) == (0, 0)
    # Both halves of P-256 are as good as the other, and of secp256k1 only the low one.
    r, s = device.sign(people.domain.message("Voucher", 1, 10, 1, bytes(32)))
    twin = (1, 10, 1, bytes(32), r, word(P256_ORDER - int.from_bytes(s, "big")), device.x, device.y)
    assert statuses(registry, [twin, people.entry(device, 1, 10, 1)])[0] == [0, 2]


def test_35_36_37_the_right_kind_of_key_and_domain(people, registry, world):
    person = people.wallet("one", deposit=1000)
    wallet, device = person.key(), person.key(kind=DeviceKey)
    # A key id of one curve under the name of the other.
    person.grant(type("Key", (), {"id": Wallet("crossed").id, "kind": 2}))
    person.grant(type("Key", (), {"id": DeviceKey("crossed").id, "kind": 1}))
    crossed = [people.entry(Wallet("crossed"), 1, 5), people.entry(DeviceKey("crossed"), 1, 5)]
    foreign = [entry(d, k, 1, 5) for k in (wallet, device) for d in (
        Domain(registry, chain_id=1), Domain(world.token), Domain(registry, version="2"))]
    entries = crossed + foreign + [people.entry(person.root, 1, 5), people.entry(Wallet("nobody"), 1, 5)]
    assert statuses(registry, entries)[0] == [3] * len(entries)
    assert person.funds["available"] == 1000


def test_38_39_extremes_and_packing(people, registry, world):
    most = 2**64 - 1
    person = people.wallet("one", deposit=10**9)
    key = person.key(cap=most, kind=DeviceKey)
    assert statuses(registry, [people.entry(key, 1, most, most)])[0] == [1]
    assert registry.channel_of(key.id, 1) == (10**9, most)
    person.deposit(5)
    assert statuses(registry, [people.entry(key, 1, 10**9 + 2, 0), people.entry(key, 2, 1, 1)])[0] == [0, 0]
    assert registry.channel_of(key.id, 1) == (10**9 + 2, most)
    assert registry.key_of(key.id)[4:] == (most, 10**9 + 3)
    assert registry.key_of(key.id)[:4] == (1, 2, registry.key_of(key.id)[2], 0)
    assert person.funds == dict.fromkeys(person.funds, 0) | {"available": 2, "to": person.funds["to"]}
    for amount in (1, 2, 3):
        statuses(registry, [people.entry(key, 3, amount, 10 - amount)])
    assert registry.channel_of(key.id, 3) == (2, 9)


def test_19_21_bonus_then_available_then_thawing(people, registry, world):
    person = people.wallet("one", deposit=100)
    world.faucet.grant(1, sender=world.signer)
    bonus = 5 * 10**9
    key = person.key()
    person.withdraw(60, world.other)
    assert statuses(registry, [people.entry(key, 1, 1)])[1].named("Collected")[0]["bonus"] == 1
    got, receipt = statuses(registry, [people.entry(key, 1, bonus - 10), people.entry(key, 1, bonus + 45)])
    assert got == [0, 0]
    assert receipt.named("Collected")[0]["bonus"] == bonus - 1
    f = person.funds
    assert (f["bonus"], f["available"], f["thawing"], f["thaw_end"] != 0) == (0, 0, 55, True)
    world.pass_time(DAY)
    assert registry.complete_withdraw(1).named("Withdrawn")[0]["amount"] == 55
    # All of a withdrawal may be spent before it ends.
    person.deposit(10)
    person.withdraw(10, world.other)
    assert statuses(registry, [people.entry(key, 1, bonus + 55)])[0] == [0]
    world.pass_time(DAY)
    assert registry.complete_withdraw(1).events == [("Withdrawn", {"user": 1, "to": world.other.address, "amount": 0})]


def test_43_preview_changes_nothing(people, registry, world):
    person = people.wallet("one", deposit=100)
    key = person.key()
    entries = [people.entry(key, 1, 60), people.entry(key, 1, 60), people.entry(key, 2, 60), people.entry(key, 3, 1)]
    assert registry.ask("preview", entries) == (0, 2, 1, 6)
    receipt = registry.preview(entries)
    assert receipt.events == []
    assert registry.channel_of(key.id, 1) == (0, 0) and person.funds["available"] == 100
    assert statuses(registry, entries)[0] == [0, 2, 1, 6]


def test_45_fees_round_up_and_conserve(people, registry, world):
    person = people.wallet("one", deposit=200)
    keys = [person.key(i) for i in range(4)]
    for amount in range(1, 11):
        registry.settle([people.entry(k, n, amount) for k in keys for n in (1, 2)])
    earned = [world.tokenomics.earnings_of(n)[0] for n in (1, 2)]
    assert earned[0] + earned[1] + world.tokenomics.fees() == 80
    assert person.funds["available"] == 120
    assert world.token.balanceOf(world.tokenomics) == 80 * NANO


def test_9_10_46_47_the_end_of_a_key(people, registry, world):
    person = people.wallet("one", deposit=1000)
    until = world.next + DAY
    key = person.key(until=until)
    world.set_time(until)
    assert statuses(registry, [people.entry(key, 1, 1)])[0] == [0]
    # Asked and answered for the same second, which has passed.
    assert statuses(registry, [people.entry(key, 1, 2)])[0] == [4]
    person.grant(key)
    assert statuses(registry, [people.entry(key, 1, 2)])[0] == [0]
    person.revoke(key)
    world.set_time(world.now + 6 * HOUR)
    assert statuses(registry, [people.entry(key, 1, 3)])[0] == [0]
    assert statuses(registry, [people.entry(key, 1, 4)])[0] == [4]
    key = person.key("next")
    person.bump()
    end = world.now + 6 * HOUR
    fresh = person.key("fresh")
    world.set_time(end)
    assert statuses(registry, [people.entry(key, 1, 3), people.entry(fresh, 1, 3)])[0] == [0, 0]
    assert statuses(registry, [people.entry(key, 1, 4), people.entry(fresh, 1, 4)])[0] == [4, 0]
    person.bump()
    assert statuses(registry, [people.entry(key, 1, 4), people.entry(fresh, 1, 5)])[0] == [4, 0]


def test_the_order_of_the_checks(people, registry, world):
    """5, 3, 4, 2, 7, 6: of two things that are wrong the first is named."""
    person = people.wallet("one")
    key = person.key(cap=0, until=world.next + HOUR)
    assert statuses(registry, [people.entry(key, 0, 0)])[0] == [5]
    assert statuses(registry, [people.entry(key, 1, 0)])[0] == [2]
    assert statuses(registry, [people.entry(key, 1, 1)])[0] == [7]
    person.grant(key, cap=1, until=world.next + HOUR)
    assert statuses(registry, [people.entry(key, 1, 1)])[0] == [6]
    world.pass_time(DAY)
    assert statuses(registry, [people.entry(key, 1, 0), people.entry(Wallet("nobody"), 1, 0)])[0] == [4, 3]


def test_sums_over_random_batches(people, registry, world):
    """What users paid is what nodes were credited, and each contract holds what it owes."""
    dice = random.Random(86)
    persons = [people.wallet(i, deposit=dice.randrange(1, 10**6)) for i in range(5)]
    for person in persons[:3]:
        world.faucet.grant(person.id, sender=world.signer)
    keys = [p.key(i, kind=dice.choice((Wallet, DeviceKey)), cap=dice.randrange(10**7)) for p in persons for i in range(2)]
    total = sum(p.funds["available"] + p.funds["bonus"] for p in persons)
    high = {}
    for _ in range(12):
        entries = []
        for _ in range(dice.randrange(1, 25)):
            key, node = dice.choice(keys), dice.randrange(0, NODES + 2)
            entries.append(people.entry(key, node, dice.choice((1, dice.randrange(10**5), dice.randrange(2**64))), dice.randrange(99)))
            high[key.id, node] = max(high.get((key.id, node), 0), entries[-1][1])
        answer, receipt = statuses(registry, entries)
        collected = receipt.named("Collected")
        assert sum(c["gross"] for c in collected) * NANO == sum(t["value"] for t in receipt.named("Transfer"))
        assert all(c["fee"] == -(-c["gross"] * 500 // 10_000) and c["bonus"] <= c["gross"] for c in collected)
    left = sum(p.funds["available"] + p.funds["bonus"] for p in persons)
    earned = [world.tokenomics.earnings_of(n) for n in range(1, NODES + 1)]
    assert total - left == sum(e[0] + e[1] for e in earned) + world.tokenomics.fees()
    assert world.token.balanceOf(registry) == left * NANO
    assert world.token.balanceOf(world.tokenomics) == (total - left) * NANO
    for key in keys:
        paid = [registry.channel_of(key.id, n)[0] for n in range(NODES + 2)]
        assert sum(paid) == registry.key_of(key.id)[5] <= registry.key_of(key.id)[4]
        assert all(p <= high.get((key.id, n), 0) for n, p in enumerate(paid))
