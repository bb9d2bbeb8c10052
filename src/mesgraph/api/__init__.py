"""The GraphQL kit: what every domain's ``graphql`` module is made with.

``command`` is the transaction at a mutation field, ``user_errors`` turns refusals into data, ``nodes`` and
``references`` name things, ``relations`` loads them, ``paging`` lists them, ``live`` follows the record,
``scalars`` keeps values exact, ``policy`` makes the schema refuse to build without an answer to "who may?".
"""
