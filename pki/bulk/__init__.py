"""Many certificates in one run: read, judged, drafted, signed, registered, delivered; resumable."""
