import OvationCore

/// What a store must answer about profiles, in the plainest way: dictionaries and lists, everything kept, nothing packed.
struct ProfileModel {
    struct Name: Hashable {
        let account: Int64
        let key: String
    }

    struct Value {
        let value: ProfileValue
        let at: Timestamp
        let actor: String
        let number: Int
    }

    struct Change {
        let number: Int
        let kind: ProfileChange.Kind
        let section: Int64?
        let at: Timestamp
        let actor: String
        var edits: [(field: ProfileField, from: ProfileValue?, to: ProfileValue?)] = []
    }

    struct Life {
        let createdAt: Timestamp
        var state = ProfileState.open
        var held: [Int64: [ProfileField: Value]] = [:]
        var changes: [Change] = []
        /// Numbers and times of its events.
        var events: [(number: Int, time: Timestamp)] = []
    }

    private struct Key {
        let fingerprint: [UInt8]
        let answer: [UInt8]
        let at: Timestamp
    }

    private(set) var lives: [Name: Life] = [:]
    /// What was there of each profile that was erased.
    private(set) var erased: [(id: ErasureID, account: Int64, counts: Erasure.Counts)] = []
    private var keys: [Int64: [String: Key]] = [:]
    /// Of the newest event or change.
    private var number = 0
    private let lifetime: Duration

    init(lifetime: Duration) { self.lifetime = lifetime }

    private func name(_ address: ProfileAddress) -> Name { Name(account: address.account, key: address.key.text) }

    func life(_ address: ProfileAddress) -> Life? { lives[name(address)] }

    /// Of the profiles that are open.
    func consentCounts(account: Int64, section: Int64) -> [ConsentCount] {
        let open = lives.filter { $0.key.account == account && $0.value.state == .open }.values
        return ConsentModel.counts(open.map { ($0.held[section] ?? [:]).mapValues(\.value) })
    }

    /// The key of each profile that is found, with the attribute.
    func holders(_ search: ValueSearch) -> [String] {
        lives.flatMap { name, life in
            life.held.values.flatMap { $0 }.compactMap { field, held -> String? in
                guard name.account == search.account, field.kind == .attribute, let text = search.texts[field.number],
                    let format = ProfileModel.formats[field.number % 8],
                    let key = held.value.value.profileKey(format: format)?.text,
                    search.isExact ? key.utf8.elementsEqual(text.utf8) : key.utf8.starts(with: text.utf8)
                else { return nil }
                return "\(name.key) \(field.number)"
            }
        }
    }

    private static let formats: [Int64: KeyFormat] = [1: .email, 2: .mobile, 3: .text]

    private func known(_ idempotency: Idempotency?, _ account: Int64, _ now: Timestamp) -> Key? {
        guard let idempotency, let key = keys[account]?[idempotency.key] else { return nil }
        return key.at > now.advanced(by: .zero - lifetime) ? key : nil
    }

    private mutating func remember(_ idempotency: Idempotency?, _ account: Int64, _ now: Timestamp) {
        guard let idempotency else { return }
        keys[account, default: [:]][idempotency.key] = Key(
            fingerprint: idempotency.fingerprint, answer: idempotency.answer, at: now)
    }

    mutating func append(_ batch: EventBatch) -> AppendOutcome {
        let account = batch.profile.account
        if let key = known(batch.idempotency, account, batch.receivedAt) {
            return key.fingerprint == batch.idempotency?.fingerprint ? .duplicate(answer: key.answer) : .conflict
        }
        if !batch.events.isEmpty {
            var life = life(batch.profile) ?? Life(createdAt: batch.receivedAt)
            guard life.state == .open else { return .refused([RefusedProfile(index: 0, state: life.state)]) }
            for event in batch.events {
                number += 1
                life.events.append((number, event.eventTime))
            }
            lives[name(batch.profile)] = life
        }
        remember(batch.idempotency, account, batch.receivedAt)
        return .stored
    }

    /// Of all sections.
    mutating func deleteEvents(of profile: ProfileAddress, from: Timestamp) {
        lives[name(profile)]?.events.removeAll { $0.time >= from }
    }

    /// - Returns: the outcome, and for a change its number here in place of the position.
    mutating func change(_ change: ProfileChange) -> (outcome: ProfileChangeOutcome, number: Int?) {
        if let key = known(change.idempotency, change.profile.account, change.at) {
            return (
                key.fingerprint == change.idempotency?.fingerprint ? .duplicate(answer: key.answer) : .conflict, nil
            )
        }
        let former = life(change.profile)
        if former == nil, change.precondition == .exists { return (.noProfile, nil) }
        if let former, change.precondition == .isNew {
            return (former.state == .open ? .exists : .refused(former.state), nil)
        }
        if former == nil, change.erasure != nil { return (.noProfile, nil) }
        // A copy: nothing of it counts if it is refused.
        var (life, next) = (former ?? Life(createdAt: change.at), number)
        var givesConsent = false
        for operation in change.operations {
            guard let refusal = apply(operation, of: change, to: &life, &next, &givesConsent) else { continue }
            return (refusal, nil)
        }
        let isChanged = next > number
        number = next
        lives[name(change.profile)] = life
        if let former, let id = change.erasure?.id { erase(former, change.profile, id) }
        remember(change.idempotency, change.profile.account, change.at)
        if former != nil, !isChanged { return (.unchanged, nil) }
        return (givesConsent ? .consented(position: 0) : .changed(position: nil), isChanged ? number : nil)
    }

    private mutating func erase(_ life: Life, _ address: ProfileAddress, _ id: ErasureID) {
        let held = life.held.values.flatMap { $0.keys }
        let counts = Erasure.Counts(
            events: Int64(life.events.count), values: Int64(held.count { $0.kind == .attribute }),
            tags: Int64(held.count { $0.kind == .tag }),
            consents: ConsentModel.count(life.held.values.map { $0.mapValues(\.value) }),
            changes: Int64(life.changes.count))
        erased.append((id, address.account, counts))
        lives[name(address)] = nil
    }

    private func apply(
        _ operation: ProfileChange.Operation, of change: ProfileChange, to life: inout Life, _ number: inout Int,
        _ givesConsent: inout Bool
    ) -> ProfileChangeOutcome? {
        var row = Change(
            number: number + 1, kind: operation.kind, section: nil, at: change.at, actor: change.actor)
        switch operation {
        case .lock:
            guard life.state == .open else { return nil }
            life.state = .locked
        case .erase:
            guard life.state == .open else { return .refused(life.state) }
        case .merge, .unmerge, .restore, .addKey, .removeKey:
            preconditionFailure("the model does not know it")
        case .consent(let section, let asked):
            guard life.state == .open else { return .refused(life.state) }
            let held = life.held[section]?.mapValues(\.value) ?? [:]
            let consents = ConsentModel(asked, held: held)
            if let refusal = consents.refusal { return refusal }
            if consents.isMade { givesConsent = true }
            return apply(
                .update(section: section, consents.edits), of: change, to: &life, &number, &givesConsent)
        case .update(let section, let edits):
            guard life.state == .open else { return .refused(life.state) }
            row = Change(number: number + 1, kind: .updated, section: section, at: change.at, actor: change.actor)
            for edit in edits {
                let from = life.held[section]?[edit.field]?.value
                guard ProfileModel.text(from) != ProfileModel.text(edit.value) else { continue }
                life.held[section, default: [:]][edit.field] = edit.value.map {
                    Value(value: $0, at: change.at, actor: change.actor, number: number + 1)
                }
                row.edits.append((edit.field, from, edit.value))
            }
            guard !row.edits.isEmpty else { return nil }
            if (life.held[section]?.count ?? 0) > Limits.profileFieldsMax { return .full }
        }
        number += 1
        life.changes.append(row)
        return nil
    }

    /// With the bytes of a text: Swift takes two spellings of one letter for the same.
    static func text(_ value: ProfileValue?) -> [UInt8] { Array("\(String(describing: value))".utf8) }
}
