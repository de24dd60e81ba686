/// One page of the console: what its template shows, and nothing else.
///
/// A page has text that may come from anybody. The renderer escapes it, so give it unescaped.
public protocol ConsolePage: Sendable {
    /// File name of the template, without its ending.
    static var template: String { get }
    /// The first part of the document's title.
    var title: String { get }
}

/// A part of a page that the browser fetches separately and puts into the page.
public protocol ConsoleFragment: Sendable {
    static var template: String { get }
}

/// A time, in the form for machines and in the form that the page shows until the script converts it to the viewer's
/// time zone.
public struct Moment: Sendable, Equatable {
    public let iso: String
    public let text: String

    /// - Parameter iso: such as `2026-11-23T12:00:00.000Z`, always UTC.
    public init(iso: String) {
        let seconds = String(iso.prefix(19)).split(separator: "T").joined(separator: " ")
        self.init(iso: iso, text: seconds + " UTC")
    }

    public init(iso: String, text: String) {
        self.iso = iso
        self.text = text
    }
}

/// One option of a select, or one radio button or checkbox of a group.
public struct Choice: Sendable, Equatable {
    public let value: String
    public let label: String
    public let hint: String?
    public let selected: Bool

    public init(value: String, label: String, hint: String? = nil, selected: Bool = false) {
        self.value = value
        self.label = label
        self.hint = hint
        self.selected = selected
    }
}

/// An error of one control of a form.
public struct FormError: Sendable, Equatable {
    /// The control's `name`, with its row if it has one: `name`, `field_name_0`. Empty: the form as a whole.
    public let control: String
    public let message: String

    public init(control: String = "", message: String) {
        self.control = control
        self.message = message
    }
}

/// A section or a keyspace, by both of its names.
public struct Named: Sendable, Equatable {
    public let name: String
    public let discriminator: String

    public init(name: String, discriminator: String) {
        self.name = name
        self.discriminator = discriminator
    }
}

/// A link with its text; `selected` if it leads to what is shown.
public struct Link: Sendable, Equatable {
    public let text: String
    public let href: String
    public let selected: Bool

    public init(text: String, href: String, selected: Bool = false) {
        self.text = text
        self.href = href
        self.selected = selected
    }
}

/// What a keyspace may do with events of a type.
public struct KeyspaceAccess: Sendable, Equatable {
    public let name: String
    public let discriminator: String
    public let read: Bool
    public let write: Bool
    let letters: String
    let words: String

    public init(name: String, discriminator: String, read: Bool, write: Bool) {
        self.name = name
        self.discriminator = discriminator
        self.read = read
        self.write = write
        (letters, words) =
            switch (read, write) {
            case (true, true): ("RW", "read and write")
            case (true, false): ("R", "read")
            case (false, true): ("W", "write")
            case (false, false): ("–", "neither read nor write")
            }
    }
}

/// How many events there are of a type; drawn as a bar.
public struct EventTypeCount: Sendable, Equatable {
    public let name: String
    public let discriminator: String
    public let count: Int
    public let href: String?
    /// It takes no events any more.
    public let isRemoved: Bool

    public init(name: String, discriminator: String, count: Int, href: String? = nil, isRemoved: Bool = false) {
        self.name = name
        self.discriminator = discriminator
        self.count = count
        self.href = href
        self.isRemoved = isRemoved
    }
}

/// One error of a body, as the API reports it.
public struct BodyError: Sendable, Equatable {
    /// JSON pointer; empty for the body as a whole.
    public let pointer: String
    public let code: String
    public let detail: String
    let pointerText: String

    public init(pointer: String, code: String, detail: String) {
        self.pointer = pointer
        pointerText = pointer.isEmpty ? "whole body" : pointer
        self.code = code
        self.detail = detail
    }
}
