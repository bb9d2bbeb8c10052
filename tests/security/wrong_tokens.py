"""Tokens that nobody may get in with, by what is wrong with them. The same seed makes the same ones, keys apart."""

import random
from collections.abc import Callable, Iterator
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey

from tests.security.identity import Issuer, signed

Make = Callable[[Issuer, int, random.Random], str]
"""Makes a token: by the issuer, at a second, as chance will have it."""

STRANGERS = {
    "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
    "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
    "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
}


def by_claims(**changed: Callable[[Issuer, int, random.Random], Any]) -> Make:
    """Well signed, but it says something that is not accepted."""

    def make(issuer: Issuer, now: int, draw: random.Random) -> str:
        changes = {name: change(issuer, now, draw) for name, change in changed.items()}
        return issuer.token(issuer.claims(now, **changes), draw.choice(list(issuer.keys)))

    return make


def by_header(**header: Any) -> Make:
    """Well signed, but its header asks for something that is not accepted."""

    def make(issuer: Issuer, now: int, draw: random.Random) -> str:
        return issuer.token(issuer.claims(now), draw.choice(list(issuer.keys)), **header)

    return make


def unsigned(issuer: Issuer, now: int, draw: random.Random) -> str:
    algorithm = draw.choice(["none", "None", "NONE", "nOnE", ""])
    return signed({"alg": algorithm, "typ": "at+jwt", "kid": "ec"}, issuer.claims(now), issuer.keys["ES256"])


def without_signature(issuer: Issuer, now: int, draw: random.Random) -> str:
    good = issuer.token(issuer.claims(now), draw.choice(list(issuer.keys)))
    return good.rpartition(".")[0] + draw.choice([".", "", "." + "A" * draw.randint(1, 90)])


def by_shared_secret(issuer: Issuer, now: int, draw: random.Random) -> str:
    """A public key, known to everybody, taken for a shared secret."""
    key = issuer.keys[draw.choice(["ES256", "RS256"])].as_pem(private=False)
    header = {"alg": draw.choice(["HS256", "HS384", "HS512"]), "typ": "at+jwt", "kid": draw.choice(["ec", "rsa", "ed"])}
    return signed(header, issuer.claims(now), key)


def by_empty_secret(issuer: Issuer, now: int, draw: random.Random) -> str:
    return signed({"alg": "HS256", "typ": "at+jwt", "kid": draw.choice(["ec", "", "x"])}, issuer.claims(now), b"")


def by_stranger(issuer: Issuer, now: int, draw: random.Random) -> str:
    algorithm = draw.choice(list(STRANGERS))
    return issuer.token(issuer.claims(now), algorithm, STRANGERS[algorithm])


def by_own_key(issuer: Issuer, now: int, draw: random.Random) -> str:
    """It brings the key along that it is to be checked with."""
    algorithm = draw.choice(list(STRANGERS))
    key = STRANGERS[algorithm]
    brought = draw.choice(
        [{"jwk": key.as_dict(private=False)}, {"jku": "http://127.0.0.1:1/keys"}, {"x5u": "http://x"}]
    )
    return issuer.token(issuer.claims(now), algorithm, key, **brought)


def mixed_up(issuer: Issuer, now: int, draw: random.Random) -> str:
    """The header names another algorithm or key than it was signed with."""
    used, named = draw.sample(list(issuer.keys), 2)
    good = issuer.token(issuer.claims(now), used)
    other = issuer.token(issuer.claims(now), named)
    return f"{other.partition('.')[0]}.{good.partition('.')[2]}"


def changed_on_the_way(issuer: Issuer, now: int, draw: random.Random) -> str:
    parts = issuer.token(issuer.claims(now), draw.choice(list(issuer.keys))).split(".")
    place = draw.randrange(len(parts[1]) - 1)
    letter = draw.choice([c for c in "ABCDEFGHabcdefgh0123" if c != parts[1][place]])
    parts[1] = parts[1][:place] + letter + parts[1][place + 1 :]
    return ".".join(parts)


def nested(issuer: Issuer, now: int, draw: random.Random) -> str:
    inner = issuer.token(issuer.claims(now)).encode()
    algorithm = draw.choice(list(issuer.keys))
    return signed(
        {"alg": algorithm, "typ": "at+jwt", "cty": "JWT", "kid": issuer.keys[algorithm].kid},
        inner,
        issuer.keys[algorithm],
    )


def oversized(issuer: Issuer, now: int, draw: random.Random) -> str:
    return issuer.token(issuer.claims(now, padding="x" * draw.randint(8_000, 12_000)))


def nonsense(_: Issuer, __: int, draw: random.Random) -> str:
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.="
    return "".join(draw.choice(letters) for _ in range(draw.randint(1, 400)))


def wrong_key(_: Issuer, __: int, draw: random.Random) -> str:
    """An API key, access token or refresh token that nobody gave out."""
    hexadecimal = "".join(draw.choice("0123456789abcdef") for _ in range(16))
    secret = "".join(draw.choice("abcXYZ019-_") for _ in range(draw.choice([43, 43, 42, 44, 0])))
    return f"{draw.choice(['mg', 'mga', 'mgr', 'mgx', 'MG'])}_{hexadecimal}_{secret}"


FAMILIES: dict[str, Make] = {
    "no algorithm": unsigned,
    "no signature": without_signature,
    "a public key as a shared secret": by_shared_secret,
    "an empty secret": by_empty_secret,
    "a stranger's key": by_stranger,
    "a key brought along": by_own_key,
    "another algorithm than it says": mixed_up,
    "changed on the way": changed_on_the_way,
    "a token in a token": nested,
    "too long": oversized,
    "nonsense": nonsense,
    "a key nobody gave out": wrong_key,
    "ended": by_claims(exp=lambda _, now, draw: now - draw.randint(61, 10**6)),
    "of the future": by_claims(
        iat=lambda _, now, draw: now + draw.randint(61, 10**6), exp=lambda _, now, __: now + 10**7
    ),
    "not yet": by_claims(nbf=lambda _, now, draw: now + draw.randint(61, 10**6)),
    "no end": by_claims(exp=lambda *_: None),
    "an end that is no number": by_claims(exp=lambda _, __, draw: draw.choice(["tomorrow", [], {}, True, "9" * 20])),
    "another issuer": by_claims(
        iss=lambda issuer, _, draw: draw.choice([f"{issuer.url}/", issuer.url.upper(), "http://127.0.0.1", "", None])
    ),
    "another audience": by_claims(
        aud=lambda _, __, draw: draw.choice(["urn:other", ["urn:other"], "urn:mesgraph2", "", [], None])
    ),
    "nobody": by_claims(sub=lambda _, __, draw: draw.choice([None, "", "bob@plant", 7, ["ann@plant"]])),
    "another type": by_header(typ="JWT"),
    "no type": by_header(typ=None),
    "an unknown key": by_header(kid="unheard-of"),
    "what is critical": by_header(crit=["exp"]),
    "content that is not encoded": by_header(b64=False, crit=["b64"]),
}
"""What can be wrong, and a token of that kind."""


def wrong_tokens(issuer: Issuer, now: int, count: int, seed: int) -> Iterator[tuple[str, str]]:
    """``count`` of them, all families in turn."""
    draw = random.Random(seed)
    names = list(FAMILIES)
    for i in range(count):
        name = names[i % len(names)]
        yield name, FAMILIES[name](issuer, now, draw)
