package import OvationCore

/// A refused post with its errors as text. The caller makes the text, so that the writer's thread has no JSON to write.
package struct PackedRejection: Sendable {
    package let post: RefusedPost
    package let errors: String
    /// The number of its events for each version of the section, as far as it is known.
    package let versions: [EventVersion.ID: Int]
    package let marks: RejectionMarks

    package init(_ post: RefusedPost, versions: [EventVersion.ID: Int]) throws(StoreFailure) {
        self.post = post
        self.versions = versions
        marks = RejectionMarks(post)
        do {
            errors = try RowText.text(of: post.errors)
        } catch {
            throw StoreFailure(.unavailable, "\(error)")
        }
    }

    /// The bytes it takes of the writer's queue.
    package var bytes: Int {
        post.body.count + errors.utf8.count + post.key.utf8.count + post.detail.utf8.count
            + marks.itemCodes.utf8.count + marks.eventTypes.utf8.count
    }
}
