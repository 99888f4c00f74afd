"""What always holds, checked after every step of random runs over all contracts (specification, §6).

LATTICE_FUZZ_STEPS and LATTICE_FUZZ_SEEDS make longer runs and more of them; a failure names the seed and the step.
"""
import os
from collections import Counter

import pytest
from fuzz import ACTIONS, Network
from harness import DAY, GENESIS_TIME, LAI, NANO, ZERO, World
from nodes import NANO_LAI
from people import MONEY

STEPS = int(os.environ.get("LATTICE_FUZZ_STEPS", 150))
SEEDS = int(os.environ.get("LATTICE_FUZZ_SEEDS", 2))
CAP = 10**9 * LAI
# After so many steps everything is read anew, whether the storage behind it changed or not.
FORGET = 25
# The events by which an action may take money from a user.
USER_LOSES = {"settle": {"Settled"}, "complete": {"Withdrawn"}, "expire": {"BonusExpired"}}


class State:
    """All figures of the network at one moment."""

    def __init__(self, network, ask):
        users, keys = [u.id for u in network.users], [k.id for k, _ in network.keys]
        self.nodes = range(1, ask.node_registry.nodes() + 1)
        self.funds = {u: ask.user_registry.funds_of(u) for u in users}
        self.nonces = {u: ask.user_registry.user_of(u)[2] for u in users}
        self.keys = {k: ask.user_registry.key_of(k) for k in keys}
        self.channels = {(k, n): ask.user_registry.channel_of(k, n) for k in keys for n in self.nodes}
        self.earnings = {n: ask.tokenomics.earnings_of(n) for n in self.nodes}
        self.pools = {n: ask.staking.pool_of(n) for n in self.nodes}
        self.fees, self.insurance = ask.tokenomics.fees(), ask.tokenomics.insurance()
        self.escrow, self.total = ask.staking.escrow(), ask.staking.total()
        self.bonds = sum(c[7] for c in map(ask.slashing.case_of, range(1, ask.slashing.cases() + 1)) if c[8] == 1)
        names = ("user_registry", "tokenomics", "staking", "slashing")
        self.held = {n: ask.token.balanceOf(getattr(network.world, n)) for n in names}
        self.supply, self.burned = ask.token.totalSupply(), ask.token.burned()

    def money(self, user):
        available, bonus, _, thawing = self.funds[user][:4]
        return available + bonus + thawing


class Checks:
    def __init__(self, network):
        self.network, self.world = network, network.world
        self.caps, self.minted, self.rewards, self.claimed, self.punished = {}, Counter(), Counter(), set(), set()
        self.budget = {}
        self.holders = {network.world.owner.address}
        self.genesis_supply = network.world.token.totalSupply()
        self.before = State(network, network.ask)
        self.counts = Counter()

    def step(self):
        name, done, reason = self.network.step()
        self.counts[name, reason] += 1
        assert reason != "" and reason != "unknown", f"{name} was refused without a reason"
        if sum(self.counts.values()) % FORGET == 0:
            self.network.ask.forget()
        after = State(self.network, self.network.ask)
        events = done.events if done else []
        if reason is None:
            self.check_events(name, events, self.before, after)
        self.check_sums(after)
        self.check_channels(self.before, after)
        self.check_users(name, events, self.before, after)
        self.check_pools(events, self.before, after)
        self.before = after

    def check_sums(self, now):
        """1 to 3: what there is, is somewhere, and every contract holds what it owes."""
        given = self.network.donations
        assert now.held["user_registry"] == sum(map(now.money, now.funds)) * NANO + given.get("user_registry", 0)
        owed = sum(map(sum, now.earnings.values())) + now.fees + now.insurance
        assert now.held["tokenomics"] == owed * NANO + given.get("tokenomics", 0)
        staked = sum(p[0] for p in now.pools.values())
        assert now.total == staked
        owed = staked + sum(p[4] for p in now.pools.values()) + now.escrow
        assert now.held["staking"] == owed * NANO + given.get("staking", 0)
        assert now.held["slashing"] == now.bonds * NANO + given.get("slashing", 0)
        assert now.supply <= CAP
        assert now.supply == self.genesis_supply + sum(self.minted.values()) - now.burned

    def check_channels(self, before, now):
        """4, 5: nobody pays more than a key signed, nor more than its cap ever was; what was paid stays paid."""
        for channel, (paid, units) in now.channels.items():
            old = before.channels.get(channel, (0, 0))
            assert paid >= old[0] and units >= old[1]
            assert paid <= self.network.signed.get(channel, 0)
        for key, (_, _, _, _, cap, spent) in now.keys.items():
            self.caps[key] = max(self.caps.get(key, 0), cap)
            assert spent == sum(paid for (k, _), (paid, _) in now.channels.items() if k == key) <= self.caps[key]

    def check_users(self, name, events, before, now):
        """7, 10, 14: money leaves a user by settlement, withdrawal and expiry alone; nonces count by one."""
        for user, funds in now.funds.items():
            old = before.funds[user]
            assert now.nonces[user] - before.nonces[user] in (0, 1)
            lost = before.money(user) - now.money(user)
            if lost > 0:
                assert {e for e, _ in events} & USER_LOSES.get(name, set()), f"{name} took {lost} of user {user}"
            if name == "complete" and funds != old:
                paid = [f["amount"] for e, f in events if e == "Withdrawn" and f["user"] == user]
                assert paid == [old[3]] and funds[1] == old[1] and self.world.now >= old[4] > 0
            elif name != "settle":
                assert funds[3] >= old[3] or name in ("withdraw", "cancel"), "thawing falls by settlement or by the user"

    def check_pools(self, events, before, now):
        """11: a price falls by a slash alone, and by the same part for those who stay and those who leave."""
        slashed = {f["node"]: f for e, f in events if e == "StakeSlashed"}
        for number, held in now.pools.items():
            old = before.pools.get(number)
            assert held[3] <= held[2] <= held[1]
            if old is None:
                continue
            for assets, shares in ((0, 1), (4, 5)):
                if number not in slashed:
                    assert (held[assets] + 1) * (old[shares] + 1000) >= (old[assets] + 1) * (held[shares] + 1000)
            if number in slashed:
                bps = 2_000 if not any(e == "Slashed" and f["offence"] == 4 for e, f in events) else None
                if bps:
                    assert slashed[number]["fromPool"] == old[0] * bps // 10_000
                    assert slashed[number]["fromUnbonding"] == old[4] * bps // 10_000
                assert held[0] == old[0] - slashed[number]["fromPool"] and held[4] == old[4] - slashed[number]["fromUnbonding"]
                assert held[1:4] == old[1:4] and held[5:] == old[5:]
            assert held[3] >= old[3], "locked shares never leave"

    def check_events(self, name, events, before, now):
        """1, 6, 13, 14, by what was logged."""
        fields = {kind: [f for e, f in events if e == kind] for kind in ("Transfer", "Settled", "Collected", "RewardClaimed", "Slashed")}
        for move in fields["Transfer"]:
            source, target = list(move.values())[:2]
            self.holders |= {source, target}
            if source == ZERO:
                day = (self.world.now - GENESIS_TIME) // DAY
                self.minted[day] += move["value"]
                assert self.minted[day] <= (100_000 * LAI) >> (day // 730)
        charged = sum(before.money(u) - now.money(u) for u in now.funds) if name == "settle" else 0
        gross = sum(f["gross"] for f in fields["Collected"])
        assert gross == charged
        if name == "settle":
            assert gross == sum(now.channels[c][0] - before.channels[c][0] for c in now.channels)
            paid = sum(m["value"] for m in fields["Transfer"])
            assert paid == gross * NANO
        earned = sum(sum(now.earnings[n]) - sum(before.earnings.get(n, (0, 0, 0))) for n in now.nodes)
        if fields["Collected"]:
            assert earned + now.fees - before.fees == gross
            bps = self.world.tokenomics.parameter(b"fee_bps".ljust(32, b"\0"))
            assert all(f["fee"] == -(-f["gross"] * bps // 10_000) and f["bonus"] <= f["gross"] for f in fields["Collected"])
        for reward in fields["RewardClaimed"]:
            place = reward["epoch"], reward["node"]
            assert place not in self.claimed
            self.claimed.add(place)
            self.rewards[place[0]] += reward["amount"]
            parameter = self.world.tokenomics.parameter
            # The budget may have changed between two claims of an epoch.
            budget = max(self.budget.get(place[0], 0), parameter(b"epoch_budget".ljust(32, b"\0")))
            self.budget[place[0]] = budget
            assert self.rewards[place[0]] <= budget
            bound = self.world.tokenomics.fee_of(*place) * parameter(b"lambda".ljust(32, b"\0")) // 10_000
            assert reward["amount"] <= bound
        for slash in fields["Slashed"]:
            assert slash["evidence"] not in self.punished
            self.punished.add(slash["evidence"])

    def check_supply(self):
        """1: the balances of everybody who ever had any."""
        world = self.world
        holders = self.holders | {a.address for a in world.accounts + self.network.owners + self.network.stakers} | {
            c.address for c in world.by_address.values()}
        assert sum(world.token.balanceOf(h) for h in sorted(holders) if h != ZERO) == world.token.totalSupply()


@pytest.fixture(scope="module")
def alone():
    return World()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_invariants_hold_whatever_happens(seed):
    checks = Checks(Network(World(), seed))
    for step in range(STEPS):
        try:
            checks.step()
        except AssertionError as failure:
            raise AssertionError(f"seed {seed}, step {step}: {failure}") from failure
    checks.check_supply()
    done = {name for name, reason in checks.counts if reason is None}
    assert len(done) > len(ACTIONS) // 3, "the run did next to nothing"
    if STEPS >= 1_000:
        assert len(done) >= len(ACTIONS) - 2, f"never done: {set(ACTIONS) - done}"


@pytest.mark.parametrize("seed", range(SEEDS))
def test_any_order_and_split_of_vouchers_ends_the_same(alone, seed):
    """8: vouchers of several channels, again, in any order and any batches; 9: beside entries that cannot be settled."""
    start = alone.snapshot()
    network = Network(alone, 1_000 + seed)
    random, registry = network.random, alone.user_registry
    for key, user in network.keys:
        network._grant(user, key, cap=10**15)
        user.deposit(10_000 * MONEY)
    # Units grow with the amount, as those of an honest user do.
    good = [network.people.entry(key, number, amount, units=amount // 1_000) for key, _ in network.keys for number in (1, 2)
            for amount in random.sample(range(1, 50 * MONEY), 3)]
    bad = [(99, *good[0][1:]), (*good[1][:4], b"\1" * 32, *good[1][5:]), (*good[2][:1], 2**64 - 1, *good[2][2:])]

    def settle(entries):
        mark = alone.snapshot()
        while entries:
            size = random.randrange(1, 8)
            registry.settle(entries[:size])
            entries = entries[size:]
        ends = {(key.id, n): registry.channel_of(key.id, n) for key, _ in network.keys for n in (1, 2)}
        ends["money"] = [u.funds["available"] for u in network.users]
        alone.revert(mark)
        return ends

    last = settle(sorted(good, key=lambda e: e[1]))
    for _ in range(3):
        assert settle(random.sample(good, len(good))) == last
        assert settle(random.sample(good + good + bad, 2 * len(good) + len(bad))) == last
    mixed = random.sample(good, 6)
    shown = registry.ask("preview", mixed)
    beside = registry.ask("preview", [x for e in mixed for x in (bad[0], e, bad[1])])
    assert beside[1::3] == shown
    alone.revert(start)


def test_splitting_a_node_earns_nothing(alone):
    """12: two nodes of one uptime have together the share that one of their size has, but for a nano of rounding each."""
    start = alone.snapshot()
    shares = []
    for parts in ([(30, 7 * 10**6)], [(10, 2 * 10**6), (20, 5 * 10**6)]):
        mark = alone.snapshot()
        network = Network(alone, 7)
        world, registry = alone, alone.node_registry
        for number in range(1, len(parts) + 2):
            world.staking.stake(number, 3_000 * NANO_LAI, sender=network.owners[number - 1])
        epoch = world.next // DAY
        world.token.transfer(world.other, 1, sender=world.owner)
        key, user = network.keys[0]
        network._grant(user, key, cap=10**15)
        user.deposit(10_000 * MONEY)
        rows = []
        for number, (compute, units) in enumerate([*parts, (40, 10**7)], 1):
            registry.set_compute(number, compute, sender=world.attester)
            world.user_registry.settle([network.people.entry(key, number, 3_000 * MONEY)])
            rows.append(number | 9_700 << 64 | units << 80 | 5_000 << 160)
        world.pass_time(DAY)
        world.network_status.report(epoch, bytes(32), rows, sender=world.reporter)
        # Fees bound rewards; a budget of next to nothing leaves the shares alone.
        budget = b"epoch_budget".ljust(32, b"\0")
        while (old := world.tokenomics.parameter(budget)) > 100 * NANO_LAI:
            world.tokenomics.set_parameter(budget, max(old // 2 + 1, 100 * NANO_LAI), sender=world.owner)
        shares.append(sum(world.tokenomics.reward_of(epoch, number)[0] for number in range(1, len(parts) + 1)))
        alone.revert(mark)
    assert shares[0] > NANO_LAI and 0 <= shares[0] - shares[1] <= 4
    alone.revert(start)
