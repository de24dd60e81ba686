/// Whether a profile takes data. The number is what stores keep.
///
/// The number 3 is kept free for profiles that are merged into another one.
public enum ProfileState: Int64, Sendable, CaseIterable {
    case open = 0
    /// For good. It takes no events, from any server, under any key that leads to it.
    case locked = 1
    /// For good. Its row stays, without a key, since the path of another key may lead over it. No key leads to it, and no
    /// reader is given it.
    case erased = 2
}
