#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the system says of this process, under the names that Prometheus' own clients use. nil where it does not say.
struct ProcessFigures {
    let cpuSeconds: Double
    let openFiles: Int?
    let filesMax: Int?
    let residentBytes: Int?
    let virtualBytes: Int?

    static func read() -> ProcessFigures {
        var usage = rusage()
        #if canImport(Glibc)
            getrusage(RUSAGE_SELF.rawValue, &usage)
        #else
            getrusage(RUSAGE_SELF, &usage)
        #endif
        let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime)
        // Pages of the whole, and of what is in memory.
        let pages = words(of: "/proc/self/statm").prefix(2).compactMap { Int($0) }
        let page = Int(sysconf(Int32(_SC_PAGESIZE)))
        return ProcessFigures(
            cpuSeconds: cpu, openFiles: openFileCount(), filesMax: fileLimit(),
            residentBytes: pages.count == 2 ? pages[1] * page : nil,
            virtualBytes: pages.count == 2 ? pages[0] * page : nil)
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000
    }

    private static func words(of path: String) -> [Substring] {
        guard let file = fopen(path, "r") else { return [] }
        defer { fclose(file) }
        let room = 256
        var bytes = [UInt8](repeating: 0, count: room)
        let count = fread(&bytes, 1, room, file)
        // The kernel writes numbers there.
        return String(decoding: bytes[..<count], as: UTF8.self).split { $0 == " " || $0 == "\n" }
    }

    private static func openFileCount() -> Int? {
        guard let folder = opendir("/dev/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // The folder itself was open, and has two entries that are no files.
        return max(0, count - 3)
    }

    private static func fileLimit() -> Int? {
        var limit = rlimit()
        #if canImport(Glibc)
            guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        #else
            guard getrlimit(RLIMIT_NOFILE, &limit) == 0 else { return nil }
        #endif
        return Int(clamping: limit.rlim_cur)
    }
}
