"""Offences and their cases (scenarios 66 to 68)."""
import pytest
from harness import DAY, HOUR, NANO, ZERO, Refused, encode, keccak
from nodes import (NANO_LAI, WORD, balance, earning, earning_deployment, person, pool, register, signer)  # noqa: F401
from signing import ORDER, Domain, sign_digest, struct_hash, word

SESSION, CHALLENGE, EVIDENCE = keccak(b"session"), keccak(b"challenge"), keccak(b"evidence")
PROPOSED, ESCROWED, RELEASED, RETURNED, VETOED = range(1, 6)
CASE = "offence node reporter amount evidence time bps bond state".split()


class Bench:
    """A node with ten thousand LAI, and what its signer signs."""

    def __init__(self, world):
        self.world, self.slashing = world, world.slashing
        self.domain = Domain(world.user_registry)
        self.owner = person(world, "owner", 200_000 * NANO_LAI)
        self.reporter = person(world, "reporter")
        self.node = register(world, self.owner, stake=10_000 * NANO_LAI)

    def receipt(self, **change):
        fields = {"session": SESSION, "seq": 7, "node": self.node, "key": self.reporter.address, "request": WORD, "response": WORD,
                  "quote": WORD, "input": 1_000, "output": 500, "cost": 5, "amount": 50, "finished": self.world.now} | change
        return tuple(fields.values())

    def quote(self, **change):
        return tuple(({"node": self.node, "model": WORD, "input": 1_000, "output": 2_000, "until": 0} | change).values())

    def probe(self, **change):
        return tuple(({"node": self.node, "challenge": CHALLENGE, "status": WORD, "at": self.world.now} | change).values())

    def sign(self, kind, values, by=None, domain=None):
        by = by or signer(self.node)
        return sign_digest(by.key, keccak((domain or self.domain).message(kind, *values)))

    def prove(self, function, kind_a, a, kind_b, b, signed_a=None, signed_b=None):
        return getattr(self.slashing, function)(
            a, *(signed_a or self.sign(kind_a, a)), b, *(signed_b or self.sign(kind_b, b)), sender=self.reporter)

    def receipts(self, a, b, *signed):
        return self.prove("prove_receipts", "Receipt", a, "Receipt", b, *signed)

    def overcharge(self, q, r, *signed):
        return self.prove("prove_overcharge", "Quote", q, "Receipt", r, *signed)

    def probes(self, a, b, *signed):
        return self.prove("prove_probes", "Probe", a, "Probe", b, *signed)

    def case(self, number):
        return dict(zip(CASE, self.slashing.case_of(number)))


@pytest.fixture
def bench(earning):
    return Bench(earning)


def key(*values):
    return keccak(encode([{"type": t} for t, _ in values], [v for _, v in values]))


def refused(reason, call, *values):
    with pytest.raises(Refused, match=f"^{reason}$"):
        call(*values)


def test_two_receipts_of_one_request_cost_a_fifth(bench):
    """Scenario 66."""
    world = bench.world
    a, b = bench.receipt(), bench.receipt(cost=6)
    done = bench.receipts(a, b)
    evidence = key(("string", "receipts"), ("uint64", bench.node), ("bytes32", SESSION), ("uint64", 7))
    assert done.events == [
        ("StakeSlashed", {"node": bench.node, "fromPool": 2_000 * NANO_LAI, "fromUnbonding": 0}),
        ("Slashed", {"case": 1, "node": bench.node, "reporter": bench.reporter.address, "offence": 1, "amount": 2_000 * NANO_LAI,
                     "evidence": evidence})]
    assert pool(world, bench.node)["assets"] == 8_000 * NANO_LAI and world.staking.escrow() == 2_000 * NANO_LAI
    assert bench.case(1) == {"offence": 1, "node": bench.node, "reporter": bench.reporter.address, "amount": 2_000 * NANO_LAI,
                             "evidence": evidence, "time": world.now, "bps": 2_000, "bond": 0, "state": ESCROWED}
    refused("already punished", bench.receipts, a, b)
    refused("already punished", bench.receipts, b, a)
    refused("already punished", bench.receipts, a, bench.receipt(cost=7))
    bench.receipts(bench.receipt(seq=8), bench.receipt(seq=8, response=CHALLENGE))
    assert bench.slashing.cases() == 2


def test_receipts_that_prove_nothing_are_refused(bench):
    world = bench.world
    a, b = bench.receipt(), bench.receipt(cost=6)
    for other in (a, bench.receipt(cost=6, seq=8), bench.receipt(cost=6, session=WORD), bench.receipt(cost=6, node=2)):
        refused("not an offence", bench.receipts, a, other)
    r, vs = bench.sign("Receipt", b)
    high = int.from_bytes(vs, "big") & (2**255 - 1)
    high = word(ORDER - high | (0 if int.from_bytes(vs, "big") >> 255 else 2**255))
    elsewhere = Domain(world.user_registry, chain_id=1)
    for bad in ((WORD, WORD), (r, high), bench.sign("Receipt", b, by=bench.owner), bench.sign("Receipt", a), (WORD, vs), (r, WORD),
                bench.sign("Receipt", b, domain=elsewhere), bench.sign("Receipt", b, domain=Domain(world.slashing))):
        refused("bad signature", bench.receipts, a, b, None, bad)
        refused("bad signature", bench.receipts, b, a, bad, None)
    nobody = [bench.receipt(node=0, cost=c) for c in (1, 2)]
    refused("bad signature", bench.receipts, *nobody, *[bench.sign("Receipt", r, by=world.stranger) for r in nobody])
    two = register(world, bench.owner)
    refused("bad signature", bench.receipts, *[bench.receipt(node=two, cost=c) for c in (1, 2)],
            *[bench.sign("Receipt", bench.receipt(node=two, cost=c)) for c in (1, 2)])


def test_old_evidence_is_refused(bench):
    """Scenario 68."""
    world = bench.world
    at = world.now
    a, b = bench.receipt(), bench.receipt(cost=6)
    refused("too old", bench.receipts, bench.receipt(finished=at + 100), b)
    refused("too old", bench.receipts, a, bench.receipt(finished=at + 100))
    world.set_time(at + 30 * DAY + 1)
    refused("too old", bench.receipts, a, b)
    later = bench.receipt(finished=world.now)
    refused("too old", bench.receipts, later, b)
    refused("too old", bench.probes, bench.probe(at=at), bench.probe(status=SESSION))
    q = bench.quote()
    refused("too old", bench.overcharge, q, bench.receipt(quote=struct_hash("Quote", *q), finished=at))
    bench.receipts(later, bench.receipt(cost=6))
    on_time = [bench.receipt(seq=9, cost=c) for c in (1, 2)]
    world.set_time(on_time[0][-1] + 30 * DAY)
    bench.receipts(*on_time)


def test_an_overcharge_by_one_nano_costs_a_tenth(bench):
    """Scenario 67."""
    q = bench.quote(input=1_000_001, output=2_000_000)
    # 1 000 * 1 000 001 + 500 * 2 000 000 = 2 000 001 000, which is 2 000.001 nano: 2 001 is due.
    fields = {"quote": struct_hash("Quote", *q)}
    refused("not an offence", bench.overcharge, q, bench.receipt(**fields, cost=2_001))
    r = bench.receipt(**fields, cost=2_002)
    refused("not an offence", bench.overcharge, bench.quote(), r)
    refused("not an offence", bench.overcharge, q, bench.receipt(**fields, cost=2_002, node=2))
    refused("bad signature", bench.overcharge, q, r, bench.sign("Quote", q, by=bench.owner))
    refused("bad signature", bench.overcharge, q, r, None, bench.sign("Receipt", r, by=bench.owner))
    done = bench.overcharge(q, r)
    evidence = key(("string", "overcharge"), ("bytes32", struct_hash("Receipt", *r)))
    assert done.named("Slashed") == [{"case": 1, "node": bench.node, "reporter": bench.reporter.address, "offence": 2,
                                      "amount": 1_000 * NANO_LAI, "evidence": evidence}]
    refused("already punished", bench.overcharge, q, r)


def test_prices_of_64_bits_do_not_overflow(bench):
    q = bench.quote(input=2**64 - 1, output=2**64 - 1)
    r = bench.receipt(quote=struct_hash("Quote", *q), input=2**64 - 1, output=2**64 - 1, cost=2**64 - 1)
    refused("not an offence", bench.overcharge, q, r)


def test_a_replaced_signer_still_speaks_for_the_node(bench):
    """Scenario 67."""
    world = bench.world
    a, b = bench.receipt(), bench.receipt(cost=6)
    world.node_registry.set_signer(bench.node, signer("new"), sender=bench.owner)
    bench.receipts(a, b, bench.sign("Receipt", a), bench.sign("Receipt", b, by=signer("new")))


def test_two_answers_to_one_challenge_cost_a_twentieth(bench):
    a, b = bench.probe(), bench.probe(status=SESSION, at=bench.world.now - HOUR)
    refused("not an offence", bench.probes, a, bench.probe(at=1))
    refused("not an offence", bench.probes, a, bench.probe(status=SESSION, challenge=WORD))
    refused("not an offence", bench.probes, a, bench.probe(status=SESSION, node=2))
    refused("bad signature", bench.probes, a, b, bench.sign("Probe", a, by=bench.owner))
    done = bench.probes(a, b)
    evidence = key(("string", "probes"), ("uint64", bench.node), ("bytes32", CHALLENGE))
    assert done.named("Slashed") == [{"case": 1, "node": bench.node, "reporter": bench.reporter.address, "offence": 3,
                                      "amount": 500 * NANO_LAI, "evidence": evidence}]
    refused("already punished", bench.probes, b, a)


def test_the_escrow_is_split_after_a_week(bench):
    world, slashing = bench.world, bench.slashing
    world.staking.stake(bench.node, 7, sender=bench.owner)
    bench.receipts(bench.receipt(), bench.receipt(cost=6))
    amount = (10_000 * NANO_LAI + 7) * 2_000 // 10_000
    at = world.now
    refused("unknown case", slashing.release, 2)
    refused("unknown case", slashing.release, 0)
    world.set_time(at + 7 * DAY - 1)
    refused("too early", slashing.release, 1)
    before = balance(world, bench.reporter)
    done = slashing.release(1, sender=world.stranger)
    reward, insured = amount // 10, amount * 4 // 10
    assert done.names == ["Transfer", "Transfer", "Transfer", "SlashReleased"]
    assert [e["value"] for e in done.named("Transfer")] == [n * NANO for n in (reward, insured, amount - reward - insured)]
    assert done.named("SlashReleased") == [{"case": 1, "reward": reward, "insured": insured, "burned": amount - reward - insured}]
    assert balance(world, bench.reporter) == before + reward
    assert world.tokenomics.insurance() == insured and world.staking.escrow() == 0
    assert bench.case(1)["state"] == RELEASED
    refused("already settled", slashing.release, 1)
    refused("already settled", lambda: slashing.give_back(1, sender=world.owner))


def test_the_owner_gives_a_slash_back_before_it_is_released(bench):
    world, slashing = bench.world, bench.slashing
    bench.receipts(bench.receipt(), bench.receipt(cost=6))
    refused("not allowed", lambda: slashing.give_back(1, sender=bench.owner))
    refused("unknown case", lambda: slashing.give_back(2, sender=world.owner))
    done = slashing.give_back(1, sender=world.owner)
    assert done.events == [("SlashReturned", {"case": 1, "amount": 2_000 * NANO_LAI})]
    assert pool(world, bench.node)["assets"] == 10_000 * NANO_LAI and world.staking.escrow() == 0
    assert bench.case(1)["state"] == RETURNED
    refused("already settled", lambda: slashing.give_back(1, sender=world.owner))
    refused("too early", slashing.release, 1)
    world.pass_time(7 * DAY)
    refused("already settled", slashing.release, 1)
    refused("already punished", bench.receipts, bench.receipt(), bench.receipt(cost=6))


def test_a_slash_of_an_empty_pool_is_a_case_of_nothing(bench):
    world = bench.world
    world.node_registry.exit(bench.node, sender=bench.owner)
    world.pass_time(7 * DAY)
    world.staking.withdraw(bench.node, sender=bench.owner)
    done = bench.receipts(bench.receipt(), bench.receipt(cost=6))
    assert done.named("Slashed")[0]["amount"] == 0
    world.pass_time(7 * DAY)
    assert bench.slashing.release(1).events == [("SlashReleased", {"case": 1, "reward": 0, "insured": 0, "burned": 0})]


# Quality


@pytest.fixture
def quality(bench):
    world = bench.world
    world.fund(world.committee, 1_000 * NANO_LAI, world.slashing)
    return lambda bps=500, evidence=EVIDENCE, node=None: world.slashing.propose_quality(
        bench.node if node is None else node, bps, evidence, sender=world.committee)


def test_a_quality_slash_waits_three_days(bench, quality):
    """Scenario 68."""
    world, slashing = bench.world, bench.slashing
    before = balance(world, world.committee)
    done = quality()
    ready = world.now + 3 * DAY
    assert done.names == ["Transfer", "QualityProposed"]
    assert done.named("QualityProposed") == [{"case": 1, "node": bench.node, "bps": 500, "evidence": EVIDENCE, "bond": 100 * NANO_LAI,
                                              "readyAt": ready}]
    assert bench.case(1) == {"offence": 4, "node": bench.node, "reporter": world.committee.address, "amount": 0,
                             "evidence": EVIDENCE, "time": ready, "bps": 500, "bond": 100 * NANO_LAI, "state": PROPOSED}
    refused("already punished", quality)
    for call in (slashing.release, lambda n: slashing.give_back(n, sender=world.owner)):
        refused("unknown case", call, 1)
    world.set_time(ready - 1)
    refused("too early", slashing.execute_quality, 1)
    world.set_time(ready)
    done = slashing.execute_quality(1, sender=world.stranger)
    assert done.names == ["Transfer", "StakeSlashed", "Slashed"]
    assert done.named("Slashed") == [{"case": 1, "node": bench.node, "reporter": world.committee.address, "offence": 4,
                                      "amount": 500 * NANO_LAI, "evidence": EVIDENCE}]
    assert balance(world, world.committee) == before
    assert bench.case(1) | {"state": ESCROWED, "time": world.now, "amount": 500 * NANO_LAI} == bench.case(1)
    refused("already settled", slashing.execute_quality, 1)
    refused("too late", lambda: slashing.veto_quality(1, sender=world.guardian))
    world.pass_time(7 * DAY)
    done = slashing.release(1)
    assert done.names == ["Transfer", "Transfer", "SlashReleased"]
    assert done.named("SlashReleased") == [{"case": 1, "reward": 0, "insured": 250 * NANO_LAI, "burned": 250 * NANO_LAI}]
    assert balance(world, world.committee) == before, "who decides receives nothing"


def test_the_guardian_vetoes_in_time(bench, quality):
    world, slashing = bench.world, bench.slashing
    quality()
    ready = world.now + 3 * DAY
    refused("not allowed", lambda: slashing.veto_quality(1, sender=world.owner))
    refused("unknown case", lambda: slashing.veto_quality(2, sender=world.guardian))
    done = slashing.veto_quality(1, sender=world.guardian)
    assert done.names == ["Transfer", "QualityVetoed"]
    assert world.tokenomics.insurance() == 100 * NANO_LAI and bench.case(1)["state"] == VETOED
    refused("already settled", lambda: slashing.veto_quality(1, sender=world.guardian))
    refused("too early", slashing.execute_quality, 1)
    refused("unknown case", slashing.release, 1)
    quality(evidence=SESSION)
    world.set_time(ready)
    refused("already settled", slashing.execute_quality, 1)
    refused("already punished", quality)
    world.set_time(ready + DAY)
    refused("too late", lambda: slashing.veto_quality(2, sender=world.guardian))


def test_quality_costs_five_per_cent_an_epoch_at_most(bench, quality):
    world, slashing = bench.world, bench.slashing
    two = register(world, bench.owner)
    for n, (bps, number) in enumerate(((300, None), (201, None), (200, None), (500, two))):
        quality(bps=bps, evidence=keccak(b"%d" % n), node=number)
    world.set_time((world.now // DAY + 4) * DAY)
    slashing.execute_quality(1)
    refused("cap reached", slashing.execute_quality, 2)
    slashing.execute_quality(3)
    slashing.execute_quality(4)
    world.set_time((world.now // DAY + 1) * DAY)
    slashing.execute_quality(2)


def test_quality_proposals_are_refused(bench, quality):
    world = bench.world
    for change, reason in (({"node": 2}, "unknown node"), ({"node": 0}, "unknown node"), ({"bps": 0}, "out of bounds"),
                           ({"bps": 501}, "out of bounds")):
        refused(reason, lambda: quality(**change))
    refused("not allowed", lambda: world.slashing.propose_quality(bench.node, 1, EVIDENCE, sender=world.owner))
    bench.receipts(bench.receipt(), bench.receipt(cost=6))
    refused("unknown case", world.slashing.execute_quality, 1)
    refused("unknown case", lambda: world.slashing.veto_quality(1, sender=world.guardian))
    refused("unknown case", world.slashing.execute_quality, 2)


def test_the_bond_is_one_nano_at_least(bench, quality):
    world = bench.world
    world.node_registry.exit(bench.node, sender=bench.owner)
    assert quality().named("QualityProposed")[0]["bond"] == 1


def test_the_domain_is_that_of_the_registry(bench):
    assert bench.slashing.domain_separator() == bench.domain.separator
    assert bench.domain.separator != Domain(ZERO).separator
