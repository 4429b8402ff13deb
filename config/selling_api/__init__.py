"""What an agency sells, over REST: prices, packages, plans, codes, trial credits."""

from ninja import Router

from config.selling_api.codes import router as codes
from config.selling_api.offers import router as offers
from config.selling_api.prices import router as prices

__all__ = ["router"]

router = Router(tags=["Selling"])
for part in (prices, offers, codes):
    router.add_router("", part)
