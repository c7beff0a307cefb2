"""The shop has no pages: only what the Inngest server calls."""

from django.urls import include, path

urlpatterns = [path("", include("inngest.django.urls"))]
