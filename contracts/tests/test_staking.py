"""Pools: shares, exits, earnings, slashes (scenarios 52, 53, 63 to 65, 69, 70)."""
import random

import pytest
from harness import DAY, HOUR, NANO, Refused, World
from nodes import (NANO_LAI, WORD, activate, balance, earning, earning_deployment, person, pool, register, shares_for,  # noqa: F401
                   worth)


@pytest.fixture
def owner(earning):
    return person(earning, "owner", 1_000_000 * NANO_LAI)


@pytest.fixture
def staker(earning):
    return person(earning, "staker", 1_000_000 * NANO_LAI)


def earn(world, number, rest, bonus=0):
    """Earnings that wait for a harvest."""
    world.token.transfer(world.tokenomics, (rest + bonus) * NANO, sender=world.owner)
    world.tokenomics.earn(number, rest, bonus)


def exit_all(world, number, staker):
    shares, _ = world.staking.stake_of(number, staker)
    return world.staking.request_exit(number, shares, sender=staker)


def test_a_stake_buys_shares_at_the_price(earning, owner, staker):
    world = earning
    one = register(world, owner)
    before = balance(world, staker)
    done = world.staking.stake(one, 700 * NANO_LAI, sender=staker)
    bought = shares_for(700 * NANO_LAI, 1_000 * NANO_LAI, 10**15)
    assert done.names == ["Transfer", "Staked"]
    assert done.events[1][1] == {"node": one, "staker": staker.address, "amount": 700 * NANO_LAI, "shares": bought}
    assert world.staking.stake_of(one, staker) == (bought, world.now)
    assert world.staking.worth_of(one, staker) == (700 * NANO_LAI, world.now)
    assert balance(world, staker) == before - 700 * NANO_LAI
    assert world.staking.total() == 1_700 * NANO_LAI == world.staking.assets(one)
    assert world.staking.assets_of([one, 7]) == (1_700 * NANO_LAI, 0)


def test_the_owner_stakes_for_the_node(earning, owner):
    world = earning
    one = register(world, owner)
    since = world.staking.stake_of(one, owner)
    assert since == (0, world.now)
    world.staking.stake(one, 5, sender=owner)
    assert pool(world, one) | {"shares": 10**15 + 5_000, "self_shares": 10**15 + 5_000} == pool(world, one)
    assert world.staking.stake_of(one, owner) == (0, world.now)


def test_stakes_are_refused(earning, owner, staker):
    world = earning
    one = register(world, owner)
    for number, amount, reason in ((2, 5, "unknown node"), (0, 5, "unknown node"), (one, 0, "bad amount"),
                                   (one, 2_000_000 * NANO_LAI, "too much delegation")):
        with pytest.raises(Refused, match=f"^{reason}$"):
            world.staking.stake(number, amount, sender=staker)
    with pytest.raises(Refused, match="^insufficient$"):
        world.staking.stake(one, 2_000_000 * NANO_LAI, sender=owner)
    world.node_registry.ban(one, WORD, sender=world.owner)
    with pytest.raises(Refused, match="^wrong status$"):
        world.staking.stake(one, 5, sender=staker)


def test_a_donation_cannot_move_the_price(earning, owner, staker):
    """Scenario 63: tokens sent to the contract count for nothing, and earnings that the first staker pays into an almost empty pool
    cost that staker more than the second can lose."""
    world = earning
    one = register(world, owner)
    world.token.transfer(world.staking, 10**6 * NANO, sender=owner)
    assert pool(world, one)["assets"] == 1_000 * NANO_LAI
    # Down to the virtual shares: the owner leaves, one nano of a delegator stays.
    world.staking.stake(one, 1, sender=staker)
    shares, _ = world.staking.stake_of(one, staker)
    assert shares == 1_000
    world.node_registry.exit(one, sender=owner)
    held = pool(world, one)
    assert held["shares"] == 1_000 and held["assets"] <= 2


@pytest.mark.parametrize("donation", [10**6, 10**15])
def test_the_first_staker_of_a_pool_cannot_rob_the_second(earning, donation):
    """Scenario 63, on the arithmetic: a pool begun with one nano and driven up by a donation."""
    assets, shares = 1, shares_for(1, 0, 0)
    assets += donation
    for second in (1, 10**3, 10**6, 10**9, 10**15):
        bought = shares_for(second, assets, shares)
        lost = second - worth(bought, assets + second, shares + bought)
        # One virtual share of the price at most, which is a two-thousandth of what the first put in.
        assert lost <= assets // 2_000 + 2
        if bought == 0:
            assert second <= assets // 2_000 + 1, "and that stake is refused"


def test_earnings_belong_to_those_who_were_there(earning, owner, staker):
    """Scenario 64."""
    world = earning
    one = register(world, owner)
    late = person(world, "late", 10_000 * NANO_LAI)
    world.staking.stake(one, 1_000 * NANO_LAI, sender=staker)
    earn(world, one, 123_456_789_013)
    done = world.staking.stake(one, 1_000 * NANO_LAI, sender=late)
    assert done.names == ["Transfer", "Transfer", "Staked"], "the harvest comes first"
    assets, shares = 2_000 * NANO_LAI + 123_456_789_013, 2 * 10**15
    bought = shares_for(1_000 * NANO_LAI, assets, shares)
    assert done.named("Staked")[0]["shares"] == bought
    assert world.staking.worth_of(one, late)[0] in (1_000 * NANO_LAI, 1_000 * NANO_LAI - 1)
    assets, shares = assets + 1_000 * NANO_LAI, shares + bought
    done = exit_all(world, one, staker)
    amount = worth(10**15, assets, shares)
    assert done.named("ExitRequested") == [{
        "node": one, "staker": staker.address, "shares": 10**15, "amount": amount, "exitShares": shares_for(amount, 0, 0),
        "endsAt": world.now + 7 * DAY}]
    assert amount == 1_000 * NANO_LAI + 123_456_789_013 // 2
    assert pool(world, one) | {"assets": assets - amount, "shares": shares - 10**15, "unbonding": amount,
                               "unbonding_shares": amount * 1_000} == pool(world, one)
    end = world.now + 7 * DAY
    world.set_time(end - 1)
    with pytest.raises(Refused, match="^too early$"):
        world.staking.withdraw(one, sender=staker)
    before = balance(world, staker)
    done = world.staking.withdraw(one, sender=staker)
    assert done.names == ["Transfer", "StakeWithdrawn"]
    assert balance(world, staker) == before + amount
    assert world.staking.exit_of(one, staker) == (0, 0)
    with pytest.raises(Refused, match="^nothing pending$"):
        world.staking.withdraw(one, sender=staker)


def test_an_exit_takes_no_part_in_earnings(earning, owner, staker):
    world = earning
    one = register(world, owner)
    world.staking.stake(one, 1_000 * NANO_LAI, sender=staker)
    exit_all(world, one, staker)
    earn(world, one, 10 * NANO_LAI)
    world.tokenomics.harvest(one)
    world.pass_time(7 * DAY)
    assert world.staking.withdraw(one, sender=staker).named("StakeWithdrawn")[0]["amount"] == 1_000 * NANO_LAI
    assert world.staking.worth_of(one, owner)[0] == 1_010 * NANO_LAI - 1, "but for what the virtual shares take"


def test_a_second_request_adds_to_the_exit_and_starts_its_clock_anew(earning, owner, staker):
    world = earning
    one = register(world, owner)
    world.staking.stake(one, 100, sender=staker)
    world.staking.request_exit(one, 40_000, sender=staker)
    world.pass_time(6 * DAY)
    world.staking.request_exit(one, 60_000, sender=staker)
    assert world.staking.exit_of(one, staker) == (100_000, world.now + 7 * DAY)
    assert world.staking.stake_of(one, staker)[0] == 0
    world.pass_time(6 * DAY)
    with pytest.raises(Refused, match="^too early$"):
        world.staking.withdraw(one, sender=staker)
    world.pass_time(DAY)
    assert world.staking.withdraw(one, sender=staker).named("StakeWithdrawn")[0]["amount"] == 100


def test_exits_are_refused(earning, owner, staker):
    world = earning
    one = register(world, owner)
    world.staking.stake(one, 100, sender=staker)
    request = world.staking.request_exit
    for number, shares, sender, reason in (
            (2, 1, staker, "unknown node"), (one, 0, staker, "bad amount"), (one, 100_001, staker, "insufficient"),
            (one, 2**128 - 1, staker, "insufficient"), (one, 999, staker, "bad amount"), (one, 1, world.other, "insufficient"),
            (one, 10**15 + 1, owner, "insufficient"), (one, 1_000, owner, "stake too small")):
        with pytest.raises(Refused, match=f"^{reason}$"):
            request(number, shares, sender=sender)
    world.staking.stake(one, 100, sender=owner)
    request(one, 100_000, sender=owner)
    with pytest.raises(Refused, match="^stake too small$"):
        request(one, 1_000, sender=owner)
    world.node_registry.ban(one, WORD, sender=world.owner)
    request(one, 10**15, sender=owner)
    assert pool(world, one)["self_shares"] == 0


def test_bonus_earnings_are_locked_self_stake(earning, owner, staker):
    """Scenario 52."""
    world = earning
    one = register(world, owner)
    world.staking.stake(one, 1_000 * NANO_LAI, sender=staker)
    earn(world, one, 500 * NANO_LAI, 300 * NANO_LAI)
    world.tokenomics.harvest(one)
    shares = shares_for(300 * NANO_LAI, 2_500 * NANO_LAI, 2 * 10**15)
    assert pool(world, one) | {"assets": 2_800 * NANO_LAI, "shares": 2 * 10**15 + shares, "self_shares": 10**15 + shares,
                               "locked_shares": shares} == pool(world, one), "first the rest, then the bonus"
    with pytest.raises(Refused, match="^insufficient$"):
        world.staking.request_exit(one, 10**15 + 1, sender=owner)
    world.node_registry.exit(one, sender=owner)
    held = pool(world, one)
    assert held["self_shares"] == held["locked_shares"] == shares
    world.pass_time(7 * DAY)
    world.staking.withdraw(one, sender=owner)
    world.node_registry.complete_exit(one)
    with pytest.raises(Refused, match="^insufficient$"):
        world.staking.request_exit(one, 1, sender=owner)
    assert world.staking.worth_of(one, owner)[0] >= 300 * NANO_LAI - 1


def test_an_exit_with_nothing_but_locked_stake_asks_for_nothing(earning, owner):
    world = earning
    one = register(world, owner)
    world.node_registry.exit(one, sender=owner)
    two = register(world, owner)
    earn(world, two, 0, 2_000 * NANO_LAI)
    world.tokenomics.harvest(two)
    world.staking.request_exit(two, 10**15, sender=owner)
    assert world.node_registry.exit(two, sender=owner).names == ["StatusChanged"]


def test_bonus_for_an_empty_pool_makes_shares(earning, owner):
    world = earning
    one = register(world, owner)
    world.node_registry.exit(one, sender=owner)
    assert pool(world, one)["shares"] == 0
    earn(world, one, 0, 7)
    world.tokenomics.harvest(one)
    assert pool(world, one) | {"assets": 7, "shares": 7_000, "self_shares": 7_000, "locked_shares": 7_000} == pool(world, one)


def test_delegation_ends_at_ten_times_the_self_stake(earning, owner, staker):
    """Scenario 70."""
    world = earning
    one = register(world, owner)
    with pytest.raises(Refused, match="^too much delegation$"):
        world.staking.stake(one, 9_000 * NANO_LAI + 1, sender=staker)
    world.staking.stake(one, 9_000 * NANO_LAI, sender=staker)
    with pytest.raises(Refused, match="^too much delegation$"):
        world.staking.stake(one, 1, sender=staker)
    world.staking.stake(one, 1, sender=owner)
    world.staking.stake(one, 9, sender=staker)


def test_a_pause_stops_stakes_and_nothing_else(earning, owner, staker):
    world = earning
    one = register(world, owner)
    world.staking.stake(one, 100, sender=staker)
    assert world.staking.pause(sender=world.guardian).events == [("Paused", {"until": world.now + 7 * DAY})]
    with pytest.raises(Refused, match="^paused$"):
        world.staking.stake(one, 1, sender=staker)
    with pytest.raises(Refused, match="^paused$"):
        world.staking.stake(99, 1, sender=staker)
    exit_all(world, one, staker)
    world.set_time(world.staking.paused_until() - 1)
    with pytest.raises(Refused, match="^paused$"):
        world.staking.stake(one, 1, sender=staker)
    world.staking.stake(one, 1, sender=staker)
    world.pass_time(HOUR)
    world.staking.withdraw(one, sender=staker)


def test_the_unbonding_time_of_an_exit_is_that_of_its_request(earning, owner, staker):
    world = earning
    one = register(world, owner)
    world.staking.stake(one, 100, sender=staker)
    exit_all(world, one, staker)
    world.node_registry.exit(one, sender=owner)
    end = world.now + 7 * DAY
    world.staking.set_parameter(b"unbonding".ljust(32, b"\0"), 14 * DAY, sender=world.owner)
    world.set_time(end)
    world.staking.withdraw(one, sender=staker)
    world.node_registry.complete_exit(one)


# Slashes, by a double in place of Slashing


@pytest.fixture(scope="module")
def forwarding_deployment():
    return World(doubles={"Tokenomics": "Earnings", "Slashing": "Forwarder"})


@pytest.fixture
def forwarding(forwarding_deployment):
    before = forwarding_deployment.snapshot()
    yield forwarding_deployment
    forwarding_deployment.revert(before)


def slash(world, number, bps):
    return world.slashing.forward(world.staking, world.staking.data("slash", number, bps, 1))


def test_exiting_stake_is_slashed_with_the_rest(forwarding):
    """Scenario 65."""
    world = forwarding
    owner = person(world, "owner", 10_000 * NANO_LAI)
    a, b, c = (person(world, s, 10_000 * NANO_LAI) for s in "abc")
    one = register(world, owner)
    for staker in (a, b, c):
        world.staking.stake(one, 100 * NANO_LAI, sender=staker)
    exit_all(world, one, c)
    world.pass_time(7 * DAY)
    world.staking.withdraw(one, sender=c)
    exit_all(world, one, b)
    done = slash(world, one, 2_000)
    assert done.events == [("StakeSlashed", {"node": one, "fromPool": 220 * NANO_LAI, "fromUnbonding": 20 * NANO_LAI})]
    assert world.staking.escrow() == 240 * NANO_LAI
    assert world.staking.total() == 880 * NANO_LAI == pool(world, one)["assets"]
    exit_all(world, one, a)
    world.pass_time(7 * DAY)
    paid = [world.staking.withdraw(one, sender=s).named("StakeWithdrawn")[0]["amount"] for s in (a, b)]
    assert paid == [80 * NANO_LAI - 1, 80 * NANO_LAI + 1], "who exits and who stays lose the same, but for rounding"
    assert balance(world, c) == 10_000 * NANO_LAI


def test_the_escrow_goes_back_or_out(forwarding):
    world = forwarding
    owner = person(world, "owner", 10_000 * NANO_LAI)
    one = register(world, owner)
    slash(world, one, 1_000)
    data = world.staking.data
    forward = world.slashing.forward
    forward(world.staking, data("unescrow", one, 40 * NANO_LAI))
    assert pool(world, one)["assets"] == 940 * NANO_LAI == world.staking.total()
    before = balance(world, world.other)
    assert forward(world.staking, data("pay_escrow", world.other, 50 * NANO_LAI)).names == ["Transfer"]
    assert balance(world, world.other) == before + 50 * NANO_LAI
    assert forward(world.staking, data("pay_escrow", world.other, 0)).names == []
    with pytest.raises(Refused):
        forward(world.staking, data("burn_escrow", 10 * NANO_LAI + 1))
    with pytest.raises(Refused):
        forward(world.staking, data("unescrow", one, 10 * NANO_LAI + 1))
    assert forward(world.staking, data("burn_escrow", 10 * NANO_LAI)).names == ["Transfer"]
    assert world.token.burned() == 10 * NANO_LAI * NANO
    assert world.staking.escrow() == 0
    with pytest.raises(Refused, match="^out of bounds$"):
        slash(world, one, 10_001)


def test_a_pool_that_was_slashed_to_nothing_begins_anew(forwarding):
    """Scenario 69."""
    world = forwarding
    owner = person(world, "owner", 10_000 * NANO_LAI)
    a, b, c = (person(world, s, 10_000 * NANO_LAI) for s in "abc")
    one = register(world, owner)
    for staker in (a, b):
        world.staking.stake(one, 100 * NANO_LAI, sender=staker)
    exit_all(world, one, b)
    earn(world, one, 0, 50 * NANO_LAI)
    world.tokenomics.harvest(one)
    slash(world, one, 10_000)
    assert pool(world, one) == {"assets": 0, "shares": 0, "self_shares": 0, "locked_shares": 0, "unbonding": 0,
                                "unbonding_shares": 0, "incarnation": 1}
    assert world.staking.total() == 0 and world.staking.escrow() == 1_250 * NANO_LAI
    assert [world.staking.stake_of(one, s)[0] for s in (a, b)] == [0, 0]
    assert world.staking.exit_of(one, b)[0] == 0 and world.staking.exit_of(one, b)[1] != 0
    with pytest.raises(Refused, match="^insufficient$"):
        world.staking.request_exit(one, 1, sender=a)
    with pytest.raises(Refused, match="^too much delegation$"):
        world.staking.stake(one, 1, sender=a)
    done = world.staking.stake(one, 1_000 * NANO_LAI, sender=owner)
    assert done.named("Staked")[0]["shares"] == 10**15, "at the price of a new pool"
    for staker in (a, c):
        world.staking.stake(one, 100 * NANO_LAI, sender=staker)
    assert world.staking.stake_of(one, a)[0] == world.staking.stake_of(one, c)[0] == 10**14
    exit_all(world, one, c)
    world.pass_time(7 * DAY)
    assert world.staking.withdraw(one, sender=c).named("StakeWithdrawn")[0]["amount"] == 100 * NANO_LAI
    done = world.staking.withdraw(one, sender=b)
    assert done.events == [("StakeWithdrawn", {"node": one, "staker": b.address, "amount": 0})]


def test_a_new_exit_takes_the_place_of_a_worthless_one(forwarding):
    world = forwarding
    owner = person(world, "owner", 10_000 * NANO_LAI)
    a = person(world, "a", 10_000 * NANO_LAI)
    one = register(world, owner)
    world.staking.stake(one, 100, sender=a)
    exit_all(world, one, a)
    slash(world, one, 10_000)
    world.staking.stake(one, 1_000 * NANO_LAI, sender=owner)
    world.staking.stake(one, 70, sender=a)
    exit_all(world, one, a)
    assert world.staking.exit_of(one, a) == (70_000, world.now + 7 * DAY)


@pytest.mark.parametrize("seed", range(3))
def test_shares_are_exact_whatever_happens(forwarding, seed):
    """A random run against a model in whole numbers."""
    world, random_ = forwarding, random.Random(seed)
    owner = person(world, "owner", 10**17)
    stakers = [person(world, s, 10**16) for s in "abc"]
    one = register(world, owner, stake=10**15)
    assets, shares, own, locked, ua, us = 10**15, 10**18, 10**18, 0, 0, 0
    held, leaving = {s: 0 for s in stakers}, {s: 0 for s in stakers}
    for _ in range(40):
        who, what = random_.choice(stakers), random_.randrange(6)
        if what < 2:
            amount = random_.randrange(1, 10**random_.randrange(1, 15))
            bought = shares_for(amount, assets, shares)
            if assets + amount > 10 * worth(own, assets + amount, shares + bought) or not bought:
                continue
            world.staking.stake(one, amount, sender=who)
            assets, shares, held[who] = assets + amount, shares + bought, held[who] + bought
        elif what == 2 and held[who]:
            sold = random_.choice((held[who], random_.randrange(1, held[who] + 1)))
            amount = worth(sold, assets, shares)
            if not amount or not shares_for(amount, ua, us):
                continue
            world.staking.request_exit(one, sold, sender=who)
            bought = shares_for(amount, ua, us)
            assets, shares, held[who] = assets - amount, shares - sold, held[who] - sold
            ua, us, leaving[who] = ua + amount, us + bought, leaving[who] + bought
        elif what == 3 and leaving[who]:
            world.pass_time(7 * DAY)
            amount = worth(leaving[who], ua, us)
            assert world.staking.withdraw(one, sender=who).named("StakeWithdrawn")[0]["amount"] == amount
            ua, us, leaving[who] = ua - amount, us - leaving[who], 0
        elif what == 4:
            rest, bonus = (random_.randrange(10**random_.randrange(1, 14)) for _ in range(2))
            earn(world, one, rest, bonus)
            world.tokenomics.harvest(one)
            bought = shares_for(bonus, assets + rest, shares)
            assets, shares, own, locked = assets + rest + bonus, shares + bought, own + bought, locked + bought
        elif what == 5:
            bps = random_.choice((500, 1_000, 2_000))
            slash(world, one, bps)
            assets, ua = assets - assets * bps // 10_000, ua - ua * bps // 10_000
        assert pool(world, one) == {"assets": assets, "shares": shares, "self_shares": own, "locked_shares": locked, "unbonding": ua,
                                    "unbonding_shares": us, "incarnation": 0}
        assert sum(held.values()) + own == shares and sum(leaving.values()) == us
    assert all(world.staking.stake_of(one, s)[0] == held[s] and world.staking.exit_of(one, s)[0] == leaving[s] for s in stakers)
