"""The part of ICU's data that the program is linked with: enough for whatever a library of it asks of Foundation."""

import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, run

PROGRAM = """
import Foundation

let date = Date(timeIntervalSince1970: 1_600_000_000)
for name in ["en_US_POSIX", "en_US", "de_DE", "zh_CN"] {
    let locale = Locale(identifier: name)
    let dates = DateFormatter()
    dates.locale = locale
    dates.timeZone = TimeZone(identifier: "Europe/Stockholm")
    dates.dateFormat = "yyyy-MM-dd HH:mm:ss.SSS ZZZZZ"
    print(dates.string(from: date), dates.date(from: "2020-02-03 04:05:06.789 +01:00") as Any)
    print("ÄÖ".lowercased(with: locale), "straße".uppercased(with: locale))
    guard name.hasPrefix("en") else { continue }
    dates.dateStyle = .long
    dates.timeStyle = .full
    let numbers = NumberFormatter()
    numbers.locale = locale
    numbers.numberStyle = .currency
    print(dates.string(from: date), numbers.string(from: 1234.5) as Any, 1234.5.formatted(.number.locale(locale)))
}
print(Calendar(identifier: .hebrew).dateComponents([.year, .month, .day], from: date))
print(["b", "a", "B", "ä", "z"].sorted { $0.localizedStandardCompare($1) == .orderedAscending })
print("é".decomposedStringWithCanonicalMapping.unicodeScalars.count, "ﬁ".precomposedStringWithCompatibilityMapping)
let pattern = try NSRegularExpression(pattern: "(\\\\w+)@(\\\\p{L}+)")
print(pattern.matches(in: "x steve@apsis y", range: NSRange(0..<15)).map(\\.range))
print(ISO8601DateFormatter().string(from: date), URL(string: "http://bücher.de/ä") as Any)
print("é".data(using: .isoLatin1) as Any, CocoaError(.fileNoSuchFile).localizedDescription)
"""


def test_foundation_does_the_same_with_a_part_of_the_data_as_with_all(tmp_path: Path) -> None:
    (tmp_path / "main.swift").write_text(PROGRAM)
    part = run(sys.executable, REPOSITORY / "packaging/icu_data.py", tmp_path / "icu").stdout.strip()
    run("swiftc", "-c", "-static-stdlib", "main.swift", "-o", "main.o", cwd=tmp_path)
    said = []
    for name, data in {"whole": [], "part": [part]}.items():
        run("swiftc", "-static-stdlib", "main.o", *data, "-o", name, cwd=tmp_path)
        for language in ("C", "zh_CN.UTF-8"):
            environment = {"LC_ALL": language, "TZ": "UTC", "PATH": "/usr/bin:/bin"}
            done = subprocess.run([tmp_path / name], capture_output=True, text=True, timeout=60, env=environment)
            assert done.returncode == 0, f"{name} in {language}: {done.stderr[-500:]}"
            said.append(done.stdout)
    assert len(set(said)) == 1 and said[0].count("\n") >= 15
    assert (tmp_path / "part").stat().st_size < (tmp_path / "whole").stat().st_size - 25_000_000
    again = run(sys.executable, REPOSITORY / "packaging/icu_data.py", tmp_path / "again").stdout.strip()
    assert Path(again).read_bytes() == Path(part).read_bytes()
