#!/usr/bin/env python3
"""The development network, ten times as fast for contracts of this size: each code's jump destinations are worked out once.

    network.py [devnet.py's arguments]

The specification that it runs works them out at every call, which is most of the time that a call of a large contract takes.
LATTICE_SHARED names the folder with the development network, ../shared without it.
"""
import functools
import importlib
import os
import sys
from pathlib import Path

SHARED = Path(os.environ.get("LATTICE_SHARED") or Path(__file__).resolve().parent.parent.parent / "shared")
sys.path.insert(0, str(SHARED / "devnet"))

import devnet  # noqa: E402

# More codes than one network has contracts.
KEPT = 256

for fork in ("prague", "osaka"):
    interpreter = importlib.import_module(f"ethereum.forks.{fork}.vm.interpreter")
    interpreter.get_valid_jump_destinations = functools.lru_cache(KEPT)(interpreter.get_valid_jump_destinations)

if __name__ == "__main__":
    devnet.main()
