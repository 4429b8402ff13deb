"""Requests of people about their own data: find, hand over, erase (GDPR 15, 17, 20).

It looks into every room that keeps a telephone number, which is why it stands in the
one package that may know them all.
"""
