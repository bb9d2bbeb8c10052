"""What is recorded while a segment runs is written down with it, shown, and frozen with the version."""

from typing import Any

from mesgraph.access.roles import Role
from mesgraph.definitions.queries import content_of, definition_by_key
from tests.api import Api
from tests.factories.orders import approve, cathode, codes, make_line

VISCOSITY = {
    "code": "VISCOSITY",
    "name": "Viscosity",
    "uom": "C24",
    "target": "5500",
    "low": "4000",
    "high": "7000",
    "warnLow": "4500",
    "critical": True,
}
CHARGE = {
    "code": "WI-MIX",
    "version": "3",
    "name": "Charge the mixer",
    "steps": [
        {
            "no": 10,
            "kind": "SCAN",
            "prompt": "Scan the binder",
            "entries": [{"field": "binder", "prompt": "Binder lot", "dataType": "ITEM", "material": "RM-PVDF"}],
        },
        {
            "no": 20,
            "kind": "DATA",
            "prompt": "Weigh the binder",
            "entries": [
                {"field": "net", "prompt": "Net weight", "uom": "KGM", "low": "7.40", "high": "7.48"},
                {
                    "field": "scale",
                    "prompt": "Scale",
                    "dataType": "TEXT",
                    "choices": ["W1", "W2"],
                    "mandatory": False,
                },
            ],
        },
        {"no": 30, "kind": "SIGN", "prompt": "Confirm", "mandatory": False, "anotherPerson": True},
    ],
}
SHOWN = (
    "operationsDefinition { segments { seq parameters { code name dataType uom target low high warnLow warnHigh "
    "critical } instruction { code version name steps { no kind prompt mandatory anotherPerson entries { field prompt "
    "dataType uom low high choices mandatory material { code } } } } } }"
)


def mixing(parameters: list[Any] | None = None, instruction: Any = None, **changes: Any) -> dict[str, Any]:
    """The cathode coil with these parameters and instruction at step 20."""
    content = cathode(**changes)
    content["segments"][1] |= {"parameters": parameters or [], "instruction": instruction}
    return content


async def mix_of(api: Api, content: dict[str, Any]) -> dict[str, Any]:
    payload = await api.do("draftOperationsDefinition", SHOWN, by=Role.ENGINEER, **content)
    [segment] = [x for x in payload["operationsDefinition"]["segments"] if x["seq"] == 20]
    found: dict[str, Any] = segment
    return found


async def test_parameters_are_shown_as_they_were_drafted(api: Api) -> None:
    await make_line(api)
    assert (await mix_of(api, mixing([VISCOSITY])))["parameters"] == [
        {**VISCOSITY, "dataType": "DECIMAL", "warnHigh": None}
    ]


async def test_an_instruction_is_shown_as_it_was_drafted(api: Api) -> None:
    await make_line(api)
    shown = (await mix_of(api, mixing(instruction=CHARGE)))["instruction"]
    assert (shown["code"], shown["version"], shown["name"]) == ("WI-MIX", "3", "Charge the mixer")
    assert [(x["no"], x["kind"], x["mandatory"], x["anotherPerson"]) for x in shown["steps"]] == [
        (10, "SCAN", True, False),
        (20, "DATA", True, False),
        (30, "SIGN", False, True),
    ]
    assert shown["steps"][0]["entries"] == [
        {
            "field": "binder",
            "prompt": "Binder lot",
            "dataType": "ITEM",
            "uom": None,
            "low": None,
            "high": None,
            "choices": None,
            "mandatory": True,
            "material": {"code": "RM-PVDF"},
        }
    ]
    assert [(x["field"], x["low"], x["choices"], x["mandatory"]) for x in shown["steps"][1]["entries"]] == [
        ("net", "7.4", None, True),
        ("scale", None, ["W1", "W2"], False),
    ]


async def test_a_draft_is_replaced_with_all_that_hangs_on_it(api: Api) -> None:
    await make_line(api)
    await mix_of(api, mixing([VISCOSITY], CHARGE))
    shown = await mix_of(api, mixing([VISCOSITY | {"code": "SOLIDS", "uom": "P1"}]))
    assert ([x["code"] for x in shown["parameters"]], shown["instruction"]) == (["SOLIDS"], None)


async def test_limits_and_steps_are_part_of_the_frozen_content(api: Api) -> None:
    await make_line(api)
    hashes = set()
    changed = {**CHARGE, "version": "4", "steps": CHARGE["steps"][:2]}
    for version, content in enumerate(
        [mixing(), mixing([VISCOSITY]), mixing([VISCOSITY | {"high": "7001"}]), mixing([], CHARGE), mixing([], changed)]
    ):
        key = await approve(api, {**content, "version": str(version), "code": "OD-X"})
        data = await api.ask(
            'query($v: String!) { operationsDefinition(code: "OD-X", version: $v) { contentHash } }',
            by=Role.ENGINEER,
            v=key.partition(":")[2],
        )
        hashes.add(data["operationsDefinition"]["contentHash"])
    assert len(hashes) == 5


async def test_a_segment_without_them_has_the_content_that_it_always_had(api: Api) -> None:
    await make_line(api)
    key = await approve(api, cathode())

    def keys(session: Any) -> set[str]:
        definition = definition_by_key(session, key)
        assert definition is not None
        return {name for segment in content_of(session, definition)["segments"] for name in segment}

    assert await api.plant.database.read(keys) == {
        *("seq", "name", "equipment_class", "setup_time_s", "run_time_per_unit_s", "dependencies", "materials"),
    }


async def test_every_mistake_is_named_at_once(api: Api) -> None:
    await make_line(api)
    parameters = [
        VISCOSITY | {"low": "8000"},
        VISCOSITY | {"name": ""},
        {"code": "LOT", "name": "Lot", "dataType": "ITEM"},
    ]
    instruction = {
        "code": "W I",
        "version": "1",
        "name": "x",
        "steps": [
            {"no": 10, "kind": "DATA", "prompt": "", "anotherPerson": True},
            {"no": 10, "kind": "CHECK", "prompt": "x", "entries": [{"field": "ok", "prompt": "ok"}]},
            {
                "no": 0,
                "kind": "SCAN",
                "prompt": "x",
                "entries": [
                    {"field": "a", "prompt": "a", "dataType": "ITEM", "material": "NOWHERE"},
                    {"field": "a", "prompt": "a", "dataType": "ITEM"},
                ],
            },
        ],
    }
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **mixing(parameters, instruction))
    assert {(e["code"], ".".join(e["path"][3:])) for e in errors} == {
        ("VALIDATION_FAILED", "parameters.0.warnLow"),
        ("DUPLICATE_KEY", "parameters.1"),
        ("VALIDATION_FAILED", "parameters.1.name"),
        ("VALIDATION_FAILED", "parameters.2.dataType"),
        ("VALIDATION_FAILED", "instruction.code"),
        ("VALIDATION_FAILED", "instruction.steps.0.prompt"),
        ("VALIDATION_FAILED", "instruction.steps.0.anotherPerson"),
        ("VALIDATION_FAILED", "instruction.steps.0.entries"),
        ("DUPLICATE_KEY", "instruction.steps.1"),
        ("VALIDATION_FAILED", "instruction.steps.1.entries.0.dataType"),
        ("VALIDATION_FAILED", "instruction.steps.2.no"),
        ("NOT_FOUND", "instruction.steps.2.entries.0.material"),
        ("DUPLICATE_KEY", "instruction.steps.2.entries.1"),
        ("VALIDATION_FAILED", "instruction.steps.2.entries.1.material"),
    }


async def test_code_and_version_name_one_instruction(api: Api) -> None:
    await make_line(api)
    await approve(api, mixing([], CHARGE))
    await mix_of(api, mixing([], CHARGE, version="6"))
    changed = {**CHARGE, "name": "Charge it"}
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **mixing([], changed, version="6"))
    assert codes(errors) == ["DUPLICATE_KEY"]
    assert errors[0]["path"] == ["input", "segments", "1", "instruction", "version"]
    await mix_of(api, mixing([], {**changed, "version": "4"}, version="6"))
