// A Hummingbird server that reads the same body and answers 204, and does nothing else: what the HTTP stack alone can
// do on a machine, to hold the real server against.

import Foundation
import Hummingbird

let port = Int(CommandLine.arguments.dropFirst().first ?? "") ?? 8081
let router = Router(context: BasicRequestContext.self)
router.post("/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events") { request, _ in
    _ = try await request.body.collect(upTo: 100 * 1024)
    return Response(status: .noContent)
}
let application = Application(
    router: router, configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)))
try await application.run()
