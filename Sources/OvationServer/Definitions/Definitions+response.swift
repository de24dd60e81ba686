import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

extension Call {
    /// 304 when the client already has what the definitions are now.
    func definitions(_ identity: Identity, _ json: @autoclosure () -> JSONValue) -> Response {
        let tag = identity.account.entityTag(for: identity.key)
        let headers: HTTPFields = [.eTag: tag, .cacheControl: "private, no-cache"]
        let known = request.headers[values: .ifNoneMatch].flatMap { $0.split(separator: ",") }
        let trimmed = known.map { $0.filter { !$0.isWhitespace } }
        if trimmed.contains(where: { $0 == tag || $0 == "W/" + tag || $0 == "*" }) {
            return Response(status: .notModified, headers: headers)
        }
        return .json(json(), headers: headers)
    }

    /// The entity tag that must still hold for a change to go through; nil when the client asks for none.
    var expectedEntityTag: String? {
        request.headers[.ifMatch].flatMap { $0 == "*" ? nil : $0 }
    }
}
