"""The owner of every contract, and what stakers decide."""
import pytest
from harness import DAY, HOUR, ZERO, Refused, keccak, word_name
from nodes import NANO_LAI, WORD, earning, earning_deployment, person, register  # noqa: F401

QUEUED, EXECUTED, CANCELLED = 1, 2, 3


def refused(reason, call, *values, **kw):
    with pytest.raises(Refused, match=f"^{reason}$"):
        call(*values, **kw)


@pytest.fixture
def owned(earning):
    """NetworkStatus belongs to the Timelock."""
    world = earning
    world.network_status.propose_owner(world.timelock, sender=world.owner)
    data = world.network_status.data("accept_owner")
    world.timelock.queue(world.network_status, data, sender=world.council)
    world.pass_time(2 * DAY)
    world.timelock.execute(1, world.network_status, data)
    assert world.network_status.owner() == world.timelock.address
    return world


def test_a_call_waits_and_is_carried_out_once(owned):
    world, timelock, status = owned, owned.timelock, owned.network_status
    data = status.data("set_parameter", word_name("stake_per_unit"), 200 * NANO_LAI)
    refused("not allowed", timelock.queue, status, data, sender=world.guardian)
    done = timelock.queue(status, data, sender=world.council)
    ready = world.now + 2 * DAY
    assert done.events == [("Queued", {"id": 2, "target": status.address, "dataHash": keccak(data), "readyAt": ready})]
    assert timelock.entry_of(2) == (status.address, keccak(data), ready, QUEUED)
    world.set_time(ready - 1)
    refused("too early", timelock.execute, 2, status, data)
    refused("bad data", timelock.execute, 2, status, data + b"\0")
    refused("bad data", timelock.execute, 2, world.staking, data)
    refused("unknown case", timelock.execute, 3, status, data)
    done = timelock.execute(2, status, data, sender=world.stranger)
    assert done.events == [("ParameterSet", {"name": word_name("stake_per_unit"), "value": 200 * NANO_LAI}), ("Executed", {"id": 2})]
    assert status.parameter(word_name("stake_per_unit")) == 200 * NANO_LAI
    assert timelock.entry_of(2)[3] == EXECUTED
    refused("already settled", timelock.execute, 2, status, data)
    refused("already settled", timelock.cancel, 2, sender=world.guardian)


def test_a_call_can_be_carried_out_for_two_weeks(owned):
    world, timelock, status = owned, owned.timelock, owned.network_status
    data = status.data("set_role", word_name("reporter"), world.other.address)
    for _ in range(2):
        timelock.queue(status, data, sender=world.council)
    ready = [timelock.entry_of(n)[2] for n in (2, 3)]
    world.set_time(ready[0] + 14 * DAY)
    timelock.execute(2, status, data)
    world.set_time(ready[1] + 14 * DAY + 1)
    refused("too late", timelock.execute, 3, status, data)


def test_a_refusal_is_passed_on_and_leaves_the_call_waiting(owned):
    world, timelock, status = owned, owned.timelock, owned.network_status
    data = status.data("set_parameter", word_name("stake_per_unit"), 20_000 * NANO_LAI)
    timelock.queue(status, data, sender=world.council)
    world.pass_time(2 * DAY)
    refused("out of bounds", timelock.execute, 2, status, data)
    assert timelock.entry_of(2)[3] == QUEUED


def test_guardian_and_council_cancel(owned):
    world, timelock, status = owned, owned.timelock, owned.network_status
    data = b"\1\2\3\4"
    for by in (world.guardian, world.council):
        number = timelock.entries() + 1
        timelock.queue(status, data, sender=world.council)
        refused("not allowed", timelock.cancel, number, sender=world.owner)
        done = timelock.cancel(number, sender=by)
        assert done.events == [("Cancelled", {"id": number})]
        assert timelock.entry_of(number)[3] == CANCELLED
        world.pass_time(2 * DAY)
        refused("already settled", timelock.execute, number, status, data)
    refused("unknown case", timelock.cancel, 99, sender=world.guardian)


def test_calls_are_bounded_and_go_to_contracts(owned):
    world, timelock = owned, owned.timelock
    timelock.queue(world.staking, b"\0" * 4096, sender=world.council)
    refused("too many", timelock.queue, world.staking, b"\0" * 4097, sender=world.council)
    refused("bad address", timelock.queue, world.stranger, b"", sender=world.council)
    refused("bad address", timelock.queue, ZERO, b"", sender=world.council)


def test_the_timelock_is_its_own_owner(earning):
    world, timelock = earning, earning.timelock
    assert timelock.owner() == timelock.address
    name = word_name("timelock")
    assert timelock.parameter(name) == 2 * DAY
    refused("not allowed", timelock.set_parameter, name, 3 * DAY, sender=world.owner)
    for data in (timelock.data("set_parameter", name, 3 * DAY), timelock.data("set_role", word_name("council"), world.other)):
        number = timelock.entries() + 1
        timelock.queue(timelock, data, sender=world.council)
        world.pass_time(3 * DAY)
        timelock.execute(number, timelock, data)
    assert timelock.parameter(name) == 3 * DAY and timelock.role_of(word_name("council")) == world.other.address
    refused("not allowed", timelock.queue, timelock, b"", sender=world.council)
    timelock.queue(timelock, b"", sender=world.other)
    assert timelock.entry_of(3)[2] == world.now + 3 * DAY


def test_one_call_can_carry_out_another_but_not_itself(earning):
    world, timelock = earning, earning.timelock
    name = word_name("timelock")
    inner = timelock.data("set_parameter", name, 3 * DAY)
    outer = timelock.data("execute", 1, timelock, inner)
    itself = timelock.data("execute", 3, timelock, b"")
    for data in (inner, outer, itself):
        timelock.queue(timelock, data, sender=world.council)
    world.pass_time(2 * DAY)
    done = timelock.execute(2, timelock, outer)
    assert done.names == ["ParameterSet", "Executed", "Executed"]
    refused("already settled", timelock.execute, 1, timelock, inner)
    refused("already settled", timelock.execute, 3, timelock, itself)


# The Governor in the council's place


@pytest.fixture
def governed(owned):
    """The Governor is the council, may propose stake_per_unit, and four stakers hold 1 000, 500, 400 and 10 LAI with two nodes."""
    world = owned
    data = world.timelock.data("set_role", word_name("council"), world.governor)
    world.timelock.queue(world.timelock, data, sender=world.council)
    world.pass_time(2 * DAY)
    world.timelock.execute(2, world.timelock, data)
    world.people = {name: person(world, name, 10_000 * NANO_LAI) for name in ("owner", "hub", "staker", "small")}
    register(world, world.people["owner"])
    register(world, world.people["hub"], kind=2, stake=500 * NANO_LAI)
    world.staking.stake(1, 300 * NANO_LAI, sender=world.people["staker"])
    world.staking.stake(2, 100 * NANO_LAI, sender=world.people["staker"])
    world.staking.stake(1, 10 * NANO_LAI, sender=world.people["small"])
    world.call_data = world.network_status.data("set_parameter", word_name("stake_per_unit"), 200 * NANO_LAI)
    done = world.governor.allow(world.network_status, world.call_data[:4], True, sender=world.owner)
    assert done.events == [("FunctionAllowed", {
        "target": world.network_status.address, "selector": world.call_data[:4], "allowed": True})]
    return world


def propose(world, who="staker", nodes=(1, 2), data=None, target=None):
    return world.governor.propose(target or world.network_status, world.call_data if data is None else data, WORD, list(nodes),
                                  sender=world.people[who])


def vote(world, who, support, *nodes, number=1):
    return world.governor.vote(number, support, list(nodes), sender=world.people[who])


PROPOSAL = "proposer target dataHash description snapshot total endsAt yes no enacted".split()


def test_what_passes_goes_to_the_timelock(governed):
    world, governor = governed, governed.governor
    done = propose(world)
    ends = world.now + 5 * DAY
    target, digest = world.network_status.address, keccak(world.call_data)
    assert done.events == [("Proposed", {"id": 1, "proposer": world.people["staker"].address, "target": target, "dataHash": digest,
                                         "description": WORD, "endsAt": ends})]
    done = vote(world, "owner", True, 1)
    assert done.events == [("Voted", {"id": 1, "node": 1, "voter": world.people["owner"].address, "support": True,
                                      "weight": 1_000 * NANO_LAI})]
    done = vote(world, "staker", False, 1, 2)
    assert [e["weight"] for e in done.named("Voted")] == [300 * NANO_LAI, 100 * NANO_LAI]
    shown = dict(zip(PROPOSAL, governor.proposal_of(1)))
    assert shown == {"proposer": world.people["staker"].address, "target": target, "dataHash": digest, "description": WORD,
                     "snapshot": ends - 5 * DAY, "total": 1_910 * NANO_LAI, "endsAt": ends, "yes": 1_000 * NANO_LAI,
                     "no": 400 * NANO_LAI, "enacted": False}
    world.set_time(ends - 1)
    refused("too early", governor.enact, 1, target, world.call_data)
    refused("too late", vote, world, "hub", True, 2)
    refused("bad data", governor.enact, 1, world.staking, world.call_data)
    refused("bad data", governor.enact, 1, target, world.call_data + b"\0")
    done = governor.enact(1, target, world.call_data, sender=world.stranger)
    assert done.names == ["Queued", "Enacted"]
    assert done.named("Enacted") == [{"id": 1, "timelockID": 3}]
    refused("already settled", governor.enact, 1, target, world.call_data)
    world.pass_time(2 * DAY)
    world.timelock.execute(3, target, world.call_data)
    assert world.network_status.parameter(word_name("stake_per_unit")) == 200 * NANO_LAI


def test_what_does_not_pass_does_not(governed):
    world, governor = governed, governed.governor
    for _ in range(3):
        propose(world)
    vote(world, "owner", False, 1, number=1)
    vote(world, "staker", True, 1, 2, number=1)
    vote(world, "staker", True, 2, number=2)
    world.pass_time(5 * DAY)
    refused("outvoted", governor.enact, 1, world.network_status, world.call_data)
    refused("no quorum", governor.enact, 2, world.network_status, world.call_data)
    refused("no quorum", governor.enact, 3, world.network_status, world.call_data)
    refused("unknown case", governor.enact, 4, world.network_status, world.call_data)


def test_a_tie_does_not_pass_and_both_sides_make_the_quorum(governed):
    world, governor = governed, governed.governor
    world.staking.stake(1, 80 * NANO_LAI, sender=world.people["staker"])
    world.staking.stake(2, 20 * NANO_LAI, sender=world.people["staker"])
    world.staking.stake(1, 95 * NANO_LAI, sender=world.people["hub"])
    for _ in range(2):
        propose(world)
    vote(world, "hub", True, 2, number=1)
    vote(world, "staker", False, 1, 2, number=1)
    assert governor.proposal_of(1)[7:9] == (500 * NANO_LAI, 500 * NANO_LAI)
    # 120 and 95 of 2 105 LAI.
    vote(world, "staker", True, 2, number=2)
    vote(world, "hub", False, 1, number=2)
    world.pass_time(5 * DAY)
    refused("outvoted", governor.enact, 1, world.network_status, world.call_data)
    governor.enact(2, world.network_status, world.call_data)


def test_each_position_votes_once_and_only_if_it_was_there(governed):
    world = governed
    propose(world)
    vote(world, "staker", True, 1)
    refused("already voted", vote, world, "staker", True, 1)
    refused("already voted", vote, world, "staker", False, 2, 1)
    refused("already voted", vote, world, "hub", True, 2, 2)
    refused("insufficient", vote, world, "staker", True)
    refused("insufficient", vote, world, "hub", True, 1)
    refused("insufficient", vote, world, "hub", True, 9)
    refused("unknown case", vote, world, "hub", True, 2, number=2)
    with pytest.raises(Refused):
        vote(world, "staker", True, *[2] * 21)
    world.staking.stake(2, 1, sender=world.people["staker"])
    refused("insufficient", vote, world, "staker", True, 2)
    world.staking.stake(2, 1, sender=world.people["hub"])
    refused("insufficient", vote, world, "hub", True, 2)
    world.node_registry.transfer(1, world.people["small"], sender=world.people["owner"])
    world.node_registry.accept(1, sender=world.people["small"])
    refused("insufficient", vote, world, "small", True, 1)
    refused("insufficient", vote, world, "owner", True, 1)


def test_the_worth_is_that_of_the_vote(governed):
    world = governed
    propose(world)
    world.staking.request_exit(1, 10**14, sender=world.people["staker"])
    assert vote(world, "staker", True, 1).named("Voted")[0]["weight"] == 200 * NANO_LAI


def test_proposals_are_refused(governed):
    world, governor = governed, governed.governor
    refused("insufficient", propose, world, "small", (1,))
    refused("insufficient", propose, world, "staker", ())
    refused("bad data", propose, world, "staker", (2, 1))
    refused("bad data", propose, world, "staker", (1, 1))
    refused("bad data", propose, world, "staker", (0, 0))
    refused("insufficient", propose, world, "staker", (0,))
    refused("too many", propose, world, "staker", tuple(range(1, 22)))
    refused("too many", propose, world, data=b"\0" * 4097)
    refused("not on the list", propose, world, data=world.call_data[:3])
    refused("not on the list", propose, world, data=b"")
    refused("not on the list", propose, world, target=world.staking)
    refused("not on the list", propose, world, data=b"\0" * 4)
    propose(world, "hub", (2,))
    assert governor.is_allowed(world.network_status, world.call_data[:4])
    governor.allow(world.network_status, world.call_data[:4], False, sender=world.owner)
    refused("not on the list", propose, world)
    refused("not allowed", governor.allow, world.staking, b"\0" * 4, True, sender=world.stranger)


def test_a_vote_lasts_five_days(governed):
    world = governed
    propose(world)
    world.set_time(world.now + 5 * DAY - 1)
    vote(world, "hub", True, 2)
    world.pass_time(HOUR)
    refused("too late", vote, world, "owner", True, 1)
