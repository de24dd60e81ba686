/// Why a post was refused, as far as many posts share it: the first thing that was wrong with it, without the place in
/// the list. Rejections of one cause are a group. No profile key, no value of an event and no message is in it.
public struct RejectionCause: Sendable, Hashable {
    /// Tells one cause of an account from another.
    public struct ID: RawRepresentable, Hashable, Sendable {
        /// 32 hexadecimal digits.
        public let rawValue: String

        public init?(rawValue: String) {
            guard rawValue.utf8.count == 32,
                rawValue.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) })
            else { return nil }
            self.rawValue = rawValue
        }

        fileprivate init(hashing text: String) {
            // Not proof against somebody who looks for two of one hash: they would see their own posts in one group.
            rawValue = ["1", "2"].map { salt in
                Hexadecimal.text(of: Array((salt + text).utf8).withUnsafeBytes { StableHash.of($0) })
            }.joined()
        }
    }

    /// Number of the section in the account.
    public let section: Int64
    /// Of the answer as a whole.
    public let code: Problem.Code
    /// Of its first error; nil where the answer had none.
    public let itemCode: Problem.Code?
    /// Discriminator of the event type that the error is about; nil where that is not known.
    public let eventType: String?
    /// Where in the body, with `*` for the position of the item: `/items/*/data/total`. Names in it come from anybody, so
    /// it is cut where it is long. Empty: the body as a whole.
    public let pointer: String
    /// Of the API key that posted.
    public let clientID: String

    public init(
        section: Int64, code: Problem.Code, error: ItemError?, eventType: String?, clientID: String
    ) {
        self.section = section
        self.code = code
        self.eventType = eventType
        self.clientID = clientID
        itemCode = error?.code
        pointer = RejectionCause.pattern(of: error?.pointer ?? "")
    }

    public var id: ID {
        let parts = ["\(section)", code.rawValue, itemCode?.rawValue ?? "", eventType ?? "", pointer, clientID]
        // Lengths, so that no two lists of parts are one text.
        return ID(hashing: parts.map { "\($0.utf8.count):\($0)" }.joined())
    }

    /// `/items/3/data/x` is `/items/*/data/x`.
    static func pattern(of pointer: String) -> String {
        let start = "/items/"
        guard pointer.hasPrefix(start) else { return pointer.shortened(to: Limits.quotedLengthMax) }
        let rest = pointer.utf8.dropFirst(start.utf8.count)
        let digits = rest.prefix { (48...57).contains($0) }
        let after = rest.dropFirst(digits.count)
        guard !digits.isEmpty, after.isEmpty || after.first == UInt8(ascii: "/") else {
            return pointer.shortened(to: Limits.quotedLengthMax)
        }
        return (start + "*" + String(Substring(after))).shortened(to: Limits.quotedLengthMax)
    }
}

extension RefusedPost {
    public var cause: RejectionCause {
        RejectionCause(
            section: section, code: code, error: errors.first,
            eventType: eventTypes.first.flatMap { $0.isEmpty ? nil : $0 }, clientID: clientID)
    }

    /// Codes of its errors, each once, that of the first error first.
    public var itemCodes: [Problem.Code] {
        var seen: Set<Problem.Code> = []
        return errors.map(\.code).filter { seen.insert($0).inserted }
    }

    /// Discriminators of the event types that errors are about, each once and that of the first error first; an empty text
    /// for what is of no known type.
    /// - Parameter version: of an item, by its position; nil where it has none that can be read.
    public static func eventTypes(
        of errors: [ItemError], in catalogue: Catalogue, section: Int64, version: (Int) -> EventVersion.ID?
    ) -> [String] {
        let discriminator = catalogue.section(number: section)?.discriminator
        var seen: Set<String> = []
        return errors.map { error in
            guard let type = error.index.flatMap(version).flatMap(catalogue.version)?.eventType,
                type.section == discriminator
            else { return "" }
            return type.discriminator.text
        }.filter { seen.insert($0).inserted }
    }
}

/// Which causes of an account are meant, and which of their rejections.
public struct RejectionCauseFilter: Sendable {
    public var account: Int64
    /// Only those of these sections; nil means all.
    public var sections: [Int64]?
    public var code: Problem.Code?
    /// Only causes of which some rejection has an error with this code.
    public var itemCode: Problem.Code?
    /// Only causes of which some rejection has an error in an event of this type.
    public var eventType: String?
    public var cause: RejectionCause.ID?
    /// What came before is past its time and no longer there.
    public var receivedFrom: Timestamp

    public init(
        account: Int64, sections: [Int64]? = nil, code: Problem.Code? = nil, itemCode: Problem.Code? = nil,
        eventType: String? = nil, cause: RejectionCause.ID? = nil, receivedFrom: Timestamp
    ) {
        self.account = account
        self.sections = sections
        self.code = code
        self.itemCode = itemCode
        self.eventType = eventType
        self.cause = cause
        self.receivedFrom = receivedFrom
    }
}

/// Causes with what is open of each: those with the most rejections first.
public struct RejectionCauses: Sendable, Equatable {
    public struct Item: Sendable, Equatable {
        public let cause: RejectionCause
        /// Open rejections.
        public let rejections: Int
        /// Events in them, as far as their bodies could be read.
        public let events: Int
        public let first: Timestamp
        public let last: Timestamp
        /// The newest of them, as an example.
        public let newest: Rejection.ID

        public init(
            cause: RejectionCause, rejections: Int, events: Int, first: Timestamp, last: Timestamp,
            newest: Rejection.ID
        ) {
            self.cause = cause
            self.rejections = rejections
            self.events = events
            self.first = first
            self.last = last
            self.newest = newest
        }
    }

    public let items: [Item]
    /// All that the filter leaves, the listed ones included.
    public let causes: Int
    public let rejections: Int

    public init(items: [Item], causes: Int, rejections: Int) {
        self.items = items
        self.causes = causes
        self.rejections = rejections
    }
}

/// Some open rejections of one cause, in the order in which they came.
public struct RejectionRange: Sendable {
    public var account: Int64
    public var cause: RejectionCause.ID
    /// Only those that came after this one.
    public var after: Rejection.ID
    /// Only those up to this one.
    public var through: Rejection.ID
    /// What came before is past its time and no longer there.
    public var receivedFrom: Timestamp

    public init(
        account: Int64, cause: RejectionCause.ID, after: Rejection.ID = 0, through: Rejection.ID = .max,
        receivedFrom: Timestamp
    ) {
        self.account = account
        self.cause = cause
        self.after = after
        self.through = through
        self.receivedFrom = receivedFrom
    }
}
