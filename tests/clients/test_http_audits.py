"""Every audit of GraphQL over HTTP, on a server as in development: queries by GET and introspection are on."""

from tests.clients.peers import told
from tests.kit.served import served
from tests.kit.test_http import once

AUDITS = 61


@once
async def test_all_audits_are_passed(database_url: str) -> None:
    async with served(database_url, queries_by_get=True, introspection=True) as server:
        audits = await told("audits.js", server.address, server.key)
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == AUDITS
