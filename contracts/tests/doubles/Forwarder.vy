# pragma version 0.4.3
# In place of a contract: calls others as anyone tells it to.

@external
def forward(target: address, data: Bytes[1024]):
    raw_call(target, data)
