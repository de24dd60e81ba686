import AsyncAlgorithms
import Logging
import OvationCore
public import ServiceLifecycle

/// Removes events that are older than their type keeps them: once at the start, and once a day. It reads through the sections
/// that have such types, in the order of arrival, and removes a few events of one profile at a time, so that no post waits for
/// it. Where it is cut off, the next look begins anew.
public struct EventRetention: Service {
    let store: any Store
    let directory: Directory
    let clock: WallClock
    let logger: Logger

    public func run() async throws {
        let start = AsyncTimerSequence(interval: Limits.retentionDelay, clock: .continuous).prefix(1).map { _ in () }
        let daily = AsyncTimerSequence(interval: Limits.retentionInterval, clock: .continuous).map { _ in () }
        for await _ in merge(start, daily).cancelOnGracefulShutdown() {
            do {
                // Ends in the middle when the server stops: what is left is for the next look.
                let count = try await cancelWhenGracefulShutdown(removeExpired)
                if count > 0 {
                    logger.info("events past their retention are removed", metadata: ["events": "\(count)"])
                }
            } catch is CancellationError {
                return
            } catch {
                logger.warning(
                    "events past their retention are not all removed; the next look is in a day",
                    metadata: ["error": "\(error)"])
            }
        }
    }

    /// - Returns: how many events.
    func removeExpired() async throws -> Int {
        var count = 0
        for account in directory.accounts {
            let catalogue = account.catalogue
            for section in catalogue.sections {
                let ends = EventRetention.ends(of: section, catalogue, at: clock.now())
                guard !ends.isEmpty else { continue }
                count += try await remove(ends, in: section, catalogue)
            }
        }
        return count
    }

    /// From which time on events are kept, by version. Removed types keep theirs as long.
    private static func ends(
        of section: Section, _ catalogue: Catalogue, at now: Timestamp
    ) -> [EventVersion.ID: Timestamp] {
        var ends: [EventVersion.ID: Timestamp] = [:]
        for type in catalogue.eventTypes where type.section == section.discriminator {
            guard let end = type.retention?.end(at: now) else { continue }
            for version in type.versions { ends[version.id] = end }
        }
        return ends
    }

    private struct Expired: Hashable {
        let profile: Int
        let version: EventVersion.ID
    }

    private func remove(
        _ ends: [EventVersion.ID: Timestamp], in section: Section, _ catalogue: Catalogue
    ) async throws -> Int {
        var range = ExportRange(
            account: catalogue.account.number, section: section.number, versions: Set(ends.keys), to: ends.values.max(),
            limit: Limits.retentionStepMax, bytesMax: Limits.pageBytesMax)
        var count = 0
        while true {
            let page = try await store.events(of: range)
            var expired: [Expired: ClosedRange<Timestamp>] = [:]
            for row in page.rows where ends[row.version].map({ row.eventTime < $0 }) == true {
                let place = Expired(profile: row.profile, version: row.version)
                let times = expired[place] ?? row.eventTime...row.eventTime
                expired[place] = min(times.lowerBound, row.eventTime)...max(times.upperBound, row.eventTime)
            }
            for (place, times) in expired {
                try Task.checkCancellation()
                guard let profile = page.address(place.profile, of: catalogue) else { continue }
                count += try await remove(place.version, times, of: profile, in: section)
            }
            guard let next = page.next else { return count }
            range.after = next
        }
    }

    /// What else is between these times goes too: it is past its time as well.
    private func remove(
        _ version: EventVersion.ID, _ times: ClosedRange<Timestamp>, of profile: ProfileAddress, in section: Section
    ) async throws -> Int {
        let start = ContinuousClock.now
        let filter = EventFilter(
            profile: profile, section: section.number, versions: [version], from: times.lowerBound,
            to: Timestamp(milliseconds: times.upperBound.milliseconds + 1))
        let removed = try await store.deleteEvents(filter, id: nil, recordedAs: nil, at: clock.now(), by: "server")
        // Half of the time is for others.
        try await Task.sleep(for: ContinuousClock.now - start)
        return removed?.count ?? 0
    }
}

extension ExportPage {
    /// nil: the keyspace is of a newer server, or the key is none by today's rules.
    fileprivate func address(_ profile: Int, of catalogue: Catalogue) -> ProfileAddress? {
        let profile = profiles[profile]
        guard let keyspace = catalogue.keyspaces.first(where: { $0.number == profile.keyspace }) else { return nil }
        // A key was checked when it came; one that cannot be read back as it is finds no profile.
        return try? ProfileAddress(
            String(decoding: keys[profile.key], as: UTF8.self), in: keyspace, account: catalogue.account.number)
    }
}
