import Foundation
import SystemPackage

/// Where a command writes what it was asked for: a file, or whatever else has the name.
///
/// - A file gets its name when it is whole. Until then it is a part beside it, which no other user can have put there.
/// - A link is followed, so that it stays one; not one that belongs to somebody else, who would choose what is replaced.
/// - A device, a pipe, or standard output under a name is written into as it is.
struct OutputFile: Sendable {
    private enum Destination: Sendable {
        case file(path: String, part: String)
        case stream
    }

    let descriptor: SystemPackage.FileDescriptor
    private let name: String
    private let destination: Destination

    /// - Parameters:
    ///   - name: nil or `-` is standard output.
    ///   - permissions: of a new file, and of one that takes the destination of another.
    ///   - input: what must not be the same file.
    init(
        _ name: String?, permissions: FilePermissions = [.ownerReadWrite],
        notReading input: SystemPackage.FileDescriptor? = nil
    ) throws {
        self.name = name ?? "-"
        guard let name, name != "-" else {
            (descriptor, destination) = (.standardOutput, .stream)
            return
        }
        guard !name.isEmpty, !name.hasSuffix("/") else { throw CommandFailure("'\(name)' is not the name of a file.") }
        let path = try OutputFile.followed(name)
        let found = FileStatus(path)
        if let found, let input, found.isSame(as: FileStatus(of: input)) {
            throw CommandFailure("\(name) is the file that is read, so it cannot be written; name another one.")
        }
        if let found, found.isSame(as: FileStatus(of: .standardOutput)) {
            // Such as /dev/stdout.
            (descriptor, destination) = (.standardOutput, .stream)
            return
        }
        switch found?.kind {
        case nil, S_IFREG:
            let part = path + ".part"
            // What an earlier run left, or somebody else put there.
            unlink(part)
            descriptor = try OutputFile.open(
                part, options: [.create, .exclusiveCreate, .noFollow, .closeOnExec], permissions, name)
            destination = .file(path: path, part: part)
        case S_IFDIR: throw CommandFailure("\(name) is a folder; name a file in it.")
        case let kind?:
            guard kind != S_IFIFO || found?.isOurs == true else {
                throw CommandFailure("\(name) is a pipe of another user, so nothing is written into it.")
            }
            descriptor = try OutputFile.open(path, options: [.closeOnExec], [], name)
            destination = .stream
        }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if descriptor == .standardOutput {
            // In the order in which things were printed.
            try Output.flush()
            return try Output.write(bytes)
        }
        do {
            try descriptor.writeAll(bytes)
        } catch let error as Errno where error == .brokenPipe {
            throw OutputFailure(code: error.rawValue)
        } catch {
            throw CommandFailure("\(name) cannot be written: \(error).")
        }
    }

    var isTerminal: Bool { isatty(descriptor.rawValue) == 1 }

    /// Whether what was written can be written over.
    var canRestart: Bool {
        if case .file = destination { true } else { false }
    }

    /// The last bytes that were written; nil where they cannot be read.
    func end(_ count: Int) throws -> [UInt8]? {
        guard case .file(_, let part) = destination, let size = FileStatus(of: descriptor)?.size else { return nil }
        let reading = try OutputFile.open(part, .readOnly, options: [.noFollow, .closeOnExec], [], name)
        defer { try? reading.close() }
        return try reading.bytes(from: max(0, size - count), to: size)
    }

    func restart() throws {
        guard canRestart else { return }
        try descriptor.resize(to: 0)
        try descriptor.seek(offset: 0, from: .start)
    }

    /// Gives the file its name.
    func finish() throws {
        switch destination {
        case .stream:
            guard descriptor != .standardOutput else { return }
            try closed { try descriptor.close() }
        case .file(let path, let part):
            let own = FileStatus(of: descriptor)
            guard let there = FileStatus(part, followingLinks: false), there.isSame(as: own) else {
                throw CommandFailure(
                    "\(part) is no longer what this command wrote: does another one write \(name) too?")
            }
            try closed {
                try descriptor.close()
                guard rename(part, path) == 0 else { throw Errno(rawValue: errno) }
            }
        }
    }

    /// Removes the part where nothing came of it. One that has something is left: it may be all that there is.
    func discardIfEmpty() {
        guard case .file(_, let part) = destination, let own = FileStatus(of: descriptor), own.size == 0,
            let there = FileStatus(part, followingLinks: false), there.isSame(as: own)
        else { return }
        unlink(part)
    }

    private func closed(_ act: () throws -> Void) throws {
        do {
            try act()
        } catch {
            throw CommandFailure("\(name) cannot be written: \(error).")
        }
    }

    private static func open(
        _ path: String, _ mode: SystemPackage.FileDescriptor.AccessMode = .writeOnly,
        options: SystemPackage.FileDescriptor.OpenOptions, _ permissions: FilePermissions,
        _ name: String
    ) throws -> SystemPackage.FileDescriptor {
        do {
            return try SystemPackage.FileDescriptor.open(
                FilePath(path), mode, options: options, permissions: permissions)
        } catch {
            throw CommandFailure("\(name) cannot be written: \(error).")
        }
    }

    /// The name at the end of links, whether there is a file or not.
    private static func followed(_ name: String) throws -> String {
        var path = name
        // As many as the system follows.
        for _ in 0..<40 {
            guard let found = FileStatus(path, followingLinks: false), found.kind == S_IFLNK else { return path }
            guard found.isOurs else {
                throw CommandFailure(
                    "\(path) is a link that belongs to another user, so it is not followed; name another file.")
            }
            // What has no name, such as a pipe under /dev/fd, is opened through its link.
            if let target = FileStatus(path), target.kind != S_IFREG { return path }
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else { return path }
            path =
                target.hasPrefix("/")
                ? target : FilePath(path).removingLastComponent().appending(target).string
        }
        throw CommandFailure("\(name) is a link that leads to no file.")
    }
}

extension SystemPackage.FileDescriptor {
    /// A part of a file; fewer bytes where it ends before.
    func bytes(from start: Int, to end: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: end - start) { buffer, read in
            let raw = UnsafeMutableRawBufferPointer(buffer)
            while read < raw.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: raw[read...])
                let count = try self.read(fromAbsoluteOffset: Int64(start + read), into: rest)
                guard count > 0 else { return }
                read += count
            }
        }
    }
}

/// What a name or a descriptor stands for.
struct FileStatus: Sendable {
    private let device: DeviceID
    private let inode: Inode
    private let owner: UserID
    let size: Int
    let mode: mode_t

    /// nil: there is none.
    init?(_ path: String, followingLinks: Bool = true) {
        guard let status = try? Stat(FilePath(path), followTargetSymlink: followingLinks) else { return nil }
        self.init(status)
    }

    /// nil: it is not open.
    init?(of descriptor: SystemPackage.FileDescriptor) {
        guard let status = try? descriptor.stat() else { return nil }
        self.init(status)
    }

    private init(_ status: Stat) {
        (device, inode, owner, mode) = (status.deviceID, status.inode, status.userID, status.mode.rawValue)
        size = Int(status.size)
    }

    var kind: mode_t { mode & S_IFMT }

    /// Belongs to the user who runs this, or to the administrator.
    var isOurs: Bool { owner.rawValue == geteuid() || owner.rawValue == 0 }

    func isSame(as other: FileStatus?) -> Bool { device == other?.device && inode == other?.inode }
}
