public import OvationCore

/// The only reader of path parameters: they come percent-encoded, and a key that is decoded twice or
/// not at all is another profile.
public struct PathParameters: Sendable {
    private let raw: @Sendable (String) -> Substring?

    public init(_ raw: @escaping @Sendable (String) -> Substring?) {
        self.raw = raw
    }

    /// - Parameters:
    ///   - names: of the parameters in their order.
    ///   - ranges: where they stand in the path, in bytes.
    init(_ path: String, _ names: [String], _ ranges: [Range<Int>]) {
        raw = { name in
            guard let index = names.firstIndex(of: name) else { return nil }
            let bytes = path.utf8
            let start = bytes.index(bytes.startIndex, offsetBy: ranges[index].lowerBound)
            return path[start..<bytes.index(start, offsetBy: ranges[index].count)]
        }
    }

    public func text(_ name: String) throws(Problem) -> String {
        guard let encoded = raw(name), let text = PercentEncoding.decode(encoded) else {
            throw Problem(.invalidPath, "The '\(name)' in the path is not valid percent-encoded UTF-8.")
        }
        return text
    }

    /// A discriminator that cannot be one names nothing, and so is not found rather than invalid.
    public func section() throws(Problem) -> Discriminator<Section> {
        let text = try text("section")
        guard let discriminator = try? Discriminator<Section>(text) else {
            throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
        }
        return discriminator
    }

    public func keyspace(_ name: String = "keyspace") throws(Problem) -> Discriminator<Keyspace> {
        let text = try text(name)
        guard let discriminator = try? Discriminator<Keyspace>(text) else {
            throw Problem(.keyspaceNotFound, "There is no keyspace \(text.quoted).")
        }
        return discriminator
    }

    public func eventType() throws(Problem) -> Discriminator<EventType> {
        let text = try text("event")
        guard let discriminator = try? Discriminator<EventType>(text) else {
            throw Problem(.eventTypeNotFound, "There is no event type \(text.quoted).")
        }
        return discriminator
    }

    public func attribute() throws(Problem) -> Discriminator<Attribute> {
        let text = try text("attribute")
        guard let discriminator = try? Discriminator<Attribute>(text) else {
            throw Problem(.attributeNotFound, "There is no attribute \(text.quoted).")
        }
        return discriminator
    }

    public func tag() throws(Problem) -> Discriminator<Tag> {
        let text = try text("tag")
        guard let discriminator = try? Discriminator<Tag>(text) else {
            throw Problem(.tagNotFound, "There is no tag \(text.quoted).")
        }
        return discriminator
    }

    public func channel() throws(Problem) -> Discriminator<Channel> {
        let text = try text("channel")
        guard let discriminator = try? Discriminator<Channel>(text) else {
            throw Problem(.channelNotFound, "There is no channel \(text.quoted).")
        }
        return discriminator
    }

    /// - Parameter name: `folder`, or `consent_list` in paths of the first generation.
    public func folder(_ name: String = "folder") throws(Problem) -> Discriminator<Folder> {
        let text = try text(name)
        guard let discriminator = try? Discriminator<Folder>(text) else {
            throw Problem(.folderNotFound, "There is no folder \(text.quoted).")
        }
        return discriminator
    }

    public func topic() throws(Problem) -> Discriminator<Topic> {
        let text = try text("topic")
        guard let discriminator = try? Discriminator<Topic>(text) else {
            throw Problem(.topicNotFound, "There is no topic \(text.quoted).")
        }
        return discriminator
    }

    public func version() throws(Problem) -> EventVersion.ID {
        let text = try text("version")
        guard let id = VersionID.parse(text) else {
            throw Problem(.versionNotFound, "There is no version \(text.quoted).")
        }
        return id
    }

    /// - Parameter name: `profile_id`, or `export_key` in paths of exports.
    public func profileID(_ name: String = "profile_id") throws(Problem) -> ProfileID {
        guard let id = ProfileID(hex: try text(name)) else {
            throw Problem(.profileNotFound, "There is no profile with this id.")
        }
        return id
    }

    public func erasureID() throws(Problem) -> ErasureID {
        guard let id = ErasureID(try text("erasure_id")) else { throw Problem.noErasure }
        return id
    }

    /// - Parameter name: `job`, or `import` in paths of imports.
    public func jobID(_ name: String) throws(Problem) -> JobID {
        guard let id = JobID(try text(name)) else { throw Problem.noJob }
        return id
    }

    public func rejectionID() throws(Problem) -> Rejection.ID {
        let text = try text("id")
        guard let id = VersionID.parse(text) else { throw Problem.noRejection(text) }
        return id
    }

    public func rejectionCause() throws(Problem) -> RejectionCause.ID {
        guard let id = RejectionCause.ID(rawValue: try text("cause")) else { throw Problem.noRejectionCause }
        return id
    }

    public func eventID() throws(Problem) -> Int64 {
        let text = try text("id")
        guard let id = VersionID.parse(text) else {
            throw Problem(.eventNotFound, "There is no event \(text.quoted) on this profile.")
        }
        return id
    }
}

/// Ids cross the wire as strings of digits going out, and as strings or numbers coming in.
public enum VersionID {
    /// Digits only: no sign, no space, no fraction, no leading zero.
    public static func parse(_ text: some StringProtocol) -> Int64? {
        guard text.utf8.first != UInt8(ascii: "0"), text.utf8.allSatisfy({ $0 &- 48 <= 9 }) else { return nil }
        return Int64(text)
    }

    public static func parse(_ value: JSONValue) -> Int64? {
        switch value {
        case .number(let text), .string(let text): parse(text)
        default: nil
        }
    }
}

/// Profile ids are sent as sixteen hexadecimal digits: they are hashes, and clients should not calculate with them.
extension ProfileID {
    public init?(hex: String) {
        guard hex.utf8.count == 16, hex.utf8.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }),
            let word = UInt64(hex, radix: 16)
        else { return nil }
        self.init(Int64(bitPattern: word))
    }

    public var hex: String { Hexadecimal.text(of: UInt64(bitPattern: value)) }
}

extension Problem {
    public static func noRejection(_ id: some StringProtocol) -> Problem {
        Problem(.rejectionNotFound, "There is no refused post \(id.quoted) here; it may be past its time.")
    }

    public static let noJob = Problem(
        .jobNotFound, "There is no job with this id; it may have ended more than a week ago.")

    public static let noErasure = Problem(
        .erasureNotFound, "There is no receipt with this id. The header Erasure-Id of the answer to a deletion has it.")
    public static let noRejectionCause = Problem(
        .rejectionCauseNotFound,
        "There are no open rejections of this cause; they were replayed or dismissed, or are past their time.")
}
