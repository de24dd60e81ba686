import OvationCore

extension ProfileState {
    /// What a caller is told who sends data of a profile in this state. nil: it takes them.
    var problem: Problem? {
        switch self {
        case .open: nil
        case .locked:
            Problem(.profileLocked, "The profile is locked for good. It takes no data, and there is none to read.")
        // No key leads to one.
        case .erased: Problem(.profileNotFound, "There is no profile with this key in the keyspace.")
        }
    }
}

extension [RefusedProfile] {
    /// Of a post to one profile.
    var problem: Problem {
        lazy.compactMap(\.state.problem).first
            ?? Problem(.internalError, "The post was refused for no reason that the server knows.")
    }
}
