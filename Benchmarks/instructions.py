"""Counts the instructions of the hot path, and fails when there are more than the thresholds allow.

    HOT_PATH=.build/release/hot-path instructions.py [--update] [--runs N] [OPERATION ...]

Every operation is run under callgrind a smaller and a larger number of times; the difference is the work itself,
without the start of the process. Benchmarks/README.md says what is held still for that, and when to use --update.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

THRESHOLDS = Path(__file__).resolve().parent / "instructions.json"
TOLERANCE = 0.05

# How often an operation is done: so often that what a start costs more or less no longer shows, and no more, since
# callgrind is fifty times slower than the processor.
COUNTS = {
    "decode-1": (500, 2500),
    "decode-100": (20, 100),
    "token": (500, 2500),
    "path": (500, 2500),
    "timestamp": (2000, 22000),
    "post": (200, 1200),
    "append": (200, 1200),
}

# What would otherwise depend on the machine or on chance.
STILL = {
    # One seed for all dictionaries.
    "SWIFT_DETERMINISTIC_HASHING": "1",
    # One kernel of simdjson, one set of glibc's copies and comparisons, one set of BoringSSL's hashes: those that
    # every x86-64 processor of the last fifteen years has.
    "SIMDJSON_FORCE_IMPLEMENTATION": "westmere",
    "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-AVX_Fast_Unaligned_Load,-BMI1,-BMI2,-LZCNT,-MOVBE,-ERMS,-FSRM,-RTM",
    "OPENSSL_ia32cap": "~0x1000000000000000:~0x128",
    "LC_ALL": "C",
}


@dataclass
class Program:
    path: str
    credentials: str
    folder: str

    def instructions(self, operation: str, count: int) -> int:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            command = [
                "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=yes",
                self.path, "run", operation, str(count), self.credentials, folder,
            ]  # fmt: skip
            # Nothing of the caller's environment, because its length alone moves addresses.
            environment = {"PATH": os.environ["PATH"], "TMPDIR": folder, **STILL}
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        found = re.search(r"Collected : (\d+)", done.stderr)
        if done.returncode != 0 or not found or int(done.stdout or "0") == 0:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return int(found.group(1))

    def measure(self, operation: str) -> float:
        few, many = COUNTS[operation]
        return (self.instructions(operation, many) - self.instructions(operation, few)) / (many - few)


def check(operation: str, counts: list[float], threshold: float | None) -> bool:
    count = sum(counts) / len(counts)
    spread = f"  spread {(max(counts) - min(counts)) / count:.2%}" if len(counts) > 1 else ""
    if threshold is None:
        print(f"FAIL {operation:<12} {count:>12,.0f}  has no threshold; --update writes one{spread}")
        return False
    change = count / threshold - 1
    is_good = change <= TOLERANCE
    verdict = ""
    if not is_good:
        verdict = f"  more than {TOLERANCE:.0%} above"
    elif change < -TOLERANCE:
        verdict = "  far below: lower the threshold with --update, so that the gain is kept"
    print(
        f"{'PASS' if is_good else 'FAIL'} {operation:<12} {count:>12,.0f}  threshold {threshold:>12,.0f}"
        f"  {change:+7.2%}{spread}{verdict}"
    )
    return is_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="write what was counted as the new thresholds")
    parser.add_argument("--runs", type=int, default=1, help="count so many times, and show how far they differ")
    parser.add_argument("operations", nargs="*", help="all of them, unless named")
    arguments = parser.parse_args()
    hot_path = os.environ["HOT_PATH"]
    known = subprocess.run([hot_path, "operations"], capture_output=True, text=True, check=True).stdout.split()
    if sorted(known) != sorted(COUNTS):
        raise SystemExit(f"the program has {known}, and COUNTS has {list(COUNTS)}")
    thresholds = json.loads(THRESHOLDS.read_text()) if THRESHOLDS.exists() else {}
    is_good = True
    print("     operation    instructions per operation")
    with tempfile.TemporaryDirectory() as folder:
        credentials = Path(folder) / "credentials"
        credentials.write_text(
            subprocess.run([hot_path, "credentials"], capture_output=True, text=True, check=True).stdout
        )
        # Debian 12's valgrind gives up at debug information of today; symbols stay.
        bare = str(Path(folder) / "hot-path")
        subprocess.run(["strip", "--strip-debug", "-o", bare, hot_path], check=True)
        program = Program(bare, str(credentials), folder)
        for operation in arguments.operations or known:
            counts = [program.measure(operation) for _ in range(arguments.runs)]
            if arguments.update:
                thresholds[operation] = round(sum(counts) / len(counts))
            is_good = check(operation, counts, thresholds.get(operation)) and is_good
            sys.stdout.flush()
    if arguments.update:
        THRESHOLDS.write_text(json.dumps({name: thresholds[name] for name in known if name in thresholds}, indent=2) + "\n")
    sys.exit(0 if is_good else 1)


main()
