"""Which mapping and which route a request gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.edge.model import ApiMapping, Route
from local.edge.routing import decode_path, match_template, select_mapping, select_route

# The example of AWS's page on API mappings.
MAPPINGS = tuple(
    ApiMapping(key, f"api{number}", "$default")
    for number, key in enumerate(
        ["", "orders", "orders/v1/items", "orders/v2/items", "orders/v2/items/categories"], 1
    )
)


@pytest.mark.parametrize(
    ("path", "api_id", "rest"),
    [
        ("/orders", "api2", "/"),
        ("/orders/", "api2", "/"),
        ("/orders/v1/items", "api3", "/"),
        ("/orders/v2/items", "api4", "/"),
        ("/orders/v1/items/123", "api3", "/123"),
        ("/orders/v2/items/categories/5", "api5", "/5"),
        ("/customers", "api1", "/customers"),
        ("/ordersandmore", "api1", "/ordersandmore"),
        ("/orders/v1", "api2", "/v1"),
        ("/", "api1", "/"),
    ],
)
def test_the_longest_mapping_key_wins(path: str, api_id: str, rest: str) -> None:
    found = select_mapping(MAPPINGS, path)
    assert found is not None
    assert (found[0].api_id, found[1]) == (api_id, rest)


def test_a_path_outside_every_key_has_no_mapping() -> None:
    assert select_mapping(MAPPINGS[1:], "/customers") is None


ROUTES = tuple(
    Route(key)
    for key in [
        "$default",
        "ANY /{proxy+}",
        "GET /{proxy+}",
        "GET /pets/{id}",
        "GET /pets/dog/1",
        "GET /pets/dog/{id}",
        "ANY /pets/dog/2",
        "POST /pets/dog/2",
        "GET /",
    ]
)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/7", "GET /pets/dog/{id}", {"id": "7"}),
        ("GET", "/pets/6", "GET /pets/{id}", {"id": "6"}),
        ("GET", "/pets/cat/6", "GET /{proxy+}", {"proxy": "pets/cat/6"}),
        ("DELETE", "/pets/6", "ANY /{proxy+}", {"proxy": "pets/6"}),
        ("POST", "/pets/dog/2", "POST /pets/dog/2", {}),
        ("GET", "/pets/dog/2", "ANY /pets/dog/2", {}),
        ("GET", "/", "GET /", {}),
        ("POST", "/", "$default", {}),
        ("GET", "//pets/6", "GET /pets/{id}", {"id": "6"}),
    ],
)
def test_the_most_specific_route_wins(
    method: str, path: str, key: str, parameters: dict[str, str]
) -> None:
    found = select_route(ROUTES, method, path)
    assert found is not None
    assert (found.route.key, found.parameters) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/whoami"), ("GET", "/whoami/"), ("GET", "/whoami/x"), ("GET", "/WHOAMI"),
     ("get", "/whoami"), ("GET", "/")],
)  # fmt: skip
def test_without_a_route_and_without_default_there_is_none(method: str, path: str) -> None:
    assert select_route((Route("GET /whoami"),), method, path) is None


def test_a_parameter_is_never_empty() -> None:
    assert match_template("/pets/{id}", "/pets/") is None
    assert match_template("/files/{proxy+}", "/files/") is None
    assert match_template("/files/{proxy+}", "/files") is None


def test_parameters_before_a_greedy_one_are_kept() -> None:
    assert match_template("/{tenant}/files/{proxy+}", "/t1/files/a/b") == {
        "tenant": "t1",
        "proxy": "a/b",
    }


SEGMENT = st.text(st.characters(codec="utf-8", exclude_characters="/{}"), min_size=1, max_size=8)


@given(st.lists(SEGMENT, min_size=1, max_size=5))
def test_a_literal_template_matches_its_own_path_only(segments: list[str]) -> None:
    path = "/" + "/".join(segments)
    assert match_template(path, path) == {}
    assert match_template(path, path + "/more") is None


@given(st.lists(SEGMENT, min_size=1, max_size=5))
def test_a_greedy_parameter_takes_the_rest_of_the_path(segments: list[str]) -> None:
    rest = "/".join(segments)
    assert match_template("/{proxy+}", f"/{rest}") == {"proxy": rest}


@given(st.text(max_size=40), st.permutations(ROUTES))
def test_the_order_of_the_routes_does_not_matter(path: str, routes: list[Route]) -> None:
    assert select_route(routes, "GET", "/" + path) == select_route(ROUTES, "GET", "/" + path)


@pytest.mark.parametrize(
    ("raw", "decoded"),
    [
        ("/a%20b", "/a b"),
        ("/%C3%A9", "/é"),
        ("/a%252Fb", "/a%252Fb"),
        ("/100%25", "/100%25"),
        ("/%zz", "/%zz"),
        ("/%ff", "/\ufffd"),
        ("/plus+stays", "/plus+stays"),
    ],
)
def test_paths_are_decoded_once_and_percent_signs_never(raw: str, decoded: str) -> None:
    assert decode_path(raw) == decoded


@given(st.text(st.characters(max_codepoint=126, min_codepoint=33), max_size=60))
def test_decoding_twice_changes_nothing_more_than_decoding_once_for_escaped_percents(
    raw: str,
) -> None:
    escaped = raw.replace("%", "%25")
    assert decode_path(escaped) == escaped
