"""A guest buys one General Admission ticket, from the home page to the proof that it is paid."""

from journeys.pages import CheckoutPage, HomePage, PricingPage, RegistrationPage, SuccessPage
from journeys.visit import Visit, journey


# The guide lists choosing ticket and city after the form; on the site they come before it. The names are the guide's.
@journey(
    title="A guest buys one General Admission ticket",
    guide_name="complete_ga_purchase",
    steps=(
        "navigate_to_register",
        "choose_city",
        "select_ga_ticket",
        "fill_customer_info",
        "proceed_to_stripe",
        "complete_test_payment",
        "verify_success_page",
    ),
    slow_after_s=30,
    deadline_s=45,
    requests=12,
    needs=("city",),
    announces_orders=True,
)
def ga_purchase(visit: Visit) -> None:
    site = visit.site
    home, pricing, registration = HomePage(visit), PricingPage(visit), RegistrationPage(visit)
    checkout, success = CheckoutPage(visit), SuccessPage(visit)

    with visit.step("navigate_to_register"):
        home.open()

    with visit.step("choose_city"):
        home.choose_city(site.city_name)
        pricing.is_open()

    with visit.step("select_ga_ticket"):
        pricing.choose("General Admission")
        registration.is_open()

    with visit.step("fill_customer_info"):
        registration.fill_in(site.buyer, email=site.email_for(visit.run_id))
        registration.total_is(site.prices.ga)

    with visit.step("proceed_to_stripe"):
        registration.proceed_to_payment()
        checkout.is_open()
        checkout.charges(site.prices.ga)

    reason = checkout.reason_not_to_pay()
    if reason:
        visit.skip("complete_test_payment", "verify_success_page", reason=reason)
        return

    with visit.step("complete_test_payment"):
        checkout.pay(site.card)

    with visit.step("verify_success_page"):
        success.is_open()
        success.is_paid(checkout.session_id, site.prices.ga)
