/// Why the ledger refused a command: the reason string of the contracts.
///
/// A structure and not an enumeration, since a chain may answer with a string that this version does not know.
public struct Reason: Error, Hashable, Sendable, RawRepresentable, CustomStringConvertible {
    /// The string as it is on chain, at most 32 bytes.
    public let rawValue: String

    /// Takes a string from a ledger.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// The string itself.
    public var description: String { rawValue }

    private init(_ rawValue: String) {
        self.rawValue = rawValue
    }
}

extension Reason {
    /// The caller may not call this function.
    public static let notAllowed = Reason("not allowed")
    /// The proof of ownership or the root's signature does not verify.
    public static let badSignature = Reason("bad signature")
    /// The message carries a nonce other than the user's next.
    public static let badNonce = Reason("bad nonce")
    /// A signed permission is past its deadline.
    public static let expired = Reason("expired")
    /// No user has this number.
    public static let unknownUser = Reason("unknown user")
    /// No node has this number.
    public static let unknownNode = Reason("unknown node")
    /// The root, the passkey, the wallet or the commitment already belongs to a user.
    public static let alreadyRegistered = Reason("already registered")
    /// The root does not belong to the user.
    public static let unknownRoot = Reason("unknown root")
    /// A user has at most four roots.
    public static let tooManyRoots = Reason("too many roots")
    /// A user keeps at least one root.
    public static let lastRoot = Reason("last root")
    /// The kind of key, root or node does not exist or does not fit.
    public static let wrongKind = Reason("wrong kind")
    /// No such key, or it belongs to another user.
    public static let unknownKey = Reason("unknown key")
    /// The key belongs to another user, and a key belongs to one user for ever.
    public static let keyTaken = Reason("key taken")
    /// The key's validity is not in the future, or beyond the limit.
    public static let badValidity = Reason("bad validity")
    /// The registrar has no power over a user that has, or had, a root.
    public static let hasRoots = Reason("has roots")
    /// The delay that the rules ask for has not passed.
    public static let tooEarly = Reason("too early")
    /// Nothing is pending.
    public static let nothingPending = Reason("nothing pending")
    /// An earlier bump of the generation still waits for its delay.
    public static let bumpPending = Reason("bump pending")
    /// The amount is zero or not a whole number of nano.
    public static let badAmount = Reason("bad amount")
    /// The account or the balance holds less than the amount.
    public static let insufficient = Reason("insufficient")
    /// A sum would be beyond 64 bits.
    public static let overflow = Reason("overflow")
    /// The address is zero.
    public static let badAddress = Reason("bad address")
    /// A list is longer than its bound.
    public static let tooMany = Reason("too many")
    /// The self stake is below the minimum for the kind of node.
    public static let stakeTooSmall = Reason("stake too small")
    /// The commission is above 100 %.
    public static let badCommission = Reason("bad commission")
    /// The signing address serves, or served, a node.
    public static let signerTaken = Reason("signer taken")
    /// The node's status does not allow it.
    public static let wrongStatus = Reason("wrong status")
    /// The faucet gives once a user.
    public static let alreadyGranted = Reason("already granted")
    /// The faucet's budget of the day is used up.
    public static let budgetSpent = Reason("budget spent")
    /// No parameter has this name.
    public static let unknownParameter = Reason("unknown parameter")
    /// The figure is outside its bounds.
    public static let outOfBounds = Reason("out of bounds")
    /// The figure moves further than one change may.
    public static let stepTooLarge = Reason("step too large")
    /// The figures would break `settle interval <= revoke delay / 2` or `revoke delay <= withdraw delay / 2`.
    public static let breaksRule = Reason("breaks rule")
}
