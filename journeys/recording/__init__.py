"""What a visit sees besides the page itself: requests, console, dialogs, vitals. It only listens; it never touches the page."""

from journeys.recording.endpoints import LIVE, endpoint_of, origin_of, party_of
from journeys.recording.recorder import Recorder, SeenRequest
from journeys.recording.tracer import Tracer
from journeys.recording.vitals import VitalsLog

__all__ = ["LIVE", "Recorder", "SeenRequest", "Tracer", "VitalsLog", "endpoint_of", "origin_of", "party_of"]
