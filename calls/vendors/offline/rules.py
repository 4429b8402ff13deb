"""The demo model's rules: what an assistant's instructions say, line by line.

    When the caller says "opening hours" or "open", say "We are open from nine to five."
    When the caller says "goodbye", say "Goodbye {{caller_name}}." and end the call.
    When the caller says "table for {guests}", call book_table, then say "{{result}}"
    When the caller says "order", call find_order with kind="last".
    Set business to "Acme Dental".
    Otherwise say "I did not get that."

    Als de beller vraagt naar "adres" of "straat", zeg "Marktstraat twaalf."
    Wenn der Anrufer nach "Adresse" fragt, sage "Marktstraße zwölf."

Rules are read in English, Dutch and German. Upper and lower case do not matter, nor
"asks" or "mentions" for "says", nor straight or curly quotes. `{guests}` in a phrase
keeps the words at its place; `{{guests}}` in a text gives them back. Lines that are no
rule are ignored: they are for other models.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

_QUOTED = re.compile(r'"([^"]*)"')
_WHEN = re.compile(
    r"^\W*(?:"
    r"(?:when|if)\s+(?:the\s+)?(?:caller|user|customer|they)\s+"
    r"(?:says?|asks?|mentions?|wants?)(?:\s+(?:about|for))?"
    r"|(?:als|wanneer)\s+de\s+(?:beller|klant)\s+"
    r"(?:zegt|vraagt)(?:\s+(?:naar|om))?"
    # German says what the caller does behind the phrases.
    r"|(?:wenn|falls)\s+(?:der|die)\s+(?:anrufer|anruferin|kunde|kundin)(?:\s+nach)?"
    r")\s*(?=\")",
    re.IGNORECASE,
)
_OTHERWISE = re.compile(
    r"^\W*(?:otherwise\b|anders\b|sonst\b|(?=zeg\s+anders\b))[,:]?\s*", re.IGNORECASE
)
_SET = re.compile(r'^\W*set\s+([A-Za-z_]\w*)\s+to\s+"([^"]*)"', re.IGNORECASE)
_PHRASE_LIST = re.compile(
    r'\s*"([^"]*)"\s*(?:,?\s*(?:or|of|oder)\b|,(?=\s*"))?', re.IGNORECASE
)
_SAY = re.compile(
    r"\b(?:(?:say|ask|answer|reply)s?|(?:zeg|vraag|antwoord)(?:\s+(?:anders|dan))?"
    r'|(?:sage|frage|antworte)(?:\s+dann)?)\s+"([^"]*)"',
    re.IGNORECASE,
)
_CALL = re.compile(
    r'\b(?:call|use|run|gebruik|benutze)\s+(?!the\b)([A-Za-z_][\w-]*)((?:\s*(?:with|,|and)?\s*\w+="[^"]*")*)',
    re.IGNORECASE,
)
_ARGUMENT = re.compile(r'(\w+)="([^"]*)"')
_END = re.compile(
    r"\b(?:(?:end|finish)\s+the\s+call|hang\s+up|beëindig\s+het\s+gesprek|hang\s+op"
    r"|beende\s+das\s+gespräch|lege\s+auf)\b",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_SLOT = re.compile(r"\{(\w+)\}|\*")


@dataclass(frozen=True)
class ToolUse:
    name: str
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Action:
    """What to do: speak, use a tool, end the call, in that order.

    `then_say` is spoken after the tool; without one, the tool's result itself is.
    """

    say: str = ""
    tool: ToolUse | None = None
    then_say: str = ""
    ends_call: bool = False


@dataclass(frozen=True)
class Rule:
    phrases: tuple[str, ...]
    action: Action


@dataclass(frozen=True)
class Match:
    rule: Rule
    slots: Mapping[str, str]


@dataclass(frozen=True)
class Rules:
    rules: tuple[Rule, ...] = ()
    otherwise: Action | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    def match(self, text: str, *, spare_words: int = 1_000) -> Match | None:
        """The rule that fits what the caller said best; the first one of equals.

        What was said may be longer than the phrase by `spare_words`.
        """
        best: tuple[float, Match] | None = None
        length = len(normalise(text).split())
        for rule in self.rules:
            for phrase in rule.phrases:
                if length > len(normalise(phrase).split()) + spare_words:
                    continue
                score, slots = _score(phrase, text)
                if score and (best is None or score > best[0]):
                    best = (score, Match(rule, slots))
        return best[1] if best else None


@lru_cache(maxsize=256)
def parse_rules(instructions: str) -> Rules:
    """Read the rules; instructions without any give empty `Rules`."""
    rules: list[Rule] = []
    otherwise: Action | None = None
    variables: dict[str, str] = {}
    for raw in instructions.splitlines():
        line = raw.strip().translate({0x201C: '"', 0x201D: '"', 0x201E: '"'})
        if found := _SET.match(line):
            variables[found[1].lower()] = found[2]
        elif found := _OTHERWISE.match(line):
            otherwise = _action(line[found.end() :]) or otherwise
        elif found := _WHEN.match(line):
            phrases, rest = _phrases(line[found.end() :])
            action = _action(rest)
            if phrases and action:
                rules.append(Rule(phrases, action))
    return Rules(tuple(rules), otherwise, variables)


def fill(text: str, variables: Mapping[str, str]) -> str:
    """Put values for `{{name}}`; an unknown one leaves nothing, not even its space."""
    filled = _VARIABLE.sub(lambda m: variables.get(m[1].lower(), ""), text)
    return re.sub(r"\s+([,.!?])", r"\1", re.sub(r"\s{2,}", " ", filled)).strip()


def normalise(text: str) -> str:
    """Lower case, words only, single spaces: how phrases and speech are compared."""
    words = re.findall(r"[\w']+", text.lower().replace("’", "'"))
    return " ".join(word.strip("'") for word in words if word.strip("'"))


def _phrases(text: str) -> tuple[tuple[str, ...], str]:
    phrases: list[str] = []
    at = 0
    while found := _PHRASE_LIST.match(text, at):
        if found[1].strip():
            phrases.append(found[1].strip())
        at = found.end()
        separator = found[0].rpartition('"')[2].strip()
        if not separator:
            break
    return tuple(phrases), text[at:]


def _action(text: str) -> Action | None:
    tool: ToolUse | None = None
    then_say = ""
    outside = _QUOTED.sub(lambda m: '"' + "·" * len(m[1]) + '"', text)
    said = [(m.start(), m[1]) for m in _SAY.finditer(text) if outside[m.start()] != "·"]
    for found in _CALL.finditer(text):
        if outside[found.start()] != "·":
            tool = ToolUse(found[1], dict(_ARGUMENT.findall(found[2])))
            then_say = " ".join(words for at, words in said if at > found.start())
            said = [(at, words) for at, words in said if at < found.start()]
            break
    ends = _END.search(outside) is not None
    say = " ".join(words for _, words in said)
    if not (say or tool or ends):
        return None
    return Action(say=say, tool=tool, then_say=then_say, ends_call=ends)


def _score(phrase: str, text: str) -> tuple[float, dict[str, str]]:
    """How well `text` fits: over 1 when it holds the phrase, else the words shared.

    Speech recognition gets words wrong, so most of a phrase's words are enough.
    """
    spoken = normalise(text)
    if _SLOT.search(phrase):
        return _slot_score(phrase, spoken)
    wanted = normalise(phrase)
    if not wanted:
        return 0.0, {}
    if re.search(rf"\b{re.escape(wanted)}\b", spoken):
        return 1.0 + len(wanted.split()), {}
    wanted_words = set(wanted.split()) - _WEAK
    shared = wanted_words & set(spoken.split())
    share = len(shared) / len(wanted_words) if wanted_words else 0.0
    return (share if len(shared) > 1 and share >= 0.6 else 0.0), {}


def _slot_score(phrase: str, spoken: str) -> tuple[float, dict[str, str]]:
    names: list[str] = []
    pattern = ""
    at = 0
    for found in _SLOT.finditer(phrase):
        pattern += re.escape(normalise(phrase[at : found.start()]))
        pattern += r"\s*\b(.+?)\b\s*"
        names.append((found[1] or "").lower())
        at = found.end()
    rest = normalise(phrase[at:])
    pattern += rf"{re.escape(rest)}\b" if rest else "$"
    matched = re.search(rf"\b{pattern}", spoken)
    if not matched:
        return 0.0, {}
    slots = {n: value for n, value in zip(names, matched.groups(), strict=True) if n}
    return 1.0 + len(_SLOT.sub("", phrase).split()), slots


_WEAK = frozenset(
    (
        "a", "an", "and", "are", "at", "can", "do", "for", "have", "i", "in", "is",
        "it", "me", "my", "of", "on", "please", "the", "to", "what", "with", "you",
        "your",
    )
)  # fmt: skip
