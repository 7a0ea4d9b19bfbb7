"""`python -m benchmarks.speed`, its figures put where the other steps have theirs.

python -m benchmarks.gpu.speed_tables RESULT ARGUMENTS...
"""

import shutil
import sys
from pathlib import Path

from benchmarks.speed import __main__ as speed


def main() -> None:
    result, *arguments = sys.argv[1:]
    folder = Path(arguments[arguments.index("--output") + 1])
    sys.argv[1:] = arguments
    try:
        speed.main()
    finally:  # parts that ended before one that failed
        for suffix in ("json", "txt"):
            if (folder / f"speed.{suffix}").exists():
                shutil.copy(folder / f"speed.{suffix}", f"{result}.{suffix}")


if __name__ == "__main__":
    main()
