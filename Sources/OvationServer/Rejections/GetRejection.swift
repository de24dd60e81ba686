import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/rejections/{id}`, with its whole body; if it was replayed, with the events that
/// were stored then
struct GetRejection: BodyEndpoint {
    let store: any EventStore & ProfileStore & RejectionStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.RejectionWithBody> {
        let caller = try call.caller()
        let rejection = try await store.rejection(of: call, caller, limits)
        let stored = try await stored(rejection, caller)
        return BodyAnswer(
            Bodies.RejectionWithBody(rejection, in: caller.catalogue, stored: stored),
            headers: [.cacheControl: "no-store"])
    }

    /// Those that were not deleted since, as many as fit into one answer.
    private func stored(_ rejection: Rejection, _ caller: Identity) async throws -> [StoredEvent] {
        var events: [StoredEvent] = []
        var bytes = 0
        for run in rejection.replayedEvents where bytes < Limits.pageBytesMax {
            let page = try await store.events(
                of: ExportRange(
                    account: caller.key.account, section: rejection.post.section, after: run.lowerBound - 1,
                    through: run.upperBound, limit: run.count, bytesMax: Limits.pageBytesMax - bytes))
            var start = 0
            for row in page.rows {
                events.append(
                    StoredEvent(
                        id: row.id, eventTime: row.eventTime, receivedAt: row.receivedAt, version: row.version,
                        data: String(decoding: page.data[start..<row.dataEnd], as: UTF8.self)))
                start = row.dataEnd
            }
            bytes += page.data.count
        }
        return events
    }
}

extension RejectionStore {
    /// The refused post that the path names. One that is past its time is gone, whether the store still has it or not.
    func rejection(of call: Call, _ caller: Identity, _ limits: Limits) async throws -> Rejection {
        let section = try caller.section(call.path.section())
        let id = try call.path.rejectionID()
        let oldest = call.receivedAt.advanced(by: .zero - limits.rejectionAge)
        guard let rejection = try await rejection(id, account: caller.key.account),
            rejection.post.section == section.number, rejection.post.receivedAt >= oldest
        else { throw Problem.noRejection(String(id)) }
        return rejection
    }
}
