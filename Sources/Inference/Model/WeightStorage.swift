/// Where the weights of a model are kept while it is loaded.
public enum WeightStorage: String, Hashable, Sendable, CaseIterable {
    /// In memory, in the order in which the kernels read them.
    case repacked
    /// In the file, mapped: next to no memory of one's own, and pages that other processes share, at a lower speed.
    ///
    /// The file must stay as it is; replace a model by renaming another over it.
    case mapped
}
