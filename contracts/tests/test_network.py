"""Whole lives of nodes with every contract real, and tokens that misbehave towards stakes (scenarios 49 to 54, 57, 61, 75, 76)."""
import pytest
from harness import DAY, HOUR, NANO, Refused, World, keccak, refused
from nodes import NANO_LAI, WORD, activate, balance, last_epoch, person, pool, register, row, signer
from people import MONEY, People
from signing import Domain, sign_digest

BONUS = 5 * NANO_LAI


@pytest.fixture
def network(world):
    """Two active nodes; the first has a delegator with a third of its pool, and two customers, one with a bonus."""
    world.owner_of = [person(world, f"owner {n}", 50_000 * NANO_LAI) for n in range(2)]
    world.delegator = person(world, "delegator", 10_000 * NANO_LAI)
    for owner in world.owner_of:
        activate(world, register(world, owner, commission=1_000))
    world.staking.stake(1, 500 * NANO_LAI, sender=world.delegator)
    world.people = People(world)
    world.customer, world.guest = world.people.wallet("customer", deposit=10_000 * MONEY), world.people.passkey("guest")
    world.faucet.grant(world.guest.id, sender=world.signer)
    world.key = world.customer.key(cap=10_000 * MONEY)
    world.guest_key = world.guest.key(cap=10_000 * MONEY)
    return world


def pay(world, number, nano, key=None):
    key = key or world.key
    paid, _ = world.user_registry.channel_of(key.id, number)
    return world.user_registry.settle([world.people.entry(key, number, paid + nano)])


def test_earnings_are_shared_by_the_commission_and_by_stake(network):
    """Scenarios 49, 52."""
    world = network
    pay(world, 1, 100 * MONEY)
    pay(world, 1, BONUS, key=world.guest_key)
    # 5 % fee; of the rest a tenth is the owner's and nine tenths the pool's.
    earned, bonus, _ = world.tokenomics.earnings_of(1)
    assert (earned, bonus) == (95 * MONEY, 475 * MONEY // 100)
    done = world.tokenomics.harvest(1)
    assert done.named("Harvested") == [{"node": 1, "claimable": 95 * MONEY // 10, "pool": 855 * MONEY // 10, "stake": bonus}]
    assert world.staking.worth_of(1, world.delegator)[0] == 500 * NANO_LAI + 285 * MONEY // 10 - 1
    held = pool(world, 1)
    assert held["assets"] == 1_500 * NANO_LAI + 855 * MONEY // 10 + bonus
    assert 0 < held["locked_shares"] == held["self_shares"] - 10**15
    assert world.tokenomics.harvest(1).events == []
    with pytest.raises(Refused, match="^insufficient$"):
        world.staking.request_exit(1, held["self_shares"], sender=world.owner_of[0])


def test_who_stakes_in_the_block_of_a_harvest_gets_none_of_it(network):
    """Scenario 64."""
    world = network
    pay(world, 1, 1_000 * MONEY)
    late = person(world, "late", 1_000 * NANO_LAI)
    chain = world.chain
    chain.automine = False
    for contract, function, values, sender in ((world.staking, "stake", (1, 500 * NANO_LAI), late), (world.tokenomics, "harvest", (1,), world.other)):
        nonce = int(chain.rpc("eth_getTransactionCount", [sender.address]), 16)
        chain.submit(sender.transaction(chain.chain_id, nonce, contract.address, contract.data(function, *values), gas=1_000_000))
    block = chain.mine()
    chain.automine = True
    assert [m.receipt.succeeded for m in block.txs] == [True, True]
    assert world.staking.worth_of(1, late)[0] in (500 * NANO_LAI - 1, 500 * NANO_LAI)
    assert world.staking.worth_of(1, world.delegator)[0] == 500 * NANO_LAI + 285 * MONEY - 1


def test_the_payout_address_is_that_of_the_claim(network):
    """Scenario 50."""
    world = network
    pay(world, 2, 100 * MONEY)
    world.tokenomics.harvest(2)
    fresh = person(world, "payout")
    world.node_registry.propose_payout(2, fresh, sender=world.owner_of[1])
    ready = world.now + DAY
    before = balance(world, world.owner_of[1])
    world.tokenomics.claim(2, sender=world.stranger)
    assert balance(world, world.owner_of[1]) == before + 95 * MONEY // 10
    pay(world, 2, 100 * MONEY)
    world.tokenomics.harvest(2)
    world.set_time(ready)
    world.node_registry.accept_payout(2)
    world.tokenomics.claim(2, sender=world.stranger)
    assert balance(world, fresh) == 95 * MONEY // 10


def test_a_rise_of_the_commission_counts_from_its_day(network):
    """Scenario 54."""
    world = network
    world.node_registry.set_commission(1, 10_000, sender=world.owner_of[0])
    in_force = world.now + 7 * DAY
    world.pass_time(DAY)
    pay(world, 1, 100 * MONEY)
    assert world.tokenomics.harvest(1).named("Harvested")[0]["claimable"] == 95 * MONEY // 10
    world.set_time(in_force - 2)
    pay(world, 1, 100 * MONEY)
    assert world.next == in_force - 1
    pay(world, 1, 100 * MONEY)
    assert world.tokenomics.harvest(1).named("Harvested")[0]["claimable"] == 190 * MONEY


def test_a_node_that_leaves_is_still_paid_and_earns_no_reward(network):
    """Scenario 53."""
    world, owner = network, network.owner_of[0]
    pay(world, 1, 100 * MONEY)
    done = world.node_registry.exit(1, sender=owner)
    assert done.names == ["Transfer", "Harvested", "ExitRequested", "StatusChanged"]
    end = world.now + 7 * DAY
    assert world.node_registry.active() == 1
    assert pay(world, 1, 100 * MONEY).names == ["Settled", "Transfer", "Collected"]
    world.staking.request_exit(1, world.staking.stake_of(1, world.delegator)[0], sender=world.delegator)
    assert pool(world, 1)["shares"] == 0 and pool(world, 1)["assets"] > 0
    pay(world, 1, 100 * MONEY)
    assert world.tokenomics.harvest(1).named("Harvested") == [{"node": 1, "claimable": 95 * MONEY, "pool": 0, "stake": 0}]
    own = world.tokenomics.earnings_of(1)[2]
    assert own == 95 * MONEY // 10 * 2 + 95 * MONEY, "with nobody left all of it is the owner's"
    world.set_time(end)
    world.node_registry.complete_exit(1)
    before = balance(world, owner)
    world.staking.withdraw(1, sender=owner)
    assert balance(world, owner) >= before + 1_000 * NANO_LAI
    epoch = last_epoch(world)
    world.network_status.report(epoch, WORD, [row(2)], sender=world.reporter)
    world.network_status.seal(epoch, sender=world.reporter)
    world.pass_time(6 * HOUR)
    refused("nothing reported", world.tokenomics.claim_reward, epoch, 1)
    pay(world, 1, 100 * MONEY)
    world.tokenomics.harvest(1)
    world.tokenomics.claim(1)
    assert world.tokenomics.earnings_of(1) == (0, 0, 0)


def test_rewards_follow_the_second_report(network):
    """Scenarios 57, 61: a rejected epoch pays nothing until it is reported again; compute beyond the stake does not count."""
    world = network
    for number, units in ((1, 100), (2, 30)):
        world.node_registry.set_compute(number, units, sender=world.attester)
    world.set_time((world.now // DAY + 1) * DAY)
    epoch = world.now // DAY + 1
    for number in (1, 2):
        pay(world, number, 4_000 * MONEY)
    world.set_time((epoch + 1) * DAY)
    status, tokenomics = world.network_status, world.tokenomics
    status.report(epoch - 1, WORD, [row(1, units=10**6), row(2, units=0)], sender=world.reporter)
    status.seal(epoch - 1, sender=world.reporter)
    status.reject(epoch - 1, sender=world.guardian)
    status.report(epoch - 1, WORD, [row(1, uptime=9_500, units=600), row(2, uptime=9_999, units=200)], sender=world.reporter)
    refused("not final", tokenomics.claim_reward, epoch - 1, 1)
    status.seal(epoch - 1, sender=world.reporter)
    refused("not final", tokenomics.claim_reward, epoch - 1, 1)
    world.pass_time(6 * HOUR)
    # C: 15 of a stake of 1 500 LAI, 10 of 1 000 LAI; V: 600 and 200.
    assert status.epoch_of(epoch - 1)[2:] == (25, 800, 2)
    budget = 50_000 * NANO_LAI
    fees = [tokenomics.fee_of(epoch - 1, number) for number in (1, 2)]
    for number, share, uptime in ((1, budget * 3 // 10 * 15 // 25 + budget * 7 // 10 * 600 // 800, 500),
                                  (2, budget * 3 // 10 * 10 // 25 + budget * 7 // 10 * 200 // 800, 999)):
        amount = min(share * uptime // 1_000, fees[number - 1] * 8 // 10)
        assert tokenomics.reward_of(epoch - 1, number) == (amount, False)
        done = tokenomics.claim_reward(epoch - 1, number)
        assert done.named("RewardClaimed") == [{"epoch": epoch - 1, "node": number, "amount": amount}]
    refused("already claimed", tokenomics.claim_reward, epoch - 1, 1)


# Tokens that call back, or answer badly


def calls_back(world, contract, function, *values, during=None):
    """Whether the token can make this call in the middle of a move: the one given, or one of its own."""
    world.token.attack(contract, contract.data(function, *values))
    (during or (lambda: world.token.transfer(world.other, 1, sender=world.rich)))()
    assert world.token.calls() == 1
    return world.token.successes() == 1


@pytest.fixture(scope="module")
def hostile_deployment():
    world = World(doubles={"LAIToken": "HostileToken", "Tokenomics": "Earnings"})
    world.rich = person(world, "rich")
    world.token.transfer(world.rich, 10**6 * NANO_LAI * NANO)
    world.token.transfer(world.committee, 10**6 * NANO_LAI * NANO)
    register(world, world.rich)
    register(world, world.rich)
    world.staking.stake(1, 1_000 * NANO_LAI, sender=world.rich)
    world.staking.request_exit(1, 10**14, sender=world.rich)
    # The token itself has a stake and an exit, so that what it calls in the middle of a move would be possible.
    world.token.give(world.token, 10**6 * NANO_LAI * NANO)
    for function, values in (("stake", (1, 1_000 * NANO_LAI)), ("request_exit", (1, 10**14))):
        assert calls_back(world, world.staking, function, *values)
    domain = Domain(world.user_registry)
    receipts = [(WORD, 1, 1, world.other.address, WORD, WORD, WORD, 1, 1, cost, 1, world.now) for cost in (1, 2)]
    marks = [sign_digest(signer(1).key, keccak(domain.message("Receipt", *r))) for r in receipts]
    world.slashing.prove_receipts(receipts[0], *marks[0], receipts[1], *marks[1], sender=world.other)
    world.slashing.propose_quality(2, 100, keccak(b"veto"), sender=world.committee)
    world.slashing.propose_quality(2, 100, keccak(b"execute"), sender=world.committee)
    return world


@pytest.fixture
def hostile(hostile_deployment):
    before = hostile_deployment.snapshot()
    yield hostile_deployment
    hostile_deployment.revert(before)


def moves(world):
    """Every call of these contracts that moves tokens."""
    yield "register", lambda: world.node_registry.register(1, WORD, WORD, world.rich, signer("new"), 0, 1_000 * NANO_LAI, sender=world.rich)
    yield "stake", lambda: world.staking.stake(1, 5, sender=world.rich)
    yield "propose", lambda: world.slashing.propose_quality(1, 1, keccak(b"more"), sender=world.committee)
    yield "veto", lambda: world.slashing.veto_quality(2, sender=world.guardian)
    world.pass_time(3 * DAY)
    yield "execute", lambda: world.slashing.execute_quality(3)
    world.pass_time(4 * DAY)
    yield "withdraw", lambda: world.staking.withdraw(1, sender=world.rich)
    yield "release", lambda: world.slashing.release(1)


def owed(world):
    """What Staking and Slashing hold beyond what they owe."""
    pools = [pool(world, n) for n in range(1, world.node_registry.nodes() + 1)]
    staked = sum(p["assets"] + p["unbonding"] for p in pools) + world.staking.escrow()
    bonds = sum(c[7] for c in map(world.slashing.case_of, range(1, world.slashing.cases() + 1)) if c[8] == 1)
    return world.token.balanceOf(world.staking) - staked * NANO, world.token.balanceOf(world.slashing) - bonds * NANO


@pytest.mark.parametrize("manner, reason", [(1, "transfer failed"), (2, ""), (3, "")])
def test_a_move_of_stake_that_is_not_confirmed_changes_nothing(hostile, manner, reason):
    """Scenario 76."""
    world = hostile
    for name, call in moves(world):
        before = owed(world), world.staking.total(), world.slashing.cases(), world.node_registry.nodes()
        world.token.behave(manner)
        refused(reason, call)
        assert (owed(world), world.staking.total(), world.slashing.cases(), world.node_registry.nodes()) == before, name
        world.token.behave(0)
        call()
        assert owed(world) == (0, 0), name


def test_a_token_that_calls_back_meets_the_lock_of_stakes(hostile):
    """Scenario 75."""
    world = hostile
    attacks = [(world.staking, "withdraw", 1), (world.staking, "request_exit", 1, 10_000), (world.staking, "stake", 1, 5),
               (world.slashing, "release", 1), (world.slashing, "execute_quality", 3)]
    within = {"register": {world.staking}, "stake": {world.staking}, "withdraw": {world.staking}, "release": {world.staking, world.slashing},
              "propose": {world.slashing}, "veto": {world.slashing}, "execute": {world.slashing}}
    for contract, function, *values in attacks:
        start, possible = world.snapshot(), 0
        for name, call in moves(world):
            before = world.snapshot()
            alone = calls_back(world, contract, function, *values)
            possible += alone
            world.revert(before)
            before = world.snapshot()
            if calls_back(world, contract, function, *values, during=call):
                assert alone and contract not in within[name], (name, function)
            assert owed(world) == (0, 0), (name, function)
            world.revert(before)
        assert possible, f"{function} would have been refused without a lock"
        world.revert(start)
