"""Take the measures of our language: ``python -m tests.measures [paths] [--worst 10]``."""

import argparse
import sys

from tests.measures import report
from tests.measures.structure import PRODUCT


def main() -> int:
    """Print the measures and return the exit status."""
    # These two need the product and its tools; the measures of source files need nothing.
    if sys.argv[1:2] == ["calls"]:
        from tests.measures import calls

        return calls.main(sys.argv[2:])
    if sys.argv[1:2] == ["coverage"]:
        from tests.measures import rooms

        return rooms.main(sys.argv[2:])
    parser = argparse.ArgumentParser(prog="tests.measures", description=__doc__)
    parser.add_argument("paths", nargs="*", default=list(PRODUCT), help="files and folders")
    parser.add_argument("--json", action="store_true", help="for a program")
    parser.add_argument("--worst", type=int, default=0, metavar="N", help="offenders to show")
    parser.add_argument(
        "--strict", action="store_true", help="fail when a bound of the acceptance is missed"
    )
    options = parser.parse_args()
    measures = report.measure(options.paths)
    write = report.as_json if options.json else report.as_table
    print(write(measures, options.worst))
    is_acceptable = all(one.is_met for one in measures if one.is_acceptance)
    return int(options.strict and not is_acceptable)


if __name__ == "__main__":
    sys.exit(main())
