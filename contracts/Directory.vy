# pragma version 0.4.3
"""
@title The current set of contracts
@notice Contracts never change; a newer version stands beside the old one, and its address here. Clients ask at their start, and refuse
        a registry whose code they do not know.
"""
from modules import roles

initializes: roles

exports: roles.__interface__

struct Item:
    name: bytes32
    at: address

event Published:
    name: indexed(bytes32)
    at: address

# By name in ASCII, padded with zeros; zero for a name that was not published.
at: public(HashMap[bytes32, address])


@deploy
def __init__(owner: address, entries: DynArray[Item, 32]):
    """
    @param entries The set that is deployed together with this contract.
    """
    roles.__init__(owner)
    for entry: Item in entries:
        self._publish(entry.name, entry.at)


@external
@nonreentrant
def publish(name: bytes32, target: address):
    roles._only_owner()
    self._publish(name, target)


@internal
def _publish(name: bytes32, target: address):
    self.at[name] = target
    log Published(name=name, at=target)
