"""Whatever is uploaded is used or refused with a reason; nothing else happens."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import warnings
import zipfile
from collections.abc import Callable

import pytest
import xlsxwriter
from PIL import Image

from campaigns import workbooks
from campaigns.sheets import BadSheet, rows_of
from portal.pictures import BadPicture, icons, logo, photo
from portal.svg import BadSVG, sanitised_svg
from tests.fuzz.mutating import TRIES, spoiled

DRAWING = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90"><defs>'
    b'<linearGradient id="g"><stop offset="0" style="stop-color:#f00"/></linearGradient>'
    b'</defs><g transform="scale(2)"><path d="M0 0h9v9z" fill="url(#g)"/>'
    b'<use href="#g"/><text x="1">Acme &amp; Co</text></g></svg>'
)
CSV = (
    "name,phone,city\n"
    + "\n".join(f'"Jan, {n}",+3161234{n:04d},Delft' for n in range(40))
).encode()


def picture(format_: str) -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((200, 160)).save(out, format_)
    return out.getvalue()


def sheet(rows: int = 40) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        for line in range(rows):
            page.write_row(line, 0, ["Jan", f"+3161234{line:04d}", line, 1.5])
    return out.getvalue()


def read_sheet(data: bytes) -> None:
    for _row in rows_of(io.BytesIO(data)):
        pass


def read_photo(data: bytes) -> None:
    made = photo(data, width=60, height=60)
    assert Image.open(io.BytesIO(made.data)).size == (60, 60)


def read_drawing(data: bytes) -> None:
    drawn = sanitised_svg(data).lower()
    assert b"<script" not in drawn
    assert b"javascript:" not in drawn


READERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "png logo": (logo, picture("PNG")),
    "jpeg photo": (read_photo, picture("JPEG")),
    "webp photo": (read_photo, picture("WEBP")),
    "png icons": (icons, picture("PNG")),
    "svg drawing": (read_drawing, DRAWING),
    "svg logo": (logo, DRAWING),
    "csv leads": (read_sheet, CSV),
    "xlsx leads": (read_sheet, sheet()),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", READERS)
def test_a_spoiled_file_is_used_or_refused(kind: str) -> None:
    read, sample = READERS[kind]
    read(sample)
    refused = 0
    for seed in range(TRIES // (10 if kind == "png icons" else 1)):
        data = spoiled(sample, seed)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # Pillow remarks on odd metadata
                read(data)
        except (BadPicture, BadSVG, BadSheet):
            refused += 1
        except Exception as error:
            raise AssertionError(f"{kind}, seed {seed}: {error!r}") from error
    assert refused > 0 or kind == "csv leads"


def test_a_spreadsheet_that_unpacks_to_too_much_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(workbooks, "MAX_PART_BYTES", 20_000_000)
    bomb = repacked(sheet(), b"<c><v>0</v></c>" * 1_500_000)
    assert len(bomb) < 200_000
    with pytest.raises(BadSheet, match="too large"):
        read_sheet(bomb)


@pytest.mark.parametrize(
    "inside",
    [
        b"<row>" + b"<c><v>0</v></c>" * 400_000 + b"</row>",
        b"<c><v>0</v></c>" * 400_000,
        b"<row><c><v>" + b"<v>1234567</v>" * 400_000 + b"</v></c></row>",
    ],
)
def test_one_row_does_not_fill_the_memory(inside: bytes) -> None:
    bomb = repacked(sheet(), inside)
    tracemalloc.start()
    with contextlib.suppress(BadSheet):
        read_sheet(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


def test_a_spreadsheet_that_lies_about_its_size_is_refused() -> None:
    bomb = bytearray(repacked(sheet(), b" " * 9_000_000))
    entry = bomb.rindex(b"PK\x01\x02", 0, bomb.rindex(b"sheet1.xml"))
    bomb[entry + 24 : entry + 28] = (1_000).to_bytes(4, "little")
    with pytest.raises(BadSheet):
        read_sheet(bytes(bomb))


def repacked(book: bytes, inside: bytes) -> bytes:
    """The same workbook with other bytes inside its first sheet's rows."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book)) as old,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            if name.endswith("sheet1.xml"):
                data = data.replace(b"<sheetData>", b"<sheetData>" + inside)
            new.writestr(name, data)
    return out.getvalue()
