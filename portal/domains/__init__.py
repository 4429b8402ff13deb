"""An agency's own domain: claimed by proof, checked in the background, given up again.

names     what may be claimed at all
checking  what DNS, the certificate and the domain itself say; no database
claims    the states of `PortalDomain`, and who moves them
"""
