"""Where the nodes of a graph stand."""

from __future__ import annotations

from itertools import combinations

from prefect.server.ui.layers import HEIGHT, WIDTH, layered


def columns(parents):
    drawing = layered(parents)
    return {key: place.x for key, place in drawing.places.items()}


def test_each_node_stands_behind_all_that_it_depends_on():
    at = columns({"a": [], "b": ["a"], "c": ["b", "a"], "d": []})
    assert at["a"] == at["d"] < at["b"] < at["c"]


def test_no_node_stands_on_another_one():
    drawing = layered({str(n): [str(n // 3)] if n else [] for n in range(60)})
    for one, other in combinations(drawing.places.values(), 2):
        assert abs(one.x - other.x) >= WIDTH or abs(one.y - other.y) >= HEIGHT
    assert all(0 <= one.x <= drawing.width - WIDTH for one in drawing.places.values())
    assert all(0 <= one.y <= drawing.height - HEIGHT for one in drawing.places.values())


def test_a_circle_and_a_long_chain_are_drawn():
    assert len(layered({"a": ["b"], "b": ["a"]}).edges) == 2
    chain = layered({"0": []} | {str(n): [str(n - 1)] for n in range(1, 5000)})
    assert len({place.x for place in chain.places.values()}) == 5000


def test_parallel_chains_do_not_cross():
    drawing = layered({"a": [], "b": [], "c": [], "z": ["c"], "y": ["b"], "x": ["a"]})
    order = sorted("xyz", key=lambda key: drawing.places[key].y)
    assert order == ["x", "y", "z"]


def test_nothing_is_drawn_of_nothing():
    assert layered({}).places == {}
