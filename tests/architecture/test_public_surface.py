"""The public names are a short list, in order, and each can be had."""

import sqlqueue


def test_the_list_is_sorted_and_names_each_once():
    assert list(sqlqueue.__all__) == sorted(set(sqlqueue.__all__), key=lambda name: (name.lower(), name))


def test_every_public_name_can_be_imported():
    assert [name for name in sqlqueue.__all__ if not hasattr(sqlqueue, name)] == []


def test_no_other_name_looks_public():
    modules = {name for name, value in vars(sqlqueue).items() if type(value).__name__ == "module"}
    shown = {name for name in vars(sqlqueue) if not name.startswith("_")} - modules
    assert shown <= set(sqlqueue.__all__)
