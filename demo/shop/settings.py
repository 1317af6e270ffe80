"""What the shop sells and how it behaves; other revisions of the real site differ in these."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TierPrices:
    """Dollars for one ticket."""

    ga: int = 1000
    vip: int = 1500


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """Settings of the shop.

    `member_discount` is in percent by tier. `rate_limit` requests are allowed to one client address in each fixed window of
    `rate_window_s` seconds. `grid_twice` shows the cities twice on the home page. `checkout_needs_csrf` is the regression in
    which nobody could buy. `hydration_delay_ms` is how long after load the home page stays deaf to clicks. `slow_answer_s` is how many
    seconds an answer takes under the faults `all_slow` and `slow_chain`.
    """

    stripe_api_base: str
    stripe_key: str
    webhook_secret: str
    third_party_base: str = ""
    prices: TierPrices = field(default_factory=TierPrices)
    member_discount: dict[str, int] = field(default_factory=lambda: {"ga": 20, "vip": 20})
    rate_limit: int = 100
    rate_window_s: float = 900
    grid_twice: bool = False
    checkout_needs_csrf: bool = False
    hydration_delay_ms: int = 0
    slow_answer_s: float = 8

    def price(self, tier: str) -> int:
        """Dollars of one ticket of a tier, `ga` or `vip`."""
        return self.prices.vip if tier == "vip" else self.prices.ga

    def member_price(self, tier: str) -> float:
        """Dollars that a member pays for the first ticket of a tier."""
        return self.price(tier) * (100 - self.member_discount[tier]) / 100
