"""Who may do what: principals, roles with site scope, API keys, and the policy of the API.

Words: a *principal* is a person or a service; a *grant* gives it a role at equipment, at one site or everywhere; the
*policy* says for every field of the API which roles may use it. A role says *what*, its grant says *where*.

Invariants: a key's secret is shown once and stored only as its hash; a field without a line in the policy does not
build; what lies outside the sites of a principal's roles does not exist for it (I36).
"""
