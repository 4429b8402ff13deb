"""An agency's clients: opening one complete, limits, notes, and strangers who sign up.

It stands here because a new client needs every room: an organization and its owner from
`portal`, a wallet and a trial from `billing`, assistants from `assistants`.
"""
