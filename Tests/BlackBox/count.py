"""Prints how many tests of a JUnit report passed and how many failed, as two numbers."""

import sys
from xml.etree import ElementTree


def main(report: str) -> None:
    passed = failed = 0
    for case in ElementTree.parse(report).iter("testcase"):
        outcomes = {child.tag for child in case}
        if outcomes & {"failure", "error"}:
            failed += 1
        elif "skipped" not in outcomes:
            passed += 1
    print(passed, failed)


if __name__ == "__main__":
    main(sys.argv[1])
