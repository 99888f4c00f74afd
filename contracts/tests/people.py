"""Users and nodes as most tests need them."""
from harness import DAY, NANO, keccak
from signing import NO_AUTH, DeviceKey, Domain, Passkey, Wallet, entry

MONEY = 10**9


class People:
    """Makes users of one registry."""

    def __init__(self, world):
        self.world, self.registry, self.domain = world, world.user_registry, Domain(world.user_registry)
        world.token.approve(self.registry, 2**256 - 1, sender=world.owner)

    def wallet(self, seed, deposit=0):
        """A user of a wallet, with its root."""
        root = Wallet(f"root {seed}")
        self.registry.register_wallet(root, *root.sign(self.domain.message("RegisterWallet", root)))
        return self._person(root, deposit)

    def passkey(self, seed, deposit=0):
        root = Passkey(seed)
        message = self.domain.message("RegisterPasskey", root.x, root.y, root.rp)
        self.registry.register_passkey(root.x, root.y, root.rp, root.auth(message))
        return self._person(root, deposit)

    def attested(self, seed, deposit=0):
        self.registry.register_attested(keccak(f"someone {seed}".encode()), sender=self.world.registrar)
        return self._person(None, deposit)

    def _person(self, root, deposit):
        person = Person(self, self.registry.users(), root)
        if deposit:
            person.deposit(deposit)
        return person

    def entry(self, key, node, amount, units=0, receipts=bytes(32)):
        return entry(self.domain, key, node, amount, units, receipts)


class Person:
    def __init__(self, people, id, root):
        self.people, self.id, self.root = people, id, root
        self.registry, self.world = people.registry, people.world

    @property
    def nonce(self):
        return self.registry.user_of(self.id)[2]

    @property
    def funds(self):
        names = "available bonus bonus_end thawing thaw_end to generation generation_end".split()
        return dict(zip(names, self.registry.funds_of(self.id)))

    def deposit(self, nano):
        return self.registry.deposit(self.id, nano * NANO)

    def auth(self, name, *values, by=None):
        return (by or self.root).auth(self.people.domain.message(name, *values))

    def grant(self, key, cap=10**12, until=None, by=None, **kw):
        """Grants a key; the registrar does it where there is no root."""
        fields = (self.id, key.id, key.kind, until or self.world.next + 20 * DAY, cap)
        if self.root is None:
            return self.registry.grant_key_attested(*fields, sender=self.world.registrar)
        fields += (self.nonce,)
        return self.registry.grant_key(*fields, self.auth("KeyGrant", *fields, by=by), sender=self.world.stranger, **kw)

    def key(self, seed=0, kind=Wallet, **kw):
        """A granted session key."""
        key = kind(f"key {self.id} {seed}")
        self.grant(key, **kw)
        return key

    def revoke(self, key, by=None):
        fields = (self.id, key.id, self.nonce)
        return self.registry.revoke_key(*fields, self.auth("KeyRevoke", *fields, by=by), sender=self.world.stranger)

    def bump(self):
        fields = (self.id, self.nonce)
        return self.registry.bump_generation(*fields, self.auth("BumpGeneration", *fields), sender=self.world.stranger)

    def root_change(self, root, add=True, by=None):
        fields = (self.id, root.id, root.kind, getattr(root, "rp", bytes(32)), add, self.nonce)
        return self.registry.change_root(*fields, self.auth("RootChange", *fields, by=by), sender=self.world.stranger)

    def withdraw(self, amount, to, by=None):
        fields = (self.id, amount, getattr(to, "address", to), self.nonce)
        return self.registry.request_withdraw(*fields, self.auth("Withdraw", *fields, by=by), sender=self.world.stranger)

    def cancel(self):
        fields = (self.id, self.nonce)
        return self.registry.cancel_withdraw(*fields, self.auth("CancelWithdraw", *fields), sender=self.world.stranger)


__all__ = ["MONEY", "NO_AUTH", "DeviceKey", "Passkey", "Person", "People", "Wallet"]
