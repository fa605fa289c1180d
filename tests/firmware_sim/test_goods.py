import numpy as np
import pytest

from firmware_sim.goods import Goods, sgtin96
from firmware_sim.store import default_store

POSITIONS = {4: (11.0, 2.0)}


@pytest.fixture
def goods() -> Goods:
    return Goods(default_store(), rng=np.random.default_rng(1))


def test_forty_tags_on_the_face_within_reach_of_the_antenna(goods: Goods) -> None:
    tags = goods.tags(holders={})
    assert len({tag.epc for tag in tags}) == 40
    assert all(tag.east_m == 3.5 and abs(tag.north_m - 10.0) <= 1.6 for tag in tags)


def test_an_item_goes_with_its_holder_and_comes_back(goods: Goods) -> None:
    (number, *_) = goods.at_shelf("aisle-2", east_m=4.0, north_m=10.0, arm_m=1.0)
    epc = goods.item(number).epc
    goods.pick(number, holder=4)
    assert number not in goods.at_shelf("aisle-2", east_m=4.0, north_m=10.0, arm_m=1.0)
    (carried,) = [tag for tag in goods.tags(holders=POSITIONS) if tag.carried]
    assert (carried.epc, carried.east_m, carried.north_m) == (epc, 11.0, 2.0)
    goods.put_back(number)
    assert number in goods.at_shelf("aisle-2", east_m=4.0, north_m=10.0, arm_m=1.0)


def test_a_sold_item_is_gone_and_replaced_by_another_of_its_class(goods: Goods) -> None:
    (number, *_) = goods.at_shelf("aisle-2", east_m=4.0, north_m=10.0, arm_m=1.0)
    sold = goods.item(number)
    goods.pick(number, holder=4)
    goods.sell(number, scene_s=100.0)
    (carried,) = [tag for tag in goods.tags(holders=POSITIONS) if tag.carried]
    assert carried.epc == sold.epc
    goods.leave(4)
    goods.advance(999.0)
    assert len(goods.tags(holders={})) == 39
    goods.advance(1000.0)
    tags = {tag.epc for tag in goods.tags(holders={})}
    assert len(tags) == 40
    assert sold.epc not in tags
    assert sold.epc[:7] in {epc[:7] for epc in tags}


def test_serials_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="38 bits"):
        sgtin96("04012345100013", serial=1 << 38)
