"""Nodes: registration, what their owner may do, and how they leave (scenarios 48, 50, 51, 53, 54)."""
import pytest
from harness import DAY, ZERO, Refused, keccak
from nodes import (ACTIVE, AGENT, BANNED, EXITED, EXITING, KNOWLEDGE, LLM, NANO_LAI, PENDING, SUSPENDED, WORD, activate, balance,
                   earning, earning_deployment, node, person, pool, register, signer)  # noqa: F401

META, MODEL = keccak(b"meta"), keccak(b"model")


@pytest.fixture
def owner(earning):
    return person(earning, "owner", 100_000 * NANO_LAI)


def test_a_node_registers_with_its_stake(earning, owner):
    world, sign = earning, signer("a")
    before = balance(world, owner)
    done = world.node_registry.register(KNOWLEDGE, MODEL, META, world.other, sign, 1_500, 500 * NANO_LAI, sender=owner)
    assert done.names == ["Transfer", "Staked", "NodeRegistered"]
    assert done.named("Staked") == [{"node": 1, "staker": owner.address, "amount": 500 * NANO_LAI, "shares": 500_000 * NANO_LAI}]
    assert done.named("NodeRegistered") == [{
        "node": 1, "owner": owner.address, "kind": KNOWLEDGE, "model": MODEL, "meta": META, "payout": world.other.address,
        "signer": sign.address, "commission": 1_500}]
    assert balance(world, owner) == before - 500 * NANO_LAI
    assert node(world, 1) == {
        "owner": owner.address, "pending_owner": ZERO, "payout": world.other.address, "pending_payout": ZERO, "payout_at": 0,
        "signer": sign.address, "kind": KNOWLEDGE, "model": MODEL, "meta": META, "commission": 1_500, "next_commission": 0,
        "commission_at": 0, "compute": 0, "compute_at": 0, "status": PENDING, "registered": world.now, "exit_end": 0}
    assert world.node_registry.nodes() == 1 and world.node_registry.active() == 0
    assert world.node_registry.node_of_signer(sign) == 1
    assert world.staking.total() == 500 * NANO_LAI


@pytest.mark.parametrize("change, reason", [
    ({"kind": 0}, "wrong kind"), ({"kind": 4}, "wrong kind"),
    ({"payout": ZERO}, "bad address"), ({"signer": ZERO}, "bad address"),
    ({"commission": 10_001}, "bad commission"),
    ({"stake": 1_000 * NANO_LAI - 1}, "stake too small"),
    ({"kind": AGENT, "stake": 500 * NANO_LAI - 1}, "stake too small"),
    ({"signer": "taken"}, "signer taken"),
    ({"stake": 200_000 * NANO_LAI}, "insufficient"),
])
def test_registration_is_refused(earning, owner, change, reason):
    world = earning
    register(world, owner, seed="taken")
    fields = {"kind": LLM, "payout": owner, "signer": signer("b"), "commission": 10_000, "stake": 1_000 * NANO_LAI} | change
    if fields["signer"] == "taken":
        fields["signer"] = signer("taken")
    with pytest.raises(Refused, match=f"^{reason}$"):
        world.node_registry.register(
            fields["kind"], WORD, WORD, fields["payout"], fields["signer"], fields["commission"], fields["stake"], sender=owner)
    assert world.node_registry.nodes() == 1


def test_only_the_owner_changes_a_node_and_only_while_it_is_there(earning, owner):
    world = earning
    one = register(world, owner)
    registry = world.node_registry
    calls = [("set_meta", META), ("set_model", MODEL), ("set_signer", signer("new")), ("propose_payout", world.other),
             ("set_commission", 1_000), ("transfer", world.other), ("exit",)]

    def refused(number, sender, reason):
        for name, *rest in calls:
            with pytest.raises(Refused, match=f"^{reason}$"):
                getattr(registry, name)(number, *rest, sender=sender)

    refused(2, owner, "unknown node")
    refused(0, owner, "unknown node")
    refused(one, world.other, "not allowed")
    registry.ban(one, WORD, sender=world.owner)
    refused(one, owner, "wrong status")


def test_meta_and_model_change(earning, owner):
    world = earning
    one = register(world, owner)
    assert world.node_registry.set_meta(one, META, sender=owner).events == [("MetaSet", {"node": one, "meta": META})]
    assert world.node_registry.set_model(one, MODEL, sender=owner).events == [("ModelSet", {"node": one, "model": MODEL})]
    assert (node(world, one)["meta"], node(world, one)["model"]) == (META, MODEL)


def test_a_signing_address_serves_one_node_for_ever(earning, owner):
    world = earning
    one, two = register(world, owner), register(world, owner)
    done = world.node_registry.set_signer(one, signer("new"), sender=owner)
    assert done.events == [("SignerSet", {"node": one, "signer": signer("new").address})]
    assert node(world, one)["signer"] == signer("new").address
    assert [world.node_registry.node_of_signer(signer(s)) for s in (one, two, "new")] == [one, two, one]
    for taken, by in ((one, two), (one, one), (two, one), ("new", two)):
        with pytest.raises(Refused, match="^signer taken$"):
            world.node_registry.set_signer(by, signer(taken), sender=owner)
    with pytest.raises(Refused, match="^bad address$"):
        world.node_registry.set_signer(one, ZERO, sender=owner)


def test_a_payout_address_waits_a_day(earning, owner):
    world = earning
    one = register(world, owner)
    registry = world.node_registry
    with pytest.raises(Refused, match="^nothing pending$"):
        registry.accept_payout(one)
    with pytest.raises(Refused, match="^unknown node$"):
        registry.accept_payout(2)
    with pytest.raises(Refused, match="^bad address$"):
        registry.propose_payout(one, ZERO, sender=owner)
    registry.propose_payout(one, world.stranger, sender=owner)
    world.pass_time(DAY // 2)
    done = registry.propose_payout(one, world.other, sender=owner)
    assert done.events == [("PayoutProposed", {"node": one, "payout": world.other.address, "readyAt": world.now + DAY})]
    ready = world.now + DAY
    world.set_time(ready - 1)
    with pytest.raises(Refused, match="^too early$"):
        registry.accept_payout(one)
    assert registry.payout_of(one) == owner.address
    world.set_time(ready)
    done = registry.accept_payout(one, sender=world.stranger)
    assert done.events == [("PayoutSet", {"node": one, "payout": world.other.address})]
    assert registry.payout_of(one) == world.other.address and node(world, one)["registered"] != 0
    with pytest.raises(Refused, match="^nothing pending$"):
        registry.accept_payout(one)


def test_a_rise_of_the_commission_waits_and_a_cut_does_not(earning, owner):
    world = earning
    one = register(world, owner, commission=2_000)
    registry = world.node_registry
    done = registry.set_commission(one, 3_000, sender=owner)
    at = world.now + 7 * DAY
    assert done.events == [("CommissionSet", {"node": one, "commission": 3_000, "effectiveAt": at})]
    assert node(world, one) | {"commission": 2_000, "next_commission": 3_000, "commission_at": at} == node(world, one)
    done = registry.set_commission(one, 1_000, sender=owner)
    assert done.events == [("CommissionSet", {"node": one, "commission": 1_000, "effectiveAt": world.now})]
    world.pass_time(8 * DAY)
    assert registry.commission_of(one) == 1_000, "a cut ends a rise that waits"
    registry.set_commission(one, 5_000, sender=owner)
    registry.set_commission(one, 4_000, sender=owner)
    at = world.now + 7 * DAY
    world.set_time(at - 1)
    assert registry.commission_of(one) == 1_000
    registry.set_meta(one, META, sender=owner)
    assert world.next == at and registry.commission_of(one) == 4_000
    world.pass_time(1)
    assert node(world, one) | {"commission": 4_000, "next_commission": 0, "commission_at": 0} == node(world, one)
    done = registry.set_commission(one, 4_000, sender=owner)
    assert done.named("CommissionSet")[0]["effectiveAt"] == world.now
    with pytest.raises(Refused, match="^bad commission$"):
        registry.set_commission(one, 10_001, sender=owner)


def test_ownership_passes_in_two_steps_with_the_stake(earning, owner):
    world = earning
    registry, staking = world.node_registry, world.staking
    one = register(world, owner)
    heir, thief = person(world, "heir", 1_000 * NANO_LAI), person(world, "thief")
    staking.stake(one, 100 * NANO_LAI, sender=heir)
    with pytest.raises(Refused, match="^nothing pending$"):
        registry.accept(one, sender=heir)
    done = registry.transfer(one, heir, sender=owner)
    assert done.events == [("NodeOwnerProposed", {"node": one, "owner": heir.address})]
    with pytest.raises(Refused, match="^not allowed$"):
        registry.accept(one, sender=thief)
    registry.set_meta(one, META, sender=owner)
    with pytest.raises(Refused, match="^not allowed$"):
        registry.set_meta(one, META, sender=heir)
    done = registry.accept(one, sender=heir)
    assert done.events == [("NodeOwnerSet", {"node": one, "owner": heir.address})]
    assert node(world, one)["owner"] == heir.address and node(world, one)["pending_owner"] == ZERO
    assert pool(world, one)["self_shares"] == pool(world, one)["shares"]
    assert staking.stake_of(one, heir) == (0, world.now)
    assert staking.worth_of(one, heir) == (1_100 * NANO_LAI, world.now)
    assert staking.worth_of(one, owner)[0] == 0
    with pytest.raises(Refused, match="^insufficient$"):
        staking.request_exit(one, 1, sender=owner)
    registry.set_meta(one, META, sender=heir)
    registry.transfer(one, thief, sender=heir)
    registry.transfer(one, ZERO, sender=heir)
    with pytest.raises(Refused, match="^nothing pending$"):
        registry.accept(one, sender=thief)


def test_an_exit_unbonds_the_self_stake_and_ends(earning, owner):
    world = earning
    registry, staking = world.node_registry, world.staking
    one = register(world, owner)
    activate(world, one)
    assert registry.active() == 1
    with pytest.raises(Refused, match="^wrong status$"):
        registry.complete_exit(one)
    done = registry.exit(one, sender=owner)
    end = world.now + 7 * DAY
    assert done.names == ["ExitRequested", "StatusChanged"]
    assert done.named("ExitRequested")[0] | {"staker": owner.address, "amount": 1_000 * NANO_LAI, "endsAt": end} == \
        done.named("ExitRequested")[0]
    assert done.named("StatusChanged") == [{"node": one, "status": EXITING, "reason": WORD}]
    assert registry.active() == 0 and node(world, one)["exit_end"] == end
    with pytest.raises(Refused, match="^wrong status$"):
        registry.exit(one, sender=owner)
    with pytest.raises(Refused, match="^wrong status$"):
        staking.stake(one, 1, sender=owner)
    world.set_time(end - 1)
    with pytest.raises(Refused, match="^too early$"):
        registry.complete_exit(one)
    done = registry.complete_exit(one, sender=world.stranger)
    assert done.events == [("StatusChanged", {"node": one, "status": EXITED, "reason": WORD})]
    before = balance(world, owner)
    staking.withdraw(one, sender=owner)
    assert balance(world, owner) == before + 1_000 * NANO_LAI
    with pytest.raises(Refused, match="^wrong status$"):
        registry.ban(one, WORD, sender=world.owner)


def test_status_follows_its_paths(earning, owner):
    world = earning
    one = register(world, owner)
    registry, status = world.node_registry, world.network_status
    with pytest.raises(Refused, match="^wrong status$"):
        status.suspend(one, WORD, sender=world.reporter)
    with pytest.raises(Refused, match="^unknown node$"):
        status.resume(2, sender=world.reporter)
    assert status.resume(one, sender=world.reporter).events == [("StatusChanged", {"node": one, "status": ACTIVE, "reason": WORD})]
    with pytest.raises(Refused, match="^wrong status$"):
        status.resume(one, sender=world.reporter)
    done = status.suspend(one, MODEL, sender=world.reporter)
    assert done.events == [("StatusChanged", {"node": one, "status": SUSPENDED, "reason": MODEL})]
    assert registry.active() == 0
    status.resume(one, sender=world.reporter)
    assert registry.active() == 1
    done = registry.ban(one, MODEL, sender=world.owner)
    assert done.events == [("StatusChanged", {"node": one, "status": BANNED, "reason": MODEL})]
    assert registry.active() == 0
    for call in (lambda: registry.ban(one, WORD, sender=world.owner), lambda: status.resume(one, sender=world.reporter)):
        with pytest.raises(Refused, match="^wrong status$"):
            call()
    with pytest.raises(Refused, match="^unknown node$"):
        registry.ban(2, WORD, sender=world.owner)


def test_compute_moves_by_a_factor_of_two_a_day(earning, owner):
    world = earning
    one = register(world, owner)
    registry = world.node_registry

    def attest(units):
        return registry.set_compute(one, units, sender=world.attester)

    assert attest(101).events == [("ComputeSet", {"node": one, "units": 101})]
    first = world.now
    with pytest.raises(Refused, match="^too early$"):
        attest(101)
    world.set_time(first + DAY - 1)
    with pytest.raises(Refused, match="^too early$"):
        attest(101)
    for units in (203, 49):
        world.pass_time(DAY)
        with pytest.raises(Refused, match="^step too large$"):
            attest(units)
    attest(50)
    world.pass_time(DAY)
    attest(100)
    assert registry.compute_of([one, 2, 0, one]) == (100, 0, 0, 100)
    with pytest.raises(Refused, match="^unknown node$"):
        registry.set_compute(2, 1, sender=world.attester)
