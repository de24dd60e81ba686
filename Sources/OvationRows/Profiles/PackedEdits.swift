package import OvationCore

/// The edits of one change of a profile, as the column `edits` of `profile_change` has them: the truth from which all else
/// that a store knows of a profile's data follows.
///
/// A first byte that says how to read the rest, `1`. Then for each edit: the field; the position of the change that touched
/// this field before, 0 for none; and what it has since: a byte for the kind of value (0 none, 1 text, 2 integer, 3 double,
/// 4 false, 5 true), the version under which it was set (0: the one that the default attribute began with), and the value.
package struct PackedEdits: Sendable, Equatable {
    package struct Edit: Sendable, Equatable {
        package let field: ProfileField
        /// nil: none touched the field before.
        package let previous: Int64?
        /// nil: cleared.
        package let value: ProfileValue?

        package init(field: ProfileField, previous: Int64?, value: ProfileValue?) {
            self.field = field
            self.previous = previous
            self.value = value
        }
    }

    package var edits: [Edit]

    package init(_ edits: [Edit]) { self.edits = edits }

    /// Of the change that erases a profile. It leads to no change before, since those are removed.
    package static let erasure = PackedEdits([Edit(field: .life, previous: nil, value: nil)])

    package subscript(field: ProfileField) -> Edit? { edits.first { $0.field == field } }

    // MARK: Bytes

    package var bytes: [UInt8] {
        var writer = PackedWriter()
        writer.add(byte: 1)
        for edit in edits {
            writer.add(edit.field.packed)
            writer.add(UInt64(edit.previous ?? 0))
            guard let value = edit.value else {
                writer.add(byte: 0)
                continue
            }
            writer.add(byte: value.value.kind)
            let first =
                edit.field.kind == .attribute ? BuiltInAttribute.firstVersion(ofAttribute: edit.field.number) : 0
            writer.add(value.version == first ? 0 : UInt64(value.version))
            switch value.value {
            case .string(let text): writer.add(text)
            case .integer(let number): writer.add(signed: number)
            case .double(let number): writer.add(bits: number.bitPattern)
            case .boolean: break
            }
        }
        return writer.bytes
    }

    /// nil: these are no edits.
    package init?(bytes: some Sequence<UInt8>) { self.init(PackedReader(ArraySlice(bytes))) }

    /// From where a store has them.
    package init?(bytes: UnsafeRawBufferPointer) { self.init(PackedReader(ArraySlice(bytes))) }

    private init?(_ packed: PackedReader) {
        var reader = packed
        guard reader.byte() == 1 else { return nil }
        edits = []
        while !reader.isAtEnd {
            guard let field = ProfileField(packed: reader.number()), let previous = reader.int64(),
                let kind = reader.byte()
            else { return nil }
            var value: ProfileValue?
            if kind != 0 {
                guard let version = reader.int64(), let read = FieldValue(kind: kind, from: &reader) else { return nil }
                value = ProfileValue(
                    version: version == 0 ? BuiltInAttribute.firstVersion(ofAttribute: field.number) : version,
                    value: read)
            }
            edits.append(Edit(field: field, previous: previous == 0 ? nil : previous, value: value))
        }
    }
}

extension ProfileField {
    /// The kind in the lowest two bits.
    var packed: UInt64 { UInt64(number) << 2 | UInt64(kind.rawValue) }

    init?(packed: UInt64?) {
        guard let packed, let kind = Kind(rawValue: Int64(packed & 3)), packed >> 2 <= UInt64(ProfileField.numberMax)
        else { return nil }
        self.init(kind, Int64(packed >> 2))
    }
}

extension FieldValue {
    fileprivate var kind: UInt8 {
        switch self {
        case .string: 1
        case .integer: 2
        case .double: 3
        case .boolean(false): 4
        case .boolean(true): 5
        }
    }

    fileprivate init?(kind: UInt8, from reader: inout PackedReader) {
        switch kind {
        case 1:
            guard let text = reader.text() else { return nil }
            self = .string(text)
        case 2:
            guard let number = reader.signed() else { return nil }
            self = .integer(number)
        case 3:
            guard let bits = reader.bits() else { return nil }
            self = .double(Double(bitPattern: bits))
        case 4: self = .boolean(false)
        case 5: self = .boolean(true)
        default: return nil
        }
    }
}
