import inspect
import re

from pki import errors


def test_all_names_exactly_the_public_classes() -> None:
    public = {name for name, value in vars(errors).items() if inspect.isclass(value)}

    assert set(errors.__all__) == public


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = set(re.findall(r"\w+Error\b", errors.__doc__ or ""))

    assert drawn == set(errors.__all__)


def test_every_error_is_one_of_ours() -> None:
    assert all(issubclass(getattr(errors, name), errors.PkiError) for name in errors.__all__)


def test_only_usage_errors_exit_with_2() -> None:
    exit_codes = {name: getattr(errors, name).exit_code for name in errors.__all__}

    assert {name for name, code in exit_codes.items() if code == 2} == {"UsageError"}
    assert set(exit_codes.values()) == {1, 2}
