# pragma version 0.4.3
"""
@title Figures that the owner may change
@notice Within bounds that are fixed in the code of each contract, and at most by a factor of two or a twentieth of the range in one step,
        whichever is more. The contract checks who calls, and rules between figures.
"""
from modules import reasons

event ParameterSet:
    name: bytes32
    value: uint64

# Names in ASCII, padded with zeros.
WITHDRAW_DELAY: constant(bytes32) = 0x77697468647261775f64656c6179000000000000000000000000000000000000
REVOKE_DELAY: constant(bytes32) = 0x7265766f6b655f64656c61790000000000000000000000000000000000000000
RECOVERY_DELAY: constant(bytes32) = 0x7265636f766572795f64656c6179000000000000000000000000000000000000
KEY_VALIDITY: constant(bytes32) = 0x6b65795f76616c69646974790000000000000000000000000000000000000000
FEE_BPS: constant(bytes32) = 0x6665655f62707300000000000000000000000000000000000000000000000000
BURN_BPS: constant(bytes32) = 0x6275726e5f627073000000000000000000000000000000000000000000000000
ALPHA: constant(bytes32) = 0x616c706861000000000000000000000000000000000000000000000000000000
# `lambda`, a word that Vyper keeps for itself.
REWARD_BOUND: constant(bytes32) = 0x6c616d6264610000000000000000000000000000000000000000000000000000
EPOCH_BUDGET: constant(bytes32) = 0x65706f63685f6275646765740000000000000000000000000000000000000000
UNBONDING: constant(bytes32) = 0x756e626f6e64696e670000000000000000000000000000000000000000000000
MIN_STAKE_LLM: constant(bytes32) = 0x6d696e5f7374616b655f6c6c6d00000000000000000000000000000000000000
MIN_STAKE_KNOWLEDGE: constant(bytes32) = 0x6d696e5f7374616b655f6b6e6f776c6564676500000000000000000000000000
MIN_STAKE_AGENT: constant(bytes32) = 0x6d696e5f7374616b655f6167656e740000000000000000000000000000000000
STAKE_PER_UNIT: constant(bytes32) = 0x7374616b655f7065725f756e6974000000000000000000000000000000000000
GRANT_AMOUNT: constant(bytes32) = 0x6772616e745f616d6f756e740000000000000000000000000000000000000000
DAILY_BUDGET: constant(bytes32) = 0x6461696c795f6275646765740000000000000000000000000000000000000000
TIMELOCK: constant(bytes32) = 0x74696d656c6f636b000000000000000000000000000000000000000000000000

# Nano in one LAI.
LAI: constant(uint64) = 10**9

_figures: HashMap[bytes32, uint64]


@internal
def _make(name: bytes32, figure: uint64, low: uint64, high: uint64):
    """
    @notice Sets a figure for the first time; for constructors.
    """
    reasons._check(low <= figure and figure <= high, "out of bounds")
    self._figures[name] = figure
    log ParameterSet(name=name, value=figure)


@internal
def _change(name: bytes32, figure: uint64, low: uint64, high: uint64):
    old: uint64 = self._figures[name]
    reasons._check(low <= figure and figure <= high, "out of bounds")
    twentieth: uint64 = (high - low) // 20
    if figure >= old:
        reasons._check(figure - old <= max(old, twentieth), "step too large")
    else:
        reasons._check(old - figure <= max(old - old // 2, twentieth), "step too large")
    self._figures[name] = figure
    log ParameterSet(name=name, value=figure)


@internal
@view
def _get(name: bytes32) -> uint64:
    return self._figures[name]


@external
@view
def parameter(name: bytes32) -> uint64:
    """
    @notice A figure of this contract; zero for a name that it lacks.
    """
    return self._figures[name]
