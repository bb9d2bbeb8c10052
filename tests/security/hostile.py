"""Requests that mean harm, by families: each looks for the one thing that nobody counted.

The same seed makes the same requests. A request is a body for POST, or a message for a socket.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Attempt:
    """One request; ``message`` is what a socket is sent as a payload, none where only POST can carry it."""

    family: str
    body: bytes
    message: Any = None
    headers: dict[str, str] = field(default_factory=dict)


Family = Callable[[random.Random], "str | dict[str, Any] | Attempt"]
FAMILIES: dict[str, Family] = {}


def family(make: Family) -> Family:
    """One way to mean harm, named by its function."""
    FAMILIES[make.__name__] = make
    return make


def attempts(seed: int, count: int) -> Iterator[Attempt]:
    """``count`` requests, the families in turn."""
    chance = random.Random(seed)
    names = sorted(FAMILIES)
    for number in range(count):
        name = names[number % len(names)]
        yield _attempt(name, FAMILIES[name](chance))


def _attempt(name: str, made: "str | dict[str, Any] | Attempt") -> Attempt:
    if isinstance(made, Attempt):
        return made
    payload = {"query": made} if isinstance(made, str) else made
    return Attempt(name, json.dumps(payload).encode(), payload)


def size(chance: random.Random, most: int) -> int:
    """Mostly near the limits that there may be, sometimes far beyond."""
    return chance.choice([1, 7, 9, 12, 13, 31, 41, 61, 200, 1_001, most])


def nested(depth: int, inner: str = "code") -> str:
    return "{ equipmentList { nodes " + "{ parent " * depth + f"{{ {inner} }}" + " }" * depth + " } }"


@family
def depth(chance: random.Random) -> str:
    return nested(size(chance, 5_000))


@family
def depth_by_inline_fragments(chance: random.Random) -> str:
    count = size(chance, 3_000)
    return "{ " + "... { " * count + "sites { code }" + " }" * count + " }"


@family
def width(chance: random.Random) -> str:
    fields = " ".join(f"f{i}" for i in range(size(chance, 20_000)))
    return f"{{ sites {{ {fields} }} }}"


@family
def one_field_again_and_again(chance: random.Random) -> str:
    return "{ sites { " + "code " * size(chance, 10_000) + "} }"


@family
def one_object_again_and_again(chance: random.Random) -> str:
    return "{ " + "sites { code name } " * size(chance, 3_000) + "}"


@family
def merged_into_one_place(chance: random.Random) -> str:
    wide = chance.randint(2, 8)
    inner = "parent { " + "code " * wide + "} "
    middle = "parent { " + inner * wide + "} "
    return "{ equipmentList { nodes { " + middle * wide + "} } }"


@family
def aliases(chance: random.Random) -> str:
    return "{ " + " ".join(f"a{i}: sites {{ code }}" for i in range(size(chance, 2_000))) + " }"


@family
def aliases_by_fragments(chance: random.Random) -> str:
    spread = chance.randint(2, 40)
    own = " ".join(f"a{i}: code" for i in range(chance.randint(1, 30)))
    return "{ " + "sites { ...F } " * spread + f"}} fragment F on Site {{ {own} }}"


@family
def aliases_of_a_costly_field(chance: random.Random) -> str:
    count = size(chance, 200)
    return "{ " + " ".join(f'a{i}: simulateRecall(item: {{id: "~AAAA"}}) {{ __typename }}' for i in range(count)) + " }"


@family
def known_directives(chance: random.Random) -> str:
    return "{ sites { code " + "@include(if: true) " * size(chance, 3_000) + "} }"


@family
def unknown_directives(chance: random.Random) -> str:
    return "{ sites " + " ".join(f"@d{i}" for i in range(size(chance, 3_000))) + " { code } }"


@family
def directives_everywhere(chance: random.Random) -> str:
    return (
        "query @skip(if: false) { " + "sites @skip(if: false) { code @skip(if: false) } " * chance.randint(1, 60) + "}"
    )


@family
def cyclic_fragments(chance: random.Random) -> str:
    length = chance.randint(1, 70)
    ring = " ".join(f"fragment F{i} on Equipment {{ parent {{ ...F{(i + 1) % length} }} code }}" for i in range(length))
    return "{ equipmentList { nodes { ...F0 } } } " + ring


@family
def doubling_fragments(chance: random.Random) -> str:
    levels = chance.randint(5, 60)
    chain = " ".join(
        f"fragment F{i} on Equipment {{ a: parent {{ ...F{i + 1} }} b: parent {{ ...F{i + 1} }} }}"
        for i in range(levels)
    )
    return f"{{ equipmentList {{ nodes {{ ...F0 }} }} }} {chain} fragment F{levels} on Equipment {{ code }}"


@family
def doubling_in_one_place(chance: random.Random) -> str:
    levels = chance.randint(5, 60)
    chain = " ".join(f"fragment F{i} on Site {{ ...F{i + 1} ...F{i + 1} }}" for i in range(levels))
    return f"{{ sites {{ ...F0 }} }} {chain} fragment F{levels} on Site {{ code }}"


@family
def long_chains_of_fragments(chance: random.Random) -> str:
    length = size(chance, 500)
    chain = " ".join(f"fragment F{i} on Site {{ ...F{i + 1} }}" for i in range(length))
    return f"{{ sites {{ ...F0 }} }} {chain} fragment F{length} on Site {{ code }}"


@family
def unknown_fragments(chance: random.Random) -> str:
    return "{ sites { " + " ".join(f"...N{i}" for i in range(size(chance, 2_000))) + " } }"


@family
def unused_fragments(chance: random.Random) -> str:
    unused = " ".join(f"fragment F{i} on Site {{ code name }}" for i in range(size(chance, 400)))
    return "{ sites { code } } " + unused


@family
def many_operations(chance: random.Random) -> dict[str, Any]:
    count = size(chance, 400)
    return {"query": " ".join(f"query Q{i} {{ sites {{ code }} }}" for i in range(count)), "operationName": "Q0"}


@family
def many_operations_over_one_fragment(chance: random.Random) -> dict[str, Any]:
    fragment = "fragment F on Site { " + " ".join(f"a{i}: code" for i in range(29)) + " }"
    operations = " ".join(f"query Q{i} {{ sites {{ ...F }} }}" for i in range(chance.randint(20, 200)))
    return {"query": f"{operations} {fragment}", "operationName": "Q1"}


@family
def many_variables(chance: random.Random) -> str:
    count = size(chance, 600)
    return "query (" + " ".join(f"$v{i}: Int" for i in range(count)) + ") { sites { code } }"


@family
def many_mutations(chance: random.Random) -> str:
    one = "submitSites(input: {sites: []}) { replayed }"
    return "mutation { " + " ".join(f"m{i}: {one}" for i in range(chance.randint(11, 200))) + " }"


@family
def batches(chance: random.Random) -> Attempt:
    one = {"query": "{ sites { code } }"}
    return Attempt("batches", json.dumps([one] * size(chance, 2_000)).encode())


@family
def introspection(chance: random.Random) -> str:
    return chance.choice(
        [
            "{ __schema { types { name fields { name type { name } } } } }",
            '{ __type(name: "Query") { fields { name args { name } } } }',
            "{ __schema { types { " + "fields { type { " * 6 + "name" + " } }" * 6 + " } } }",
            "{ __schema { types { " + "ofType { " * size(chance, 400) + "name" + " }" * 30 + " } } }",
            "{ __schema { types { ...F } } } fragment F on __Type { fields { type { ...F } } }",
        ]
    )


@family
def many_mistakes(chance: random.Random) -> str:
    return "{ sites { " + " ".join(f"wrong{i}(x: {i})" for i in range(chance.choice([19, 21, 101, 300]))) + " } }"


@family
def comments(chance: random.Random) -> str:
    return "#\n" * size(chance, 50_000) + "{ sites { code } }" + "#" * size(chance, 50_000)


@family
def blank_space(chance: random.Random) -> str:
    return chance.choice([" ", ",", "\n", "\ufeff"]) * size(chance, 60_000) + "{ sites { code } }"


@family
def long_numbers(chance: random.Random) -> str:
    digits = "9" * chance.choice([40, 41, 400, 4_301, 100_000])
    return f"{{ equipmentList(first: {digits}{chance.choice(['', '.5', 'e9', 'e999999'])}) {{ totalCount }} }}"


@family
def long_numbers_as_variables(chance: random.Random) -> Attempt:
    number = "9" * chance.choice([40, 41, 4_301, 100_000]) + chance.choice(["", ".5", "e5", "e99999"])
    document = '"query ($n: Int!) { equipmentList(first: $n) { totalCount } }"'
    return Attempt("long_numbers_as_variables", f'{{"query": {document}, "variables": {{"n": {number}}}}}'.encode())


@family
def long_texts(chance: random.Random) -> dict[str, Any]:
    text = chance.choice(["x", "\u00e9", "\U0001f512", "\\", '"', "%s", "\u202e"]) * size(chance, 60_000)
    return {"query": "query ($v: ID!) { node(id: $v) { id } }", "variables": {"v": text}}


@family
def long_names(chance: random.Random) -> dict[str, Any]:
    name = "n" * size(chance, 100_000)
    shapes: list[dict[str, Any]] = [
        {"query": f"{{ {name} }}"},
        {"query": "query A { sites { code } }", "operationName": name},
        {"query": f"query {name} {{ sites {{ code }} }} query B {{ sites {{ code }} }}"},
        {"query": f"{{ sites {{ ...{name} }} }}"},
        {"query": "{ sites { code } }", "variables": {name: 1}},
        {"query": f"query (${name}: Int!) {{ equipmentList(first: ${name}) {{ totalCount }} }}"},
    ]
    return chance.choice(shapes)


@family
def long_lists(chance: random.Random) -> dict[str, Any]:
    ids = ["x"] * size(chance, 30_000)
    return {"query": "query ($v: [ID!]!) { nodes(ids: $v) { id } }", "variables": {"v": ids}}


@family
def lists_within_lists(chance: random.Random) -> str:
    first = chance.choice([50, 300, 500, 501, 2**31])
    inner = "children { holds { code } location { children { children { code } } } }"
    return f"{{ items(first: {first}) {{ nodes {{ {inner} {inner} }} edges {{ node {{ {inner} }} }} }} }}"


@family
def lists_of_pages(chance: random.Random) -> dict[str, Any]:
    count = chance.randint(1, 25)
    fields = " ".join(f"a{i}: equipmentList(first: $n) {{ totalCount nodes {{ code name }} }}" for i in range(count))
    return {"query": f"query ($n: Int!) {{ {fields} }}", "variables": {"n": chance.choice([-1, 1, 500, 2**31 - 1])}}


@family
def deep_literals(chance: random.Random) -> str:
    levels = size(chance, 2_000)
    return "{ node(id: " + "[" * levels + '"x"' + "]" * levels + ") { id } }"


@family
def strange_characters(chance: random.Random) -> Attempt:
    text = chance.choice(["\\u0000", "\\ud800", "\\udfff\\ud800", "\\u202e", "\\uffff", "\\ud83d\\ude00"])
    where = chance.choice(
        ['{"query": "{ node(id: \\"%s\\") { id } }"}', '{"query": "{ %s }"}', '{"query": "{a}", "%s": 1}']
    )
    return Attempt("strange_characters", (where % text).encode())


@family
def broken_utf8(chance: random.Random) -> Attempt:
    inner = bytes(chance.randrange(128, 256) for _ in range(size(chance, 1_000)))
    return Attempt("broken_utf8", b'{"query": "{ sites { code } ' + inner + b' }"}')


@family
def deep_variables(chance: random.Random) -> Attempt:
    levels = size(chance, 100_000)
    opened, closed = chance.choice([("[", "]"), ('{"a":', "}"), ("[{" + '"a":', "}]")])
    value = opened * levels + "1" + closed * levels
    return Attempt("deep_variables", f'{{"query": "{{ sites {{ code }} }}", "variables": {{"x": {value}}}}}'.encode())


@family
def deep_nonsense(chance: random.Random) -> Attempt:
    levels = size(chance, 200_000)
    return Attempt("deep_nonsense", chance.choice(["[", "{", '{"a":', '"\\"', '"\\\\', "[[,"]).encode() * levels)


@family
def doubled_keys(chance: random.Random) -> Attempt:
    body = (
        '{"query": "{ sites { code } }", "query": 5, "variables": {}, "variables": [], ' + '"x": 1, ' * 500 + '"y": 1}'
    )
    return Attempt("doubled_keys", body.encode())


@family
def many_values(chance: random.Random) -> Attempt:
    value = chance.choice(["1,", "{},", '"",', "[],", "null,"]) * size(chance, 60_000)
    body = f'{{"query": "{{ sites {{ code }} }}", "variables": {{"x": [{value}0]}}}}'
    return Attempt("many_values", body.encode())


@family
def gzipped(chance: random.Random) -> Attempt:
    inner = gzip.compress(b'{"query": "{ sites { code } }"' + b" " * size(chance, 10_000_000) + b"}")
    return Attempt("gzipped", inner, headers={"Content-Encoding": "gzip"})


@family
def wrong_types(chance: random.Random) -> dict[str, Any]:
    values: list[Any] = [None, True, 7, -1.5, "x", [], {}, [[]], {"a": {}}]
    return {
        "query": chance.choice([*values, "{ sites { code } }", "query A { sites { code } }"]),
        "variables": chance.choice(values),
        "operationName": chance.choice(values),
        "extensions": chance.choice(values),
    }


SOUP = [
    *("{", "}", "(", ")", "[", "]", ":", "=", "!", "|", "&", "$", "@", "...", '"', '"""', "#", "\n", ",", "\\"),
    *("query", "mutation", "subscription", "fragment", "on", "true", "null", "sites", "code", "F", "0", "1.5", "-"),
    *("type", "schema", "extend", "directive", "input", "enum", "__typename", "__schema", "\u00e9", "\x07"),
]


@family
def soup(chance: random.Random) -> str:
    return " ".join(chance.choice(SOUP) for _ in range(chance.choice([3, 30, 300, 3_000])))


@family
def spoilt_documents(chance: random.Random) -> str:
    good = (
        "query A($n: Int = 5) { equipmentList(first: $n) { nodes { code site { ...S } } } } fragment S on Site { code }"
    )
    letters = list(good)
    for _ in range(chance.randint(1, 4)):
        letters[chance.randrange(len(letters))] = chance.choice('{}()[]:$@!."\\ \n#x5')
    return "".join(letters)


@family
def definitions_of_types(chance: random.Random) -> str:
    return "{ sites { code } } " + "type T { a: Int } extend schema { query: T } " * chance.randint(1, 100)


@family
def subscriptions_by_post(chance: random.Random) -> Attempt:
    document = "subscription { " + "ledgerAppended { cursor } " * chance.randint(1, 30) + "}"
    return Attempt("subscriptions_by_post", json.dumps({"query": document}).encode())  # a socket may have them
