"""Deposits, bonus and withdrawals (scenarios 14 to 22, 73, 74)."""
import pytest
from harness import DAY, HOUR, NANO, ZERO, keccak, refused
from people import Passkey, People, Wallet
from signing import NO_AUTH, Domain
from test_token import permit


@pytest.fixture
def people(world):
    return People(world)


@pytest.fixture
def registry(world):
    return world.user_registry


def test_14_anyone_deposits_for_anyone(people, registry, world):
    person = people.wallet("one")
    world.fund(world.other, 10, registry)
    receipt = registry.deposit(1, 10 * NANO, sender=world.other)
    assert receipt.events == [
        ("Transfer", {"sender": world.other.address, "receiver": registry.address, "value": 10 * NANO}),
        ("Deposited", {"user": 1, "payer": world.other.address, "amount": 10})]
    assert person.funds["available"] == 10
    refused("unknown user", registry.deposit, 2, NANO)
    refused("unknown user", registry.deposit, 0, NANO)
    for units in (0, 1, NANO - 1, NANO + 1, 2**64 * NANO, 2**256 - 1):
        refused("bad amount", registry.deposit, 1, units)
    refused("insufficient", registry.deposit, 1, (2**64 - 1) * NANO)
    refused("insufficient", registry.deposit, 1, NANO, sender=world.stranger)


def test_15_a_permit_pays_in_for_whom_its_owner_chooses(people, registry, world):
    person, thief = people.wallet("one"), people.wallet("thief")
    owner = person.root
    world.token.transfer(owner, 9 * NANO)

    def handed(user, units, deadline, nonce=0, by=None, **kw):
        v, r, s = permit(world.token, owner, registry, units, nonce, deadline, by=by)[4:]
        vs = (int.from_bytes(s, "big") | (v - 27) << 255).to_bytes(32, "big")
        return registry.deposit_with_permit(user, owner, units, deadline, r, vs, **kw)

    late = world.next + DAY
    refused("expired", handed, 1, NANO, world.now)
    refused("bad signature", handed, 1, NANO, late, by=Wallet("thief"))
    refused("unknown user", handed, 3, NANO, late)
    # The permit names no user: whoever sees it must not choose one.
    refused("not allowed", handed, thief.id, NANO, late, sender=world.stranger)
    refused("bad amount", handed, 1, NANO + 1, late)
    refused("insufficient", handed, 1, 10 * NANO, late)
    receipt = handed(1, 5 * NANO, late, sender=world.stranger)
    assert receipt.names == ["Approval", "Transfer", "Deposited"]
    refused("bad signature", handed, 1, 5 * NANO, late, sender=world.stranger)
    assert (person.funds["available"], world.token.balanceOf(owner), world.token.nonces(owner)) == (5, 4 * NANO, 1)


def test_15_the_owner_of_the_tokens_gives_them_to_anyone(people, registry, world):
    person = people.passkey("one")
    digest = Domain(world.token).message("Permit", world.owner, registry, NANO, 0, world.next + DAY)
    mark = world.owner.key.sign_recoverable(keccak(digest), hasher=None)
    vs = (int.from_bytes(mark[32:64], "big") | mark[64] << 255).to_bytes(32, "big")
    registry.deposit_with_permit(person.id, world.owner, NANO, world.next + DAY, mark[:32], vs, sender=world.owner)
    assert person.funds["available"] == 1


def test_16_20_a_withdrawal_waits_and_is_paid_once(people, registry, world):
    person = people.passkey("one", deposit=100)
    refused("nothing pending", registry.complete_withdraw, 1)
    refused("unknown user", registry.complete_withdraw, 2)
    receipt = person.withdraw(60, world.other)
    end = world.now + DAY
    assert receipt.events == [("WithdrawRequested", {"user": 1, "to": world.other.address, "amount": 60, "thawEnd": end})]
    world.set_time(end - 1)
    refused("too early", registry.complete_withdraw, 1, sender=world.stranger)
    world.set_time(end)
    receipt = registry.complete_withdraw(1, sender=world.stranger)
    assert receipt.events == [
        ("Transfer", {"sender": registry.address, "receiver": world.other.address, "value": 60 * NANO}),
        ("Withdrawn", {"user": 1, "to": world.other.address, "amount": 60})]
    refused("nothing pending", registry.complete_withdraw, 1, sender=world.stranger)
    assert person.funds == dict.fromkeys(person.funds, 0) | {"available": 40, "to": ZERO}


def test_17_18_requests(people, registry, world):
    person = people.wallet("one", deposit=100)
    world.faucet.grant(1, sender=world.signer)
    refused("insufficient", person.withdraw, 101, world.other)
    refused("insufficient", person.withdraw, 2**64 - 1, world.other)
    refused("bad amount", person.withdraw, 0, world.other)
    refused("bad address", person.withdraw, 1, ZERO)
    refused("nothing pending", person.cancel)
    person.withdraw(50, world.other)
    end = world.now + DAY
    world.pass_time(HOUR)
    person.withdraw(30, world.other)
    assert (person.funds["thaw_end"], person.funds["thawing"], person.funds["available"]) == (end, 30, 70)
    person.withdraw(30, world.other)
    assert person.funds["thaw_end"] == end
    person.withdraw(31, world.other)
    end = world.now + DAY
    assert person.funds["thaw_end"] == end
    world.pass_time(HOUR)
    # Another recipient waits like a new request.
    person.withdraw(1, world.stranger)
    assert person.funds["thaw_end"] == world.now + DAY
    assert person.cancel().events == [("WithdrawCancelled", {"user": 1, "amount": 1})]
    assert (person.funds["available"], person.funds["thaw_end"], person.funds["to"]) == (100, 0, ZERO)
    person.withdraw(100, world.other)
    assert person.funds["bonus"] == 5 * 10**9


def test_21_a_bonus_goes_back(people, registry, world):
    person = people.wallet("one")
    refused("not allowed", registry.credit_bonus, 1, 5, sender=world.owner)
    refused("nothing pending", registry.expire_bonus, 1)
    refused("unknown user", registry.expire_bonus, 2)
    receipt = world.faucet.grant(1, sender=world.signer)
    end = world.now + 180 * DAY
    assert receipt.names == ["Transfer", "BonusCredited", "Granted"]
    assert receipt.named("BonusCredited") == [{"user": 1, "amount": 5 * 10**9, "expires": end}]
    world.set_time(end - 1)
    refused("too early", registry.expire_bonus, 1)
    world.set_time(end)
    before = world.token.balanceOf(world.faucet)
    assert registry.expire_bonus(1).names == ["Transfer", "BonusExpired"]
    assert world.token.balanceOf(world.faucet) == before + 5 * 10**9 * NANO
    assert person.funds["bonus"] == person.funds["bonus_end"] == 0


def test_22_two_roots_share_a_nonce(people, registry, world):
    person, second = people.wallet("one", deposit=10), Passkey("second")
    person.root_change(second)
    fields = (1, 5, world.other.address, 1)
    mine, theirs = person.auth("Withdraw", *fields), person.auth("Withdraw", *fields, by=second)
    registry.request_withdraw(*fields, mine)
    refused("bad nonce", registry.request_withdraw, *fields, theirs)


def test_73_74_a_pause(people, registry, world):
    person = people.wallet("one", deposit=100)
    key = person.key()
    person.withdraw(10, world.other)
    refused("not allowed", registry.pause, sender=world.stranger)
    refused("not paused", registry.unpause)
    assert registry.pause(sender=world.guardian).events == [("Paused", {"until": world.now + 7 * DAY})]
    until = registry.paused_until()
    assert until == world.now + 7 * DAY
    refused("paused", registry.pause, sender=world.guardian)
    for call in (
        lambda: registry.settle([people.entry(key, 1, 5)]), lambda: registry.settle([]), lambda: registry.deposit(1, NANO),
        lambda: registry.deposit(2, 1), lambda: registry.deposit_with_permit(1, world.owner, 1, 0, bytes(32), bytes(32)),
        lambda: person.grant(Wallet("another")), lambda: registry.complete_withdraw(1), lambda: registry.complete_withdraw(2),
        lambda: registry.grant_key_attested(1, ZERO, 9, 0, 0, sender=world.stranger),
    ):
        refused("paused", call)
    # What ends someone's exposure goes on.
    person.revoke(key)
    person.withdraw(9, world.other)
    person.cancel()
    person.withdraw(10, world.other)
    person.bump()
    person.root_change(Wallet("another root"))
    people.wallet("two")
    people.attested("three")
    world.faucet.grant(1, sender=world.signer)
    assert registry.ask("preview", [people.entry(key, 9, 5)]) == (5,)
    world.set_time(until)
    # At this very second the pause is over, but not the rest after it.
    registry.deposit(1, NANO)
    refused("paused", registry.complete_withdraw, 1)
    world.set_time(until + 6 * HOUR - 1)
    refused("paused", registry.complete_withdraw, 1)
    world.set_time(until + 6 * HOUR)
    registry.complete_withdraw(1)
    world.set_time(until + 30 * DAY - 1)
    refused("too early", registry.pause, sender=world.guardian)
    world.set_time(until + 30 * DAY)
    registry.pause(sender=world.guardian)
    assert registry.unpause().events == [("Unpaused", {})]
    until = registry.paused_until()
    assert until == world.now
    refused("not allowed", registry.unpause, sender=world.guardian)
    person.withdraw(1, world.other)
    registry.deposit(1, NANO)
    world.pass_time(DAY)
    registry.complete_withdraw(1)
    refused("too early", registry.pause, sender=world.guardian)
    # The owner may at any time, and prolong it.
    registry.pause()
    world.pass_time(DAY)
    registry.pause()
    assert registry.paused_until() == world.now + 7 * DAY


def test_no_auth_is_the_caller(people, registry, world):
    registry.register_wallet(world.other, bytes(32), bytes(32), sender=world.other)
    registry.deposit(1, 5 * NANO)
    refused("unknown root", registry.request_withdraw, 1, 5, world.stranger, 0, NO_AUTH, sender=world.stranger)
    registry.request_withdraw(1, 5, world.stranger, 0, NO_AUTH, sender=world.other)
    registry.cancel_withdraw(1, 1, NO_AUTH, sender=world.other)
    registry.bump_generation(1, 2, NO_AUTH, sender=world.other)
