"""Nodes, their owners and their stakes, as the tests need them."""
import pytest
from harness import DAY, NANO, Account, World, keccak

NANO_LAI = 10**9
WORD = bytes(32)
LLM, KNOWLEDGE, AGENT = 1, 2, 3
PENDING, ACTIVE, SUSPENDED, EXITING, EXITED, BANNED = range(1, 7)
# The fields of NodeRegistry.node_of.
NODE = ("owner pending_owner payout pending_payout payout_at signer kind model meta commission next_commission commission_at compute "
        "compute_at status registered exit_end").split()
POOL = "assets shares self_shares locked_shares unbonding unbonding_shares incarnation".split()


def person(world, seed, nano=0):
    """An account with gas money, and tokens that Staking and Slashing may take."""
    account = Account(keccak(f"person {seed}".encode()))
    world.chain.devnet_setBalance(account.address, 10**24)
    if nano:
        world.fund(account, nano, world.staking)
        world.token.approve(world.slashing, 2**256 - 1, sender=account)
    return account


def signer(seed):
    return Account(keccak(f"signer {seed}".encode()))


def register(world, owner, stake=1_000 * NANO_LAI, kind=LLM, commission=2_000, seed=None, payout=None):
    """Registers a node and answers its number; its signer is signer(seed), seed being its number."""
    number = world.node_registry.nodes() + 1
    sign = signer(number if seed is None else seed)
    world.node_registry.register(kind, WORD, WORD, payout or owner, sign, commission, stake, sender=owner)
    return number


def node(world, number):
    return dict(zip(NODE, world.node_registry.node_of(number)))


def pool(world, number):
    return dict(zip(POOL, world.staking.pool_of(number)))


def activate(world, number):
    world.network_status.resume(number, sender=world.reporter)


def row(number, uptime=10_000, units=1_000, health=10_000, reputation=5_000, latency=100):
    return number | uptime << 64 | units << 80 | health << 144 | reputation << 160 | latency << 176


def last_epoch(world):
    """The last epoch that the next block finds ended."""
    return world.next // DAY - 1


def shares_for(amount, assets, shares):
    return amount * (shares + 1000) // (assets + 1)


def worth(held, assets, shares):
    return held * (assets + 1) // (shares + 1000)


def balance(world, account):
    """In nano."""
    units = world.token.balanceOf(account)
    assert units % NANO == 0
    return units // NANO


@pytest.fixture(scope="session")
def earning_deployment():
    return World(doubles={"Tokenomics": "Earnings"})


@pytest.fixture
def earning(earning_deployment):
    """All contracts, with a double of Tokenomics whose earnings are what the test says."""
    before = earning_deployment.snapshot()
    yield earning_deployment
    earning_deployment.revert(before)
