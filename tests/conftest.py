"""What every test starts from."""

from __future__ import annotations

import os

# Libraries of models would otherwise ask a hub for what the tests make themselves.
os.environ["HF_HUB_OFFLINE"] = "1"
