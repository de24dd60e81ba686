"""Writes an object file with the part of ICU's data that the program can need. The linker takes it in place of the whole,
which comes with Swift's Foundation, has 34 MB, and is mostly about languages that the program does not speak.

    icu_data.py FOLDER

Prints the name of the object file, which it makes in FOLDER. What stays is what is of no language (calendars, time zones,
order, plurals, normalization), the root locale, and English. What is left out: all other languages, the tables of old
encodings, the dictionaries that divide texts written without spaces, and the rules that turn one alphabet into another. A
program without them behaves as if the user had asked for English.

It ends with an error where Swift's library is not as it expects; then the program is linked with the whole.
"""

import json
import re
import struct
import subprocess
import sys
from pathlib import Path

#: What has tables of its own for each language; of it only root and English stay.
LANGUAGES = ("root", "en", "en_US", "en_US_POSIX")
#: Files beside those of the languages, and of no language.
COMMON = (
    "pool", "res_index", "icuver", "icustd", "supplementalData", "metadata", "keyTypeData", "likelySubtags", "langInfo",
    "genderList", "grammaticalFeatures", "numberingSystems", "plurals", "pluralRanges", "dayPeriods",
    "currencyNumericCodes", "units", "zoneinfo64", "metaZones", "timezoneTypes", "windowsZones", "tzdbNames",
)  # fmt: skip
#: From one alphabet into another. The other folders are needed: without currencies, no date is written.
FOLDERS_LEFT_OUT = ("translit",)
#: The names of all characters.
FILES_LEFT_OUT = ("unames.icu",)
#: Old encodings; dictionaries of Chinese, Japanese, Thai, Lao, Khmer and Burmese.
ENDINGS_LEFT_OUT = ("cnv", "dict")


def is_kept(path: str) -> bool:
    """Whether an item stays: `icudt76l/coll/root.res`."""
    *folders, file = path.split("/")[1:]
    stem, _, ending = file.rpartition(".")
    if folders and folders[0] in FOLDERS_LEFT_OUT or file in FILES_LEFT_OUT or ending in ENDINGS_LEFT_OUT:
        return False
    if ending == "res":
        return stem in LANGUAGES or stem in COMMON
    return not stem.endswith("_cj")


class Package:
    """Items of ICU's data by their names, as `CmnD`: a header, a table of contents, names, and items."""

    def __init__(self, data: bytes) -> None:
        size, magic = struct.unpack_from("<HH", data)
        if magic != 0x27DA or data[12:16] != b"CmnD":
            raise SystemExit("icu_data: this is no package of ICU's data")
        self.header = data[:size]
        (count,) = struct.unpack_from("<I", data, size)
        entries = [struct.unpack_from("<II", data, size + 4 + 8 * number) for number in range(count)]
        ends = [start for _, start in entries[1:]] + [len(data) - size]
        self.items: list[tuple[bytes, bytes]] = []
        for (name, start), end in zip(entries, ends, strict=True):
            text = data[size + name : data.index(b"\0", size + name)]
            self.items.append((text, data[size + start : size + end]))

    def bytes(self, items: list[tuple[bytes, bytes]]) -> bytes:
        # Items begin at multiples of 16. ICU finds a name by halving the table, so the order stays.
        names, offsets = b"", []
        for name, _ in items:
            offsets.append(4 + 8 * len(items) + len(names))
            names += name + b"\0"
        table, body = struct.pack("<I", len(items)), b""
        first = -(-(4 + 8 * len(items) + len(names)) // 16) * 16
        for offset, (_, item) in zip(offsets, items, strict=True):
            body += b"\0" * (-len(body) % 16)
            table += struct.pack("<II", offset, first + len(body))
            body += item
        return self.header + (table + names).ljust(first, b"\0") + body


def output(*command: object) -> bytes:
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE).stdout


def library() -> Path:
    info = json.loads(output("swiftc", "-print-target-info", "-static-stdlib"))
    for folder in info["paths"]["runtimeLibraryPaths"]:
        if (file := Path(folder) / "lib_FoundationICU.a").is_file():
            return file
    raise SystemExit("icu_data: Swift has no lib_FoundationICU.a here")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    whole, object_file = folder / "whole.o", folder / "icu_data.o"
    archive = library()
    whole.write_bytes(output("ar", "p", archive, "icu_packaged_data.cpp.o"))
    symbols = re.findall(r"^\w+ R (icudt\w+_dat)$", output("nm", whole).decode(), re.MULTILINE)
    if len(symbols) != 1:
        raise SystemExit(f"icu_data: {archive} has no data of ICU, or several: {symbols}")
    output("objcopy", "-O", "binary", "--only-section=.rodata", whole, folder / "whole.dat")
    package = Package((folder / "whole.dat").read_bytes())
    kept = [(name, item) for name, item in package.items if is_kept(name.decode())]
    (folder / "icu.dat").write_bytes(package.bytes(kept))
    (folder / "icu_data.s").write_text(
        f'.section .rodata,"a",%progbits\n.balign 16\n.global {symbols[0]}\n.type {symbols[0]},%object\n'
        f'{symbols[0]}:\n.incbin "icu.dat"\n.size {symbols[0]},.-{symbols[0]}\n'
        '.section .note.GNU-stack,"",%progbits\n'
    )
    subprocess.run(["as", "icu_data.s", "-o", object_file.name], check=True, cwd=folder)
    for file in ("whole.o", "whole.dat", "icu.dat", "icu_data.s"):
        (folder / file).unlink()
    print(object_file)


main()
