"""Money from outside, through Stripe.

    merchant   whose Stripe account an organization pays into, and a client for it
    checkout   starting a payment, on Stripe's page or by the saved card
    facts      reading from Stripe how a payment stands: the only thing believed
    syncing    making the ledger agree with that, any number of times
    events     keeping what Stripe sends, and looking at the payment it is about

An event and the browser's return say only *that* something happened to a payment. What
happened is read from Stripe, and posted under a key made of the payment, the refund or
the dispute. So nothing depends on how many events come, in which order, or at once.
"""
