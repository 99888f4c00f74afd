"""A token that calls back, and ones that answer badly (scenarios 75 and 76)."""
import pytest
from harness import DAY, NANO, World, refused
from people import People


@pytest.fixture(scope="module")
def hostile():
    world = World(doubles={"LAIToken": "HostileToken", "NodeRegistry": "Nodes"})
    world.node_registry.set_nodes(3)
    world.node_registry.set_node(1, world.other.address, 2_000)
    world.people = People(world)
    world.person = world.people.wallet("one", deposit=1000)
    world.key = world.person.key()
    world.faucet.grant(1, sender=world.signer)
    world.user_registry.settle([world.people.entry(world.key, 1, 6 * 10**9)])
    world.tokenomics.harvest(1)
    world.person.deposit(1000)
    world.faucet.grant(world.people.wallet("two").id, sender=world.signer)
    world.person.withdraw(100, world.other)
    world.pass_time(DAY)
    world.token.transfer(world.treasury, 1000 * NANO)
    return world


@pytest.fixture
def world(hostile):
    before = hostile.snapshot()
    yield hostile
    hostile.revert(before)


def moves(world):
    """Every call of these contracts that moves tokens."""
    w = world
    fresh = w.people.attested("three").id
    yield "deposit", lambda: w.user_registry.deposit(1, 10 * NANO)
    yield "complete_withdraw", lambda: w.user_registry.complete_withdraw(1)
    yield "settle", lambda: w.user_registry.settle([w.people.entry(w.key, 1, 7 * 10**9, 5), w.people.entry(w.key, 2, 5)])
    yield "grant", lambda: w.faucet.grant(fresh, sender=w.signer)
    yield "claim", lambda: w.tokenomics.claim(1)
    yield "sweep", lambda: w.tokenomics.sweep()
    yield "pay", lambda: w.treasury.pay(w.other, 10)
    w.pass_time(181 * DAY)
    yield "expire_bonus", lambda: w.user_registry.expire_bonus(2)


def owed(world):
    """What the contracts hold and what they owe, in nano."""
    registry, tokenomics, token = world.user_registry, world.tokenomics, world.token
    funds = [registry.funds_of(u) for u in range(1, registry.users() + 1)]
    users = sum(f[0] + f[1] + f[3] for f in funds)
    nodes = sum(sum(tokenomics.earnings_of(n)) for n in (1, 2, 3)) + tokenomics.fees() + tokenomics.insurance()
    return [(token.balanceOf(registry), users * NANO), (token.balanceOf(tokenomics), nodes * NANO)]


@pytest.mark.parametrize("manner, reason", [(1, "transfer failed"), (2, ""), (3, "")])
def test_76_a_move_that_is_not_confirmed_fails_and_changes_nothing(world, manner, reason):
    for name, call in moves(world):
        world.token.behave(manner)
        before = owed(world), world.person.funds
        refused(reason, call)
        assert (owed(world), world.person.funds) == before, name
        world.token.behave(0)
        call()
        assert all(held == due for held, due in owed(world)), name


def attacks(world):
    """Calls that the token makes in the middle of a move."""
    registry, tokenomics = world.user_registry, world.tokenomics
    yield registry, "settle", [world.people.entry(world.key, 1, 8 * 10**9)]
    yield registry, "complete_withdraw", 1
    yield registry, "deposit", 1, NANO
    yield tokenomics, "claim", 1
    yield tokenomics, "sweep"
    yield world.faucet, "grant", 1


def test_75_a_token_that_calls_back_meets_the_lock(world):
    locked = {"deposit": {"registry"}, "complete_withdraw": {"registry"}, "settle": {"registry"}, "expire_bonus": {"registry"},
              "grant": {"registry", "faucet"}, "claim": {"tokenomics"}, "sweep": {"tokenomics"}, "pay": {"treasury"}}
    names = {world.user_registry: "registry", world.tokenomics: "tokenomics", world.faucet: "faucet", world.treasury: "treasury"}
    for i, (contract, function, *values) in enumerate(attacks(world)):
        start = world.snapshot()
        for name, call in moves(world):
            before = world.snapshot()
            world.token.attack(contract, contract.data(function, *values))
            call()
            assert world.token.calls() == 1, name
            if names[contract] in locked[name]:
                assert world.token.successes() == 0, (name, function)
            assert all(held == due for held, due in owed(world)), (name, function)
            world.revert(before)
        world.revert(start)


def test_a_token_without_a_cap_overflows_nothing(world):
    registry, most = world.user_registry, 2**64 - 1
    world.token.give(world.owner, 2**70 * NANO)
    person = world.people.wallet("rich", deposit=most)
    refused("overflow", person.deposit, 1)
    other = world.people.wallet("richer", deposit=most)
    key = person.key(cap=most)
    # Two who pay all they have for one node: no word holds the sum.
    second = other.key(cap=most)
    refused("overflow", registry.settle, [world.people.entry(k, 1, most) for k in (key, second)])
    world.user_registry.settle([world.people.entry(key, 2, most)])
    assert registry.channel_of(key.id, 2) == (most, 0) and person.funds["available"] == 0
    refused("overflow", registry.settle, [world.people.entry(second, 2, most)])
    assert other.funds["available"] == most
    other.withdraw(most, world.other)
    world.pass_time(DAY)
    assert registry.complete_withdraw(other.id).named("Withdrawn")[0]["amount"] == most
