"""A member gets the member price of a VIP ticket, from the price list to Stripe's page, and leaves without paying."""

from journeys.pages import CheckoutPage, PricingPage, RegistrationPage
from journeys.visit import Visit, journey


@journey(
    title="A member gets the member price of a VIP ticket",
    guide_name="vip_member_discount",
    steps=(
        "navigate_to_register",
        "fill_member_info",
        "select_vip_ticket",
        "verify_discount_applied",
        "proceed_to_checkout",
    ),
    slow_after_s=20,
    deadline_s=30,
    requests=5,
    needs=("city",),
    announces_orders=True,
)
def vip_member_discount(visit: Visit) -> None:
    site = visit.site
    pricing, registration, checkout = PricingPage(visit), RegistrationPage(visit), CheckoutPage(visit)

    with visit.step("navigate_to_register"):
        pricing.open(site.city_id)

    with visit.step("fill_member_info"):
        pricing.verify_member(site.member_email)

    with visit.step("select_vip_ticket"):
        pricing.choose("VIP")
        registration.is_open()

    with visit.step("verify_discount_applied"):
        registration.fill_in(site.buyer, email=site.email_for(visit.run_id))
        registration.member_total_is(site.prices.vip_member)

    with visit.step("proceed_to_checkout"):
        registration.proceed_to_payment()
        checkout.is_open()
        checkout.charges(site.prices.vip_member)
