public import OvationCore

extension Bodies.ConsentType {
    public init(_ type: OvationCore.ConsentType) {
        self =
            switch type {
            case .optIn: .optIn
            case .optOut: .optOut
            case .pendingOptIn: .pendingOptIn
            case .confirmedOptIn: .confirmedOptIn
            }
    }

    public var value: OvationCore.ConsentType {
        switch self {
        case .optIn: .optIn
        case .optOut: .optOut
        case .pendingOptIn: .pendingOptIn
        case .confirmedOptIn: .confirmedOptIn
        }
    }
}

extension Bodies.ConsentLift {
    fileprivate init(_ lift: Lift) {
        source = lift.source
        reason = lift.reason
    }
}

extension Bodies.ConsentState {
    public init(_ consent: OvationCore.Consent) {
        type = .init(consent.type)
        source = consent.source
        reason = consent.reason
    }
}

extension Bodies.Consents {
    /// - Parameter data: of this section and of section 0.
    public init(_ data: ProfileData, section: Int64, in catalogue: Catalogue) {
        self.init()
        let held = data.sections.first { $0.section == section }?.fields ?? []
        items = held.compactMap { field in
            guard let place = ConsentPlace(field.field), let topic = place.topic, let channel = place.channel,
                let topicName = catalogue.topic(number: topic)?.discriminator.text,
                let channelName = catalogue.channel(number: channel)?.discriminator.text
            else { return nil }
            // What stands above it speaks first.
            let sending = OvationCore.Sending(of: data, section: section, topic: topic, channel: channel)
            let shown = sending.held ?? field
            guard let consent = OvationCore.Consent(shown.value) else { return nil }
            var body = Bodies.Consent()
            body.topicDiscriminator = topicName
            body.channelDiscriminator = channelName
            body.type = .init(consent.type)
            body.source = consent.source
            body.reason = consent.reason
            body.modifiedAt = shown.setAt
            body.modifiedBy = shown.actor
            return body
        }
        optOuts = data.sections.filter { $0.section == 0 || $0.section == section }.flatMap { held in
            held.fields.compactMap { Bodies.OptOut($0, ofAccount: held.section == 0, in: catalogue) }
        }
    }
}

extension Bodies.OptOut {
    /// nil: it is none.
    fileprivate init?(_ field: HeldField, ofAccount isOfAccount: Bool, in catalogue: Catalogue) {
        guard let place = ConsentPlace(field.field), place.topic == nil, let channel = place.channel,
            let consent = OvationCore.Consent(field.value), consent.type == .optOut
        else { return nil }
        self.init()
        channelDiscriminator = catalogue.channel(number: channel)?.discriminator.text ?? ""
        self.isOfAccount = isOfAccount
        source = consent.source
        reason = consent.reason
        modifiedAt = field.setAt
        modifiedBy = field.actor
    }
}

extension Bodies.ConsentChanges {
    public init(_ page: ProfileChangePage, in catalogue: Catalogue) {
        self.init()
        items = page.changes.flatMap { change in
            change.edits.compactMap { Bodies.ConsentChange($0, of: change, in: catalogue) }
        }
        nextCursor = page.next.map(ChangeCursor.write)
    }
}

extension Bodies.ConsentChange {
    /// nil: it is no consent.
    init?(_ edit: StoredProfileChange.Edit, of change: StoredProfileChange, in catalogue: Catalogue) {
        guard let place = ConsentPlace(edit.field) else { return nil }
        topicDiscriminator = place.topic.flatMap { catalogue.topic(number: $0)?.discriminator.text }
        channelDiscriminator = place.channel.flatMap { catalogue.channel(number: $0)?.discriminator.text }
        isOfAccount = change.section == 0
        from = edit.from.flatMap { OvationCore.Consent($0) }.map { .init($0) }
        to = edit.to.flatMap { OvationCore.Consent($0) }.map { .init($0) }
        lift = edit.to.flatMap { Lift($0) }.map { .init($0) }
        changedAt = change.at
        changedBy = change.actor
    }
}

extension Bodies.SendingReason {
    fileprivate init(_ reason: OvationCore.Sending.Reason) {
        self =
            switch reason {
            case .suppressed: .suppressed
            case .locked: .locked
            case .accountOptOut: .accountOptOut
            case .sectionOptOut: .sectionOptOut
            case .optOut: .optOut
            case .pending: .pending
            case .confirmedOptIn: .confirmedOptIn
            case .optIn: .optIn
            case .noConsent: .noConsent
            }
    }

    fileprivate var detail: String {
        switch self {
        case .suppressed: "The address is suppressed: it takes nothing by this channel."
        case .locked: "The profile is locked."
        case .accountOptOut: "The address has opted out of the whole account."
        case .sectionOptOut: "The address has opted out of the whole section."
        case .optOut: "The person has opted out of the topic."
        case .pending: "The person has not confirmed the consent yet."
        case .confirmedOptIn: "The person has opted in, and has confirmed it."
        case .optIn: "The person has opted in."
        case .noConsent: "Nobody with this address has consented to the topic."
        }
    }
}

extension Bodies.Sending {
    public init(_ sending: OvationCore.Sending) {
        self.init()
        maySend = sending.isAllowed
        reason = .init(sending.reason)
        detail = reason.detail
        consent = sending.held.flatMap { OvationCore.Consent($0.value) }.map { .init($0) }
        modifiedAt = sending.held?.setAt
    }
}
