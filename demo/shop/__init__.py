"""The ticket shop: behaves like the site that is watched, trap for trap."""

from demo.shop.app import create_shop
from demo.shop.settings import ShopSettings, TierPrices

__all__ = ["ShopSettings", "TierPrices", "create_shop"]
