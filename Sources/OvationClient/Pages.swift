public import OvationWire

/// A list that a server gives page by page, and the parameter by which it gives the next one.
public protocol PagedBody: ListBody {
    /// nil: there are no more.
    func nextPage(after limit: Int) -> QueryParameter?
}

/// A name and a value in the query of a path, not percent-encoded.
public typealias QueryParameter = (name: String, value: String)

extension Bodies.EventPage: PagedBody {
    public func nextPage(after limit: Int) -> QueryParameter? { nextCursor.map { ("cursor", $0) } }
}

extension Bodies.ProfileChanges: PagedBody {
    public func nextPage(after limit: Int) -> QueryParameter? { nextCursor.map { ("cursor", $0) } }
}

extension Bodies.Suppressions: PagedBody {
    public func nextPage(after limit: Int) -> QueryParameter? { nextCursor.map { ("cursor", $0) } }
}

extension Bodies.Jobs: PagedBody {
    public func nextPage(after limit: Int) -> QueryParameter? { nextCursor.map { ("cursor", $0) } }
}

extension Bodies.SuppressionChanges: PagedBody {
    public func nextPage(after limit: Int) -> QueryParameter? { nextCursor.map { ("cursor", $0) } }
}

extension Bodies.Rejections: PagedBody {
    public func nextPage(after limit: Int) -> QueryParameter? { nextBefore.map { ("before", $0) } }
}

extension Bodies.Log: PagedBody {
    /// The log goes on behind the last number. A page that is not full is the last one.
    public func nextPage(after limit: Int) -> QueryParameter? {
        items.count < limit ? nil : items.last.map { ("after", String($0.sequence)) }
    }
}

/// The pages of a list, each asked for when it is wanted.
public struct Pages<Answer: PagedBody>: AsyncSequence, Sendable {
    /// - Parameters:
    ///   - limit: how many items a page has at most.
    ///   - next: what was said after the page before.
    let fetch: @Sendable (_ limit: Int, _ next: QueryParameter?) async throws -> Received<Answer>
    let itemsMax: Int
    let pageMax: Int

    public struct AsyncIterator: AsyncIteratorProtocol {
        let pages: Pages
        var left: Int
        var next: QueryParameter?
        var isAtEnd = false

        public mutating func next() async throws -> Received<Answer>? {
            guard !isAtEnd, left > 0 else { return nil }
            let limit = Swift.min(left, pages.pageMax)
            let page = try await pages.fetch(limit, next)
            left -= page.content.items.count
            next = page.content.nextPage(after: limit)
            isAtEnd = next == nil
            return page
        }
    }

    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(pages: self, left: itemsMax) }
}

extension APIClient {
    /// - Parameters:
    ///   - itemsMax: how many items are wanted in all.
    ///   - pageMax: how many the endpoint gives at a time.
    public func pages<Answer: PagedBody>(
        _ call: APICall<Bodies.Empty, Answer>, _ parameters: KeyValuePairs<String, String> = [:],
        query: [QueryParameter] = [], upTo itemsMax: Int = .max, by pageMax: Int
    ) -> Pages<Answer> {
        Pages(
            fetch: { limit, next in
                // A parameter that leads to the next page takes the place of one that led to the first.
                let rest = query.filter { $0.name != next?.name }
                let page = [("limit", String(limit))] + (next.map { [$0] } ?? [])
                return try await self.call(call, parameters, query: rest + page)
            }, itemsMax: itemsMax, pageMax: pageMax)
    }
}
