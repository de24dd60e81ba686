import OvationCore
import Testing

@testable import OvationPostgres

@Suite("Passwords in connection strings")
struct ConnectionSecretsTests {
    /// Two words that are nowhere else, with something between them that has a meaning in a connection string.
    private static let passwords = [
        "@", "/", ":", "%", "?", "#", "&", "=", " ", "'", ",", "[", "]", "\\", "@@", "/@", "@/", ":@",
        "@:", "@?", "?@", "@#", "%@", "@[", "]@", "%4", "%zz", "%00", "@host:5432/", "://", "@,", "\\'", "?a=",
        "@?user=",
    ].map { "Zebra7\($0)Quokka8" }

    private static func strings(_ password: String) -> [String] {
        [
            "postgres://ovation:\(password)@db.example.com:5432/ovation",
            "postgresql://ovation:\(password)@db.example.com/ovation?sslmode=require",
            "postgres://ovation:\(password)@[::1]:5432,other:5433/ovation",
            "postgres://:\(password)@h", "postgres://ovation:\(password)@", "postgres://ovation:\(password)@/ovation",
            "postgres://h/ovation?password=\(password)", "postgres://h/ovation?password=\(password)&user=u",
            "host=db password=\(password) user=ovation", "host=db user=ovation password = \(password)",
            "host=db password='\(password)' user=ovation", "password=\(password)", "password='\(password)",
            "host=db dbname=postgres://ovation:\(password)@h/db", "dbname='host=h password=\(password)'",
        ]
    }

    @Test("no part of a password is in what is said of a string, whatever is in it", arguments: passwords)
    func isNotSaid(password: String) {
        for text in Self.strings(password) {
            let said: String
            do throws(StoreFailure) {
                said = try ConnectionTarget(text).description
            } catch {
                said = error.message
            }
            #expect(!said.contains("Zebra7") && !said.contains("Quokka8"), "\(text): \(said)")
        }
    }

    @Test("what is not clear is refused with what to write instead", arguments: ["@", "/", "@/", "/@", "@?user="])
    func isRefused(between: String) {
        let error = #expect(throws: StoreFailure.self) {
            try ConnectionTarget("postgres://ovation:Zebra7\(between)Quokka8@db/ovation")
        }
        #expect(error?.message.contains("write the @ of a password as %40, / as %2F") == true)
    }

    @Test("what stands where a port does is refused and not said, as of a password without the host behind it")
    func isNoPort() {
        for password in ["Zebra7", "Zebra7]8", "Zebra7:8", ":Zebra7", "8/Zebra7:@"] {
            let error = #expect(throws: StoreFailure.self) { try ConnectionTarget("postgres://ovation:\(password)") }
            #expect(error?.message.contains("Zebra7") == false)
        }
    }

    @Test("what is clear is taken as it was")
    func isTaken() throws {
        let clear = [
            ("postgres://me:p%40s%2Fs%25@db:5432/ovation", "p@s/s%"), ("postgres://me:a:b?c#d@db/ovation", "a:b?c#d"),
            ("postgres://me@[::1]:5432/ovation", ""), ("postgres://db/ovation?user=me@tenant&password=a@b", "a@b"),
            ("postgres://a:5432,b:5433/ovation", ""), ("postgres:///ovation", ""), ("postgres://", ""),
            ("postgres://%2Frun%2Fpostgresql/ovation", ""), ("host=db password=p@s/s user=me", "p@s/s"),
        ]
        for (text, password) in clear {
            #expect(try ConnectionTarget(text).value(of: "password") ?? "" == password, "\(text)")
        }
    }

    @Test("words of others have no password, unless it is no secret")
    func isHidden() throws {
        let target = try ConnectionTarget("host=db user=ovation password=Zebra7Quokka8 dbname=shop")
        #expect(
            target.hidingSecrets(in: #"could not translate host name "Zebra7Quokka8""#)
                == #"could not translate host name "…""#)
        // Else it would be told what the password is.
        let usual = try ConnectionTarget("host=db user=ovation password=ovation dbname=shop")
        #expect(usual.hidingSecrets(in: #"no role "ovation""#) == #"no role "ovation""#)
    }

    @Test(
        "a text that quotes connection strings keeps what is no secret",
        arguments: [
            ("postgres://me:Zebra7@Quokka8@db/shop is away", "postgres://me:…@db/shop is away"),
            ("'postgresql://me:a/b@db'", "'postgresql://me:…@db'"),
            ("such as postgres://user@host:5432/database", "such as postgres://user@host:5432/database"),
            ("http://me:Zebra7@host:80/a@b", "http://me:…@host:80/a@b"),
            ("http://127.0.0.1:8080/console", "http://127.0.0.1:8080/console"),
            ("https://example.com/@me:x", "https://example.com/@me:x"),
            ("host=db PASSWORD = 'Zebra7 Quokka8' x=y", "host=db PASSWORD = … x=y"),
            ("?password=Zebra7&sslmode=off", "?password=…&sslmode=off"),
            ("client_secret=Zebra7", "client_secret=…"), ("password=", "password="), ("", ""),
        ])
    func keepsTheRest(text: String, expected: String) {
        #expect(ConnectionSecrets.hidden(in: text) == expected)
    }
}
