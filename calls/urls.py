"""Pages about calls."""

from django.urls import path

from calls.views import numbers, pages, recordings, start

urlpatterns = [
    path("calls/", pages.call_list, name="call_list"),
    path("calls/<uuid:call_id>/", pages.call_detail, name="call_detail"),
    path("calls/<uuid:call_id>/progress/", pages.call_progress, name="call_progress"),
    path("calls/<uuid:call_id>/stop/", pages.call_stop, name="call_stop"),
    path(
        "calls/<uuid:call_id>/recording/",
        recordings.call_recording,
        name="call_recording",
    ),
    path(
        "calls/<uuid:call_id>/waveform/", recordings.call_waveform, name="call_waveform"
    ),
    path("numbers/", numbers.number_list, name="number_list"),
    path("numbers/add/", numbers.number_add, name="number_add"),
    path(
        "numbers/<uuid:number_id>/assign/", numbers.number_assign, name="number_assign"
    ),
    path(
        "numbers/<uuid:number_id>/remove/", numbers.number_remove, name="number_remove"
    ),
    path("assistants/<uuid:assistant_id>/talk/", start.call_start, name="call_start"),
]
