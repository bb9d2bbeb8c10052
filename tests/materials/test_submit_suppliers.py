"""Master data of suppliers."""

import pytest

from mesgraph.access.roles import Role
from tests.api import Api

SOLEXA = {"code": "SOLEXA", "name": "Solexa Polymers", "gln": "9521234000037"}


async def test_a_known_code_is_changed(api: Api) -> None:
    await api.do("submitSuppliers", "", by=Role.ERP, suppliers=[SOLEXA])
    await api.do("submitSuppliers", "", by=Role.ERP, suppliers=[SOLEXA | {"approvalStatus": "BLOCKED"}])
    data = await api.ask("{ suppliers { nodes { code gln approvalStatus } } }", by=Role.VIEWER)
    assert data["suppliers"]["nodes"] == [{"code": "SOLEXA", "gln": "9521234000037", "approvalStatus": "BLOCKED"}]


async def test_every_mistake_is_named_at_once(api: Api) -> None:
    errors = await api.refused(
        "submitSuppliers",
        by=Role.ERP,
        suppliers=[SOLEXA, {"code": "x" * 65, "name": " "}, {"code": "", "name": "y" * 201}],
    )
    assert [e["path"] for e in errors] == [
        ["input", "suppliers", "1", "code"],
        ["input", "suppliers", "1", "name"],
        ["input", "suppliers", "2", "code"],
        ["input", "suppliers", "2", "name"],
    ]


SUBMIT = "mutation($input: SubmitSuppliersInput!) { submitSuppliers(input: $input) { userErrors { code } } }"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"gln": "9521234000038"}, "INVALID_GS1_KEY"),
        ({"gln": "952123400003"}, "INVALID_GS1_KEY"),
        ({"gln": "٩521234000037"}, "INVALID_GS1_KEY"),
        ({"approvalStatus": "PERHAPS"}, "INVALID_VALUE"),
    ],
)
async def test_a_value_without_the_form_of_its_type_is_an_error_of_the_document(
    api: Api, wrong: dict[str, str], code: str
) -> None:
    extensions = await api.error(SUBMIT, by=Role.ERP, input={"suppliers": [SOLEXA | wrong]})
    assert extensions["code"] == code


async def test_an_operator_may_not_submit_masters(api: Api) -> None:
    extensions = await api.error(SUBMIT, by=Role.OPERATOR, input={"suppliers": [SOLEXA]})
    assert extensions["code"] == "FORBIDDEN"
