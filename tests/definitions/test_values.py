"""Limits are inclusive, exact, and mean the same for parameters and for entries of a step."""

from decimal import Decimal
from typing import Any

import pytest

from mesgraph.definitions.values import DataType, ValueRule, Verdict, shown_value
from mesgraph.errors import Code, Refused

VISCOSITY = ValueRule(
    uom="C24",
    target=Decimal(5500),
    low=Decimal(4000),
    high=Decimal(7000),
    warn_low=Decimal(4500),
    warn_high=Decimal(6500),
)


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        ("4000", Verdict.WARNING),
        ("3999.999999", Verdict.FAIL),
        ("4499.999999", Verdict.WARNING),
        ("4500", Verdict.PASS),
        ("6500", Verdict.PASS),
        ("6500.000001", Verdict.WARNING),
        ("7000", Verdict.WARNING),
        ("7000.000001", Verdict.FAIL),
    ],
)
def test_a_limit_belongs_to_what_it_allows(value: str, verdict: Verdict) -> None:
    assert VISCOSITY.judge(VISCOSITY.read(value, "C24")) is verdict


def test_no_float_decides() -> None:
    rule = ValueRule(high=Decimal("0.3"))
    assert rule.judge(rule.read("0.300000", None)) is Verdict.PASS
    assert rule.judge(rule.read("0.300001", None)) is Verdict.FAIL


@pytest.mark.parametrize(
    ("rule", "text", "uom", "code", "path"),
    [
        (VISCOSITY, "high", "C24", Code.VALIDATION_FAILED, "value"),
        (VISCOSITY, "1e3", "C24", Code.VALIDATION_FAILED, "value"),
        (VISCOSITY, "5000.0000001", "C24", Code.VALIDATION_FAILED, "value"),
        (VISCOSITY, "NaN", "C24", Code.VALIDATION_FAILED, "value"),
        (VISCOSITY, "5.5", "KGM", Code.UOM_MISMATCH, "uom"),
        (ValueRule(), "5", "C24", Code.UOM_MISMATCH, "uom"),
        (ValueRule(DataType.INTEGER), "5.5", None, Code.VALIDATION_FAILED, "value"),
        (ValueRule(DataType.BOOLEAN), "yes", None, Code.VALIDATION_FAILED, "value"),
        (ValueRule(DataType.TEXT), "", None, Code.VALIDATION_FAILED, "value"),
        (ValueRule(DataType.TEXT), "a\x00b", None, Code.VALIDATION_FAILED, "value"),
        (ValueRule(DataType.TEXT, choices=["A", "B"]), "C", None, Code.VALIDATION_FAILED, "value"),
    ],
)
def test_what_has_not_the_type_is_refused(rule: ValueRule, text: str, uom: Any, code: Code, path: str) -> None:
    with pytest.raises(Refused) as refused:
        rule.read(text, uom)
    assert [(v.code, v.path) for v in refused.value.violations] == [(code, (path,))]


def test_a_boolean_states_that_something_is_so() -> None:
    rule = ValueRule(DataType.BOOLEAN)
    assert [rule.judge(rule.read(text, None)) for text in ("true", "false")] == [Verdict.PASS, Verdict.FAIL]


@pytest.mark.parametrize(("text", "shown"), [("5480.50", "5480.5"), ("+007", "7"), ("-0.10", "-0.1")])
def test_a_value_has_one_text(text: str, shown: str) -> None:
    assert shown_value(ValueRule().read(text, None)) == shown


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        (ValueRule(low=Decimal(2), high=Decimal(1)), ["high"]),
        (ValueRule(low=Decimal(2), warn_low=Decimal(1), target=Decimal(3)), ["warn_low"]),
        (ValueRule(DataType.TEXT, uom="KGM", low=Decimal(1)), ["low", "uom"]),
        (ValueRule(DataType.BOOLEAN, choices=["a"]), ["choices"]),
        (ValueRule(DataType.TEXT, choices=["a", "a"]), ["choices"]),
        (ValueRule(DataType.INTEGER, target=Decimal("1.5")), ["target"]),
        (ValueRule(uom="kg"), ["uom"]),
        (ValueRule(low=Decimal(1), target=Decimal(1), high=Decimal(1)), []),
    ],
)
def test_a_rule_makes_sense(rule: ValueRule, fields: list[str]) -> None:
    assert [violation.path[0] for violation in rule.violations()] == fields
