import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// An endpoint that changes what a profile holds, and knows from the body and the definitions alone what is to be done. So its
/// plain requests are answered on the event loop.
protocol PlainChangeEndpoint: ProfileChangeEndpoint, InputEndpoint, FastEndpoint where Asked == Input {
    /// What is to be done.
    /// - Throws: when any of it may not be; the answer then names each.
    func operations(
        _ asked: Input, of profile: ProfileAddress, at place: ChangePlace
    ) throws -> [ProfileChange.Operation]
}

extension PlainChangeEndpoint {
    func asked(by call: Call) async throws -> Input { try await input(of: call) }

    func identifyingBytes(_ asked: Input) -> [UInt8] { JSONWriter.write(asked.json) }

    func begin(_ call: Call) throws(Problem) -> (any PlainRequest)? {
        PlainChange(self, call, at: try ChangePlace(call, as: call.caller()))
    }
}

/// A change of one profile that is plainly right.
private final class PlainChange<Endpoint: PlainChangeEndpoint>: PlainRequest {
    private let endpoint: Endpoint
    private let call: Call
    private var place: ChangePlace
    /// From when it is queued.
    private var queued: (asked: Endpoint.Input, profile: ProfileAddress)?

    init(_ endpoint: Endpoint, _ call: Call, at place: ChangePlace) {
        self.endpoint = endpoint
        self.call = call
        self.place = place
    }

    func queue(_ body: ByteBuffer, tell receiver: any StoreReceiver) -> Bool {
        guard let change = try? change(body) else { return false }
        endpoint.store.change(change, tell: receiver)
        return true
    }

    /// nil: of an empty request, which changes nothing.
    private func change(_ body: ByteBuffer) throws -> ProfileChange? {
        place = try endpoint.current(place, of: call)
        let asked = try Endpoint.Input(json: JSONValue(parsing: Array(buffer: body)))
        let profile = try endpoint.profile(asked, call, at: place)
        let idempotency = try call.idempotency(
            of: endpoint.identifyingBytes(asked), profile: profile, section: place.section.number,
            caller: place.caller)
        let operations = try endpoint.operations(asked, of: profile, at: place)
        guard !operations.isEmpty else { return nil }
        queued = (asked, profile)
        return endpoint.change(profile, call, idempotency, operations, at: place)
    }

    func answer(_ outcome: StoreOutcome) throws(Problem) -> (response: Response, body: ByteBuffer)? {
        guard case .changed(let outcome) = outcome, let queued else { return nil }
        if let response = endpoint.done(queued.asked, of: queued.profile, outcome) { return (response, ByteBuffer()) }
        // Whether a profile that exists is closed has to be read.
        if case .exists = outcome { return nil }
        throw outcome.problem(place.caller)
    }
}
