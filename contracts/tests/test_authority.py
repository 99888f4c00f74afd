"""Owners, roles and parameters of every contract, and what holds for all their code (scenarios 71 in part, 72; sizes)."""
import re

import deploy
import pytest
from build import CODE_LIMIT, ROOT
from harness import ZERO, Refused, refused, word_name

NAMES = [n for n in deploy.CONTRACTS if n != "LAIToken" and (ROOT / f"{n}.vy").exists()]
HOLDS = {
    "UserRegistry": {"guardian", "registrar"}, "NodeRegistry": {"attester"}, "NetworkStatus": {"reporter", "guardian"},
    "Tokenomics": {"guardian"}, "Staking": {"guardian"}, "Slashing": {"guardian", "committee"}, "Faucet": {"signer"},
    "Treasury": set(), "Directory": set(), "Timelock": {"council", "guardian"}, "Governor": set(),
}
NANO_IN_LAI, HOUR, DAY = 10**9, 3_600, 86_400
# Contract, default, lowest, highest: the specification, §8.
FIGURES = {
    "fee_bps": ("Tokenomics", 500, 0, 2_000), "burn_bps": ("Tokenomics", 0, 0, 10_000), "alpha": ("Tokenomics", 3_000, 0, 10_000),
    "lambda": ("Tokenomics", 8_000, 0, 30_000), "epoch_budget": ("Tokenomics", 50_000 * NANO_IN_LAI, 0, 100_000 * NANO_IN_LAI),
    "withdraw_delay": ("UserRegistry", 24 * HOUR, 12 * HOUR, 7 * DAY), "revoke_delay": ("UserRegistry", 6 * HOUR, 2 * HOUR, 24 * HOUR),
    "recovery_delay": ("UserRegistry", 72 * HOUR, 24 * HOUR, 14 * DAY), "key_validity": ("UserRegistry", 30 * DAY, DAY, 90 * DAY),
    "unbonding": ("Staking", 7 * DAY, 3 * DAY, 28 * DAY),
    "min_stake_llm": ("NodeRegistry", 1_000 * NANO_IN_LAI, NANO_IN_LAI, 100_000 * NANO_IN_LAI),
    "min_stake_knowledge": ("NodeRegistry", 500 * NANO_IN_LAI, NANO_IN_LAI, 100_000 * NANO_IN_LAI),
    "min_stake_agent": ("NodeRegistry", 500 * NANO_IN_LAI, NANO_IN_LAI, 100_000 * NANO_IN_LAI),
    "stake_per_unit": ("NetworkStatus", 100 * NANO_IN_LAI, NANO_IN_LAI, 10_000 * NANO_IN_LAI),
    "grant_amount": ("Faucet", 5 * NANO_IN_LAI, 0, 100 * NANO_IN_LAI),
    "daily_budget": ("Faucet", 5_000 * NANO_IN_LAI, 0, 100_000 * NANO_IN_LAI),
    "timelock": ("Timelock", 2 * DAY, DAY, 30 * DAY),
}


def contract(world, name):
    return getattr(world, deploy.snake(name))


@pytest.mark.parametrize("name", [n for n in NAMES if n != "Timelock"])
def test_an_owner_passes_on_in_two_steps(world, name):
    it, owner, other = contract(world, name), world.owner, world.other
    assert it.owner() == owner.address
    refused("not allowed", it.propose_owner, other, sender=other)
    refused("nothing pending", it.accept_owner, sender=other)
    assert it.propose_owner(other).events == [("OwnerProposed", {"owner": other.address})]
    refused("not allowed", it.accept_owner, sender=world.stranger)
    it.propose_owner(ZERO)
    refused("nothing pending", it.accept_owner, sender=other)
    it.propose_owner(other)
    assert it.owner() == owner.address and it.pending_owner() == other.address
    assert it.accept_owner(sender=other).events == [("OwnerChanged", {"owner": other.address})]
    refused("not allowed", it.propose_owner, owner, sender=owner)
    assert (it.owner(), it.pending_owner()) == (other.address, ZERO)


@pytest.mark.parametrize("name", [n for n in NAMES if n != "Timelock"])
def test_roles_are_those_of_the_contract(world, name):
    it = contract(world, name)
    for role in deploy.ROLES:
        word = word_name(role)
        refused("not allowed", it.set_role, word, world.other, sender=world.other)
        if role in HOLDS[name]:
            assert it.role_of(word) == getattr(world, role).address
            assert it.set_role(word, world.other).events == [("RoleSet", {"role": word, "holder": world.other.address})]
            assert it.role_of(word) == world.other.address
            it.set_role(word, ZERO)
            assert it.role_of(word) == ZERO
        else:
            refused("wrong kind", it.set_role, word, world.other)
            assert it.role_of(word) == ZERO


def test_a_new_holder_has_the_role_and_the_old_one_not(world):
    world.user_registry.set_role(word_name("registrar"), world.other)
    refused("not allowed", world.user_registry.register_attested, bytes(32), sender=world.registrar)
    world.user_registry.register_attested(bytes(32), sender=world.other)


@pytest.mark.parametrize("name", [n for n, (home, *_) in FIGURES.items() if (ROOT / f"{home}.vy").exists()])
def test_72_a_figure_keeps_its_bounds_and_moves_in_steps(world, name):
    home, default, low, high = FIGURES[name]
    it, word = contract(world, home), word_name(name)
    sender = world.owner
    assert it.parameter(word) == default
    if home == "Timelock":
        return refused("not allowed", it.set_parameter, word, default)
    twentieth = (high - low) // 20
    up, down = default + max(default, twentieth), default - max(default - default // 2, twentieth)
    refused("not allowed", it.set_parameter, word, default, sender=world.guardian)
    for value in {low - 1, high + 1, 2**64 - 1} - {-1}:
        refused("out of bounds", it.set_parameter, word, value)
    for value in (up + 1, down - 1):
        if low <= value <= high:
            refused("step too large", it.set_parameter, word, value)
    for value in (max(down, low), min(up, high)):
        start = world.snapshot()
        try:
            receipt = it.set_parameter(word, value, sender=sender)
            assert receipt.events == [("ParameterSet", {"name": word, "value": value})] and it.parameter(word) == value
        except Refused as refusal:
            assert refusal.reason == "breaks rule" and name in ("withdraw_delay", "revoke_delay")
        world.revert(start)


def test_72_half_of_an_odd_figure_rounds_against_nobody(world):
    it, word = world.tokenomics, word_name("fee_bps")
    it.set_parameter(word, 501)
    refused("step too large", it.set_parameter, word, 249)
    it.set_parameter(word, 250)
    it.set_parameter(word, 500)
    refused("step too large", it.set_parameter, word, 1001)


def test_72_revoking_stays_between_settling_and_withdrawing(world):
    it = world.user_registry
    it.set_parameter(word_name("revoke_delay"), 12 * HOUR)
    refused("breaks rule", it.set_parameter, word_name("revoke_delay"), 12 * HOUR + 1)
    refused("breaks rule", it.set_parameter, word_name("withdraw_delay"), 24 * HOUR - 1)
    it.set_parameter(word_name("revoke_delay"), 6 * HOUR)
    it.set_parameter(word_name("withdraw_delay"), 12 * HOUR)
    refused("unknown parameter", it.set_parameter, word_name("fee_bps"), 5)
    refused("unknown parameter", world.tokenomics.set_parameter, word_name("revoke_delay"), 5)
    refused("unknown parameter", world.faucet.set_parameter, bytes(32), 5)
    assert it.parameter(word_name("fee_bps")) == 0


@pytest.mark.parametrize("name", [n for n in deploy.CONTRACTS if (ROOT / f"{n}.vy").exists()])
def test_code_fits(world, name):
    code = world.chain.rpc("eth_getCode", [contract(world, name).address, "latest"])
    size = len(code) // 2 - 1
    print(f"\n{name}: {size} bytes")
    assert size < CODE_LIMIT


SOURCES = sorted(ROOT.glob("*.vy")) + sorted(ROOT.glob("modules/*.vy"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: p.stem)
def test_what_holds_for_every_source(path):
    text = path.read_text()
    for reason in re.findall(r'(?:assert .*|_check\(.*), "([^"]*)"', text):
        assert 0 < len(reason) <= 32, reason
    assert "delegatecall" not in text.replace("is_delegate_call=False", "") and "create_" not in text and "selfdestruct" not in text
    # Nothing moves while something else is in the middle of a move.
    for head, name in re.findall(r"((?:^@\w+\n)+)def (\w+)\(", text, re.M):
        if "@external" in head and "@view" not in head and "@pure" not in head:
            # preview reverts whatever it does; the Timelock must be able to call itself.
            assert "@nonreentrant" in head or (path.stem, name) in {("UserRegistry", "preview"), ("Timelock", "execute")}, name


@pytest.mark.parametrize("name", [n for n in deploy.CONTRACTS if (ROOT / f"{n}.vy").exists()])
def test_nobody_sends_ether(world, name):
    it = contract(world, name)
    for data in (b"", bytes(4), b"\xff" * 36):
        with pytest.raises(Refused):
            world.submit(it.address, data, world.stranger)
