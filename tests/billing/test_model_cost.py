from __future__ import annotations

from decimal import Decimal

from billing.model_cost import StageCost, microcredits_of, paid_by


def test_units_times_prices_rounded_up_once() -> None:
    prices = {
        "per_1m_input_tokens": Decimal("2.15"),
        "per_1m_output_tokens": Decimal("12.90"),
    }
    used = {"per_1m_input_tokens": 2_000, "per_1m_output_tokens": 160, "per_hour": 9}
    # 0.0043 + 0.002064 euros, at 0.07 euros a credit.
    assert microcredits_of(used, prices, credit_eur_millis=70) == 90_915
    assert microcredits_of({"per_hour": 3_600_000}, {"per_hour": Decimal("0.07")},
                           credit_eur_millis=70) == 1_000_000  # fmt: skip
    assert microcredits_of({}, prices, credit_eur_millis=70) == 0


def test_each_payer_pays_its_stages() -> None:
    costs = [
        StageCost("stt", "a", "", "organization", 1),
        StageCost("llm", "b", "", "agency", 20),
        StageCost("tts", "c", "", "platform", 300),
    ]
    assert paid_by(costs, "agency", "platform") == 320
    assert paid_by(costs, "platform") == 300
