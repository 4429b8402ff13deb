"""Pages and queues start without what only a call needs: as tests."""

import os
import subprocess
import sys
from pathlib import Path

from calls.telephony.on_use import OnUse
from calls.telephony.registry import carrier_specs

TREE = Path(__file__).resolve().parents[2]

# Each takes up to a second of a processor to import, in every process that starts.
ONLY_FOR_CALLS = ("livekit", "aiortc", "av", "openai", "twilio", "telnyx", "sipmessage")

LOADS = """
import sys, django
django.setup()
import config.urls, config.asgi
from config.celery import app
app.loader.import_default_modules()
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_web_and_worker_load_no_voice_library():
    done = subprocess.run(
        [sys.executable, "-c", LOADS, *ONLY_FOR_CALLS],
        cwd=TREE,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEMO": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []


def test_what_carriers_name_by_path_is_there():
    named = [
        each
        for spec in carrier_specs()
        for each in (spec.factory, spec.check, spec.probe)
        if isinstance(each, OnUse)
    ]
    assert len(named) >= 8
    assert all(callable(each.load()) for each in named)
