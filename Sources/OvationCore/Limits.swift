/// Every limit of the system, with its unit and its reason.
///
/// Everything that a request can make grow in memory has its limit here, and a defined answer when the limit is
/// reached.
public struct Limits: Sendable, Equatable {
    // MARK: Requests

    /// Bytes of a request body; more is 413. The vendor's figure is "100 kB", taken as 100 × 1024.
    public var bodyBytesMax = 100 * 1024
    /// Items in one post of events; more is 413.
    public var itemsMax = 1000
    /// Bytes of a data model, which may be large.
    public var modelBytesMax = 4 * 1024 * 1024
    /// Levels of nesting in JSON; more is 400. Nothing in the API needs more than six.
    public static let jsonDepthMax = 64
    /// Entries in the `errors` of one problem; the rest are counted in `errors_omitted`.
    public static let errorsListedMax = 100
    /// Bytes of the headers of a request, and of one of them.
    public static let headBytesMax = 80 * 1024
    /// Headers of one request.
    public static let headFieldsMax = 1000
    /// Bytes of `errors` in one answer, for any number of entries: the errors of a body of 3 kB could take 300 kB.
    public static let errorsBytesMax = 64 * 1024
    /// Unicode scalars of a name or a value that a message or a pointer repeats; the rest is cut, and marked with `…`.
    public static let quotedLengthMax = 200
    /// Unicode scalars of one message or one pointer.
    public static let messageLengthMax = 1000
    /// Characters of an `Idempotency-Key`.
    public static let idempotencyKeyLengthMax = 255
    /// Characters of an incoming `X-Request-Id`; a longer one is replaced by our own.
    public static let requestIDLengthMax = 128
    /// Events in one page when the caller does not say.
    public static let pageSizeDefault = 100
    /// Events in one page at most.
    public static let pageSizeMax = 1000
    /// Bytes of event data after which a page ends early; its cursor leads to the next page.
    public static let pageBytesMax = 1024 * 1024
    /// Event types that one read may filter by.
    public static let eventTypeFiltersMax = 100

    // MARK: Events

    /// How far ahead of the server's clock `event_time` may be. A year tolerates wrong clocks and allows planned
    /// events, and still catches seconds sent as milliseconds.
    public var eventTimeAheadMax: Duration = .seconds(366 * 86_400)
    /// The oldest `event_time`: 1970-01-01T00:00:00Z.
    public static let eventTimeMin = Timestamp(milliseconds: 0)
    /// Unicode scalars in a text field of an event. The vendor states 1,000 for attributes and nothing for events.
    public static let textLengthMax = 10_000
    /// How long an `Idempotency-Key` is remembered.
    public var idempotencyLifetime: Duration = .seconds(24 * 3600)

    // MARK: First loads and exports

    /// Lines of a bulk upload that are checked and stored together. The more lines share a sync, the less each line
    /// costs; but a post that comes meanwhile waits longer.
    public var bulkChunkLines = 10_000
    /// Bytes of such lines. A line that would exceed it begins the next chunk.
    public var bulkChunkBytes = 4 * 1024 * 1024
    /// Bytes of one line of a bulk upload, or twice ``bodyBytesMax`` if that is more, since every event that a post can
    /// have must fit into a line.
    public static let bulkLineBytesMax = 1024 * 1024
    /// Errors that a bulk upload lists for its lines; for each chunk, if it reports its progress.
    public static let bulkErrorsMax = 1000
    /// Bytes of those errors.
    public static let bulkErrorsBytesMax = 256 * 1024
    /// Bulk uploads at once; one more is answered 503 at once.
    public static let bulkUploadsMax = 4
    /// Of these, those with one API key: one client cannot take all places.
    public static let bulkUploadsPerKeyMax = 2
    /// Bytes a second of a bulk upload, over each ``bodyTimeout`` in which the server reads: a client must use the
    /// place that it holds.
    public static let uploadRateMin = 256
    /// How long a chunk waits for a place in the queue of the writer before the upload ends.
    public static let bulkPatience: Duration = .seconds(60)
    /// Exports at once; one more is answered 503 at once.
    public static let exportsMax = 8
    /// Of these, those of one API key.
    public static let exportsPerKeyMax = 4
    /// Events that an export reads at once.
    public static let exportPageEvents = 25_000
    /// Changes of profiles that an export reads at once, if it has them.
    public static let exportPageChanges = 1000
    /// Profiles that an export reads at once.
    public static let exportPageProfiles = 5000
    /// Columns of an export of profiles as CSV; more is 400.
    public static let exportColumnsMax = 10_000
    /// Rows of profiles that one page of such an export looks at, if few of them are given.
    public static let exportPageProfileRows = 100_000
    /// Bytes of event data, of changes, or of what profiles hold, after which such a page ends early.
    public static let exportPageBytes = 4 * 1024 * 1024
    /// Rows that are copied from one store to another in one transaction.
    public static let copyRowsMax = 10_000
    /// Bytes of rows after which such a transaction ends early.
    public static let copyBytesMax = 8 * 1024 * 1024
    /// The time in which the reader of an export, or of an upload's progress, has to take ``exportBytesMin`` of the
    /// data that waits for them.
    public static let exportStallMax: Duration = .seconds(300)
    /// Bytes that the reader has to take in that time: a real reader is faster than one kilobyte a second.
    public static let exportBytesMin = 256 * 1024
    /// Bytes of values in one row group of a file of Parquet. The rows are in memory until it is written. Readers skip, and share
    /// among their threads, whole row groups.
    public static let parquetRowGroupBytes = 8 * 1024 * 1024
    /// Rows in one page of it.
    public static let parquetPageRows = 20_000
    /// Bytes of values after which a page ends early.
    public static let parquetPageBytes = 256 * 1024
    /// Bytes of the dictionary of one column in a row group; a column with more has none.
    public static let parquetDictionaryBytesMax = 1024 * 1024
    /// Bytes of the smallest and the largest text of a column, for the file to repeat them.
    public static let parquetStatisticsBytesMax = 64
    /// Columns of a file of Parquet; the versions of an event type can have more fields together.
    public static let parquetColumnsMax = 2000
    /// Bytes that the footer of a file of Parquet has of its row groups. They are in memory until the end.
    public static let parquetFooterBytesMax = 16 * 1024 * 1024

    // MARK: Imports and jobs

    /// Bytes of the file of an import; more is 413. The vendor's figure is "50 MB".
    public var importFileBytesMax = 50 * 1024 * 1024
    /// Imports of an account that have not ended; one more is answered 429 at once. The vendor's number.
    public static let importsOpenMax = 3
    /// How long the file of an import may be uploaded after the request.
    public static let importUploadLifetime: Duration = .seconds(3600)
    /// Bytes of the upload of a file beside the file: boundaries, headers and fields.
    public static let uploadFormBytesMax = 16 * 1024
    /// Rows of an import that are checked together. A commit has as many at most.
    public static let importBatchRows = 1000
    /// Bytes that these rows take of memory, near enough: a row has its text, and 48 bytes for each field.
    public static let importBatchBytes = 1024 * 1024
    /// Bytes of a file that are read at once.
    public static let importPieceBytes = 64 * 1024
    /// So many pieces of a file are checked before the server looks whether the import goes on.
    public static let importCheckPieces = 16
    /// Bytes of one row of a file of CSV, and so of one field.
    public static let csvRowBytesMax = 256 * 1024
    /// Fields of one row of a file of CSV.
    public static let csvColumnsMax = 2000
    /// Bytes of the report of the refused rows of an import. Its last row then says that rows beyond are counted only.
    public static let importReportBytesMax = 64 * 1024 * 1024
    /// Bytes of the beginning of a file for a preview of its import.
    public static let importSampleBytesMax = 64 * 1024
    /// Rows of such a preview, and refused rows that are told with an import.
    public static let importPreviewRowsMax = 10
    /// How long a job whose file is there waits for a server to begin. Only one that has the file can.
    public static let jobPatience: Duration = .seconds(86_400)
    /// How long a server that works on a job may be silent before another one goes on with it.
    public static let jobLease: Duration = .seconds(20)
    /// How long a job can be read after its end, with its report.
    public static let jobAge: Duration = .seconds(7 * 86_400)
    /// How often a server looks for jobs of other servers, and for those that have expired.
    public static let jobsPoll: Duration = .seconds(5)
    /// Jobs in one page.
    public static let jobsPageMax = 200
    /// Jobs that have not ended that a server looks at, oldest first.
    public static let jobsOpenMax = 1000

    // MARK: Exports and reports

    /// Exports, or reports, of one kind of an account that have not ended; one more is answered 429 at once.
    public static let fileJobsOpenMax = 3
    /// How long the file that a job made is handed out after its end. The vendor's number.
    public static let jobFileLifetime: Duration = .seconds(86_400)
    /// Bytes of such a file, as it lies on the disk; a job whose file would have more fails.
    public var jobFileBytesMax: Int64 = 2 << 30
    /// Bytes of the files of an account that are handed out, from which on it gets no more.
    public static let jobFilesBytesMax: Int64 = 8 << 30
    /// Bytes of one part of such a file: parts are read whole.
    public static let jobFilePartBytes = 64 * 1024
    /// Profiles that a job reads at once, and bytes that they take of memory, about.
    public static let jobProfilesMax = 500
    public static let jobProfilesBytesMax = 1024 * 1024
    /// Profiles whose events a job reads at the same time.
    public static let jobEventReadsMax = 8
    /// Profiles that are looked up at once, to leave out those that are gone.
    public static let profilesAskedMax = 1000
    /// Bytes of rows that are sorted in memory, before they are written to the disk, sorted.
    public static let sortedRunBytes = 4 * 1024 * 1024
    /// Bytes that are read at once of each of these runs, when they are merged.
    public static let sortedPieceBytes = 16 * 1024
    /// Attributes, tags, event types, topics or channels that an export or a report can name, of each.
    public static let exportNamesMax = 500
    /// How long the events of an export go on behind `start_at` where it names no end. The vendor's number.
    public static let exportEventsTime: Duration = .seconds(7 * 86_400)
    /// Bytes of the URL that is told of an export.
    public static let callbackURLBytesMax = 2048
    /// Hosts that may be told.
    public static let callbackHostsMax = 100
    /// How often a host is asked to listen before it is given up.
    public static let callbackAttemptsMax = 3
    /// Between two of these attempts.
    public static let callbackPause: Duration = .seconds(1)
    /// How long a host may take for an answer.
    public static let callbackPatience: Duration = .seconds(10)

    // MARK: Profile keys

    /// Bytes of a profile key in UTF-8, after normalisation.
    public static let profileKeyBytesMax = 512
    /// Bytes of an e-mail address (RFC 5321).
    public static let emailBytesMax = 254
    /// Digits of a mobile number (E.164 allows 15).
    public static let mobileDigits = 5...15

    // MARK: What profiles hold

    /// Unicode scalars of a text that an attribute has; the vendor's figure.
    public static let attributeTextLengthMax = 1000
    /// Characters of the source, and of the reason, of a consent, a suppression or a lift; 4,000 bytes at most.
    public static let consentTextLengthMax = 1000
    /// Attributes and tags that one request changes, or one profile holds in one section; more is 413 or 400.
    public static let profileFieldsMax = 2000
    /// Seconds since 1970 that a timestamp can have, before or after: the year 9999. More would be milliseconds.
    public static let attributeSecondsMax: Int64 = 253_402_300_799
    /// Members of a profile: what was merged into it, and keys that it has had. The vendor's number.
    public static let profileMembersMax = 500
    /// Changes of a profile in one page of its history.
    public static let changesPageMax = 200
    /// How far the times of a profile's changes may differ from the order in which the changes were made, for a read from a
    /// moment on to find them all: the clocks of two servers differ, and a clock is set back.
    public static let clockDifferenceMax: Duration = .seconds(3600)
    /// Between two looks for events that are older than their type keeps them. One look reads through the sections that have
    /// such types.
    public static let retentionInterval = Duration.seconds(86_400)
    /// Before the first look of a server.
    public static let retentionDelay = Duration.seconds(60)
    /// Events that one step of such a look removes, about.
    public static let retentionStepMax = 500
    /// Receipts of deleted profiles in one page.
    public static let erasuresPageMax = 200
    /// Suppressed addresses that one page looks at.
    public static let suppressionsPageMax = 500
    /// Profiles with one address as a value that are asked whether it may be written to; each member of a merged one counts. A
    /// multiple of ``valueMatchesMax``.
    public static let addressProfilesMax = 5000

    // MARK: Definitions

    /// Years for which events of a type are kept, if not for good.
    public static let retentionYearsMax = 100
    public static let nameLengthMax = 200
    public static let descriptionLengthMax = 2000
    public static let fieldsMax = 500
    public static let fieldNameLengthMax = 100
    public static let versionsPerEventTypeMax = 1000
    /// The highest version id: fifteen digits, since clients send ids as JSON numbers, which many languages store as
    /// doubles.
    public static let versionIDMax: Int64 = 999_999_999_999_999
    public static let eventTypesMax = 10_000
    /// Attributes of an account, the default ones of all sections included.
    public static let attributesMax = 20_000
    public static let versionsPerAttributeMax = 100
    public static let tagsMax = 20_000
    /// Channels of an account, the built-in ones and removed ones included.
    public static let channelsMax = 100
    public static let foldersMax = 10_000
    public static let topicsMax = 20_000
    public static let sectionsMax = 1000
    public static let keyspacesMax = 1000
    /// API keys in use; revoked ones do not count.
    public static let apiKeysMax = 1000
    /// Changes of definitions and deletions that may wait for their turn; one more is answered 503 at once.
    public static let editQueueMax = 1000
    /// Entries of the audit log in one answer.
    public static let logPageMax = 1000

    // MARK: Tokens

    /// Life of an access token. Existing clients subtract up to 75 minutes before they trust it.
    public static let tokenLifetime: Duration = .seconds(86_400)
    /// Verified tokens kept, so that the next request with one needs no RSA.
    public static let tokenCacheMax = 4096
    /// Bytes of an `Authorization` header that are looked at.
    public static let tokenBytesMax = 8192
    /// Characters of an admin secret that an operator sets: short ones could be guessed.
    public static let adminSecretLengthMin = 16

    // MARK: The store

    /// Posts that may wait for a commit; one more is answered 503 at once.
    public var writerQueueMax = 10_000
    /// Bytes of event data that may wait for a commit; more is answered 503 at once.
    public var writerQueueBytesMax = 128 * 1024 * 1024
    /// Events that one commit takes; the rest wait for the next.
    public var groupEventsMax = 20_000
    /// Events with a place in the timelines that is in memory only, before they are written into a sorted run; while
    /// that is done, as many again come. A start after a crash reads them back.
    public var recentEventsMax = 65_536
    /// New profiles that are found in memory only, before they are moved to their places by hash.
    public var recentProfilesMax = 32_768
    /// How long the disk may take for a commit, or for a copy of the log into the file. After that waiting and new
    /// requests are answered 503, until the disk answers.
    public var diskAnswerMax: Duration = .seconds(5)
    /// Reads that may wait for a reading thread; one more is answered 503 at once.
    public var readerQueueMax = 2000

    // MARK: A store that is a database server

    /// Connections that write; each takes a part of the profiles. More of them share commits less. Where Citus spreads the
    /// tables, each node has its part of them and at least one, and there are two more.
    public var writerLanes = 4
    /// Connections that read. Where Citus spreads the tables, those that need no node.
    public var databaseReaders = 4
    /// Connections that read of one node of Citus, and as many more for what is read of several.
    public var nodeReaders = 2
    /// How often a node of Citus is asked whether it still answers, while nothing else is read of it.
    public static let nodesPoll: Duration = .seconds(1)
    /// How long a request waits for a database that is away before it is answered 503; later ones are answered at once.
    public var databasePatience: Duration = .milliseconds(1500)
    /// How long one answer of the database may take before the connection is closed.
    public var databaseAnswerMax: Duration = .seconds(15)
    /// How often a server asks for changes of definitions and keys by other servers.
    public static let definitionsPoll: Duration = .milliseconds(500)
    /// How often a server may ask the same for requests that it would otherwise refuse from memory.
    public static let catchUpInterval: Duration = .milliseconds(50)
    /// Requests that wait for that query; one more is answered from memory.
    public static let catchUpQueueMax = 1000
    /// How often the writers check whether Citus has moved shards, if it spreads the tables.
    public static let shardsPoll: Duration = .seconds(5)
    /// Profiles whose states another server has changed since a writer looked last, that it learns of one by one. Where
    /// there are more, it forgets all the profiles that it remembers.
    public static let statesLearnedMax = 1000
    /// Rows of an erased profile that are removed in one transaction. They are locked for as long, and nothing else is.
    public var erasureRowsMax = 500
    /// How often a server looks for erasures that another one has left unfinished, on a shared database.
    public static let erasurePoll: Duration = .seconds(30)
    /// Profiles that the writers remember as stored, so that they need not ask.
    public var knownProfilesMax = 100_000

    // MARK: The clock

    /// How far the clock may be ahead of the expected time before it counts as a jump. A smaller difference at most
    /// removes rows too early, and corrected clocks move by seconds.
    public var clockJumpMax: Duration = .seconds(3600)
    /// How long a clock must stay after a jump ahead before rows are removed for good by it. People notice a wrong
    /// clock within hours.
    public var clockBelievedAfter: Duration = .seconds(6 * 3600)
    /// How often the time is noted from which a later start continues.
    public static let clockNoteInterval: Duration = .seconds(600)

    // MARK: Refused posts

    /// Refused posts kept for each account; the oldest goes for each new one. 0 keeps none.
    public var rejectionsMax = 1000
    /// How long a refused post is kept.
    public var rejectionAge: Duration = .seconds(7 * 86_400)
    /// Rejections in one answer.
    public static let rejectionPageMax = 200
    /// Bytes of refused posts in a list after which a page ends early; `next_before` leads to the next page.
    public static let rejectionPageBytesMax = 1024 * 1024
    /// Bytes that are kept of the profile key of a refused post; the text need not be a key at all.
    public static let rejectionKeyBytesMax = 2048
    /// Bytes of its body that a list shows of each rejection.
    public static let rejectionExcerptBytes = 400

    /// Causes of rejections in one answer; the others are counted.
    public static let rejectionCausesMax = 200
    /// Rejections of a cause that one call replays; the next call continues.
    public static let rejectionReplayStep = 100
    /// Bytes of their bodies after which such a call ends early.
    public static let rejectionReplayBytes = 4 * 1024 * 1024
    /// Reasons why rejections failed again that one report lists; the others are counted.
    public static let replayFailuresMax = 20
    /// Rejections of a cause that one call dismisses, in one transaction; posts wait meanwhile.
    public static let rejectionDismissStep = 200

    // MARK: Looking

    /// Profiles in the answer to a search.
    public static let profileSearchMax = 50
    /// Values by which profiles are found, in one answer of a store.
    public static let valueMatchesMax = 500
    /// How long a search by the beginning of a key may take.
    public static let profileSearchTime: Duration = .seconds(2)
    /// Days in one answer of events by day.
    public static let daysMax = 400
    /// Entries of the log that are searched for the history of one event type.
    public static let historyMax = 10_000

    // MARK: Following along

    /// Open live streams of an account; one more is answered 503 at once.
    public static let liveStreamsMax = 50
    /// Posts that a live stream holds for a slow reader; the oldest are dropped, and the stream says how many.
    public static let liveBufferMax = 500
    /// How often a silent live stream sends a comment, to keep proxies from closing it.
    public static let livePulse: Duration = .seconds(15)
    /// How long a live stream lasts before its reader has to open it again, with a token that is still valid.
    public static let liveStreamAge: Duration = .seconds(3600)
    /// Minutes that the recent figures go back.
    public static let activityMinutes = 60
    /// Minutes that a store keeps of these figures: the hour that is shown, and one more in case the clock is set back.
    public static let activityMinutesKept = 120
    /// Rows of these figures that one commit removes at most, after that time.
    public static let activityForgottenMax = 1000
    /// Versions whose events a process counts one by one for its metrics, so that there are no more labels than this.
    public static let countedVersionsMax = 200
    /// Errors and outages of the server that are remembered for its operator.
    public static let recentFailuresMax = 20

    // MARK: The console

    /// How long a console session may be unused before it ends.
    public var sessionIdleMax: Duration = .seconds(30 * 60)
    /// How long a console session lasts, even if it is in use.
    public var sessionAgeMax: Duration = .seconds(12 * 3600)
    /// Console sessions at once; one more ends the session unused for longest.
    public static let sessionsMax = 1000
    /// Wrong secrets for one client id from one address within ``signInWindow``, in the console and for tokens, before the
    /// answer is to wait. A right one passes.
    public static let signInAttemptsMax = 10
    /// The same from one address, for any client ids or links: many people can share an address.
    public static let signInAddressAttemptsMax = 100
    public static let signInWindow: Duration = .seconds(10 * 60)
    /// Addresses, and client ids with them, with remembered wrong secrets.
    public static let signInAddressesMax = 10_000
    /// How long after the secret was given a session of the console may make, rotate and revoke API keys without it.
    public static let keyProofLifetime: Duration = .seconds(5 * 60)
    /// Characters that a profile key must have for its mask to show the first one.
    public static let maskedKeyMin = 4
    /// Dots of a masked profile key: as many as it has characters, up to these.
    public static let maskLengthMax = 60
    /// How long the one-time link to the console works.
    public static let consoleLinkLifetime: Duration = .seconds(3600)
    /// Unused links.
    public static let consoleLinksMax = 100
    /// Life of the token with which `ovation console` asks for a link: it is sent once, at once.
    public static let consoleTokenLifetime: Duration = .seconds(60)
    /// Bytes of a form; or four times ``bodyBytesMax`` if that is more, since the editor of a refused post sends it
    /// percent-encoded.
    public static let formBytesMax = 512 * 1024
    /// Bytes of the sign-in form, which anybody can send.
    public static let signInFormBytesMax = 16 * 1024
    /// Bytes of an answer that the page shows which sends a request to an endpoint.
    public static let triedAnswerBytesMax = 64 * 1024
    /// Columns of a file on the page that maps them.
    public static let mappingColumnsMax = 100
    /// Meanings of one kind that a list of that page has: keys, attributes, tags, consents.
    public static let mappingMeaningsMax = 500
    /// Entries of all the lists of that page: each column has one.
    public static let mappingEntriesMax = 20_000
    /// How often the times at which API keys were last used are written down.
    public static let keyUseInterval: Duration = .seconds(300)
    /// The longest overlap of two secrets of one API key.
    public static let secretOverlapMax: Duration = .seconds(30 * 86_400)

    // MARK: Connections

    /// Bytes of the prefix of paths behind a proxy.
    public static let basePathBytesMax = 200
    /// Sockets that a supervisor may hand over.
    public static let handedSocketsMax = 16
    /// Connections of the admin listener; fewer where there are few of the main one.
    public static let adminConnectionsMax = 64
    /// A part of `connections` for the admin listener.
    public static func adminConnections(of connections: Int) -> Int {
        max(1, min(adminConnectionsMax, connections / 8))
    }
    /// Bytes of all request bodies together that have arrived in part. One more is answered 503 at once.
    public var bodiesBytesMax = 32 * 1024 * 1024
    /// Bytes that are read from a connection at once. Each connection keeps its buffer at the largest size it needed.
    public static let receiveBufferBytesMax = 32 * 1024
    /// The pieces, in bytes, in which a compressed body is decompressed.
    public static let inflatedPieceBytes = 64 * 1024
    /// Open connections; more wait in the listen queue of the system.
    public var connectionsMax = 10_000
    /// How long the body of a request may take to arrive after its head, or the next part of a bulk upload; more is
    /// 408.
    public var bodyTimeout: Duration = .seconds(30)
    /// How long requests in flight may take to end after a signal to stop. Below the ten seconds after which container
    /// engines kill.
    public static let shutdownTimeout: Duration = .seconds(8)
    /// The time in which a client has to take ``answerBytesMin`` of the answers that wait for it.
    public var answerTimeout: Duration = .seconds(60)
    /// Bytes that it has to take in that time.
    public static let answerBytesMin = 16 * 1024
    /// Bytes of an answer that the system may take from the server before it has sent them: few, since they count as
    /// taken by the client.
    public static let unsentBytesMax = 16 * 1024
    /// A connection without a request for this long is closed.
    public var idleTimeout: Duration = .seconds(180)

    public init() {}
}
