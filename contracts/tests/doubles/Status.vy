# pragma version 0.4.3
"""
@title A NetworkStatus whose reports a test writes
"""
from interfaces import INetworkStatus

row_of: public(HashMap[uint64, HashMap[uint64, INetworkStatus.Row]])
epoch_of: public(HashMap[uint64, INetworkStatus.Epoch])
is_final: public(HashMap[uint64, bool])


@external
def set_row(epoch: uint64, node: uint64, uptime: uint16, units: uint64, compute: uint64):
    sums: INetworkStatus.Epoch = self.epoch_of[epoch]
    sums.c_sum += convert(compute, uint128)
    sums.v_sum += convert(units, uint128)
    sums.count += 1
    self.epoch_of[epoch] = sums
    self.row_of[epoch][node] = INetworkStatus.Row(
        valid=True, uptime=uptime, units=units, health=0, reputation=0, latency=0, compute=compute
    )


@external
def finish(epoch: uint64):
    self.is_final[epoch] = True
