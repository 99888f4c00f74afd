"""A network of a few users, nodes and stakers that does random things, most of which are possible; the same seed does the same."""
import importlib
import random
from contextlib import contextmanager

from harness import DAY, HOUR, NANO, Refused, keccak
from nodes import NANO_LAI, person, register, row, signer
from people import MONEY, DeviceKey, Passkey, People, Wallet
from signing import sign_digest

# How often an action is tried beside the others.
ACTIONS = {
    "settle": 14, "deposit": 5, "grant": 3, "raise_cap": 5, "withdraw": 4, "cancel": 1, "complete": 4, "bonus": 3, "expire": 1,
    "revoke": 1, "bump": 1, "add_root": 1,
    "register": 2, "commission": 1, "hand_over": 1, "exit_node": 1, "complete_exit": 1, "compute": 2, "let_in": 2, "suspend": 1,
    "stake": 6, "request_exit": 5, "withdraw_stake": 4, "harvest": 4, "claim": 3, "sweep": 2,
    "report": 5, "seal": 4, "reject": 2, "reward": 6,
    "prove": 2, "release": 2, "give_back": 1, "propose_quality": 2, "veto": 2, "execute_quality": 1,
    "pause": 1, "unpause": 2, "figure": 1, "donate": 1, "wait": 8,
}
USERS, KEYS, NODES, STAKERS = 4, 6, 5, 3


class Reader:
    """Asks views, and remembers the answers as long as the storage that they were read from is the same."""

    # Only its own nonce is moved by a view that runs on the chain's state itself; it sends nothing.
    address = "0x00000000000000000000000000000000000000ff"

    def __init__(self, world):
        self.world, self.answers = world, {}
        self.opcodes = importlib.import_module(f"ethereum.forks.{world.chain.fork}.vm.instructions.storage")

    def __getattr__(self, name):
        contract = getattr(self.world, name)

        class Views:
            def __getattr__(_, function):
                return lambda *values: self._ask(contract, function, values)
        return Views()

    def forget(self):
        self.answers.clear()

    def _ask(self, contract, function, values):
        name = contract.address, function, *(getattr(v, "address", v) for v in values)
        answer, read = self.answers.get(name, (None, None))
        if read is None or any(self._stored(*place) != value for place, value in read.items()):
            with self._reading() as read:
                answer = getattr(contract, function)(*values, sender=self)
            self.answers[name] = answer, read
        return answer

    def _stored(self, address, key):
        trie = self.world.chain.state._storage_tries.get(address)
        return int(trie._data.get(key, 0)) if trie else 0

    @contextmanager
    def _reading(self):
        """Without a copy of the state, and with a note of every word that is loaded."""
        read, load = {}, self.opcodes.get_storage

        def note(state, address, key):
            value = load(state, address, key)
            read[address, key] = int(value)
            return value

        self.world.chain.copy_state, self.opcodes.get_storage = (lambda state: state), note
        try:
            yield read
        finally:
            del self.world.chain.copy_state
            self.opcodes.get_storage = load


class Network:
    def __init__(self, world, seed):
        self.world, self.random, self.ask = world, random.Random(seed), Reader(world)
        self.people = People(world)
        self.users = [self.people.wallet(n, deposit=100 * MONEY) if n % 2 else self.people.passkey(n, deposit=100 * MONEY)
                      for n in range(USERS)]
        self.keys = []                      # (key, user)
        self.signed = {}                    # (key, node) -> the greatest amount that the key signed
        self.entries = []                   # every voucher there was
        self.donations = {}                 # contract -> units that came from nowhere
        self.owners = [person(world, f"owner {n}", 5_000 * NANO_LAI) for n in range(3)]
        self.stakers = [person(world, f"staker {n}", 20_000 * NANO_LAI) for n in range(STAKERS)]
        world.fund(world.committee, 1_000 * NANO_LAI, world.slashing)
        world.set_time((world.now // DAY + 1) * DAY)
        for n in range(3):
            self._register(self.owners[n])
        for n in range(3):
            self._grant(self.users[n], (Wallet, DeviceKey)[n % 2](f"fuzz {n}"))

    def step(self):
        """One action: its name, the contract call's receipt, and the reason where it was refused."""
        name = self.random.choices(list(ACTIONS), ACTIONS.values())[0]
        try:
            return name, getattr(self, "_do_" + name)(), None
        except Refused as refused:
            return name, None, refused.reason

    # Whom and what

    def _amount(self, most=40 * MONEY):
        """Small, large and odd ones."""
        return self.random.choice((1, self.random.randrange(1, 1_000), self.random.randrange(1, most)))

    def _user(self):
        return self.random.choice(self.users)

    def _number(self):
        """A node, and seldom none."""
        return self.random.randrange(1, self.ask.node_registry.nodes() + 1) if self.random.random() < 0.97 else 99

    def _owner(self, number):
        return next((o for o in self.owners if o.address == self.ask.node_registry.control_of(number)[0]), self.world.stranger)

    def _epoch(self):
        return self.world.next // DAY - self.random.choice((1, 1, 1, 2, 3))

    def _epoch_that(self, is_right):
        """One of the last epochs of which this holds, if there is one."""
        last = [e for e in range(self.world.next // DAY - 3, self.world.next // DAY)
                if is_right(*(self.ask.network_status.epoch_of(e)[i] for i in (0, 4)))]
        return self.random.choice(last or [self._epoch()])

    def _case(self):
        return self.random.randrange(1, self.ask.slashing.cases() + 2)

    # Users

    def _grant(self, user, key, cap=None):
        user_of = self.ask.user_registry.user_of(user.id)
        done = user.grant(key, cap=cap or self._amount(200 * MONEY), until=self.world.next + self.random.randrange(1, 30 * DAY))
        if all(k.id != key.id for k, _ in self.keys):
            self.keys.append((key, user))
        assert self.ask.user_registry.user_of(user.id)[2] == user_of[2] + 1
        return done

    def _do_grant(self):
        if len(self.keys) == KEYS:
            return self._do_raise_cap()
        kind = self.random.choice((Wallet, DeviceKey))
        return self._grant(self._user(), kind(f"fuzz {len(self.keys)}"))

    def _do_raise_cap(self):
        key, user = self.random.choice(self.keys)
        return self._grant(user if self.random.random() < 0.9 else self._user(), key)

    def _do_settle(self):
        entries = []
        for _ in range(self.random.randrange(1, 6)):
            key, _ = self.random.choice(self.keys)
            number = self._number()
            before = self.signed.get((key.id, number), 0)
            kind = self.random.random()
            if kind < 0.15 and self.entries:
                entries.append(self.random.choice(self.entries))
                continue
            amount = before + self._amount(20 * MONEY) if kind < 0.9 else self.random.choice((0, before, 2**64 - 1, before // 2))
            if amount == 2**64 - 1 and self.random.random() < 0.7:
                amount = before + 1
            amount = min(amount, 2**64 - 1)
            made = self.people.entry(key, number, amount, units=self.random.randrange(10**6), receipts=keccak(b"%d" % amount))
            if kind > 0.96:
                made = (*made[:4], keccak(b"r"), *made[5:])
            else:
                self.signed[key.id, number] = max(before, amount)
            entries.append(made)
        self.random.shuffle(entries)
        self.entries += entries
        self.last_entries = entries
        return self.world.user_registry.settle(entries, sender=self.random.choice((self.world.stranger, self.world.owner)))

    def _do_deposit(self):
        return self._user().deposit(self._amount())

    def _do_withdraw(self):
        return self._user().withdraw(self._amount(), self.world.other)

    def _do_cancel(self):
        return self._user().cancel()

    def _do_complete(self):
        return self.world.user_registry.complete_withdraw(self._user().id)

    def _do_bonus(self):
        return self.world.faucet.grant(self._user().id, sender=self.world.signer)

    def _do_expire(self):
        if self.random.random() < 0.5:
            self.world.pass_time(180 * DAY)
        return self.world.user_registry.expire_bonus(self._user().id)

    def _do_revoke(self):
        key, user = self.random.choice(self.keys)
        return user.revoke(key)

    def _do_bump(self):
        return self._user().bump()

    def _do_add_root(self):
        user = self._user()
        return user.root_change(Passkey(f"root {self.random.randrange(6)}"))

    # Nodes

    def _register(self, owner):
        register(self.world, owner, stake=1_000 * NANO_LAI + self._amount(500 * NANO_LAI), commission=self.random.randrange(10_001))

    def _do_register(self):
        if self.ask.node_registry.nodes() == NODES:
            return self._do_stake()
        return self._register(self.random.choice(self.owners))

    def _do_commission(self):
        number = self._number()
        return self.world.node_registry.set_commission(number, self.random.randrange(10_001), sender=self._owner(number))

    def _do_hand_over(self):
        number, heir = self._number(), self.random.choice(self.owners)
        self.world.node_registry.transfer(number, heir, sender=self._owner(number))
        return self.world.node_registry.accept(number, sender=heir)

    def _do_exit_node(self):
        if self.ask.node_registry.nodes() < NODES:
            return self._do_register()
        number = self._number()
        return self.world.node_registry.exit(number, sender=self._owner(number))

    def _do_complete_exit(self):
        return self.world.node_registry.complete_exit(self._number())

    def _do_compute(self):
        return self.world.node_registry.set_compute(self._number(), self.random.randrange(1, 30), sender=self.world.attester)

    def _do_let_in(self):
        return self.world.network_status.resume(self._number(), sender=self.world.reporter)

    def _do_suspend(self):
        return self.world.network_status.suspend(self._number(), bytes(32), sender=self.world.reporter)

    # Stakes and earnings

    def _do_stake(self):
        return self.world.staking.stake(self._number(), self._amount(2_000 * NANO_LAI), sender=self.random.choice(self.stakers + self.owners))

    def _do_request_exit(self):
        number, staker = self._number(), self.random.choice(self.stakers + self.owners)
        held = self.ask.staking.stake_of(number, staker)[0]
        if staker is self._owner(number):
            held = self.ask.staking.pool_of(number)[2]
        shares = self.random.choice((held, self.random.randrange(held + 2), held // 2))
        return self.world.staking.request_exit(number, shares, sender=staker)

    def _do_withdraw_stake(self):
        leaving = [(n, s) for n in range(1, self.ask.node_registry.nodes() + 1) for s in self.stakers + self.owners
                   if self.ask.staking.exit_of(n, s)[1]]
        number, staker = self.random.choice(leaving or [(1, self.stakers[0])])
        if self.random.random() < 0.3:
            self.world.pass_time(7 * DAY)
        return self.world.staking.withdraw(number, sender=staker)

    def _do_harvest(self):
        return self.world.tokenomics.harvest(self._number())

    def _do_claim(self):
        return self.world.tokenomics.claim(self._number())

    def _do_sweep(self):
        return self.world.tokenomics.sweep()

    # Reports and rewards

    def _do_report(self):
        epoch, rows = self._epoch(), []
        for number in range(1, self.ask.node_registry.nodes() + 1):
            if self.random.random() < 0.8 and not self.ask.network_status.row_of(epoch, number)[0]:
                rows.append(row(number, self.random.choice((8_999, 9_500, 10_000, self.random.randrange(10_001))),
                                self.random.choice((0, self.random.randrange(10**9))), self.random.randrange(10_001),
                                self.random.randrange(10_001), 5))
        return self.world.network_status.report(epoch, bytes(32), rows, sender=self.world.reporter)

    def _do_seal(self):
        return self.world.network_status.seal(self._epoch_that(lambda sealed, count: count and not sealed), sender=self.world.reporter)

    def _do_reject(self):
        return self.world.network_status.reject(self._epoch_that(lambda sealed, count: self.world.next < sealed + 6 * HOUR),
                                                sender=self.world.guardian)

    def _do_reward(self):
        final = [e for e in range(self.world.next // DAY - 4, self.world.next // DAY) if self.world.network_status.is_final(e)]
        return self.world.tokenomics.claim_reward(self.random.choice(final or [self._epoch()]), self._number())

    # Slashes

    def _do_prove(self):
        number = self._number()
        session = keccak(b"%d" % self.random.randrange(8))
        at = self.world.now - self.random.choice((0, DAY, 29 * DAY, 31 * DAY))
        first, second = ((session, 1, number, self.world.other.address, bytes(32), bytes(32), bytes(32), 1, 1, cost, 1, at)
                         for cost in (1, 2))
        by = signer(number)
        marks = [sign_digest(by.key, keccak(self.people.domain.message("Receipt", *r))) for r in (first, second)]
        self.last_evidence = (number, session)
        return self.world.slashing.prove_receipts(first, *marks[0], second, *marks[1], sender=self.world.other)

    def _do_release(self):
        if self.random.random() < 0.3:
            self.world.pass_time(7 * DAY)
        return self.world.slashing.release(self._case())

    def _do_give_back(self):
        return self.world.slashing.give_back(self._case(), sender=self.world.owner)

    def _do_propose_quality(self):
        return self.world.slashing.propose_quality(self._number(), self.random.randrange(1, 501), keccak(b"%d" % self.random.randrange(30)),
                                                   sender=self.world.committee)

    def _do_veto(self):
        proposed = [n for n in range(1, self.ask.slashing.cases() + 1) if self.ask.slashing.case_of(n)[8] == 1]
        return self.world.slashing.veto_quality(self.random.choice(proposed or [self._case()]), sender=self.world.guardian)

    def _do_execute_quality(self):
        if self.random.random() < 0.5:
            self.world.pass_time(3 * DAY)
        return self.world.slashing.execute_quality(self._case())

    # The rest

    def _contract(self):
        return self.random.choice((self.world.user_registry, self.world.staking, self.world.tokenomics))

    def _do_pause(self):
        return self._contract().pause(sender=self.world.guardian)

    def _do_unpause(self):
        contracts = (self.world.user_registry, self.world.staking, self.world.tokenomics)
        paused = [c for c in contracts if c.paused_until() > self.world.next]
        return self.random.choice(paused or contracts).unpause(sender=self.world.owner)

    def _do_figure(self):
        name, low, high = self.random.choice((("fee_bps", 0, 2_000), ("burn_bps", 0, 10_000), ("alpha", 0, 10_000), ("lambda", 0, 30_000),
                                              ("epoch_budget", 0, 100_000 * NANO_LAI)))
        word = name.encode().ljust(32, b"\0")
        old = self.ask.tokenomics.parameter(word)
        value = min(max(old + self.random.randrange(-(high - low) // 20, (high - low) // 20), low), high)
        return self.world.tokenomics.set_parameter(word, value, sender=self.world.owner)

    def _do_donate(self):
        to = self.random.choice(("user_registry", "staking", "tokenomics", "slashing"))
        units = self._amount(MONEY * NANO)
        done = self.world.token.transfer(getattr(self.world, to), units, sender=self.world.owner)
        self.donations[to] = self.donations.get(to, 0) + units
        return done

    def _do_wait(self):
        self.world.pass_time(self.random.choice((60, HOUR, 6 * HOUR, DAY, DAY, 8 * DAY)))



