"""Recordings in a bucket: a real S3 protocol, sealed or not, encrypted by the store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.exceptions import ClientError
from django.core.files.base import ContentFile
from moto.server import ThreadedMotoServer

from config.object_storage import recordings
from portal.sealed_storage import SealableStorage

SOUND = bytes(range(256)) * 1_000


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    urlopen(Request(f"{endpoint}/moto-api/reset", method="POST"))  # a store of its own
    for name, value in {
        "RECORDINGS_BUCKET": "calls",
        "RECORDINGS_ENDPOINT_URL": endpoint,
        "RECORDINGS_REGION": "eu-central-1",
        "RECORDINGS_ACCESS_KEY": "us",
        "RECORDINGS_SECRET_KEY": "secret",
    }.items():
        monkeypatch.setenv(name, value)
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="us",
        aws_secret_access_key="secret",
    )
    client.create_bucket(
        Bucket="calls", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    return client


@pytest.fixture
def storage(bucket: Any, tmp_path: Path) -> SealableStorage:
    return SealableStorage(**recordings(tmp_path)["OPTIONS"])


@pytest.mark.parametrize("name", ["ab/call.webm", "ab/call.webm.sealed"])
def test_what_is_kept_is_read_again(
    storage: SealableStorage, bucket: Any, name: str
) -> None:
    kept = storage.save(name, ContentFile(SOUND))
    assert kept == name
    assert storage.exists(name)
    assert storage.size(name) == len(SOUND)
    with storage.open(name) as file:
        file.seek(70_000)
        assert file.read(5) == SOUND[70_000:70_005]
        file.seek(0)
        assert file.read() == SOUND
    there = bucket.get_object(Bucket="calls", Key=name)
    assert there["ServerSideEncryption"] == "AES256"
    assert (there["Body"].read() == SOUND) is not name.endswith(".sealed")
    storage.delete(name)
    assert not storage.exists(name)
    with pytest.raises(ClientError):
        bucket.head_object(Bucket="calls", Key=name)


def test_the_store_is_told_which_key_to_use(
    bucket: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECORDINGS_ENCRYPTION", "aws:kms")
    monkeypatch.setenv("RECORDINGS_KMS_KEY", "key-of-ours")
    SealableStorage(**recordings(tmp_path)["OPTIONS"]).save("a", ContentFile(b"x"))
    there = bucket.head_object(Bucket="calls", Key="a")
    assert there["ServerSideEncryption"] == "aws:kms"
    assert there["SSEKMSKeyId"].endswith("key-of-ours")


def test_nobody_reads_the_bucket_without_its_keys(
    storage: SealableStorage, bucket: Any, endpoint: str
) -> None:
    storage.save("ab/call.webm", ContentFile(SOUND))
    acl = bucket.get_object_acl(Bucket="calls", Key="ab/call.webm")
    assert all("URI" not in grant["Grantee"] for grant in acl["Grants"])


def test_a_second_file_of_a_name_does_not_replace_the_first(
    storage: SealableStorage,
) -> None:
    storage.save("ab/call.webm.sealed", ContentFile(b"first"))
    other = storage.save("ab/call.webm.sealed", ContentFile(b"second"))
    assert other != "ab/call.webm.sealed"
    assert other.endswith(".webm.sealed")
    for name, content in {"ab/call.webm.sealed": b"first", other: b"second"}.items():
        with storage.open(name) as file:
            assert file.read() == content


def test_without_a_bucket_they_are_files(tmp_path: Path) -> None:
    storage = SealableStorage(**recordings(tmp_path)["OPTIONS"])
    storage.save("a.webm", ContentFile(SOUND))
    assert (tmp_path / "a.webm").read_bytes() == SOUND
