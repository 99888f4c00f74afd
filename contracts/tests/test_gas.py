"""The gas budgets of the ledger specification, section 7, that concern settling and granting."""
import random

import pytest
from harness import DAY, World
from people import DeviceKey, People, Wallet

COUNT = 200


class Crowd:
    """Two hundred users with a key of each curve, and as many nodes."""

    def __init__(self):
        self.world = World(doubles={"NodeRegistry": "Nodes"})
        self.world.node_registry.set_nodes(2 * COUNT)
        self.people = People(self.world)
        self.registry = self.world.user_registry
        self.keys = {Wallet: [], DeviceKey: []}
        for i in range(COUNT):
            person = self.people.attested(i)
            for kind in self.keys:
                self.keys[kind].append(person.key(kind=kind))
            person.deposit(10**9)

    def batch(self, kind, nodes, amount, first=1):
        """A voucher of each key; `nodes` to a batch, from `first` on, neighbours together."""
        each = COUNT // nodes
        return [self.people.entry(key, first + i // each, amount, amount // 7, b"\x5a" * 32) for i, key in enumerate(self.keys[kind])]


@pytest.fixture(scope="module")
def crowd():
    return Crowd()


@pytest.fixture
def settled(crowd):
    """What settle costs; every test on the same chain."""
    before = crowd.world.snapshot()

    def settle(entries):
        receipt = crowd.registry.settle(entries)
        assert len(receipt.named("Settled")) == len(entries)
        return receipt.gas

    yield settle
    crowd.world.revert(before)


@pytest.mark.parametrize("kind, budget", [(Wallet, 30_000), (DeviceKey, 35_500)])
def test_a_voucher_of_two_hundred_ten_a_node(crowd, settled, kind, budget):
    settled(crowd.batch(kind, 20, 5_000_000))
    gas = settled(crowd.batch(kind, 20, 7_654_321)) / COUNT
    print(f"\n{kind.__name__}: {gas:.0f} gas a voucher")
    assert gas <= budget
    # The first batch of a day gives the fee of the day before its place.
    crowd.world.pass_time(DAY)
    gas = settled(crowd.batch(kind, 20, 8_654_321)) / COUNT
    print(f"first of a day: {gas:.0f}")
    assert gas <= budget


def test_two_hundred_new_channels_to_new_nodes_fit_a_transaction(crowd, settled):
    gas = settled(crowd.batch(DeviceKey, COUNT, 7_654_321))
    print(f"\nall new: {gas}")
    assert gas <= 16_000_000


@pytest.mark.parametrize("kind", [Wallet, DeviceKey])
def test_a_single_voucher(crowd, settled, kind):
    settled(crowd.batch(kind, 1, 1_000_000)[:50])
    first = settled([crowd.people.entry(crowd.keys[kind][100], 1, 1_000_000, 9, b"\x5a" * 32)])
    second = settled([crowd.people.entry(crowd.keys[kind][100], 1, 7_654_321, 99, b"\x5a" * 32)])
    print(f"\n{kind.__name__}: new channel {first}, then {second}")
    assert max(first, second) <= 135_000


@pytest.mark.parametrize("curve", ["secp256k1", "P-256", "P-256, a known key"])
def test_rubbish(crowd, settled, curve):
    dice = random.Random(7)
    entries = []
    for i in range(COUNT):
        numbers = (dice.randrange(1, COUNT), dice.randrange(2**64), dice.randrange(2**64))
        words = [dice.randbytes(32) for _ in range(5)]
        if curve == "secp256k1":
            # A valid signature of an unknown key costs the most.
            words[1:] = Wallet(i).quad(dice.randbytes(66))
        elif curve == "P-256, a known key":
            key = crowd.keys[DeviceKey][i]
            words[3:] = key.x, key.y
        entries.append((*numbers, *words))
    receipt = crowd.registry.settle(entries)
    print(f"\n{curve}: {receipt.gas}")
    assert len(receipt.named("Rejected")) == COUNT
    if curve != "P-256, a known key":
        assert receipt.gas <= 2_200_000


def test_a_passkey_grants_a_key(crowd, settled):
    person = crowd.people.passkey("gas")
    costs = [person.grant(kind(f"granted {n}"), by=None).gas for n, kind in enumerate((Wallet, DeviceKey, Wallet))]
    print(f"\ngrants: {costs}")
    assert max(costs) <= 120_000
