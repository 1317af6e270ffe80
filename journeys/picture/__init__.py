"""Takes a picture of a page in which nobody can read what the run knows to be secret."""

from journeys.picture.camera import NoPictureError, Picture, glance, shows, take

__all__ = ["NoPictureError", "Picture", "glance", "shows", "take"]
