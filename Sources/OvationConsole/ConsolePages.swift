import Mustache

/// Renders pages and fragments to HTML, and has the files that pages refer to. Made once, used by all requests.
public struct ConsolePages: Sendable {
    /// A file that never changes at its address.
    public struct Asset: Sendable {
        public let contentType: String
        public let bytes: [UInt8]
    }

    /// Why the console cannot be shown at all: an error in this target, found at the start.
    public enum Failure: Error, Equatable {
        case templateMissing(String)
        case templateBroken(String, reason: String)
    }

    /// Goes into the addresses of assets: `/console/assets/{version}/console.css`.
    public let assetVersion: String
    private let basePath: String
    private let library: MustacheLibrary
    private let assets: [String: Asset]

    /// - Parameter basePath: what addresses of this server begin with where a proxy gives it a part of a host, such as
    ///   `/ovation`; else empty.
    /// - Throws: ``Failure`` if a template is missing or does not parse.
    public init(basePath: String = "") throws {
        self.basePath = basePath
        MustacheContentTypes.register(HTMLEscaping(), named: HTMLEscaping.name)
        var library = MustacheLibrary()
        for (name, bytes) in Templates.all {
            var text = HTMLEscaping.pragma + String(decoding: bytes, as: UTF8.self)
            // The last line break would be a space after every use of a partial.
            if text.hasSuffix("\n") { text.removeLast() }
            do {
                try library.register(text, named: name)
            } catch {
                throw Failure.templateBroken(name, reason: "\(error)")
            }
        }
        for name in Templates.needed where library.getTemplate(named: name) == nil {
            throw Failure.templateMissing(name)
        }
        self.library = library
        assets = [
            "console.css": Asset(contentType: "text/css; charset=utf-8", bytes: PackageResources.console_css),
            "console.js": Asset(contentType: "text/javascript; charset=utf-8", bytes: PackageResources.console_js),
            "icon.svg": Asset(contentType: "image/svg+xml", bytes: PackageResources.icon_svg),
        ]
        assetVersion = Self.version(of: assets)
    }

    /// `console.css`, `console.js` or `icon.svg`.
    public func asset(named name: String) -> Asset? { assets[name] }

    /// A whole document with navigation.
    public func render(_ page: some ConsolePage, in layout: Layout) -> String {
        document(page, csrf: layout.csrf, frame: Frame(layout))
    }

    /// A whole document without navigation, for a visitor who is not signed in.
    public func renderBare(_ page: some ConsolePage, csrf: String) -> String {
        document(page, csrf: csrf, frame: nil)
    }

    /// A piece of HTML for the script to put into a page.
    public func render(fragment: some ConsoleFragment) -> String {
        Addresses.prefixed(library.render(fragment, withTemplate: type(of: fragment).template) ?? "", with: basePath)
    }

    private func document<Page: ConsolePage>(_ page: Page, csrf: String, frame: Frame?) -> String {
        let body = library.render(Body(csrf: csrf, page: page), withTemplate: Page.template) ?? ""
        let document = Document(
            title: page.title, assets: "/console/assets/\(assetVersion)", csrf: csrf, frame: frame, body: body)
        return Addresses.prefixed(library.render(document, withTemplate: "layout") ?? "", with: basePath)
    }

    /// FNV-1a over all assets: changes when any of them does.
    private static func version(of assets: [String: Asset]) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for (_, asset) in assets.sorted(by: { $0.key < $1.key }) {
            for byte in asset.bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return String(hash, radix: 36)
    }
}

/// What the template of a page sees.
private struct Body<Page: ConsolePage> {
    let csrf: String
    let page: Page
}

/// What the template of the layout sees.
private struct Document {
    let title: String
    /// Folder of the assets' addresses.
    let assets: String
    let csrf: String
    let frame: Frame?
    /// HTML that a template of ours has made.
    let body: String
}
