"""Reading the catalogue: our own files, then the operator's.

`data/*.toml` ships with the program and changes only by review. A folder or file at
`CATALOGUE_DIR` adds to it without code:

    [[providers]]                 # another server that speaks a known protocol
    stage = "llm"
    id = "our_llama"
    protocol = "openai_compatible"
    label = "Our Llama"
    region = "own"
    base_url = "http://10.0.0.5:8000/v1"
    models = [{ id = "llama-3.3-70b", label = "Llama 3.3 70B", is_default = true }]

    [[providers]]                 # the same stage and id as ours: what it names replaces
    stage = "stt"
    id = "deepgram"
    prices = { per_minute_streaming = "0.0051" }

What an entry leaves open is taken from the provider whose protocol it speaks. Nothing
that follows from a file reaches a call unless the whole catalogue is sound.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from pydantic import ValidationError

from assistants.catalogue.entries import Catalogue

_DATA: Final = Path(__file__).with_name("data")
# What a server of somebody's own does not share with the vendor it imitates.
_NOT_INHERITED: Final = frozenset(
    {"aliases", "key", "models", "voices", "prices", "region", "needs_base_url"}
    | {"price_source", "prices_seen"}
)
Entry = dict[str, Any]


@cache
def catalogue() -> Catalogue:
    """The catalogue, read once per process."""
    return load(settings.CATALOGUE_DIR)


def load(own: str = "") -> Catalogue:
    """Read our files and those at `own`; raise `ImproperlyConfigured` for a wrong one."""
    files = sorted(_DATA.glob("*.toml"))
    if own:
        files += _own_files(Path(own))
    entries: dict[tuple[str, str], Entry] = {}
    prices_as_of = ""
    for file in files:
        content = _read(file)
        prices_as_of = max(prices_as_of, str(content.get("prices_as_of", "")))
        for entry in content.get("providers", ()):
            name = (str(entry.get("stage")), str(entry.get("id")))
            entries[name] = {**entries.get(name, {}), **entry}
    try:
        return Catalogue.model_validate(
            {
                "prices_as_of": prices_as_of,
                "providers": [_completed(e, entries) for e in entries.values()],
            }
        )
    except ValidationError as error:
        raise ImproperlyConfigured(f"The catalogue is wrong: {error}") from error


def _own_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(path.glob("*.toml"))
    if path.is_file():
        return [path]
    raise ImproperlyConfigured(f"CATALOGUE_DIR: there is nothing at {path}.")


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImproperlyConfigured(f"{file} cannot be read: {error}") from error


def _completed(entry: Entry, entries: dict[tuple[str, str], Entry]) -> Entry:
    """Fill in what stands with another provider (`same`), or follows from `protocol`."""
    found = dict(entry)
    protocol = entry.get("protocol")
    if protocol and protocol != entry.get("id"):
        like = entries.get((str(entry.get("stage")), str(protocol)))
        if like is None:
            raise ImproperlyConfigured(
                f"The catalogue is wrong: {entry.get('id')} speaks “{protocol}”, "
                "which is no provider of its stage."
            )
        inherited = {k: v for k, v in like.items() if k not in _NOT_INHERITED}
        if not found.get("models"):
            inherited["free_text_model"] = True
            found["models"] = []
        found = inherited | found
    for field, source in found.pop("same", {}).items():
        stage, _separator, name = str(source).partition("/")
        try:
            found[field] = entries[stage, name][field]
        except KeyError:
            raise ImproperlyConfigured(
                f"The catalogue is wrong: {entry.get('id')} takes its {field} from "
                f"“{source}”, which has none."
            ) from None
    return found
