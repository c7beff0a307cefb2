"""The app for ``INSTALLED_APPS``: it brings the management commands."""

from django.apps import AppConfig


class InngestConfig(AppConfig):
    """``INSTALLED_APPS = [..., "inngest.django"]``."""

    name = "inngest.django"
    label = "inngest"
