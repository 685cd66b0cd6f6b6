"""Flows inside flows, with parameters that are checked before anything runs.

    python examples/subflows.py

A parent flow hands plain dictionaries to its children. Each child declares a pydantic model, so what arrives
in its body is already validated and typed; what does not fit is refused, with an error that says what was
expected.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from prefect import flow, tags, task
from prefect.exceptions import ParameterTypeError
from prefect.runtime import flow_run


class Region(BaseModel):
    name: str
    shops: int = Field(gt=0)
    growth: float = 0.0


@task
def sales_of(shop: int, growth: float) -> float:
    return 1000 * (1 + growth) + shop


@flow(flow_run_name="region-{region.name}")
def regional_sales(region: Region) -> float:
    """A flow of its own: with its own run, parameters and tasks, and it can be started alone."""
    total = sum(sales_of.map(range(region.shops), growth=region.growth).result())
    print(f"{flow_run.name}: {total:,.2f} from {region.shops} shops, tagged {sorted(flow_run.tags)}")
    return total


@flow
def yearly_sales(year: int, regions: list[dict]) -> dict[str, float]:
    totals: dict[str, float] = {}
    with tags(f"year-{year}"):  # every run started in here carries the tag
        for region in regions:
            try:
                totals[region["name"]] = regional_sales(region)
            except ParameterTypeError as error:
                print(f"region {region['name']} refused: {error}")
    print(f"{year}: {sum(totals.values()):,.2f} in {len(totals)} of {len(regions)} regions")
    return totals


if __name__ == "__main__":
    yearly_sales(
        year="2013",  # a string is turned into the declared int
        regions=[
            {"name": "north", "shops": 3, "growth": 0.1},
            {"name": "south", "shops": "2"},
            {"name": "nowhere", "shops": 0},
        ],
    )
