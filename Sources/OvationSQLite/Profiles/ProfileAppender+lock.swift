import OvationCore

extension ProfileAppender {
    /// false: it is locked already.
    func lock(_ target: inout Target) throws -> Bool {
        guard target.state != .locked else { return false }
        try set(.locked, of: &target)
        return true
    }
}
