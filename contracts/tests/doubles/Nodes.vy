# pragma version 0.4.3
"""
@title A NodeRegistry whose answers a test chooses
"""

nodes: public(uint64)
payout_of: public(HashMap[uint64, address])
commission_of: public(HashMap[uint64, uint16])


@external
def set_nodes(count: uint64):
    self.nodes = count


@external
def set_node(node: uint64, payout: address, commission: uint16):
    self.payout_of[node] = payout
    self.commission_of[node] = commission
