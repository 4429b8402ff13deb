"""The Celery app, its queues and its ticks.

The database is the truth and a message only a wake-up call: a tick claims due rows, so
losing one costs an interval and two at once do no harm. A tick expires when its next
one is due, so that ticks do not pile up while no worker is there to take them.
"""

from __future__ import annotations

import os

from celery import Celery
from kombu.entity import Exchange, Queue

from config import file_broker

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

file_broker.install()
app = Celery("portavoce")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["portal.webhooks"])

# A worker serves all of them, or those it is told to: `-Q dialing,mail`. Each has its
# own exchange and key: left out, every queue would get every message.
QUEUES = ("default", "dialing", "billing", "webhooks", "analysis", "mail")
app.conf.task_queues = [
    Queue(name, Exchange(name, type="direct"), routing_key=name) for name in QUEUES
]

_TICKS = {
    "campaigns.tasks.dial_due_leads": ("dialing", 2.0),
    "campaigns.tasks.reconcile_attempts": ("dialing", 5.0),
    "campaigns.tasks.resume_imports": ("default", 10.0),
    "campaigns.tasks.ask_due_registers": ("default", 30.0),
    "calls.tasks.sweep_lost_calls": ("default", 5.0),
    "calls.tasks.analyse_due_calls": ("analysis", 20.0),
    "calls.tasks.apply_retention": ("default", 3600.0),
    "calls.tasks.forget_private_calls": ("default", 60.0),
    "calls.tasks.watch_for_fraud": ("default", 60.0),
    "campaigns.tasks.forget_people": ("default", 3600.0),
    "campaigns.tasks.resume_campaigns": ("dialing", 30.0),
    "billing.tasks.release_expired_holds": ("billing", 10.0),
    "billing.tasks.expire_lots": ("billing", 60.0),
    "billing.tasks.give_credits": ("billing", 60.0),
    "billing.tasks.sync_payments": ("billing", 30.0),
    "billing.tasks.recharge_wallets": ("billing", 15.0),
    "billing.tasks.renew_plans": ("billing", 60.0),
    "billing.tasks.watch_credits": ("billing", 60.0),
    "billing.tasks.reconcile_books": ("billing", 86_400.0),
    "portal.tasks.send_due_mails": ("mail", 2.0),
    "portal.tasks.check_due_domains": ("default", 20.0),
    "portal.tasks.forget_old_mail_bodies": ("mail", 3600.0),
    "config.tasks.erase_due_clients": ("default", 3600.0),
    "portal.webhooks.tasks.deliver_due_webhooks": ("webhooks", 1.0),
    "portal.webhooks.tasks.forget_old_webhooks": ("webhooks", 3_600.0),
}

app.conf.beat_schedule = {
    name.rpartition(".")[2]: {
        "task": name,
        "schedule": every_s,
        "options": {"expires": every_s, "queue": queue},
    }
    for name, (queue, every_s) in _TICKS.items()
}

# What is enqueued by name elsewhere; ticks name their queue themselves.
app.conf.task_routes = {
    "calls.tasks.encode_recording": {"queue": "analysis"},
    "calls.tasks.analyse_call": {"queue": "analysis"},
    "portal.webhooks.tasks.*": {"queue": "webhooks"},
    "campaigns.tasks.run_import": {"queue": "default"},
    "campaigns.tasks.ask_registers": {"queue": "default"},
    "campaigns.tasks.*": {"queue": "dialing"},
    "billing.tasks.*": {"queue": "billing"},
}
