"""The roles of the plant."""

from enum import StrEnum


class Role(StrEnum):
    """What a principal may do; every grant also says where. The policy names the roles of each field."""

    OPERATOR = "OPERATOR"
    TECHNICIAN = "TECHNICIAN"
    SUPERVISOR = "SUPERVISOR"
    PLANNER = "PLANNER"
    QUALITY = "QUALITY"
    QA = "QA"
    ENGINEER = "ENGINEER"
    ADMIN = "ADMIN"
    AUDITOR = "AUDITOR"
    VIEWER = "VIEWER"
    DRIVER = "DRIVER"
    ERP = "ERP"
    RULE = "RULE"
    SYNC = "SYNC"


EVERYONE = frozenset(Role)
"""Every principal with any role."""
STAFF = EVERYONE - {Role.VIEWER}
"""Everyone who may see names of people: a dashboard may not."""
