"""Pages about money."""

from django.urls import path

from billing.views import buying, care, grants, selling, statement, stripe_account
from billing.views.webhook import stripe_webhook

urlpatterns = [
    path("billing/", statement.billing_statement, name="billing_statement"),
    path(
        "billing/statement.csv",
        statement.billing_statement_csv,
        name="billing_statement_csv",
    ),
    path(
        "billing/statement.pdf",
        statement.billing_statement_pdf,
        name="billing_statement_pdf",
    ),
    path(
        "billing/grants/<uuid:client_id>/", grants.billing_grant, name="billing_grant"
    ),
    path("billing/buy/", buying.billing_buy, name="billing_buy"),
    path(
        "billing/buy/packages/<uuid:package_id>/",
        buying.billing_buy_package,
        name="billing_buy_package",
    ),
    path(
        "billing/buy/credits/<int:credits>/",
        buying.billing_buy_credits,
        name="billing_buy_credits",
    ),
    path(
        "billing/buy/plans/<uuid:plan_id>/",
        buying.billing_buy_plan,
        name="billing_buy_plan",
    ),
    path("billing/plan/leave/", buying.billing_plan_leave, name="billing_plan_leave"),
    path("billing/coupon/", buying.billing_coupon, name="billing_coupon"),
    path("billing/payments/", buying.billing_payments, name="billing_payments"),
    path(
        "billing/payments/<uuid:payment_id>/",
        buying.billing_payment,
        name="billing_payment",
    ),
    path(
        "billing/payments/<uuid:payment_id>/receipt.pdf",
        buying.billing_receipt,
        name="billing_receipt",
    ),
    path("billing/card/", buying.billing_card, name="billing_card"),
    path("billing/recharge/", care.billing_recharge, name="billing_recharge"),
    path("billing/watch/", care.billing_watch, name="billing_watch"),
    path("selling/", selling.selling_prices, name="selling_prices"),
    path("selling/packages/", selling.selling_packages, name="selling_packages"),
    path(
        "selling/packages/<uuid:package_id>/offer/",
        selling.selling_package_offer,
        name="selling_package_offer",
    ),
    path("selling/plans/", selling.selling_plans, name="selling_plans"),
    path(
        "selling/plans/<uuid:plan_id>/offer/",
        selling.selling_plan_offer,
        name="selling_plan_offer",
    ),
    path("selling/coupons/", selling.selling_coupons, name="selling_coupons"),
    path(
        "selling/coupons/<uuid:coupon_id>/switch/",
        selling.selling_coupon_switch,
        name="selling_coupon_switch",
    ),
    path("selling/trial/", selling.selling_trial, name="selling_trial"),
    path("selling/grants/", grants.selling_grants, name="selling_grants"),
    path(
        "selling/grants/<uuid:request_id>/<slug:decision>/",
        grants.selling_grant_decide,
        name="selling_grant_decide",
    ),
    path("selling/stripe/", stripe_account.selling_stripe, name="selling_stripe"),
    path(
        "selling/stripe/key/",
        stripe_account.selling_stripe_key,
        name="selling_stripe_key",
    ),
    path(
        "selling/stripe/tax/",
        stripe_account.selling_stripe_tax,
        name="selling_stripe_tax",
    ),
    path(
        "selling/stripe/connect/",
        stripe_account.selling_stripe_connect,
        name="selling_stripe_connect",
    ),
    path(
        "selling/stripe/disconnect/",
        stripe_account.selling_stripe_disconnect,
        name="selling_stripe_disconnect",
    ),
    path("webhooks/stripe/", stripe_webhook, name="stripe_webhook"),
]
