"""Gas of reports, stakes and slashes (specification, §7), by the machine that blocks are made with."""
import deploy
import pytest
from harness import DAY
from nodes import NANO_LAI, WORD, earning, earning_deployment, last_epoch, person, register, row, signer  # noqa: F401

# What the specification measured on prototypes, and how much more there may be.
STAKE, REQUEST_EXIT, WITHDRAW, SLASH = (thousands * 1_350 for thousands in (66, 58, 51, 36))
REPORT = 31_000
# Of a transaction that does nothing, and of the first call of a contract in one (EIP-2929).
BASE, COLD_ACCOUNT = 21_000, 2_600


# EIP-170.
MOST_CODE = 24_576


@pytest.mark.parametrize("name", ["NodeRegistry", "NetworkStatus", "Staking", "Slashing", "Timelock", "Governor"])
def test_the_code_is_within_the_limit(earning, name):
    code = earning.chain.rpc("eth_getCode", [getattr(earning, deploy.snake(name)).address])
    assert 0 < len(code) // 2 - 1 < MOST_CODE


@pytest.fixture
def staked(earning):
    """A node with a staker who is in, one who leaves, and nothing that waits for a harvest."""
    world = earning
    owner = person(world, "owner", 100_000 * NANO_LAI)
    world.one = register(world, owner)
    world.people = {name: person(world, name, 1_000 * NANO_LAI) for name in ("in", "out", "new")}
    for name in ("in", "out"):
        world.staking.stake(world.one, 100 * NANO_LAI, sender=world.people[name])
    return world


def gas(contract, function, *values, sender):
    """Of a call in a transaction of its own; whoever the sender is, with or without a key."""
    chain = contract.world.chain
    call = {"from": getattr(sender, "address", sender), "to": contract.address, "data": "0x" + contract.data(function, *values).hex()}
    used, _, _, error = chain.simulate(call, "latest", 2**24)
    assert error is None
    return used


def harvest(world):
    """What a harvest of nothing costs within another call, which the budgets leave out."""
    return gas(world.tokenomics, "pull", world.one, sender=world.staking) - BASE + COLD_ACCOUNT


def test_stakes_are_within_their_budget(staked):
    world, people = staked, staked.people
    extra = harvest(world)
    assert gas(world.staking, "stake", world.one, NANO_LAI, sender=people["new"]) - extra <= STAKE, "the first of a staker"
    assert gas(world.staking, "stake", world.one, NANO_LAI, sender=people["in"]) - extra <= STAKE, "more of one"
    assert gas(world.staking, "stake", world.one, NANO_LAI, sender=world.node_registry.node_of(world.one)[0]) - extra <= STAKE


def test_exits_are_within_their_budget(staked):
    world, people = staked, staked.people
    extra = harvest(world)
    assert gas(world.staking, "request_exit", world.one, 10**13, sender=people["out"]) - extra <= REQUEST_EXIT, "the first of a pool"
    world.staking.request_exit(world.one, 10**13, sender=people["out"])
    assert gas(world.staking, "request_exit", world.one, 10**13, sender=people["in"]) - extra <= REQUEST_EXIT
    world.pass_time(8 * DAY)
    assert gas(world.staking, "withdraw", world.one, sender=people["out"]) <= WITHDRAW


def test_a_slash_is_within_its_budget(staked):
    world, people = staked, staked.people
    world.staking.request_exit(world.one, 10**13, sender=people["out"])
    assert gas(world.staking, "slash", world.one, 500, 1, sender=world.slashing) <= SLASH


def in_blocks(contract, sender, function, calls, size=90):
    """Many calls, and few blocks: each block copies the state."""
    chain = contract.world.chain
    nonce = int(chain.rpc("eth_getTransactionCount", [sender.address]), 16)
    chain.automine = False
    for i, values in enumerate(calls):
        chain.submit(sender.transaction(chain.chain_id, nonce + i, contract.address, contract.data(function, *values), gas=390_000))
        if i % size == size - 1:
            chain.mine()
    chain.mine()
    chain.automine = True


def test_a_report_is_within_its_budget(earning):
    """A network's first report as well as one of nodes that were reported the day before, as many as one call takes."""
    world, count = earning, 250
    owner = person(world, "owner", 1_000_000 * NANO_LAI)
    registry, numbers = world.node_registry, range(1, count + 1)
    in_blocks(registry, owner, "register", [(2, WORD, WORD, owner, signer(n), 0, 500 * NANO_LAI) for n in numbers])
    in_blocks(registry, world.attester, "set_compute", [(n, 4) for n in numbers])
    assert registry.nodes() == count and registry.compute_of([count]) == (4,)
    for _ in range(2):
        world.pass_time(DAY)
        rows = [row(n, uptime=9_871, units=10**12 + 7919 * n, health=9_763, reputation=5_500, latency=1_234) for n in numbers]
        done = world.network_status.report(last_epoch(world), b"\x5a" * 32, rows, sender=world.reporter)
        assert done.gas <= REPORT * count
