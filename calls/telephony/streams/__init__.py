"""What carriers that stream audio over websockets share. None of it knows a carrier.

door      the port they come in by
carrier   their calls; each adds its API, its events and its words
wire      the messages they have in common: pure
leg       one call's audio
"""
