"""The signals that cross a layer upwards.

`call_ended` is sent after the transaction that ended a call has committed,
`wish_recorded` after one that stored what a person asked for, `call_analysed` after one
that stored what was found out afterwards; all with `call_id` and `organization_id`. They
are hints: receivers only enqueue, and a sweeper finds what a
lost one left behind.
"""

from django.dispatch import Signal

call_ended = Signal()
wish_recorded = Signal()
call_analysed = Signal()
