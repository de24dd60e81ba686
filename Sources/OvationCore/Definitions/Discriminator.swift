/// The stable text id of a definition, such as `com.apsis1.keyspaces.email`.
///
/// The parameter says what is named, so that a section's discriminator cannot be passed where a keyspace's is
/// asked for: `Discriminator<Section>`, `Discriminator<Keyspace>`, `Discriminator<EventType>`.
public struct Discriminator<Definition>: Hashable, Sendable {
    public let text: String

    /// - Throws: `invalid_discriminator` unless the text is 3 to 75 characters of ASCII letters, digits, `.`, `_`
    ///   and `-`, begins with a letter or digit, and has at least two parts, none empty.
    public init(_ text: String) throws(Problem) {
        guard DiscriminatorRules.isValid(text) else {
            throw Problem(
                .invalidDiscriminator,
                "A discriminator has 3 to \(DiscriminatorRules.lengthMax) characters: letters of ASCII, digits, '.', '_' "
                    + "and '-', in at least two parts joined by dots; this is not one: \(text.quoted).")
        }
        self.text = text
    }

    /// For the names that Ovation itself ships.
    init(builtIn text: StaticString) {
        self.text = String(describing: text)
        precondition(DiscriminatorRules.isValid(self.text))
    }

    fileprivate init(unchecked text: String) {
        self.text = text
    }
}

extension Discriminator: Comparable {
    public static func < (left: Discriminator, right: Discriminator) -> Bool { left.text < right.text }
}

extension Discriminator: CustomStringConvertible {
    public var description: String { text }
}

extension Discriminator: Codable {
    public init(from decoder: any Decoder) throws {
        self = try Discriminator(decoder.singleValueContainer().decode(String.self))
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}

// MARK: - Making

extension Discriminator where Definition == Section {
    /// `usercreated.sections.my_section-h4h3dpu3qi`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.sections.", name: name, space: "_", using: &random)
    }
}

extension Discriminator where Definition == Keyspace {
    /// `usercreated.keyspaces.loyalty_card-0k3v9x2b7q`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.keyspaces.", name: name, space: "_", using: &random)
    }
}

extension Discriminator where Definition == EventType {
    /// `com.apsis1.events.transaction.custom-my-transaction-l9ce3syo6t`
    public static func made(
        fromName name: String, category: EventCategory, using random: inout some RandomNumberGenerator
    ) -> Self {
        made(fromName: name, category: category, suffix: DiscriminatorRules.suffix(using: &random))
    }

    /// - Parameter suffix: chosen before, so that a preview shows the discriminator that is then made.
    public static func made(fromName name: String, category: EventCategory, suffix: String) -> Self {
        DiscriminatorRules.made(
            prefix: "com.apsis1.events.\(category.rawValue).custom-", name: name, space: "-", suffix: suffix)
    }

    /// Ten random letters and digits.
    public static func suffix(using random: inout some RandomNumberGenerator) -> String {
        DiscriminatorRules.suffix(using: &random)
    }

    /// Whether a text can be such an ending.
    public static func isSuffix(_ text: String) -> Bool { DiscriminatorRules.isSuffix(text) }
}

extension Discriminator where Definition == Attribute {
    /// `usercreated.attributes.langue_crm-98h3ud5p4v`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        made(fromName: name, suffix: DiscriminatorRules.suffix(using: &random))
    }

    /// - Parameter suffix: chosen before, so that a preview shows the discriminator that is then made.
    public static func made(fromName name: String, suffix: String) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.attributes.", name: name, space: "_", suffix: suffix)
    }
}

extension Discriminator where Definition == Tag {
    /// `usercreated.tags.vip-98h3ud5p4v`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.tags.", name: name, space: "_", using: &random)
    }
}

extension Discriminator where Definition == Channel {
    /// `usercreated.channels.push-98h3ud5p4v`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.channels.", name: name, space: "_", using: &random)
    }
}

extension Discriminator where Definition == Folder {
    /// `usercreated.targets.jeans-3ayb7167e4`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.targets.", name: name, space: "_", using: &random)
    }
}

extension Discriminator where Definition == Topic {
    /// `usercreated.topics.bluejeans-cbyntm8qnw`
    public static func made(fromName name: String, using random: inout some RandomNumberGenerator) -> Self {
        DiscriminatorRules.made(prefix: "usercreated.topics.", name: name, space: "_", using: &random)
    }
}

/// What is common to the discriminators of every kind of definition.
enum DiscriminatorRules {
    /// Characters; the longest seen in real accounts.
    static let lengthMax = 75
    static let suffixLength = 10

    static func isValid(_ text: String) -> Bool {
        text.utf8.withContiguousStorageIfAvailable { isValid($0) } ?? Array(text.utf8).withUnsafeBufferPointer(isValid)
    }

    private static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard bytes.count >= 3, bytes.count <= lengthMax, let first = bytes.first, isAlphanumeric(first) else {
            return false
        }
        var parts = 1
        var previous = UInt8(ascii: "a")
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "."):
                guard previous != UInt8(ascii: ".") else { return false }
                parts += 1
            case UInt8(ascii: "_"), UInt8(ascii: "-"): break
            default: guard isAlphanumeric(byte) else { return false }
            }
            previous = byte
        }
        return parts >= 2 && previous != UInt8(ascii: ".")
    }

    /// Prefix, slug of the name, and ten random characters; a long slug is cut so that the whole fits.
    /// A name without one usable character gives no slug, as the oldest real ones have none.
    static func made<Definition>(
        prefix: String, name: String, space: Character, using random: inout some RandomNumberGenerator
    ) -> Discriminator<Definition> {
        made(prefix: prefix, name: name, space: space, suffix: suffix(using: &random))
    }

    static func suffix(using random: inout some RandomNumberGenerator) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<suffixLength).map { _ in alphabet.randomElement(using: &random)! })
    }

    static func isSuffix(_ text: String) -> Bool {
        text.utf8.count == suffixLength
            && text.utf8.allSatisfy { (48...57).contains($0) || (97...122).contains($0) }
    }

    static func made<Definition>(
        prefix: String, name: String, space: Character, suffix: String
    ) -> Discriminator<Definition> {
        let room = lengthMax - prefix.utf8.count - suffixLength - 1
        // Two dots in a row would make an empty part, which no discriminator has.
        let slug = slug(of: name, space: space).prefix(max(0, room))
        let text = slug.isEmpty ? prefix + suffix : prefix + slug + "-" + suffix
        return Discriminator(unchecked: text)
    }

    /// Lower case; spaces become `space`; ASCII letters, digits, `-`, `_` and single inner dots stay; the rest goes.
    static func slug(of name: String, space: Character) -> String {
        var slug = ""
        for character in name.lowercased() {
            switch character {
            case " ": slug.append(space)
            case ".": if let last = slug.last, last != "." { slug.append(character) }
            case "-", "_": slug.append(character)
            default:
                for byte in character.utf8.prefix(1) where character.utf8.count == 1 && isAlphanumeric(byte) {
                    slug.append(character)
                }
            }
        }
        return slug
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
