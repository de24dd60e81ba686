import OvationCore
import OvationWire

/// Checks what a request says of a consent against the definitions, and collects everything that is wrong.
struct ConsentCheck {
    private let caller: Identity
    private var errors: [ItemError] = []

    /// What took a consent where the caller does not say.
    static let defaultSource = "One API"

    init(for caller: Identity) { self.caller = caller }

    private mutating func refuse(_ member: String, _ code: Problem.Code, _ detail: String) {
        errors.append(ItemError(index: nil, pointer: "/" + member, code: code, detail: detail))
    }

    /// A topic of a section that takes consents.
    mutating func topic(_ text: String, in section: Section) -> Topic? {
        let found = (try? Discriminator<Topic>(text)).flatMap {
            caller.catalogue.topic($0, in: section.discriminator)
        }
        guard let found else {
            refuse("topic_discriminator", .topicNotFound, "The section has no topic \(text.quoted).")
            return nil
        }
        guard found.removedAt == nil else {
            refuse("topic_discriminator", .topicNotFound, "The topic '\(found.discriminator)' has been removed.")
            return nil
        }
        return found
    }

    /// A topic, by the consent list that it stands in too.
    mutating func topic(_ text: String, list: String, in section: Section) -> Topic? {
        guard let found = topic(text, in: section) else { return nil }
        guard found.folder.text == list else {
            refuse(
                "consent_list_discriminator", .folderNotFound,
                "The topic '\(found.discriminator)' is in the consent list '\(found.folder)', not in \(list.quoted).")
            return nil
        }
        return found
    }

    mutating func channel(_ text: String) -> OvationCore.Channel? {
        guard let discriminator = try? Discriminator<OvationCore.Channel>(text),
            let found = caller.catalogue.channel(discriminator)
        else {
            refuse("channel_discriminator", .channelNotFound, "There is no channel \(text.quoted).")
            return nil
        }
        guard found.removedAt == nil else {
            refuse("channel_discriminator", .channelNotFound, "The channel '\(discriminator)' has been removed.")
            return nil
        }
        return found
    }

    mutating func place(_ topic: Topic?, _ channel: OvationCore.Channel?) -> ConsentPlace? {
        guard let topic, let channel else { return nil }
        if let only = topic.channel, only != channel.discriminator {
            refuse(
                "topic_discriminator", .invalidValue,
                "Consents to '\(topic.discriminator)' are for the channel '\(only)' alone, not for "
                    + "'\(channel.discriminator)'.")
            return nil
        }
        return ConsentPlace(topic: topic.number, channel: channel.number)
    }

    mutating func consent(_ type: Bodies.ConsentType, source: String?, reason: String) -> Consent {
        if !type.value.isSetByIntegrations, !caller.isAdmin {
            refuse("type", .invalidValue, "'\(type.rawValue)' is for admin keys; send 'opt-in' or 'opt-out'.")
        }
        for (member, text) in [("source", source ?? ""), ("reason", reason)]
        where text.unicodeScalars.count > Limits.consentTextLengthMax {
            refuse(
                member, .textTooLong, "'\(member)' has at most \(Limits.consentTextLengthMax) characters.")
        }
        return Consent(type.value, source: source ?? ConsentCheck.defaultSource, reason: reason)
    }

    mutating func refuseMember(_ member: String, _ detail: String) { refuse(member, .invalidValue, detail) }

    /// - Returns: what was checked, where nothing is wrong.
    /// - Throws: otherwise every reason.
    func result<Checked>(_ checked: Checked?) throws(Problem) -> Checked {
        guard errors.isEmpty, let checked else {
            throw Problem(
                .validationFailed,
                "The consent was refused, and nothing was changed."
                    + (errors.count == 1 ? " \(errors[0].detail)" : " 'errors' says why."),
                errors: errors)
        }
        return checked
    }
}

extension Keyspace {
    /// - Throws: where consents are not managed through it.
    func requireSubscriptions() throws(Problem) {
        guard managesSubscriptions else {
            throw Problem(
                .keyspaceForbidden,
                "No consents can be managed through the keyspace '\(discriminator)'. An admin can let it manage "
                    + "subscriptions.")
        }
    }

    /// - Throws: where consents are not shown through it.
    func requireReadableConsents() throws(Problem) {
        if !showsConsents { try requireSubscriptions() }
    }
}

extension ProfileStore {
    /// What the store would say of consents by what the profile has now; nil: it would set them.
    func refusedConsent(
        _ operations: [ProfileChange.Operation], of profile: ProfileAddress
    ) async throws -> ProfileChangeOutcome? {
        for case .consent(let section, let edits) in operations {
            let data = try await data(of: profile, in: [section])
            let fields = data?.sections.first { $0.section == section }
            for edit in edits where edit.refused == .refusesChange {
                let held = fields?[edit.place.field]?.value
                if edit.transition(from: held) == .refused, let held, let current = Consent(held)?.type {
                    return .consentRefused(current: current)
                }
            }
        }
        return nil
    }
}
