import OvationWire

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory in which the bytes of a post are collected before they are copied at their final length. It is reused from
/// post to post, so that nothing is allocated, and is written without the checks of an array at each append.
///
/// The owner frees it.
struct EventBytes {
    private var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    init(capacity: Int) {
        start = .allocate(capacity: capacity)
        self.capacity = capacity
    }

    func free() { start.deallocate() }

    mutating func clear() { count = 0 }

    /// Valid until the next append.
    var buffer: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    var array: [UInt8] { Array(buffer) }

    /// Makes room; everything below relies on it.
    @inline(__always)
    mutating func reserve(_ extra: Int) {
        if capacity - count < extra { grow(extra) }
    }

    @inline(never)
    private mutating func grow(_ extra: Int) {
        let larger = max(2 * capacity, count + extra)
        let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        memory.update(from: start, count: count)
        start.deallocate()
        start = memory
        capacity = larger
    }

    @inline(__always)
    mutating func append(_ byte: UInt8) {
        start[count] = byte
        count += 1
    }

    @inline(__always)
    mutating func append(_ bytes: UnsafePointer<UInt8>, count added: Int) {
        memcpy(start + count, bytes, added)
        count += added
    }

    @inline(__always)
    mutating func append(_ word: StaticString) { append(word.utf8Start, count: word.utf8CodeUnitCount) }

    mutating func append(_ value: Int64) {
        reserve(JSONText.integerBytesMax)
        count += JSONText.write(value, to: start + count)
    }

    mutating func append(_ value: Double) {
        reserve(JSONText.doubleBytesMax)
        count += JSONText.write(value, to: start + count)
    }

    /// Appends a text with its quotes.
    /// - Returns: false, and nothing is appended, when the text has half a surrogate pair, which JSON can escape and
    ///   UTF-8 cannot contain: simdjson lets it through as ED A0…BF.
    mutating func append(string text: UnsafeBufferPointer<UInt8>) -> Bool {
        reserve(text.count + 2)
        if appendPlain(text) { return true }
        guard !text.holdsHalfSurrogate else { return false }
        reserve(JSONText.stringBytesMax(text.count))
        count += JSONText.write(string: text, to: start + count)
        return true
    }

    /// Copies eight bytes at a time while it checks whether any of them needs an escape. The last eight overlap with
    /// those before.
    /// - Returns: false when one does; then the copied bytes do not count.
    private mutating func appendPlain(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let out = UnsafeMutableRawPointer(start + count + 1)
        if text.count >= 8, let source = text.baseAddress.map({ UnsafeRawPointer($0) }) {
            var place = 0
            let last = text.count - 8
            while true {
                let word = source.loadUnaligned(fromByteOffset: place, as: UInt64.self)
                guard EventBytes.isPlain(word) else { return false }
                out.storeBytes(of: word, toByteOffset: place, as: UInt64.self)
                if place == last { break }
                place = min(place + 8, last)
            }
        } else {
            for (place, byte) in text.enumerated() {
                guard byte >= 0x20, byte != 0x22, byte != 0x5C, byte != 0xED else { return false }
                out.storeBytes(of: byte, toByteOffset: place, as: UInt8.self)
            }
        }
        start[count] = UInt8(ascii: "\"")
        start[count + 1 + text.count] = UInt8(ascii: "\"")
        count += text.count + 2
        return true
    }

    /// Whether none of eight bytes has to be escaped, and none can begin half a surrogate pair. It may refuse a plain
    /// text, but never accept one that needs an escape.
    @inline(__always)
    private static func isPlain(_ word: UInt64) -> Bool {
        let ones: UInt64 = 0x0101_0101_0101_0101
        // A byte of zero borrows into its highest bit, and so does one below 0x20.
        func zeros(_ word: UInt64) -> UInt64 { (word &- ones) & ~word }
        let small = (word &- ones &* 0x20) & ~word
        let marked = small | zeros(word ^ ones &* 0x22) | zeros(word ^ ones &* 0x5C) | zeros(word ^ ones &* 0xED)
        return marked & (ones &* 0x80) == 0
    }
}
