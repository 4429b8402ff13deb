"""Where recordings are kept: a folder of this machine, or a bucket of an object store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from config import env


def recordings(folder: Path) -> dict[str, Any]:
    """Return the storage of recordings for `STORAGES`, as the environment says.

    Any store that speaks the S3 protocol will do. It is asked to encrypt what it gets
    with its own keys; what is sealed was encrypted with ours before it left.
    """
    bucket = env.text(
        "RECORDINGS_BUCKET", "", "S3 bucket of recordings; empty: files under VAR_DIR."
    )
    encryption = env.text(
        "RECORDINGS_ENCRYPTION",
        "AES256",
        "Encryption the bucket is asked for: AES256, aws:kms, or empty for none.",
    )
    kms_key = env.text(
        "RECORDINGS_KMS_KEY", "", "Id of the key for aws:kms; empty: the store's own."
    )
    options: dict[str, Any] = {
        "bucket_name": bucket,
        "endpoint_url": env.text(
            "RECORDINGS_ENDPOINT_URL", "", "Address of a store that is not Amazon's."
        )
        or None,
        "region_name": env.text("RECORDINGS_REGION", "", "Region of the bucket.")
        or None,
        "access_key": env.text("RECORDINGS_ACCESS_KEY", "", "Access key of the bucket.")
        or None,
        "secret_key": env.secret(
            "RECORDINGS_SECRET_KEY", "", "Secret key of the bucket."
        )
        or None,
        "addressing_style": "path",
        "default_acl": None,
        "file_overwrite": False,
        "object_parameters": _encryption(encryption, kms_key),
    }
    backend = "storages.backends.s3.S3Storage"
    if not bucket:
        backend = "django.core.files.storage.FileSystemStorage"
        options = {"location": folder}
    return {
        "BACKEND": "portal.sealed_storage.SealableStorage",
        "OPTIONS": {"backend": backend, "options": options},
    }


def _encryption(wanted: str, kms_key: str) -> dict[str, str]:
    if not wanted:
        return {}
    asked = {"ServerSideEncryption": wanted}
    return asked | ({"SSEKMSKeyId": kms_key} if kms_key else {})
