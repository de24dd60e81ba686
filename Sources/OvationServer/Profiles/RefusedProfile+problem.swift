import OvationCore

extension ProfileState {
    /// What a caller is told who sends data of a profile in this state. nil: it takes them.
    var problem: Problem? {
        switch self {
        case .open: nil
        case .locked:
            Problem(.profileLocked, "The profile is locked for good and takes no data; nothing was stored.")
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
