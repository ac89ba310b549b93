"""What the models of a comparison know of a table together: what is given rules, and disagreement is one line."""

import pytest

from kerasforecast.api.agreement import agreed
from kerasforecast.errors import OptionError
from kerasforecast.sections.data import DataConfig

SHOPS = DataConfig(id="shop", date_column="when", target="sales", known=("price",), past=("visitors",))


def both(second, **options):
    return agreed({"a.keras": SHOPS, "b.keras": DataConfig(**second)}, options)


def test_models_that_agree_give_how_the_table_is_read():
    found = both({"id": "Shop", "target": "SALES", "known": ("visitors",), "static": ("region",)})
    assert found["id"] == "shop"
    assert found["date_column"] == "when"
    assert found["target"] == "sales"
    assert (found["known"], found["past"], found["static"]) == (("price", "visitors"), (), ("region",))
    assert "interval" not in found


@pytest.mark.parametrize(
    ("second", "flag", "received"),
    [
        ({"id": "store", "target": "sales"}, "--id", "'shop' in a.keras, 'store' in b.keras"),
        ({"target": "price"}, "--target", "'sales' in a.keras, 'price' in b.keras"),
        ({"targets": ("all",)}, "--targets", "none in a.keras, 'all' in b.keras"),
        ({"date_column": "day"}, "--date-column", "'when' in a.keras, 'day' in b.keras"),
        ({"id": "shop", "series": "north"}, "--series", "none in a.keras, 'north' in b.keras"),
    ],
)
def test_models_that_disagree_are_named_with_the_option(second, flag, received):
    with pytest.raises(OptionError) as refused:
        both(second)
    assert str(refused.value).startswith(f"Models compared on one table must agree on {flag}. Received: {received}. ")
    assert "\n" not in str(refused.value)


def test_what_is_given_settles_it():
    assert "id" not in both({"id": "store", "series": "north"}, id="store")
    assert "series" not in both({"id": "store", "series": "north"}, id="store")
    assert {"target", "targets"}.isdisjoint(both({"target": "price"}, target="visitors"))
    assert both({}, target="visitors")["past"] == ()
    assert both({}, past=("price",))["known"] == ()
    assert both({}, ticker="A")["interval"] == "1d"
