"""Fees, harvests, claims, rewards, the insurance, the faucet and the treasury (scenarios 45, 49, 50, 58 to 62, 77)."""
import pytest
from harness import DAY, LAI, NANO, ZERO, World, refused, word_name
from people import People, Wallet

E = 50_000 * 10**9
BONUS = 5 * 10**9


@pytest.fixture(scope="module")
def plain():
    """Nodes and their status are what a test says."""
    world = World(doubles={"NodeRegistry": "Nodes", "NetworkStatus": "Status"})
    world.node_registry.set_nodes(5)
    world.node_registry.set_node(1, world.attester.address, 2_500)
    world.people = People(world)
    world.person = world.people.wallet("one", deposit=10**17)
    world.key = world.person.key(cap=10**17, until=world.next + 30 * DAY)
    return world


@pytest.fixture
def world(plain):
    before = plain.snapshot()
    yield plain
    plain.revert(before)


@pytest.fixture
def nodes(world):
    """The real node registry: two nodes, the second with a delegator."""
    fresh = World()
    for i in (1, 2):
        fresh.fund(fresh.other, 1000 * 10**9, fresh.staking)
        fresh.node_registry.register(1, bytes(32), bytes(32), fresh.attester, Wallet(f"node {i}"), 2_500, 1000 * 10**9,
                                     sender=fresh.other)
    fresh.people = People(fresh)
    return fresh


def pay(world, node, amount):
    paid = world.user_registry.channel_of(world.key.id, node)[0]
    return world.user_registry.settle([world.people.entry(world.key, node, paid + amount)])


def epoch_of(world):
    return world.now // DAY


def test_only_the_registry_collects(world):
    for call in (lambda: world.tokenomics.collect([1 | 5 << 64]), lambda: world.tokenomics.pull(1), lambda: world.tokenomics.insure(5)):
        refused("not allowed", call)
    for node in (0, 6, 2**64 - 1):
        for function in ("harvest", "claim"):
            refused("unknown node", getattr(world.tokenomics, function), node)
        refused("unknown node", world.tokenomics.claim_reward, epoch_of(world), node)


def test_the_part_that_a_bonus_paid_rounds_up_and_bounds_no_reward(world):
    world.faucet.grant(1, sender=world.signer)
    # Nothing divides evenly.
    gross = BONUS + 10**9 + 7
    receipt = pay(world, 1, gross)
    fee = -(-gross * 500 // 10_000)
    net = gross - fee
    assert gross * 500 % 10_000 and net * BONUS % gross and fee * (gross - BONUS) % gross
    assert receipt.named("Collected") == [{"node": 1, "gross": gross, "bonus": BONUS, "fee": fee}]
    bonus = -(-net * BONUS // gross)
    assert world.tokenomics.earnings_of(1) == (net - bonus, bonus, 0)
    assert world.tokenomics.fee_of(epoch_of(world), 1) == fee * (gross - BONUS) // gross
    assert world.tokenomics.fees() == fee


def test_45_extremes_of_the_fee(world):
    for figure, fee in ((1_000, 1), (2_000, 1)):
        world.tokenomics.set_parameter(word_name("fee_bps"), figure)
        assert pay(world, 1, 1).named("Collected")[0]["fee"] == fee
    for figure in (1_000, 500, 250, 125, 25, 0):
        world.tokenomics.set_parameter(word_name("fee_bps"), figure)
    assert pay(world, 1, 7).named("Collected")[0]["fee"] == 0
    assert world.tokenomics.earnings_of(1)[0] == 7


def test_49_50_a_harvest_splits_and_a_claim_pays_the_payout_address(nodes):
    world, tokenomics = nodes, nodes.tokenomics
    world.person = world.people.wallet("one", deposit=10**9)
    world.faucet.grant(1, sender=world.signer)
    world.key = world.person.key()
    assert tokenomics.harvest(1).events == [] and tokenomics.claim(1).events == []
    pay(world, 1, BONUS + 1001)
    earned, bonus, _ = tokenomics.earnings_of(1)
    own = earned * 2_500 // 10_000
    receipt = tokenomics.harvest(1, sender=world.stranger)
    assert receipt.named("Transfer") == [
        {"sender": tokenomics.address, "receiver": world.staking.address, "value": (earned - own + bonus) * NANO}]
    assert receipt.events[-1] == ("Harvested", {"node": 1, "claimable": own, "pool": earned - own, "stake": bonus})
    assert tokenomics.earnings_of(1) == (0, 0, own)
    assert world.staking.assets(1) == 1000 * 10**9 + earned - own + bonus
    assert tokenomics.harvest(1).events == []
    receipt = tokenomics.claim(1, sender=world.stranger)
    assert receipt.events == [
        ("Transfer", {"sender": tokenomics.address, "receiver": world.attester.address, "value": own * NANO}),
        ("Claimed", {"node": 1, "to": world.attester.address, "amount": own})]
    assert tokenomics.claim(1).events == []
    # A stake harvests first, so that whoever joins gets none of what was earned before.
    pay(world, 1, 10_000)
    world.fund(world.council, 10**9, world.staking)
    names = world.staking.stake(1, 10**9, sender=world.council).names
    assert names == ["Transfer", "Harvested", "Transfer", "Staked"]
    # The owner's self stake leaves; who harvests then has nobody to share with.
    world.node_registry.exit(2, sender=world.other)
    pay(world, 2, 10_000)
    assert tokenomics.harvest(2).events == [("Harvested", {"node": 2, "claimable": 9_500, "pool": 0, "stake": 0})]


def test_fees_are_swept_and_partly_burned(world):
    tokenomics, token = world.tokenomics, world.token
    assert tokenomics.sweep().events == []
    pay(world, 1, 10_001)
    receipt = tokenomics.sweep(sender=world.stranger)
    assert receipt.events == [
        ("Transfer", {"sender": tokenomics.address, "receiver": world.treasury.address, "value": 501 * NANO}),
        ("Swept", {"amount": 501, "burned": 0})]
    tokenomics.set_parameter(word_name("burn_bps"), 500)
    pay(world, 1, 10_000)
    supply = token.totalSupply()
    assert tokenomics.sweep().events[1:] == [
        ("Transfer", {"sender": tokenomics.address, "receiver": ZERO, "value": 25 * NANO}), ("Swept", {"amount": 475, "burned": 25})]
    assert token.totalSupply() == supply - 25 * NANO and tokenomics.fees() == 0
    for figure in (1_000, 2_000, 4_000, 8_000, 10_000):
        tokenomics.set_parameter(word_name("burn_bps"), figure)
    pay(world, 1, 10_000)
    assert tokenomics.sweep().events[-1] == ("Swept", {"amount": 0, "burned": 500})


def reported(world, rows):
    """Reports an epoch in which nodes were paid, and ends it: rows are (node, paid, uptime, units, compute)."""
    world.set_time((world.now // DAY + 1) * DAY)
    for node, paid, *_ in rows:
        pay(world, node, paid)
    epoch = epoch_of(world)
    for node, _, uptime, units, compute in rows:
        world.network_status.set_row(epoch, node, uptime, units, compute)
    world.pass_time(DAY)
    world.network_status.finish(epoch)
    return epoch


def test_58_a_reward_is_a_share_of_the_budget(world):
    paid = 2 * 10**15
    rows = [(1, paid, 10_000, 30, 7), (2, paid, 9_500, 60, 2), (3, paid, 9_000, 10, 1)]
    epoch = reported(world, rows)
    for node, _, uptime, units, compute in rows:
        share = E * 3_000 // 10_000 * compute // 10 + (E - E * 3_000 // 10_000) * units // 100
        amount = share * (uptime - 9_000) // 1_000
        before = world.tokenomics.earnings_of(node)[0]
        assert world.tokenomics.reward_of(epoch, node) == (amount, False)
        receipt = world.tokenomics.claim_reward(epoch, node, sender=world.stranger)
        minted = [("Transfer", {"sender": ZERO, "receiver": world.tokenomics.address, "value": amount * NANO})] if amount else []
        assert receipt.events == minted + [("RewardClaimed", {"epoch": epoch, "node": node, "amount": amount})]
        assert world.tokenomics.earnings_of(node)[0] == before + amount
        assert world.tokenomics.reward_of(epoch, node) == (amount, True)
        refused("already claimed", world.tokenomics.claim_reward, epoch, node)
    refused("nothing reported", world.tokenomics.claim_reward, epoch, 4)


def test_59_61_what_bounds_a_reward(world):
    rows = [(1, 10**6, 10_001, 1, 0), (2, 1, 10_000, 1, 0), (3, 10**14, 8_000, 1, 0), (5, 10**6, 9_999, 1, 0)]
    epoch = reported(world, rows)
    # Without compute anywhere that term is nothing; the fee bounds the rest: 0.8 of 5 %.
    assert world.tokenomics.reward_of(epoch, 1)[0] == 40_000
    assert world.tokenomics.reward_of(epoch, 2)[0] == 0
    assert world.tokenomics.reward_of(epoch, 3)[0] == 0
    assert world.tokenomics.reward_of(epoch, 4) == (0, False)
    assert world.tokenomics.claim_reward(epoch, 2).names == ["RewardClaimed"]
    world.tokenomics.set_parameter(word_name("epoch_budget"), 100_000 * 10**9)
    for name, figure in (("alpha", 3_500), ("lambda", 9_500)):
        world.tokenomics.set_parameter(word_name(name), figure)
    assert world.tokenomics.reward_of(epoch, 1)[0] == 47_500


def test_57_58_when_a_reward_may_be_claimed(world):
    epoch = reported(world, [(1, 10**9, 10_000, 5, 5)])
    refused("not final", world.tokenomics.claim_reward, epoch + 1, 1)
    refused("not final", world.tokenomics.claim_reward, 2**64 - 1, 1)
    world.tokenomics.pause(sender=world.guardian)
    refused("paused", world.tokenomics.claim_reward, epoch, 1)
    pay(world, 1, 1)
    world.tokenomics.harvest(1)
    world.tokenomics.claim(1)
    # The fee of a finished epoch waits for its claim in a place of its own.
    assert world.tokenomics.fee_of(epoch, 1) == 5 * 10**7 and world.tokenomics.fee_of(epoch_of(world), 1) == 1
    world.set_time((epoch + 90) * DAY + DAY - 1)
    world.tokenomics.claim_reward(epoch, 1)
    later = reported(world, [(1, 10**6, 10_000, 5, 5)])
    world.set_time((later + 91) * DAY)
    refused("too late", world.tokenomics.claim_reward, later, 1)


def test_the_fee_of_an_epoch_is_kept_whoever_touches_the_node_first(world):
    world.set_time((world.now // DAY + 1) * DAY)
    first = epoch_of(world)
    pay(world, 1, 10_000)
    first = epoch_of(world)
    pay(world, 1, 10_000)
    world.pass_time(DAY)
    world.tokenomics.harvest(1)
    assert world.tokenomics.fee_of(first, 1) == 1_000
    world.pass_time(3 * DAY)
    pay(world, 1, 2_000)
    assert [world.tokenomics.fee_of(e, 1) for e in (first, first + 1, epoch_of(world))] == [1_000, 0, 100]


def test_62_the_token_refuses_rewards_beyond_a_days_schedule(world):
    paid = 3 * 10**15
    world.tokenomics.set_parameter(word_name("epoch_budget"), 100_000 * 10**9)
    epochs = [reported(world, [(1, paid, 10_000, 5, 5)]) for _ in range(2)]
    amount = world.tokenomics.reward_of(epochs[0], 1)[0]
    assert amount == 100_000 * 10**9
    world.tokenomics.claim_reward(epochs[0], 1)
    refused("beyond schedule", world.tokenomics.claim_reward, epochs[1], 1)
    world.pass_time(DAY)
    world.tokenomics.claim_reward(epochs[1], 1)
    assert world.token.totalSupply() == 854_000_000 * LAI + 2 * amount * NANO


def test_the_insurance_pays_what_slashing_sent(world):
    refused("not allowed", world.tokenomics.pay_insurance, world.other, 1, sender=world.guardian)
    refused("insufficient", world.tokenomics.pay_insurance, world.other, 1)
    assert world.tokenomics.pay_insurance(world.other, 0).names == ["InsurancePaid"]
    # Fees and earnings are not its money.
    pay(world, 1, 10_000)
    refused("insufficient", world.tokenomics.pay_insurance, world.other, 1)


def test_77_the_faucet_gives_once_and_within_its_day(world):
    faucet, signer = world.faucet, world.signer
    refused("not allowed", faucet.grant, 1, sender=world.owner)
    refused("unknown user", faucet.grant, 0, sender=signer)
    refused("unknown user", faucet.grant, 2, sender=signer)
    world.set_time((world.now // DAY + 1) * DAY)
    assert faucet.grant(1, sender=signer).named("Granted") == [{"user": 1, "amount": BONUS}]
    assert faucet.granted_at(1) == world.now and faucet.given_today() == BONUS
    refused("already granted", faucet.grant, 1, sender=signer)
    for figure in (2_500, 1_250, 625, 312, 156, 78, 39, 20, 10):
        try:
            faucet.set_parameter(word_name("daily_budget"), figure * 10**9)
        except Exception as error:
            raise AssertionError(figure) from error
    second, third = (world.people.attested(i).id for i in "ab")
    faucet.grant(second, sender=signer)
    refused("budget spent", faucet.grant, third, sender=signer)
    world.pass_time(DAY)
    assert faucet.given_today() == 0
    faucet.grant(third, sender=signer)
    for figure in (2, 1, 0):
        faucet.set_parameter(word_name("grant_amount"), figure * 10**9)
    refused("bad amount", faucet.grant, world.people.attested("c").id, sender=signer)


def test_the_treasury_pays_by_its_owner(world):
    refused("not allowed", world.treasury.pay, world.other, 5, sender=world.other)
    refused("insufficient", world.treasury.pay, world.other, 5)
    refused("bad address", world.treasury.pay, ZERO, 5)
    world.token.transfer(world.treasury, 5 * NANO)
    assert world.treasury.pay(world.other, 5).names == ["Transfer", "Paid"]
    assert world.treasury.pay(ZERO, 0).events == [("Paid", {"to": ZERO, "amount": 0})]


def test_the_directory(world):
    assert world.directory.at(word_name("UserRegistry")) == world.user_registry.address
    refused("not allowed", world.directory.publish, word_name("UserRegistry"), world.other, sender=world.other)
    assert world.directory.publish(word_name("UserRegistry"), world.other).events == [
        ("Published", {"name": word_name("UserRegistry"), "at": world.other.address})]
    assert world.directory.at(word_name("UserRegistry")) == world.other.address
