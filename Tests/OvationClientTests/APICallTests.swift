import OvationWire
import Testing

@testable import OvationClient

@Suite("Calls have the types that the API describes")
struct APICallTests {
    private func check<Request: Body, Answer: Body>(
        _ call: APICall<Request, Answer>, location: SourceLocation = #_sourceLocation
    ) {
        let spec = call.endpoint.spec
        let requests = spec.body?.content.map { JSONWriter.write($0.schema.json) } ?? []
        #expect(
            Request.self == Bodies.Empty.self
                ? requests.isEmpty : requests.contains(JSONWriter.write(Request.schema.json)),
            "\(call.endpoint) reads \(Request.self)", sourceLocation: location)
        let answers = spec.answers.map { $0.body.map { ObjectIdentifier($0) } ?? ObjectIdentifier(Bodies.Empty.self) }
        #expect(
            answers.contains(ObjectIdentifier(Answer.self)), "\(call.endpoint) answers with \(Answer.self)",
            sourceLocation: location)
    }

    @Test("each call reads and answers what its endpoint does")
    func types() {
        check(.about)
        check(.createToken)
        check(.createConsoleLink)
        check(.rotateSigningKey)
        check(.listAPIKeys)
        check(.createAPIKey)
        check(.rotateAPIKey)
        check(.revokeAPIKey)
        check(.listSections)
        check(.listKeyspaces)
        check(.listEventTypes)
        check(.getEventType)
        check(.getUsage)
        check(.exportModel)
        check(.planModel)
        check(.applyModel)
        check(.listLog)
        check(.postEvents)
        check(.listEvents)
        check(.findProfiles)
        check(.getProfile)
        check(.createProfile)
        check(.mergeProfiles)
        check(.previewMerge)
        check(.unmergeProfile)
        check(.listProfileKeys)
        check(.addProfileKey)
        check(.removeProfileKey)
        check(.changeAttributeValuesByName)
        check(.changeProfileTags)
        check(.listProfileChanges)
        check(.deleteProfile)
        check(.lockProfile)
        check(.getErasure)
        check(.createImport)
        check(.listJobs)
        check(.getJob)
        check(.cancelJob)
        check(.listAttributeValues)
        check(.listSections)
        check(.listAttributes)
        check(.listTags)
        check(.postConsent)
        check(.listConsents)
        check(.listConsentChanges)
        check(.askSending)
        check(.putSuppression)
        check(.liftSuppression)
        check(.liftAddressOptOut)
        check(.listSuppressions)
        check(.listSuppressionChanges)
        check(.listChannels)
        check(.listFolders)
        check(.listTopics)
        check(.listConsentCounts)
        check(.listAllRejections)
        check(.getRejection)
        check(.replayRejection)
        check(.dismissRejection)
        check(.listRejectionCauses)
        check(.getRejectionCause)
        check(.replayRejectionCause)
        check(.dismissRejectionCause)
    }
}
