"""LAIToken: moves, permits, burning, and the schedule of minting (scenarios 15 and 62)."""
import pytest
from harness import DAY, LAI, ZERO, World, artefact_of, bytes_of, encode, refused, source_of
from signing import ORDER, Domain, Wallet, word

FIRST = 100_000 * LAI


@pytest.fixture(scope="module")
def minting():
    """A token whose minter has a key."""
    world = World()
    artefact = artefact_of(source_of("LAIToken"))
    inputs = next(e["inputs"] for e in artefact["abi"] if e["type"] == "constructor")
    arguments = encode(inputs, [[(world.owner.address, 10 * LAI)], world.stranger.address])
    raw = world.submit(None, bytes_of(artefact["bytecode"]) + arguments, world.owner)
    world.token = world.at(raw["contractAddress"], artefact["abi"])
    return world


@pytest.fixture
def mint(minting):
    before = minting.snapshot()
    yield lambda units, by=minting.stranger: minting.token.mint(minting.other, units, sender=by)
    minting.revert(before)


def test_names_and_genesis(world):
    token = world.token
    assert (token.name(), token.symbol(), token.decimals()) == ("Lattice AI", "LAI", 18)
    assert token.totalSupply() == 854_000_000 * LAI
    assert token.balanceOf(world.faucet) == 1_000_000 * LAI
    # The whole schedule: for ever half of what the four years before it made.
    assert token.totalSupply() + sum(730 * (FIRST >> n) for n in range(80)) <= token.CAP()
    assert token.MINTER() == world.tokenomics.address


def test_moves(world):
    token, owner, other = world.token, world.owner, world.other
    assert token.transfer(other, 7).events == [("Transfer", {"sender": owner.address, "receiver": other.address, "value": 7})]
    refused("insufficient", token.transfer, owner, 8, sender=other)
    refused("bad address", token.transfer, ZERO, 1)
    refused("insufficient", token.transferFrom, owner, other, 1, sender=other)
    token.approve(other, 5)
    token.transferFrom(owner, other, 3, sender=other)
    assert token.allowance(owner, other) == 2
    refused("insufficient", token.transferFrom, owner, other, 3, sender=other)
    token.approve(other, 2**256 - 1)
    token.transferFrom(owner, other, 3, sender=other)
    assert token.allowance(owner, other) == 2**256 - 1
    assert token.balanceOf(other) == 13
    assert token.transfer(other, 5, sender=other) and token.balanceOf(other) == 13


def test_burning(world):
    supply = world.token.totalSupply()
    receipt = world.token.burn(5)
    assert receipt.events == [("Transfer", {"sender": world.owner.address, "receiver": ZERO, "value": 5})]
    assert (world.token.totalSupply(), world.token.burned(), world.token.balanceOf(ZERO)) == (supply - 5, 5, 0)
    refused("insufficient", world.token.burn, 1, sender=world.stranger)


def permit(token, owner, spender, units, nonce, deadline, by=None, domain=None):
    message = (domain or Domain(token)).message("Permit", owner, spender, units, nonce, deadline)
    r, vs = (by or owner).sign(message)
    vs = int.from_bytes(vs, "big")
    return (owner, spender, units, deadline, 27 + (vs >> 255), r, word(vs & 2**255 - 1))


def test_permits(world):
    token, owner, spender = world.token, Wallet("permit"), world.other
    good = permit(token, owner, spender, 5, 0, world.next)
    assert token.permit(*good, sender=world.stranger).names == ["Approval"]
    assert (token.allowance(owner, spender), token.nonces(owner)) == (5, 1)
    deadline = world.next + 1000
    again = permit(token, owner, spender, 5, 1, deadline)
    refused("expired", token.permit, *permit(token, owner, spender, 5, 1, world.now))
    for bad in (
        permit(token, owner, spender, 5, 0, deadline),
        permit(token, owner, spender, 5, 2, deadline),
        permit(token, owner, spender, 5, 1, deadline, by=Wallet("thief")),
        permit(token, owner, spender, 5, 1, deadline, domain=Domain(world.user_registry)),
        permit(token, owner, spender, 5, 1, deadline, domain=Domain(token, chain_id=1)),
        permit(token, owner, spender, 5, 1, deadline, domain=Domain(token, version="2")),
        (*again[:2], 6, *again[3:]),
        (ZERO, *again[1:5], bytes(32), bytes(32)),
        (*again[:4], 29, *again[5:]),
        (*again[:4], again[4] ^ 7, *again[5:]),
        (*again[:4], 0, *again[5:]),
        # The other form of the same signature.
        (*again[:4], 55 - again[4], again[5], word(ORDER - int.from_bytes(again[6], "big"))),
        (*again[:6], word(int.from_bytes(again[6], "big") + 2**255)),
        (*again[:5], bytes(32), again[6]),
    ):
        refused("bad signature", token.permit, *bad)
    assert token.nonces(owner) == 1
    token.permit(*again)
    kind, name, version, chain, contract, _, extensions = token.eip712Domain()
    assert (kind, name, version, chain, contract, extensions) == (b"\x0f", "Lattice", "1", 31337, token.address, ())


def test_only_the_minter_mints(world, mint, minting):
    refused("not allowed", world.token.mint, world.owner, 1, sender=world.owner)
    refused("not allowed", mint, 1, by=minting.owner)
    refused("bad address", minting.token.mint, ZERO, 1, sender=minting.stranger)


def test_62_a_day_makes_no_more_than_the_schedule(mint, minting):
    genesis = minting.token.GENESIS()
    mint(FIRST - 1)
    mint(1)
    refused("beyond schedule", mint, 1)
    minting.set_time(genesis + DAY)
    # Nothing is carried over, neither from the day before nor from days on which nobody asked.
    refused("beyond schedule", mint, FIRST + 1)
    minting.set_time(genesis + 5 * DAY)
    refused("beyond schedule", mint, FIRST + 1)
    minting.set_time(genesis + 729 * DAY)
    mint(FIRST)
    minting.set_time(genesis + 730 * DAY)
    refused("beyond schedule", mint, FIRST // 2 + 1)
    minting.set_time(genesis + 730 * DAY + 2)
    mint(FIRST // 2)
    minting.set_time(genesis + 17 * 730 * DAY)
    assert FIRST >> 17 > 0
    mint(FIRST >> 17)
    minting.set_time(genesis + 77 * 730 * DAY)
    refused("beyond schedule", mint, 1)
    refused("beyond schedule", mint, 2**256 - 1)


def test_the_cap_holds_and_burning_makes_no_room():
    world = World()
    artefact = artefact_of(source_of("LAIToken"))
    inputs = next(e["inputs"] for e in artefact["abi"] if e["type"] == "constructor")
    code = bytes_of(artefact["bytecode"])
    refused("beyond schedule", world.submit, None,
            code + encode(inputs, [[(world.owner.address, 10**27), (world.other.address, 1)], world.stranger.address]), world.owner)
    raw = world.submit(None, code + encode(inputs, [[(world.owner.address, 10**27 - 5)], world.stranger.address]), world.owner)
    token = world.at(raw["contractAddress"], artefact["abi"])
    token.burn(100)
    refused("beyond schedule", token.mint, world.owner, 6, sender=world.stranger)
    token.mint(world.owner, 5, sender=world.stranger)
    refused("beyond schedule", token.mint, world.owner, 1, sender=world.stranger)
    assert token.totalSupply() == 10**27 - 100
