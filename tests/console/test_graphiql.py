"""The console page is complete, and nothing in it asks another host."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mesgraph import console
from tests.services import leave_out


@pytest.fixture
def browser() -> Iterator[TestClient]:
    with TestClient(Starlette(routes=console.routes())) as client:
        yield client


@pytest.fixture
def page(browser: TestClient) -> str:
    answer = browser.get("/graphiql")
    if answer.status_code == 503:
        leave_out("the console", "its assets are not there; make console needs npm")
    return answer.text


def test_everything_the_page_loads_is_served(page: str, browser: TestClient) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page)
    from_here = [link for link in loaded if not link.startswith("data:")]
    assert len(from_here) == len(console.assets()) + 2
    for link in from_here:
        answer = browser.get(f"/{link}")
        assert answer.status_code == 200, link
        assert answer.content, link
        assert answer.headers["content-security-policy"] == console.HEADERS["Content-Security-Policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_nothing_is_loaded_from_another_host(page: str, browser: TestClient) -> None:
    own = page + browser.get("/graphiql/console.js").text + browser.get("/graphiql/console.css").text
    assert "//" not in re.sub(r"^\s*//.*$", "", own, flags=re.M)
    for name in console.assets():
        if name.endswith(".css"):
            style = browser.get(f"/graphiql/assets/{name}").text
            assert not re.search(r"@import|url\(\s*['\"]?(?!data:|#)", style), name


def test_the_policy_lets_nothing_else_in() -> None:
    policy = console.HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy


def test_missing_assets_are_explained(browser: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(console, "ASSETS", tmp_path)
    answer = browser.get("/graphiql")
    assert answer.status_code == 503
    assert "make console" in answer.text


@pytest.mark.parametrize("path", ["../__init__.py", "%2e%2e/__init__.py", ".complete/..", "package.json"])
def test_other_files_are_not_served(browser: TestClient, path: str) -> None:
    assert browser.get(f"/graphiql/assets/{path}").status_code in (404, 405)
