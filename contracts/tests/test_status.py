"""Reports of epochs, and the bounds that they meet (scenarios 55 to 57)."""
import pytest
from harness import DAY, HOUR, Refused, keccak
from nodes import (NANO_LAI, SUSPENDED, WORD, activate, earning, earning_deployment, last_epoch, node, person,  # noqa: F401
                   register, row)

EVIDENCE = keccak(b"probes")


@pytest.fixture
def network(earning):
    """Three nodes."""
    world = earning
    owner = person(world, "owner", 100_000 * NANO_LAI)
    for _ in range(3):
        activate(world, register(world, owner))
    world.set_time((world.now // DAY + 1) * DAY)
    return world


def report(world, epoch, *rows, sender=None):
    return world.network_status.report(epoch, EVIDENCE, list(rows), sender=sender or world.reporter)


def test_a_report_is_kept(network):
    world, epoch = network, last_epoch(network)
    world.node_registry.set_compute(1, 4, sender=world.attester)
    world.node_registry.set_compute(2, 40, sender=world.attester)
    rows = [row(1, 9_950, 70, 9_000, 5_500, 120), row(2, 9_000, 2**64 - 1, 10_000, 4_000, 2**32 - 1)]
    done = report(world, epoch, *rows)
    assert done.events == [("Reported", {"epoch": epoch, "evidence": EVIDENCE, "rows": tuple(rows)})]
    status = world.network_status
    assert status.row_of(epoch, 1) == (True, 9_950, 70, 9_000, 5_500, 120, 4)
    assert status.row_of(epoch, 2) == (True, 9_000, 2**64 - 1, 10_000, 4_000, 2**32 - 1, 10), "compute beyond the stake does not count"
    assert status.row_of(epoch, 3) == (False, 0, 0, 0, 0, 0, 0) == status.row_of(epoch + 1, 1)
    assert status.epoch_of(epoch) == (0, 0, 14, 2**64 + 69, 2)
    report(world, epoch, row(3, units=2**64 - 1))
    assert status.epoch_of(epoch) == (0, 0, 14, 2**65 + 68, 3)
    assert status.status_of(1) == (epoch, 9_950, 70, 9_000, 5_500, 120)
    world.pass_time(6 * DAY)
    assert status.status_of(1)[0] == epoch
    world.pass_time(DAY)
    assert status.status_of(1) == (0, 0, 0, 0, 5_000, 0)


def test_reports_are_refused(network):
    world, epoch = network, last_epoch(network)
    report(world, epoch, row(1))
    for rows, at, reason in (
            ([row(1)], epoch, "already reported"),
            ([row(2), row(2)], epoch, "already reported"),
            ([row(2), row(4)], epoch, "unknown node"),
            ([row(0)], epoch, "unknown node"),
            ([row(2, uptime=10_001)], epoch, "out of bounds"),
            ([row(2, health=10_001)], epoch, "out of bounds"),
            ([row(2, reputation=10_001)], epoch, "out of bounds"),
            ([row(2) | 1 << 208], epoch, "out of bounds"),
            ([row(2)], epoch + 1, "too early"),
            ([row(2)], epoch - 89, "too late")):
        with pytest.raises(Refused, match=f"^{reason}$"):
            report(world, at, *rows)
    report(world, epoch - 88, row(2))
    with pytest.raises(Refused, match="^not allowed$"):
        report(world, epoch, row(2), sender=world.owner)
    with pytest.raises(Refused, match="^no reason$"):
        report(world, epoch, *[row(2)] * 251)
    assert world.network_status.epoch_of(epoch)[4] == 1


def test_reputation_moves_a_thousand_an_epoch_at_most(network):
    world, first = network, last_epoch(network)
    status = world.network_status

    def reputation(back, asked, number=1):
        done = report(world, first + back, row(number, reputation=asked))
        shown = (done.named("Reported")[0]["rows"][0] >> 160) & 0xFFFF
        assert shown == status.row_of(first + back, number)[4]
        return shown

    assert reputation(0, 10_000) == 6_000
    assert reputation(0, 0, number=2) == 4_000
    world.pass_time(10 * DAY)
    assert reputation(1, 10_000) == 7_000
    assert reputation(2, 6_001) == 6_001
    assert reputation(9, 0) == 5_001, "seven epochs back counts"
    assert reputation(8, 10_000) == 7_001, "and not what lies later"
    world.pass_time(10 * DAY)
    assert reputation(17, 9_999) == 6_000, "eight epochs back does not"
    for back in range(10, 17):
        reputation(back, 0, number=2)
    assert status.row_of(first + 16, 2)[4] == 0


def test_a_sealed_epoch_is_final_after_six_hours(network):
    world, epoch = network, last_epoch(network)
    status = world.network_status
    for at, reason in ((epoch, "nothing reported"), (epoch + 1, "too early")):
        with pytest.raises(Refused, match=f"^{reason}$"):
            status.seal(at, sender=world.reporter)
    report(world, epoch, row(1))
    done = status.seal(epoch, sender=world.reporter)
    sealed = world.now
    assert done.events == [("Sealed", {"epoch": epoch, "finalAt": sealed + 6 * HOUR})]
    with pytest.raises(Refused, match="^sealed$"):
        status.seal(epoch, sender=world.reporter)
    with pytest.raises(Refused, match="^sealed$"):
        report(world, epoch, row(2))
    world.set_time(sealed + 6 * HOUR - 1)
    assert not status.is_final(epoch)
    world.set_time(sealed + 6 * HOUR)
    assert status.is_final(epoch)
    with pytest.raises(Refused, match="^too late$"):
        status.reject(epoch, sender=world.guardian)
    assert not status.is_final(epoch + 1)


def test_an_epoch_is_rejected_once(network):
    world, epoch = network, last_epoch(network)
    status = world.network_status
    report(world, epoch, row(1, reputation=6_000, units=7), row(2))
    with pytest.raises(Refused, match="^not sealed$"):
        status.reject(epoch, sender=world.guardian)
    status.seal(epoch, sender=world.reporter)
    with pytest.raises(Refused, match="^not allowed$"):
        status.reject(epoch, sender=world.owner)
    assert status.reject(epoch, sender=world.guardian).events == [("ReportRejected", {"epoch": epoch})]
    assert status.epoch_of(epoch) == (0, 1, 0, 0, 0)
    assert status.row_of(epoch, 1)[0] is False and not status.is_final(epoch)
    assert status.status_of(1)[0] == 0, "rows of the old round are void"
    with pytest.raises(Refused, match="^not sealed$"):
        status.reject(epoch, sender=world.guardian)
    with pytest.raises(Refused, match="^nothing reported$"):
        status.seal(epoch, sender=world.reporter)
    report(world, epoch, row(1, reputation=4_000, units=9))
    assert status.row_of(epoch, 2)[0] is False
    assert status.epoch_of(epoch) == (0, 1, 0, 9, 1)
    status.seal(epoch, sender=world.reporter)
    with pytest.raises(Refused, match="^already rejected$"):
        status.reject(epoch, sender=world.guardian)
    world.pass_time(6 * HOUR)
    assert status.is_final(epoch)


def test_a_fifth_of_the_active_nodes_can_be_suspended_in_an_epoch(network):
    world = network
    owner = person(world, "owner")
    status = world.network_status
    status.suspend(1, WORD, sender=world.reporter)
    with pytest.raises(Refused, match="^too many suspensions$"):
        status.suspend(2, WORD, sender=world.reporter)
    status.resume(1, sender=world.reporter)
    with pytest.raises(Refused, match="^too many suspensions$"):
        status.suspend(1, WORD, sender=world.reporter)
    world.pass_time(DAY)
    for _ in range(7):
        activate(world, register(world, owner))
    assert world.node_registry.active() == 10
    status.suspend(1, WORD, sender=world.reporter)
    status.suspend(2, WORD, sender=world.reporter)
    assert node(world, 2)["status"] == SUSPENDED
    with pytest.raises(Refused, match="^too many suspensions$"):
        status.suspend(3, WORD, sender=world.reporter)
    with pytest.raises(Refused, match="^not allowed$"):
        status.suspend(3, WORD, sender=world.owner)


def test_the_ring_forgets_an_epoch_of_128_epochs_before(network):
    world, epoch = network, last_epoch(network)
    report(world, epoch, row(1))
    world.pass_time(128 * DAY)
    assert world.network_status.row_of(epoch + 128, 1)[0] is False
    report(world, epoch + 128, row(1, units=5))
    assert world.network_status.row_of(epoch + 128, 1)[2] == 5
    assert world.network_status.row_of(epoch, 1)[0] is False
