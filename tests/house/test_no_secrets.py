"""No key, password or private key of anybody stands in the tree."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]

# Forms that real secrets have; what tests make up for themselves looks otherwise.
SECRETS = {
    "private key": r"-----BEGIN (?:RSA |EC |OPENSSH |ENCRYPTED )?PRIVATE KEY-----\n[A-Za-z0-9+/]",
    "Stripe key": r"\b[rs]k_live_[A-Za-z0-9]{20,}",
    "AWS key": r"\bAKIA[0-9A-Z]{16}\b",
    "Google key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "GitHub token": r"\bgh[pousr]_[A-Za-z0-9]{36}\b",
    "Slack token": r"\bxox[abpr]-[0-9A-Za-z-]{20,}",
    "OpenAI key": r"\bsk-(?:proj-)?[A-Za-z0-9]{32,}\b",
    "password in an address": r"\b(?:postgres(?:ql)?|redis|amqps?)://[^\s:/@]+:(?!portavoce|guest|postgres|test|secret|x|\$|\{|…|%)[^\s@/]{8,}@",
}


def tracked_text_files() -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=TREE, capture_output=True, check=True
    ).stdout.split(b"\0")
    return [
        TREE / name.decode()
        for name in names
        if name and not name.endswith((b".wav", b".ogg", b".png", b".woff2", b".webm"))
    ]


def test_no_secret_stands_in_the_tree() -> None:
    found = []
    for path in tracked_text_files():
        if path == Path(__file__) or not path.exists():
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [
            f"{path.relative_to(TREE)}: {kind}"
            for kind, pattern in SECRETS.items()
            if re.search(pattern, text)
        ]
    assert found == []
