package import OvationCore

/// How far the values of an attribute are that an admin maps a keyspace to, or does not any more. The numbers are what stores
/// keep. Values are made and removed some at a time, since a store can have millions.
package enum MappingState: Int64, Sendable, CaseIterable {
    /// All are there.
    case whole = 0
    /// Those of profiles that change are kept, and those of all others are being made. The definitions do not say yet that the
    /// attribute is mapped.
    case filling = 1
    /// They are being removed, and nobody keeps them.
    case leaving = 2

    /// Profiles whose values are made in one step, and values that are removed in one: so many hold up posts for some milliseconds.
    package static let step = 500
}

/// The attributes of one account as a store has them, by number.
package struct StoredMappings: Sendable {
    package struct Mapping: Sendable, Equatable {
        package let format: KeyFormat
        package let state: MappingState

        package init(format: KeyFormat, state: MappingState) {
            self.format = format
            self.state = state
        }
    }

    package let mappings: [Int64: Mapping]

    package init(_ mappings: [Int64: Mapping]) { self.mappings = mappings }

    /// Those whose values have to be made before definitions may say that they are mapped.
    /// - Parameter mapped: as definitions are to say.
    package func toFill(_ mapped: MappedAttributes) -> [Int64: KeyFormat] {
        mapped.custom.filter { attribute, format in
            guard let mapping = mappings[attribute] else { return true }
            return mapping.state == .filling && mapping.format == format
        }
    }

    /// Those whose values have to be removed first: they leave, or were to be written in another way.
    package func toRemove(_ mapped: MappedAttributes) -> [Int64] {
        mappings.filter { attribute, mapping in
            switch mapping.state {
            case .whole: false
            case .filling: mapped.custom[attribute].map { $0 != mapping.format } ?? false
            case .leaving: true
            }
        }.keys.sorted()
    }

    /// Those that definitions say nothing of any more.
    package func gone(_ mapped: MappedAttributes) -> [Int64] {
        mappings.filter { $0.value.state == .whole && mapped.custom[$0.key] == nil }.keys.sorted()
    }

    /// Those whose values are all there, and were not in use.
    package func filled(_ mapped: MappedAttributes) -> [Int64] {
        mappings.filter { $0.value.state == .filling && mapped.custom[$0.key] == $0.value.format }.keys.sorted()
    }

    /// Those whose values are neither there nor being made: another keyspace is mapped to them now, so that they are written in
    /// another way. Nobody would find a profile by either meanwhile, so these are made in one step.
    package func toRewrite(_ mapped: MappedAttributes) -> [Int64: KeyFormat] {
        mapped.custom.filter { attribute, format in
            guard let mapping = mappings[attribute] else { return true }
            return mapping.state == .leaving || mapping.format != format
        }
    }
}
