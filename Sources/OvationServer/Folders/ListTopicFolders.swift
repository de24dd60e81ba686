import Hummingbird
import OvationCore
import OvationWire

/// `GET /v2/audience/sections/{section}/topic-folders`: the answer of `…/folders`. The original has an operation "Get all
/// topic folders", and nothing tells its path.
struct ListTopicFolders: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Folders> { try await ListFolders().answer(to: call) }
}
