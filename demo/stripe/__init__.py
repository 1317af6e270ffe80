"""A stand-in for Stripe: its API, its hosted checkout page and its webhooks, in memory."""

from demo.stripe.account import StripeAccount
from demo.stripe.app import create_stripe
from demo.stripe.settings import LAYOUTS, StripeSettings

__all__ = ["LAYOUTS", "StripeAccount", "StripeSettings", "create_stripe"]
