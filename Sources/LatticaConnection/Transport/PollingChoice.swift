import NIOCore

/// Decides whether waiting awake for answers brings them sooner.
///
/// It tries: some exchanges asleep, some awake, and it keeps to what took less time, with a trial of the other now and
/// then. Awake wins on an idle machine, where a sleeping processor takes its time to wake. It loses where other work
/// wants the processor, since the system gives it first to who has slept.
struct PollingChoice {
    /// A longer wait is worth no trial: waking is a small part of it.
    static let reach = TimeAmount.microseconds(150)

    /// The exchanges of one trial.
    static let trial = 32

    /// Trials of the better way between two of the other, which double while the other loses.
    private static let pauses = 8...256

    /// Whether to stay awake for the next answer.
    private(set) var polls = false

    /// The mean wait in nanoseconds, asleep and awake; `nil` before the first trial.
    private var asleep: Int64?
    private var awake: Int64?
    private var count = 0
    private var sum: Int64 = 0
    private var pause = pauses.lowerBound
    private var trialsLeft = 0

    /// An answer to a small message came.
    mutating func answered(after wait: TimeAmount) {
        count += 1
        // One very long wait says little of others.
        sum += min(wait.nanoseconds, 10_000_000)
        guard count == Self.trial else { return }
        let mean = sum / Int64(count)
        (count, sum) = (0, 0)
        if polls { awake = mean } else { asleep = mean }
        choose()
    }

    private mutating func choose() {
        // The first trial is asleep.
        guard let asleep else { return }
        guard asleep < Self.reach.nanoseconds else {
            (polls, awake) = (false, nil)
            return
        }
        guard let awake else {
            polls = true
            return
        }
        // What costs more must bring something.
        let awakeIsBetter = awake < asleep - asleep / 8
        if trialsLeft == 0 {
            // This was the trial of the other way, or the first.
            pause = awakeIsBetter == polls ? Self.pauses.lowerBound : min(pause * 2, Self.pauses.upperBound)
            trialsLeft = pause
            polls = awakeIsBetter
        } else {
            trialsLeft -= 1
            polls = trialsLeft == 0 ? !awakeIsBetter : awakeIsBetter
        }
    }
}
