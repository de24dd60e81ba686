import Testing

@testable import OvationConsole

@Suite("Addresses behind a prefix")
struct AddressesTests {
    @Test("addresses of this server get the prefix, each once")
    func prefixed() {
        let html = """
            <a href="/console">a</a><a href="/">b</a><form action="/x" data-live="/x/y"><button formaction="/z">\
            <img src="/i.svg"><p data-load="/l" data-stream="/s"></p>
            """
        let expected = """
            <a href="/ovation/console">a</a><a href="/ovation/">b</a><form action="/ovation/x" data-live="/ovation/x/y">\
            <button formaction="/ovation/z"><img src="/ovation/i.svg"><p data-load="/ovation/l" data-stream="/ovation/s"></p>
            """
        #expect(Addresses.prefixed(html, with: "/ovation") == expected)
        #expect(Addresses.prefixed(html, with: "") == html)
    }

    @Test(
        "what is no address of this server stays",
        arguments: [
            "<input value=\"/console\">", "<a href=\"//example.com/x\">", "<a href=\"https://example.com\">",
            "<a href=\"#main\">", "<p>href=&quot;/console&quot;</p>", "<p data-pointer=\"/items/0\">",
            "<p title=\"/x\">",
            "href=\"", "=\"/", "",
        ])
    func others(html: String) {
        #expect(Addresses.prefixed(html, with: "/ovation") == html)
    }

    @Test("no template has an address in another attribute")
    func templates() {
        // What begins with a slash, or is put in whole under a name that says that it is an address.
        let pattern = /([a-z-]+)="(\/[^"]*|\{\{[^"}]*(?:[hH]ref|[aA]ction|assets)\}\}[^"]*)"/
        for (name, bytes) in Templates.all {
            for found in String(decoding: bytes, as: UTF8.self).matches(of: pattern) {
                // A button's value says what to do, and is no address.
                if found.1 == "value", found.2 == "{{submit.href}}" { continue }
                #expect(Addresses.attributes.contains(String(found.1)), "\(name): \(found.0)")
            }
        }
    }
}
