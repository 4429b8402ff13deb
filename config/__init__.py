"""The composition root: settings, processes and commands. It may import everything."""

# A `shared_task` finds its app only where this was imported, also in the web process.
from config.celery import app as celery_app

__all__ = ["celery_app"]
