/// What a consent is about. See rule 21 of DESIGN.md.
///
/// - topic and channel: a consent. Both generations of the API have it.
/// - topic alone: a subscription of the first generation.
/// - channel alone: an opt-out of a whole section; in section 0, of the account.
public struct ConsentPlace: Hashable, Sendable {
    /// Number of the topic in the account; nil: all topics.
    public let topic: Int64?
    /// Number of the channel in the account; nil: none.
    public let channel: Int64?

    public static let topicMax: Int64 = (1 << 27) - 1
    public static let channelMax: Int64 = (1 << channelBits) - 1

    private static let channelBits: Int64 = 12

    /// - Parameters:
    ///   - topic: from 1 to ``topicMax``.
    ///   - channel: from 1 to ``channelMax``.
    public init(topic: Int64?, channel: Int64?) {
        precondition(topic.map { 1...ConsentPlace.topicMax ~= $0 } ?? true, "the number of a topic")
        precondition(channel.map { 1...ConsentPlace.channelMax ~= $0 } ?? true, "the number of a channel")
        self.topic = topic
        self.channel = channel
    }

    /// As profiles hold it.
    public var field: ProfileField {
        ProfileField(.consent, (topic ?? 0) << ConsentPlace.channelBits | (channel ?? 0))
    }

    /// nil: the field is no consent.
    public init?(_ field: ProfileField) {
        guard field.kind == .consent else { return nil }
        let (topic, channel) = (field.number >> ConsentPlace.channelBits, field.number & ConsentPlace.channelMax)
        self.init(topic: topic == 0 ? nil : topic, channel: channel == 0 ? nil : channel)
    }
}

// MARK: - As a value

extension Consent {
    /// As profiles hold it: the type as the version, and ``Reasoned/text(_:_:)``.
    public var value: ProfileValue {
        ProfileValue(version: type.rawValue, value: .string(Reasoned.text(source, reason)))
    }

    /// nil: this is no consent that this version knows.
    public init?(_ value: ProfileValue) {
        guard let type = ConsentType(rawValue: value.version), let (source, reason) = Reasoned.read(value.value) else {
            return nil
        }
        self.init(type, source: source, reason: reason)
    }
}

extension Lift {
    /// No ``ConsentType`` has it as its number.
    private static let version: VersionID = 5

    /// As profiles hold it: a number that no type of a consent has as the version, and ``Reasoned/text(_:_:)``.
    public var value: ProfileValue {
        ProfileValue(version: Lift.version, value: .string(Reasoned.text(source, reason)))
    }

    /// nil: this is none.
    public init?(_ value: ProfileValue) {
        guard value.version == Lift.version, let (source, reason) = Reasoned.read(value.value) else { return nil }
        self.init(source: source, reason: reason)
    }
}

/// A source and a reason as one text: how many bytes the source has, a colon, the source, and the reason.
private enum Reasoned {
    static func text(_ source: String, _ reason: String) -> String { "\(source.utf8.count):\(source)\(reason)" }

    static func read(_ value: FieldValue) -> (source: String, reason: String)? {
        guard case .string(let text) = value else { return nil }
        let bytes = text.utf8
        guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), let count = Int(text[..<colon]), count >= 0 else {
            return nil
        }
        let start = bytes.index(after: colon)
        guard let end = bytes.index(start, offsetBy: count, limitedBy: bytes.endIndex),
            let source = String(bytes[start..<end]), let reason = String(bytes[end...])
        else { return nil }
        return (source, reason)
    }
}
