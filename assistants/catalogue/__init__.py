"""Which providers, models and voices there are: the one list every other place reads.

`entries` says what an entry is, `data/*.toml` holds ours, `loading` adds the operator's,
`checking` judges a spec by them, `choices` makes them into a form's. Forms, the API, the
builder of a call, price estimates and the privacy rules import from here.
"""

from assistants.catalogue.checking import (
    CatalogueError,
    fault_of,
    is_available,
    is_model_available,
    regions_of,
    thinks_for_free,
    validate_spec,
)
from assistants.catalogue.choices import (
    GENDER_LABELS,
    Choice,
    language_choices,
    language_name,
    model_choices,
    provider_choices,
    voice_choices,
)
from assistants.catalogue.entries import (
    PIPELINE,
    Catalogue,
    Gender,
    Model,
    Option,
    OptionKind,
    PriceUnit,
    Provider,
    Region,
    Stage,
    Voice,
)
from assistants.catalogue.loading import catalogue, load
from assistants.catalogue.words import label_of

__all__ = [
    "GENDER_LABELS",
    "PIPELINE",
    "Catalogue",
    "CatalogueError",
    "Choice",
    "Gender",
    "Model",
    "Option",
    "OptionKind",
    "PriceUnit",
    "Provider",
    "Region",
    "Stage",
    "Voice",
    "catalogue",
    "fault_of",
    "is_available",
    "is_model_available",
    "label_of",
    "language_choices",
    "language_name",
    "load",
    "model_choices",
    "provider_choices",
    "regions_of",
    "thinks_for_free",
    "validate_spec",
    "voice_choices",
]
