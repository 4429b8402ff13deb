"""An assistant as a file: written for keeping, read from here and from elsewhere.

`exporting` writes one without its secrets. `reading` takes one apart and remembers what
was taken, so that what has no counterpart here is listed and never lost in silence;
`own`, `vapi`, `retell` and `elevenlabs` know one shape each, and `importing` makes an
assistant of what they found.
"""
