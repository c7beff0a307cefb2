"""The endpoint that ``settings.INNGEST`` describes, for ``include("inngest.django.urls")``."""

from django.urls import URLPattern
from inngest.django._settings import configured

urlpatterns: list[URLPattern] = [configured()]
