"""Who may do what: every function of every contract by everybody who must not (scenario 71), figures (72), pauses (73, 74)."""
import deploy
import pytest
from evm import type_of
from harness import DAY, HOUR, Refused, RpcError, World, reason_of, word_name
from nodes import NANO_LAI, WORD, activate, last_epoch, person, register, row
from people import MONEY, NO_AUTH, People

OWNED = {"propose_owner", "set_role", "set_parameter"}
PAUSED = {"pause", "unpause"}
# Who may call a function: roles, and contracts by their name. What is not here is open to anybody.
MAY = {
    "LAIToken": {"mint": {"Tokenomics"}},
    "UserRegistry": {
        "register_attested": {"registrar"}, "grant_key_attested": {"registrar"}, "credit_bonus": {"Faucet"}},
    "NodeRegistry": {
        "ban": {"owner"}, "set_status": {"NetworkStatus"}, "set_compute": {"attester"}, "accept": {"heir"},
        **dict.fromkeys(("set_meta", "set_model", "set_signer", "propose_payout", "set_commission", "transfer", "exit"), {"node owner"})},
    "NetworkStatus": {**dict.fromkeys(("report", "seal", "suspend", "resume"), {"reporter"}), "reject": {"guardian"}},
    "Tokenomics": {"collect": {"UserRegistry"}, "pull": {"Staking"}, "insure": {"Slashing"}, "pay_insurance": {"owner"}},
    "Staking": {
        **dict.fromkeys(("bond", "adopt", "unbond_self"), {"NodeRegistry"}), "distribute": {"Tokenomics"},
        **dict.fromkeys(("slash", "unescrow", "pay_escrow", "burn_escrow"), {"Slashing"})},
    "Slashing": {"give_back": {"owner"}, "propose_quality": {"committee"}, "veto_quality": {"guardian"}},
    "Faucet": {"grant": {"signer"}},
    "Treasury": {"pay": {"owner"}},
    "Timelock": {"queue": {"council"}, "cancel": {"guardian", "council"}},
    "Governor": {"allow": {"owner"}},
    "Directory": {"publish": {"owner"}},
}
# Functions that are open to anybody, who can do no more than they say; a new function must find its place in one of the two lists.
OPEN = {
    "LAIToken": {"transfer", "transferFrom", "approve", "permit", "burn"},
    "UserRegistry": {
        "register_wallet", "register_passkey", "change_root", "grant_key", "revoke_key", "bump_generation", "veto", "deposit",
        "deposit_with_permit", "expire_bonus", "request_withdraw", "cancel_withdraw", "complete_withdraw", "settle", "preview"},
    "NodeRegistry": {"register", "accept_payout", "complete_exit"},
    "NetworkStatus": set(),
    "Tokenomics": {"harvest", "claim", "sweep", "claim_reward"},
    "Staking": {"stake", "request_exit", "withdraw"},
    "Slashing": {"prove_receipts", "prove_overcharge", "prove_probes", "release", "execute_quality"},
    "Faucet": set(), "Treasury": set(), "Directory": set(),
    "Timelock": {"execute"},
    "Governor": {"propose", "vote", "enact"},
}
# Of the open ones, those that speak for a user: without a signature of the user's nobody may.
SIGNED = ("change_root", "grant_key", "revoke_key", "bump_generation", "veto", "request_withdraw", "cancel_withdraw")
ROLES = ("owner", "guardian", "registrar", "reporter", "attester", "signer", "committee", "council")


@pytest.fixture(scope="module")
def scene():
    """A network in which each restricted function has something that it could be done to."""
    world = World()
    world.scene = {role: getattr(world, role) for role in (*ROLES, "stranger", "other")}
    world.scene["node owner"] = person(world, "node owner", 10_000 * NANO_LAI)
    world.scene["heir"] = person(world, "heir")
    register(world, world.scene["node owner"])
    world.node_registry.transfer(1, world.scene["heir"], sender=world.scene["node owner"])
    for name in deploy.CONTRACTS:
        contract = contract_of(world, name)
        if "propose_owner" in contract.functions and name != "Timelock":
            contract.propose_owner(world.scene["heir"], sender=world.owner)
        world.scene[name] = contract
    world.user = People(world).wallet("user", deposit=MONEY)
    world.user.key()
    return world


def contract_of(world, name):
    return getattr(world, deploy.snake(name))


def allowed(world, name, function):
    if function in OWNED | {"unpause"}:
        return {"Timelock"} if name == "Timelock" else {"owner"}
    if function == "pause":
        return {"owner", "guardian"}
    if function == "accept_owner":
        return {"heir"} if name != "Timelock" else set()
    return MAY[name].get(function)


def values_of(world, entry):
    """Arguments of the right types that name what is there."""
    def value(kind):
        if kind.endswith("[]"):
            return []
        if kind.startswith("("):
            raise NotImplementedError
        return {"address": world.other.address, "bytes32": word_name("guardian"), "bool": True, "bytes": b"", "bytes4": b"\1\2\3\4"}.get(
            kind, 1)
    return [value(type_of(field)) for field in entry["inputs"]]


def attempt(world, contract, data, sender):
    """The reason of a refusal; None where the call goes through."""
    try:
        world.chain.call({"from": getattr(sender, "address", sender), "to": contract.address, "data": "0x" + data.hex()})
    except RpcError as error:
        return reason_of(error)
    return None


def digest(world):
    """All storage of all contracts."""
    tries = world.chain.state._storage_tries
    return hash(tuple(sorted((bytes(a), tuple(sorted((bytes(k), int(v)) for k, v in t._data.items()))) for a, t in tries.items())))


@pytest.mark.parametrize("name", deploy.CONTRACTS)
def test_every_function_has_its_place(scene, name):
    contract = contract_of(scene, name)
    changing = {f for f, e in contract.functions.items() if e["stateMutability"] == "nonpayable"}
    assert {e["stateMutability"] for e in contract.functions.values()} <= {"view", "pure", "nonpayable"}, "no contract takes ether"
    common = OWNED | PAUSED | {"accept_owner"}
    assert changing - common == MAY[name].keys() | OPEN[name]
    assert not MAY[name].keys() & OPEN[name]


@pytest.mark.parametrize("name", deploy.CONTRACTS)
def test_everybody_who_must_not_is_refused(scene, name):
    world, contract = scene, contract_of(scene, name)
    calls = []
    for function, entry in contract.functions.items():
        who = allowed(world, name, function) if entry["stateMutability"] == "nonpayable" else None
        if who is None:
            continue
        data = contract.data(function, *values_of(world, entry))
        for caller, sender in world.scene.items():
            reason = attempt(world, contract, data, sender)
            if caller in who:
                assert reason != "not allowed", f"{name}.{function} by {caller}"
            elif function == "accept_owner" and name == "Timelock":
                assert reason == "nothing pending"
            else:
                assert reason == "not allowed", f"{name}.{function} by {caller}: {reason}"
                if hasattr(sender, "transaction"):
                    calls.append((sender, data))
    # The same as transactions: all fail, and no word of storage moves.
    before, chain = digest(world), world.chain
    start = len(chain.blocks)
    chain.automine = False
    nonces = {}
    for sender, data in calls:
        nonce = nonces.setdefault(sender, int(chain.rpc("eth_getTransactionCount", [sender.address]), 16))
        chain.submit(sender.transaction(chain.chain_id, nonce, contract.address, data, gas=200_000))
        nonces[sender] += 1
    while sum(len(b.txs) for b in chain.blocks[start:]) < len(calls):
        chain.mine()
    chain.automine = True
    assert not any(m.receipt.succeeded for b in chain.blocks[start:] for m in b.txs)
    assert digest(world) == before


@pytest.mark.parametrize("function", SIGNED)
def test_nobody_speaks_for_a_user_without_the_users_signature(scene, function):
    world, registry, user = scene, scene.user_registry, scene.user
    entry = registry.functions[function]
    for caller, sender in world.scene.items():
        values = [NO_AUTH[:len(f["components"])] if f["type"] == "tuple" else
                  {"user": user.id, "nonce": user.nonce, "kind": 1}.get(f["name"], values_of(world, {"inputs": [f]})[0])
                  for f in entry["inputs"]]
        reason = attempt(world, registry, registry.data(function, *values), sender)
        assert reason in ("bad signature", "unknown root", "not allowed", "unknown key"), f"{function} by {caller}: {reason}"


def test_nobody_takes_what_is_not_theirs(scene):
    world = scene
    for caller, sender in world.scene.items():
        tokens = world.token.data("transferFrom", world.scene["node owner"], world.other, 1)
        # Staking and Slashing have the node owner's approval, and no function that passes such a call on.
        if caller not in ("Staking", "Slashing"):
            assert attempt(world, world.token, tokens, sender) == "insufficient"
        if caller != "node owner":
            assert attempt(world, world.staking, world.staking.data("request_exit", 1, 1_000), sender) == "insufficient"
        assert attempt(world, world.staking, world.staking.data("withdraw", 1), sender) == "nothing pending"
        assert attempt(world, world.governor, world.governor.data("vote", 1, True, [1]), sender) == "unknown case"
        assert attempt(world, world.timelock, world.timelock.data("execute", 1, world.token, b""), sender) == "unknown case"


def test_the_timelock_is_the_only_owner_that_acts_late(scene):
    """Scenario 72: before the wait is over nothing happens."""
    world = scene
    before = world.snapshot()
    world.tokenomics.propose_owner(world.timelock, sender=world.owner)
    accept = world.tokenomics.data("accept_owner")
    change = world.tokenomics.data("set_parameter", word_name("fee_bps"), 600)
    for data in (accept, change):
        world.timelock.queue(world.tokenomics, data, sender=world.council)
    with pytest.raises(Refused, match="^too early$"):
        world.timelock.execute(2, world.tokenomics, change)
    world.pass_time(2 * DAY)
    with pytest.raises(Refused, match="^not allowed$"):
        world.timelock.execute(2, world.tokenomics, change)
    world.timelock.execute(1, world.tokenomics, accept)
    with pytest.raises(Refused, match="^not allowed$"):
        world.tokenomics.set_parameter(word_name("fee_bps"), 600, sender=world.owner)
    world.timelock.execute(2, world.tokenomics, change, sender=world.stranger)
    assert world.tokenomics.parameter(word_name("fee_bps")) == 600
    world.revert(before)


# Figures

FIGURES = {
    "UserRegistry": {"withdraw_delay": (24 * HOUR, 12 * HOUR, 7 * DAY), "revoke_delay": (6 * HOUR, 2 * HOUR, 24 * HOUR),
                     "recovery_delay": (72 * HOUR, 24 * HOUR, 14 * DAY), "key_validity": (30 * DAY, DAY, 90 * DAY)},
    "NodeRegistry": {"min_stake_llm": (1_000 * NANO_LAI, NANO_LAI, 100_000 * NANO_LAI),
                     "min_stake_knowledge": (500 * NANO_LAI, NANO_LAI, 100_000 * NANO_LAI),
                     "min_stake_agent": (500 * NANO_LAI, NANO_LAI, 100_000 * NANO_LAI)},
    "NetworkStatus": {"stake_per_unit": (100 * NANO_LAI, NANO_LAI, 10_000 * NANO_LAI)},
    "Tokenomics": {"fee_bps": (500, 0, 2_000), "burn_bps": (0, 0, 10_000), "alpha": (3_000, 0, 10_000), "lambda": (8_000, 0, 30_000),
                   "epoch_budget": (50_000 * NANO_LAI, 0, 100_000 * NANO_LAI)},
    "Staking": {"unbonding": (7 * DAY, 3 * DAY, 28 * DAY)},
    "Faucet": {"grant_amount": (5 * NANO_LAI, 0, 100 * NANO_LAI), "daily_budget": (5_000 * NANO_LAI, 0, 100_000 * NANO_LAI)},
    "Timelock": {"timelock": (2 * DAY, DAY, 30 * DAY)},
}


@pytest.mark.parametrize("name, figure", [(c, f) for c, figures in FIGURES.items() for f in figures])
def test_a_figure_stays_within_its_bounds_and_moves_in_steps(world, name, figure):
    """Scenario 72."""
    contract = contract_of(world, name)
    owner = contract if name == "Timelock" else world.owner
    value, low, high = FIGURES[name][figure]
    word = word_name(figure)
    assert contract.parameter(word) == value

    def refused(to):
        return attempt(world, contract, contract.data("set_parameter", word, to), owner)

    step = (high - low) // 20
    up, down = value + max(value, step), value - max(value - value // 2, step)
    for outside in {high + 1, 2**64 - 1, max(low - 1, 0)} - {low}:
        assert refused(outside) == "out of bounds"
    if up < high:
        assert refused(up + 1) == "step too large"
    if down > low:
        assert refused(down - 1) == "step too large"
    # The two delays that bind one another are tried below.
    if figure not in ("withdraw_delay", "revoke_delay"):
        for to in {min(up, high), max(down, low)}:
            assert refused(to) is None
    assert refused(value) is None
    assert attempt(world, contract, contract.data("set_parameter", word_name("no such"), 1), owner) == "unknown parameter"
    if name != "Timelock":
        to = min(value + 1, high)
        done = contract.set_parameter(word, to, sender=world.owner)
        assert done.events == [("ParameterSet", {"name": word, "value": to})]
        assert contract.parameter(word) == to


def test_settling_revoking_and_withdrawing_keep_their_order(world):
    """Scenario 72: settle interval <= revoke delay / 2, revoke delay <= withdraw delay / 2."""
    def change(name, to):
        return world.user_registry.set_parameter(word_name(name), to, sender=world.owner)

    change("revoke_delay", 12 * HOUR)
    with pytest.raises(Refused, match="^breaks rule$"):
        change("withdraw_delay", 24 * HOUR - 1)
    change("withdraw_delay", 48 * HOUR)
    change("revoke_delay", 24 * HOUR)
    change("withdraw_delay", 96 * HOUR)
    change("withdraw_delay", 48 * HOUR)
    with pytest.raises(Refused, match="^breaks rule$"):
        change("withdraw_delay", 48 * HOUR - 1)


# Pauses


@pytest.mark.parametrize("name", ["UserRegistry", "Tokenomics", "Staking"])
def test_a_pause_ends_by_itself_and_does_not_come_again_soon(world, name):
    """Scenario 73."""
    contract = contract_of(world, name)
    assert contract.paused_until() == 0
    for sender in (world.stranger, world.reporter):
        with pytest.raises(Refused, match="^not allowed$"):
            contract.pause(sender=sender)
    with pytest.raises(Refused, match="^not paused$"):
        contract.unpause(sender=world.owner)
    done = contract.pause(sender=world.guardian)
    until = world.now + 7 * DAY
    assert done.events == [("Paused", {"until": until})] and contract.paused_until() == until
    with pytest.raises(Refused, match="^paused$"):
        contract.pause(sender=world.guardian)
    with pytest.raises(Refused, match="^not allowed$"):
        contract.unpause(sender=world.guardian)
    world.set_time(until)
    with pytest.raises(Refused, match="^too early$"):
        contract.pause(sender=world.guardian)
    world.set_time(until + 30 * DAY - 1)
    with pytest.raises(Refused, match="^too early$"):
        contract.pause(sender=world.guardian)
    contract.pause(sender=world.guardian)
    assert contract.unpause(sender=world.owner).events == [("Unpaused", {})]
    assert contract.paused_until() == world.now
    with pytest.raises(Refused, match="^too early$"):
        contract.pause(sender=world.guardian)
    contract.pause(sender=world.owner)
    contract.pause(sender=world.owner)
    assert contract.paused_until() == world.now + 7 * DAY


def test_exits_claims_and_revocations_work_while_paused(world):
    """Scenario 74, and what a pause stops."""
    owner, staker = person(world, "owner", 10_000 * NANO_LAI), person(world, "staker", 1_000 * NANO_LAI)
    one = register(world, owner)
    activate(world, one)
    early = person(world, "early", 1_000 * NANO_LAI)
    for who in (staker, early):
        world.staking.stake(one, 100 * NANO_LAI, sender=who)
    people = People(world)
    user = people.wallet("user", deposit=100 * MONEY)
    key = user.key(cap=50 * MONEY)
    world.user_registry.settle([people.entry(key, one, 10 * MONEY)])
    world.pass_time(DAY)
    world.network_status.report(last_epoch(world), WORD, [row(one)], sender=world.reporter)
    epoch = last_epoch(world)
    world.network_status.seal(epoch, sender=world.reporter)
    world.staking.request_exit(one, 10**13, sender=early)
    world.user_registry.settle([people.entry(key, one, 12 * MONEY)])
    world.pass_time(6 * HOUR)
    for contract in (world.user_registry, world.tokenomics, world.staking):
        contract.pause(sender=world.guardian)
    voucher = people.entry(key, one, 20 * MONEY)
    for call in (lambda: world.user_registry.settle([voucher]), lambda: user.deposit(1), lambda: user.key(1),
                 lambda: world.user_registry.complete_withdraw(user.id), lambda: world.staking.stake(one, 1, sender=staker),
                 lambda: world.tokenomics.claim_reward(epoch, one)):
        with pytest.raises(Refused, match="^paused$"):
            call()
    assert world.tokenomics.harvest(one).names == ["Transfer", "Harvested"]
    assert world.tokenomics.claim(one).names == ["Transfer", "Claimed"]
    assert user.revoke(key).names == ["KeyRevoked"]
    assert user.withdraw(10 * MONEY, world.other).names == ["WithdrawRequested"]
    world.staking.request_exit(one, 10**13, sender=staker)
    world.node_registry.exit(one, sender=owner)
    end = world.user_registry.paused_until()
    world.set_time(end - 1)
    assert world.staking.withdraw(one, sender=early).names == ["Transfer", "StakeWithdrawn"]
    world.set_time(end + 6 * HOUR - 1)
    with pytest.raises(Refused, match="^paused$"):
        world.user_registry.complete_withdraw(user.id)
    assert world.user_registry.complete_withdraw(user.id).names == ["Transfer", "Withdrawn"]
    assert world.tokenomics.claim_reward(epoch, one).named("RewardClaimed")[0]["amount"] > 0
