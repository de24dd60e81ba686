import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/rejections/{id}/replay`, with nothing, or with `{items?, profile_key?}` to post
/// instead. 204: the events are stored, and the refused post is closed in the same commit, so it cannot be replayed
/// twice. With `Prefer: validate-only` everything is checked and nothing stored.
struct ReplayRejection: InputEndpoint {
    typealias Input = Bodies.ReplayRequest

    let replay: Replay
    let directory: Directory
    var limits: Limits { replay.limits }

    func respond(to call: Call) async throws -> Response {
        let request = try await optionalInput(of: call)
        let caller = try directory.current(call.caller())
        let rejection = try await replay.store.rejection(of: call, caller, replay.limits)
        guard rejection.replayedAt == nil else { throw ReplayRejection.notOpen }
        let checked = try replay.check(
            rejection, items: request?.items, key: request?.profileKey, for: call, by: caller)
        guard !call.isCheckOnly else { return .noContent(Call.checked) }
        guard try await replay.store(checked) else { throw ReplayRejection.notOpen }
        return .noContent()
    }

    private static let notOpen = Problem(
        .alreadyReplayed, "This refused post was replayed before or is gone; nothing was stored.")
}
