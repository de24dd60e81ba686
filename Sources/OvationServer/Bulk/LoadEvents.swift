import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/events/bulk`: events of many profiles, one JSON object on each line, in a body of
/// any size.
///
/// The answer is a summary when everything is done; or, if the client accepts `application/x-ndjson`, a line after each
/// chunk that is stored.
struct LoadEvents: EndpointHandler {
    let dependencies: Dependencies

    static let mediaType = "application/x-ndjson"

    func respond(to call: Call) async throws -> Response {
        // Runs before the answer begins, which can be a stream.
        let coding = try call.request.contentCoding()
        let caller = try call.caller()
        let section = try caller.section(call.path.section()).discriminator
        guard caller.mayWriteAnywhere else {
            throw Problem(
                .keyspaceForbidden, "This API key may write through no keyspace, so there is nothing to upload.")
        }
        let preferences = call.preferences
        // If two preferences exclude each other, the first counts (RFC 7240 §2).
        let isStrict = preferences.first { $0.hasPrefix("handling=") } == "handling=strict"
        let isCheckOnly = preferences.contains("validate-only")
        let upload = Upload(
            dependencies: dependencies, call: call, section: section, isStrict: isStrict, isCheckOnly: isCheckOnly,
            idempotencyKey: try call.idempotencyKey(), coding: coding)
        let applied = (isStrict ? ["handling=strict"] : []) + (isCheckOnly ? ["validate-only"] : [])
        var headers: HTTPFields = applied.isEmpty ? [:] : [.preferenceApplied: applied.joined(separator: ", ")]
        let slot = try dependencies.uploads.take(for: caller.key)
        // Its buffers are not shared with other bodies.
        let share = BodyBudget.Share(of: dependencies.bodies)
        try share.grow(to: dependencies.limits.bulkChunkBytes)
        guard call.request.headers[.accept]?.contains(LoadEvents.mediaType) == true else {
            let totals = try await upload.run { _, _ in }
            withExtendedLifetime((slot, share)) {}
            return .json(totals.summary.json, headers: headers)
        }
        headers[.contentType] = LoadEvents.mediaType
        headers[HTTPField.Name("X-Accel-Buffering")!] = "no"
        let body = ResponseBody.stream(on: call.connection) { output in
            do {
                let totals = try await upload.run { chunk, totals in
                    try await output.write(line: totals.progress(after: chunk))
                }
                try await output.write(line: totals.end)
            } catch let problem as Problem {
                dependencies.streams.note(
                    problem, status: HTTPResponse.Status.ok.code,
                    place: "\(call.endpoint.method.rawValue) \(call.endpoint.path)", requestID: call.requestID)
                // The status has gone out before; what it would have been stands in the last line.
                let body = Bodies.Problem(problem, requestID: call.requestID)
                try await output.write(line: .object([.init("problem", body.json)]))
            }
            withExtendedLifetime((slot, share)) {}
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}

extension StreamOutput {
    fileprivate func write(line: JSONValue) async throws {
        try await write(ByteBuffer(bytes: JSONWriter.write(line) + [UInt8(ascii: "\n")]))
    }
}
