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
    /// The contract is paused, or its withdrawals still wait after a pause.
    public static let paused = Reason("paused")
    /// The contract is not paused.
    public static let notPaused = Reason("not paused")
    /// The time in which it could be done is over.
    public static let tooLate = Reason("too late")
    /// The epoch is sealed.
    public static let sealed = Reason("sealed")
    /// The epoch is not sealed.
    public static let notSealed = Reason("not sealed")
    /// The node has a row in this epoch.
    public static let alreadyReported = Reason("already reported")
    /// There is no valid row.
    public static let nothingReported = Reason("nothing reported")
    /// A report of this epoch was rejected before.
    public static let alreadyRejected = Reason("already rejected")
    /// More than a fifth of the active nodes would be suspended in one epoch.
    public static let tooManySuspensions = Reason("too many suspensions")
    /// The epoch is not final.
    public static let notFinal = Reason("not final")
    /// The reward of this epoch was claimed.
    public static let alreadyClaimed = Reason("already claimed")
    /// The token mints no more today, or no more at all.
    public static let beyondSchedule = Reason("beyond schedule")
    /// The pool would be above ten times the self stake.
    public static let tooMuchDelegation = Reason("too much delegation")
    /// What was signed is no offence.
    public static let notAnOffence = Reason("not an offence")
    /// The evidence is older than thirty days, or from the future.
    public static let tooOld = Reason("too old")
    /// This evidence was used before.
    public static let alreadyPunished = Reason("already punished")
    /// No case, queued call or proposal has this number.
    public static let unknownCase = Reason("unknown case")
    /// It was decided before.
    public static let alreadySettled = Reason("already settled")
    /// The node lost as much for its quality in this epoch as it may.
    public static let epochCapReached = Reason("cap reached")
    /// The call is not the one that was queued, or is none at all.
    public static let badData = Reason("bad data")
    /// Stakers may not propose this function.
    public static let notOnTheList = Reason("not on the list")
    /// This stake voted before.
    public static let alreadyVoted = Reason("already voted")
    /// Too little stake voted.
    public static let noQuorum = Reason("no quorum")
    /// No majority was for it.
    public static let outvoted = Reason("outvoted")
}
