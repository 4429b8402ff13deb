"""Pipecat in an environment of its own, made once under the bench's folder."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REQUIREMENT = "pipecat-ai[webrtc,silero,openai,deepgram]==1.14.*"


def python_of_peer(folder: Path) -> Path | None:
    """Return its interpreter, installing first; None when it cannot be installed."""
    home = folder / "pipecat"
    python = home / "bin" / "python"
    stamp = home / "installed"
    if stamp.exists() and stamp.read_text() == REQUIREMENT:
        return python
    folder.mkdir(parents=True, exist_ok=True)
    print(f"Installing {REQUIREMENT} into {home} …", flush=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
        subprocess.run(
            [str(python), "-m", "pip", "install", "--quiet", REQUIREMENT], check=True
        )
    except subprocess.CalledProcessError:
        print("It cannot be installed here: the bench goes on without a peer.")
        return None
    stamp.write_text(REQUIREMENT)
    return python
