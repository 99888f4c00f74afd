# pragma version 0.4.3
"""
@title Refusals with a reason
@notice The same as `assert ok, "reason"`, in half the code where there are many: the registry would not fit its 24 576 bytes otherwise.
"""


@internal
@pure
def _check(ok: bool, reason: String[32]):
    assert ok, reason
