"""The features of the sample lake's catalog, as (column, kinds, category, measure, window)."""

WINDOWS = {
    "impressions": (["impression"], [7, 30]),
    "clicks": (["click"], [7, 30]),
    "views": (["view"], [7, 30, 60]),
    "carts": (["cart"], [7, 30, 60]),
    "purchases": (["purchase"], [30, 60]),
}
CATEGORIES = [
    "skincare", "supplement", "coffee", "kimono", "makeup", "book",
    "apparel", "kitchen", "tea", "pet", "garden", "snack",
]
PRODUCTS = ["skincare", "supplement", "coffee", "kimono"]


def counts():
    """(column, kinds, category or None, window)"""
    for name, (kinds, windows) in WINDOWS.items():
        for window in windows:
            yield f"{name}_{window}d", kinds, None, window
    for category in CATEGORIES:
        yield f"views_of_30d:{category}", ["view", "cart"], category, 30
        yield f"bought_of_60d:{category}", ["purchase"], category, 60
