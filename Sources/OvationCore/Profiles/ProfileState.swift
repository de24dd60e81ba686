/// Whether a profile takes data. The number is what stores keep.
///
/// The numbers 2 and 3 are kept free for profiles that are erased, and for those that are merged into another one.
public enum ProfileState: Int64, Sendable, CaseIterable {
    case open = 0
    /// For good. It takes no events, from any server, under any key that leads to it.
    case locked = 1
}
