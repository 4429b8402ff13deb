"""What carriers that stream audio over websockets share: the door they come in by, and a leg.

They know no carrier: each has its own wire format and its own way to ring.
"""
