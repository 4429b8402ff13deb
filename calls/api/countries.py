"""A country in a body: the document lists the codes, and the service refuses others."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from calls.destinations import known_countries

Country = Annotated[str, Field(json_schema_extra={"enum": sorted(known_countries())})]
