# pragma version 0.4.3
"""
@title The checks of modules/typed.vy, for tests
"""
from modules import typed

initializes: typed

exports: typed.domain_separator


@deploy
def __init__():
    typed.__init__(self)


@external
@view
def signer(struct_hash: bytes32, auth: typed.Auth) -> typed.Signer:
    return typed._signer(struct_hash, auth)


@external
@view
def is_empty(auth: typed.Auth) -> bool:
    return typed._is_empty(auth)


@external
@pure
def base64(word: bytes32) -> (bytes32, bytes32):
    bits: uint256 = convert(word, uint256)
    return typed._base64(bits >> 64), typed._base64((bits & (2**64 - 1)) << 128)


@external
@view
def recover(digest: bytes32, r: bytes32, vs: bytes32) -> address:
    return typed._recover(digest, r, vs)


@external
@view
def p256(digest: bytes32, r: bytes32, s: bytes32, x: bytes32, y: bytes32) -> bool:
    return typed._p256(digest, r, s, x, y)


@external
@view
def assertion(challenge: bytes32, auth: typed.Auth) -> bool:
    return typed._assertion(challenge, auth)
