from django.http import HttpResponse
from django.urls import path
urlpatterns = [path("campaigns/", lambda r: HttpResponse("x"), name="campaign_list")]
