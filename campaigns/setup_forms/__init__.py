"""The steps of setting a campaign up, each a form over a draft."""

from __future__ import annotations

from typing import Final

from campaigns.setup_forms.limits import LimitsForm
from campaigns.setup_forms.numbers import NumbersForm
from campaigns.setup_forms.retries import RetriesForm
from campaigns.setup_forms.step import StepForm
from campaigns.setup_forms.when import WhenForm
from campaigns.setup_forms.words import WordsForm

STEP_FORMS: Final[dict[str, type[StepForm]]] = {
    "words": WordsForm,
    "numbers": NumbersForm,
    "when": WhenForm,
    "retries": RetriesForm,
    "limits": LimitsForm,
}
