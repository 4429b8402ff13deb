"""Pages about money."""

from django.urls import path

from billing import views

urlpatterns = [
    path("billing/", views.billing_statement, name="billing_statement"),
    path(
        "billing/statement.csv",
        views.billing_statement_csv,
        name="billing_statement_csv",
    ),
    path("billing/grants/<uuid:client_id>/", views.billing_grant, name="billing_grant"),
]
