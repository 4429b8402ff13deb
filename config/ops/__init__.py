"""The operator's console under `/ops/`: Django admin, read-mostly, over every app.

Its pages see every organization, so what a person said is not among them: a transcript
opens for a reason, which is written down where the organization can read it. What the
console changes goes through services and leaves an audit record.
"""
