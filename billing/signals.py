"""What other rooms may hear of money; a hint, sent after the commit."""

from django.dispatch import Signal

# organization_id: its wallet can pay for calls again, or no longer can.
credits_arrived = Signal()
credits_exhausted = Signal()
