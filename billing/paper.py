"""The look of our PDFs: the portal's name and colour on top, tables below.

Vera comes with reportlab; the fonts every PDF reader has know Latin letters only.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from portal.models import Portal

_FONTS: Final = Path(reportlab.__file__).parent / "fonts"
_MUTED: Final = colors.Color(0.4, 0.4, 0.43)
_LINE: Final = colors.Color(0.85, 0.85, 0.87)
ACCENT: Final = "#4f46e5"


@cache
def _load_fonts() -> None:
    pdfmetrics.registerFont(TTFont("Body", str(_FONTS / "Vera.ttf")))
    pdfmetrics.registerFont(TTFont("Strong", str(_FONTS / "VeraBd.ttf")))


class Paper:
    """A document in the making."""

    def __init__(self, portal: Portal | None, title: str) -> None:
        _load_fonts()
        self.portal = portal
        self.title = title
        self.parts: list[Any] = []
        self.text(title, size=17, font="Strong", after=4)

    @property
    def seller(self) -> str:
        return self.portal.name if self.portal is not None else "Portavoce"

    @property
    def accent(self) -> Any:
        color = self.portal.accent_color if self.portal is not None else ACCENT
        return colors.HexColor(color or ACCENT)

    def text(
        self,
        text: str,
        *,
        size: float = 8.5,
        font: str = "Body",
        muted: bool = False,
        after: float = 2,
    ) -> None:
        """Add a paragraph; line breaks stay."""
        style = ParagraphStyle(
            "x",
            fontName=font,
            fontSize=size,
            leading=size * 1.4,
            textColor=_MUTED if muted else colors.black,
        )
        markup = "<br/>".join(escape(line) for line in text.splitlines())
        self.parts += [Paragraph(markup, style), Spacer(1, after * mm)]

    def table(
        self,
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        *,
        numeric: Sequence[int] = (),
        totals: int = 0,
    ) -> None:
        """Add a table; the first row is its head, the last `totals` rows are strong."""
        style = [
            ("FONT", (0, 0), (-1, -1), "Body", 7.5),
            ("FONT", (0, 0), (-1, 0), "Strong", 7.5),
            ("TEXTCOLOR", (0, 0), (-1, 0), _MUTED),
            ("LINEBELOW", (0, 0), (-1, 0), 0.8, self.accent),
            ("LINEBELOW", (0, 1), (-1, -1), 0.25, _LINE),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
            *(("ALIGN", (column, 0), (column, -1), "RIGHT") for column in numeric),
        ]
        if totals:
            style.append(("FONT", (0, -totals), (-1, -1), "Strong", 8))
        made = Table(
            [list(row) for row in rows],
            colWidths=[width * mm for width in widths],
            repeatRows=1,
        )
        made.setStyle(TableStyle(style))
        self.parts += [made, Spacer(1, 5 * mm)]

    def bytes(self) -> bytes:
        """Return the finished PDF."""
        out = io.BytesIO()
        document = SimpleDocTemplate(
            out,
            pagesize=A4,
            title=self.title,
            author=self.seller,
            topMargin=28 * mm,
            bottomMargin=18 * mm,
            leftMargin=18 * mm,
            rightMargin=18 * mm,
        )
        document.build(self.parts, onFirstPage=self._frame, onLaterPages=self._frame)
        return out.getvalue()

    def _frame(self, canvas: Any, document: Any) -> None:
        width, height = A4
        canvas.saveState()
        canvas.setFillColor(self.accent)
        canvas.rect(0, height - 4 * mm, width, 4 * mm, stroke=0, fill=1)
        canvas.setFillColor(colors.black)
        canvas.setFont("Strong", 11)
        canvas.drawString(18 * mm, height - 16 * mm, self.seller)
        canvas.setFillColor(_MUTED)
        canvas.setFont("Body", 7)
        canvas.drawString(18 * mm, 10 * mm, self.title)
        canvas.drawRightString(width - 18 * mm, 10 * mm, str(document.page))
        canvas.restoreState()
