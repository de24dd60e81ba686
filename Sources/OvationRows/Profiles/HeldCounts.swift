package import OvationCore

/// How many fields an erased profile held, by kind, as its receipt counts them.
package struct HeldCounts: Sendable, Equatable {
    package private(set) var values: Int64 = 0
    package private(set) var tags: Int64 = 0
    /// Without those that were lifted: nobody had them any more.
    package private(set) var consents: Int64 = 0

    package init() {}

    /// - Parameters:
    ///   - taken: the fields that had a value by these edits.
    ///   - edits: of one change.
    package mutating func add(_ taken: [ProfileField], of edits: PackedEdits) {
        for field in taken {
            switch field.kind {
            case .attribute: values += 1
            case .tag: tags += 1
            case .consent: if edits[field]?.value.flatMap({ Lift($0) }) == nil { consents += 1 }
            case .life: continue
            }
        }
    }
}
