"""The one signal that crosses a layer upwards.

`call_ended` is sent after the transaction that ended a call has committed, with
`call_id` and `organization_id`. It is a hint: receivers only enqueue, and a sweeper
finds what a lost one left behind.
"""

from django.dispatch import Signal

call_ended = Signal()
