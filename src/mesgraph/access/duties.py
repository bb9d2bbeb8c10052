"""Separation of duties: roles that one principal does not hold at one site. Data, beside the policy."""

from mesgraph.access.roles import Role

MAKERS = frozenset({Role.OPERATOR, Role.DRIVER, Role.SUPERVISOR, Role.QUALITY, Role.QA})
"""Who makes product, judges it or releases it."""

SEPARATED: frozenset[frozenset[Role]] = frozenset(
    {
        frozenset({Role.ADMIN, Role.AUDITOR}),
        *(frozenset({Role.ADMIN, maker}) for maker in MAKERS),
        *(frozenset({Role.AUDITOR, maker}) for maker in MAKERS),
    }
)
"""Whoever gives rights makes no product by them, and whoever audits looks at the acts of others.

Who plans and who writes masters may administer: in a small plant that is one person.
"""


def separated_from(role: Role) -> frozenset[Role]:
    """The roles that are not held beside ``role``."""
    return frozenset(other for pair in SEPARATED if role in pair for other in pair - {role})
