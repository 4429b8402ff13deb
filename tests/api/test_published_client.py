"""The vendor's published Node client, unchanged, does all it offers against our server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from assistants.services import create_assistant
from billing.ledger import open_accounts
from calls.models import Call, VoiceNode
from calls.services.nodes import register_node
from calls.services.web import start_web_call
from portal.models import MailSender, Organization, Role
from portal.scope import organization_scope
from portal.services.api_keys import issue_key
from portal.services.organizations import open_client
from portal.webhooks.recording import message_body
from portal.webhooks.samples import sample
from portal.webhooks.signing import signed_headers
from tests import world
from tests.fakes.receiver import Receiver
from tests.fakes.resend_server import resend_server
from tests.plugins.servers import program
from tests.world import House

HERE = Path(__file__).parent / "published_client"
SECRET = "our own words"
STEPS = (
    "assistants",
    "numbers",
    "calls",
    "campaigns",
    "trunks",
    "voices",
    "usage",
    "byok",
    "toolTemplates",
    "analysisTemplates",
    "domains",
    "organizations",
    "errors",
    "limits",
    "webhooks",
)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the client as its own build does, in a folder of its own."""
    folder = tmp_path_factory.mktemp("published-client")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    npm = [program("npm", "npm"), "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(npm, cwd=folder, check=True, capture_output=True)
    subprocess.run(
        [
            folder / "node_modules/.bin/esbuild",
            "hmsovereign-1.0.1/src/index.ts",
            "--bundle",
            "--platform=node",
            "--format=esm",
            "--outfile=client.mjs",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def houses(transactional_db: None) -> tuple[House, House, VoiceNode]:
    acme = world.open_house("acme", "alice", "+31201234501")
    bakery = world.open_client_house(acme, "Bakery", "+31201234502")
    node = register_node(host="test", pid=1, capacity=20)
    # It is not looked after while a slow machine builds and runs the client.
    VoiceNode.objects.filter(pk=node.pk).update(
        heartbeat_at=timezone.now() + timedelta(hours=1)
    )
    return acme, bakery, node


def key_of(organization: Organization) -> str:
    with organization_scope(organization):
        _row, text = issue_key(
            organization=organization, name="Client", actor=None, role=Role.OWNER
        )
    return text


@pytest.fixture
def resend(houses: tuple[House, House, VoiceNode], settings: Any) -> Iterator[None]:
    """A server in place of Resend, which the agency has an account with."""
    acme, _bakery, _node = houses
    with resend_server() as server:
        settings.RESEND_API_URL = server.url
        with organization_scope(acme.organization):
            MailSender.objects.create(
                organization=acme.organization,
                from_address="post@acme.example",
                transport=MailSender.Transport.RESEND,
                resend_key=server.key,
            )
        yield


def live_call(house: House) -> str:
    with organization_scope(house.organization):
        call = start_web_call(
            organization=house.organization, assistant=house.assistant, actor=None
        ).call
        Call.objects.filter(pk=call.pk).update(status=Call.Status.IN_PROGRESS)
    return str(call.pk)


def poor_client(acme: House) -> tuple[str, str]:
    client = open_client(agency=acme.organization, name="Poor", actor=None)
    with organization_scope(client):
        open_accounts(client)
        assistant = create_assistant(
            organization=client, spec=world.desk_spec(), actor=None
        )
    return key_of(client), str(assistant.pk)


def limited_key(acme: House) -> str:
    """Return the key of a client that may ask twice a minute."""
    client = open_client(agency=acme.organization, name="Quiet", actor=None)
    with organization_scope(client):
        Organization.objects.filter(pk=client.pk).update(api_rate_per_minute=2)
    return key_of(client)


def message() -> dict[str, Any]:
    data = message_body(
        "end-of-call-report", sample("end-of-call-report"), timezone.now()
    )
    headers = signed_headers(
        message_id="msg_1",
        kind="end-of-call-report",
        body=data.encode(),
        secrets=[SECRET],
        timestamp=int(time.time()),
        agent="Acme/1.0",
    )
    return {
        "headers": {name.lower(): text for name, text in headers.items()},
        "body": data,
        "secret": SECRET,
    }


@pytest.mark.slow
@pytest.mark.servers
def test_the_published_client_does_all_it_offers(
    built: Path,
    houses: tuple[House, House, VoiceNode],
    resend: None,
    vendor: Receiver,
    live_server: Any,
    settings: Any,
) -> None:
    settings.API_RATE_PER_MINUTE = 10_000
    acme, bakery, _node = houses
    poor_key, poor_assistant = poor_client(acme)
    port = live_server.url.rpartition(":")[2]
    given = {
        "base_url": f"http://127.0.0.1:{port}/api/v1",
        "key": key_of(bakery.organization),
        "agency_key": key_of(acme.organization),
        "poor_key": poor_key,
        "poor_assistant_id": poor_assistant,
        "assistant_id": str(bakery.assistant.pk),
        "live_call_id": live_call(bakery),
        "limited_key": limited_key(acme),
        "webhook": message(),
    }
    connection.close()
    done = subprocess.run(
        [program("node", "nodejs"), "drive.mjs", *STEPS],
        cwd=built,
        env=os.environ | {"GIVEN": json.dumps(given)},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert json.loads(done.stdout) == dict.fromkeys(STEPS, "ok")
