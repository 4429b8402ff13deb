"""Pages about calls."""

from django.urls import path

from calls.views import (
    data,
    drafting,
    export,
    live,
    numbers,
    outbound,
    pages,
    price,
    recordings,
    start,
    trunks,
    voices,
    widgets,
)

urlpatterns = [
    path(
        "assistants/<uuid:assistant_id>/data/",
        data.assistant_data,
        name="assistant_data",
    ),
    path(
        "assistants/<uuid:assistant_id>/data/record.txt",
        data.assistant_data_record,
        name="assistant_data_record",
    ),
    path("calls/", pages.call_list, name="call_list"),
    path("calls/export.csv", export.call_export, name="call_export"),
    path("calls/new/", outbound.call_new, name="call_new"),
    path("calls/<uuid:call_id>/", pages.call_detail, name="call_detail"),
    path("calls/<uuid:call_id>/progress/", pages.call_progress, name="call_progress"),
    path("calls/<uuid:call_id>/stop/", pages.call_stop, name="call_stop"),
    path("calls/<uuid:call_id>/say/", live.call_say, name="call_say"),
    path("calls/<uuid:call_id>/tell/", live.call_tell, name="call_tell"),
    path("calls/<uuid:call_id>/transfer/", live.call_transfer, name="call_transfer"),
    path("calls/<uuid:call_id>/keys/", live.call_keys, name="call_keys"),
    path("calls/<uuid:call_id>/mute/", live.call_mute, name="call_mute"),
    path("calls/<uuid:call_id>/unmute/", live.call_unmute, name="call_unmute"),
    path("calls/<uuid:call_id>/listen/", live.call_listen, name="call_listen"),
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
    path("numbers/<uuid:number_id>/", numbers.number_detail, name="number_detail"),
    path("numbers/<uuid:number_id>/edit/", numbers.number_edit, name="number_edit"),
    path(
        "numbers/<uuid:number_id>/remove/", numbers.number_remove, name="number_remove"
    ),
    path(
        "numbers/<uuid:number_id>/simulate/",
        numbers.number_simulate,
        name="number_simulate",
    ),
    path("numbers/trunks/", trunks.trunk_list, name="trunk_list"),
    path("numbers/trunks/new/", trunks.trunk_new, name="trunk_new"),
    path("numbers/trunks/<uuid:trunk_id>/", trunks.trunk_detail, name="trunk_detail"),
    path("numbers/trunks/<uuid:trunk_id>/edit/", trunks.trunk_edit, name="trunk_edit"),
    path("numbers/trunks/<uuid:trunk_id>/test/", trunks.trunk_test, name="trunk_test"),
    path(
        "numbers/trunks/<uuid:trunk_id>/check/", trunks.trunk_check, name="trunk_check"
    ),
    path(
        "numbers/trunks/<uuid:trunk_id>/delete/",
        trunks.trunk_delete,
        name="trunk_delete",
    ),
    path(
        "assistants/<uuid:assistant_id>/price/",
        price.assistant_price,
        name="assistant_price",
    ),
    path("assistants/voices/", voices.voice_list, name="voice_list"),
    path(
        "assistants/voices/<str:provider_id>/<str:voice_id>/sample/",
        voices.voice_sample,
        name="voice_sample",
    ),
    path(
        "assistants/<uuid:assistant_id>/widget/",
        widgets.assistant_widget,
        name="assistant_widget",
    ),
    path(
        "assistants/<uuid:assistant_id>/widget/remove/",
        widgets.assistant_widget_remove,
        name="assistant_widget_remove",
    ),
    path("widget/<uuid:widget_id>/", widgets.widget_frame, name="widget_frame"),
    path(
        "widget/<uuid:widget_id>/calls/<str:ticket>/",
        widgets.widget_start,
        name="widget_start",
    ),
    path("assistants/<uuid:assistant_id>/talk/", start.call_start, name="call_start"),
    path(
        "assistants/<uuid:assistant_id>/describe/",
        drafting.assistant_describe,
        name="assistant_describe",
    ),
    path(
        "assistants/<uuid:assistant_id>/describe/keep/",
        drafting.assistant_describe_keep,
        name="assistant_describe_keep",
    ),
    path(
        "assistants/<uuid:assistant_id>/describe/dictate/",
        drafting.assistant_dictate,
        name="assistant_dictate",
    ),
    path("assistants/<uuid:assistant_id>/write/", start.text_start, name="text_start"),
]
