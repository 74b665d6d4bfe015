"""`compile_engine` comes with the checkout, not with the package: it is found from the checkout's root."""

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)
