import OvationCore
import OvationRows

extension ProfileDraft {
    mutating func restore(_ ids: inout IDBlocks) -> ProfileChangeOutcome? {
        guard state == .open else { return .refused(state) }
        let whole = tree(of: member)
        var rest = whole
        guard rest.count > 1 else { return nil }
        guard let joined = rest.lastJoined(above: member) else { return .canonical }
        let part = rest.cut(joined)
        guard hasKey(part), hasKey(rest) else { return .lastKey }
        countConsents(of: whole, -1)
        for tree in [part, rest] { countConsents(of: tree, 1) }
        note(.restored, of: part.root, with: rest.root, at: ids.next())
        note(.restored, of: rest.root, with: part.root, at: ids.next())
        set(part)
        set(rest)
        return nil
    }
}
