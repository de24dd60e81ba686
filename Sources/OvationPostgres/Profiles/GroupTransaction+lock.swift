import OvationCore

extension GroupTransaction {
    /// false: it is locked already.
    func lock(_ target: inout ChangeTarget, in round: inout Round) -> Bool {
        guard target.state != .locked else { return false }
        set(.locked, of: &target, in: &round)
        return true
    }
}
