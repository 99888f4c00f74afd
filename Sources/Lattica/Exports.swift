// A program that uses peers names their identities, addresses, streams and calls at once.
@_exported public import LatticaCore
@_exported public import LatticaProtocols
@_exported public import LatticaRPC
@_exported public import Multiformats
