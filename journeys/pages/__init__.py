"""The page objects of the shop: controls are found by what a person sees."""

from journeys.pages.checkout import CheckoutPage
from journeys.pages.home import HomePage
from journeys.pages.pricing import PricingPage
from journeys.pages.registration import RegistrationPage
from journeys.pages.success import SuccessPage

__all__ = ["CheckoutPage", "HomePage", "PricingPage", "RegistrationPage", "SuccessPage"]
