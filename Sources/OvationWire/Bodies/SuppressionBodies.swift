public import OvationCore

extension Bodies.Suppression {
    /// nil: this is none.
    public init?(_ held: HeldField, of address: String, channel: OvationCore.Channel) {
        guard let consent = OvationCore.Consent(held.value) else { return nil }
        self.init()
        self.address = address
        channelDiscriminator = channel.discriminator.text
        source = consent.source
        reason = consent.reason
        modifiedAt = held.setAt
        modifiedBy = held.actor
    }
}

extension Bodies.Suppressions {
    public init(_ page: SuppressionPage, of channel: OvationCore.Channel) {
        self.init()
        items = page.suppressions.compactMap { Bodies.SuppressedAddress($0, of: channel) }
        nextCursor = page.next.map(SuppressionCursor.write)
    }
}

extension Bodies.SuppressedAddress {
    /// nil: this is none.
    fileprivate init?(_ suppression: OvationCore.Suppression, of channel: OvationCore.Channel) {
        let held = suppression.held
        guard let consent = OvationCore.Consent(held.value) else { return nil }
        self.init()
        addressHash = suppression.addressHash
        channelDiscriminator = channel.discriminator.text
        source = consent.source
        reason = consent.reason
        modifiedAt = held.setAt
        modifiedBy = held.actor
    }
}

extension Bodies.SuppressionChanges {
    public init(_ page: ProfileChangePage) {
        self.init()
        items = page.changes.flatMap { change in
            change.edits.map { Bodies.SuppressionChange($0, of: change) }
        }
        nextCursor = page.next.map(ChangeCursor.write)
    }
}

extension Bodies.SuppressionChange {
    fileprivate init(_ edit: StoredProfileChange.Edit, of change: StoredProfileChange) {
        self.init()
        let consent = edit.to.flatMap { OvationCore.Consent($0) }
        let lift = edit.to.flatMap { Lift($0) }
        isSuppressed = consent != nil
        source = consent?.source ?? lift?.source ?? ""
        reason = consent?.reason ?? lift?.reason ?? ""
        changedAt = change.at
        changedBy = change.actor
    }
}

/// Opaque to clients: the hash behind which the next page begins.
public enum SuppressionCursor {
    public static func write(_ hash: String) -> String {
        // "s" for suppressions: a cursor of another list can then be told apart and refused.
        "s" + hash
    }

    public static func parse(_ text: String) throws(Problem) -> String {
        let hash = text.dropFirst()
        guard text.first == "s", hash.utf8.count == 64, Hexadecimal.bytes(of: hash) != nil else {
            throw Problem(.invalidCursor, "The cursor is not one that this server gave; start again without it.")
        }
        return String(hash)
    }
}
