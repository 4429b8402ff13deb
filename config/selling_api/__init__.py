"""What an agency sells, over REST: prices, offers, codes, and how it is paid for."""

from ninja import Router

from config.selling_api.codes import router as codes
from config.selling_api.grants import router as grants
from config.selling_api.offers import router as offers
from config.selling_api.prices import router as prices
from config.selling_api.stripe_account import router as stripe_account

__all__ = ["router"]

router = Router(tags=["Selling"])
for part in (prices, offers, codes, grants, stripe_account):
    router.add_router("", part)
