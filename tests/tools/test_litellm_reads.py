"""Finding the keys that code reads."""

import ast

import pytest

from tools.litellm_reads import assigned_names, class_fields, compared_keys, parameters, reads

READS = (
    ('settings.get("a", 1)', "get"),
    ('settings["a"]', "subscript"),
    ('settings.pop(\n    "a",\n    None,\n)', "pop, over several lines"),
    ('"a" not in settings', "membership"),
    ('getattr(settings, "a", None)', "attribute by name"),
    ('self.settings.get("a")', "attribute of an object"),
    ('config["settings"]["a"]', "map in a map"),
    ('config.get("settings", {}).get("a")', "map in a map, by get"),
    ('(settings or {}).get("a")', "map with a default"),
)


@pytest.mark.parametrize("code", [code for code, _ in READS], ids=[why for _, why in READS])
def test_a_read_is_found(code: str) -> None:
    assert reads([ast.parse(code)])["settings"] == {"a"}


@pytest.mark.parametrize("code", ["settings.get(name)", 'others.get("a")', 'settings.index("a")'])
def test_other_code_is_not_taken_for_a_read(code: str) -> None:
    assert "settings" not in reads([ast.parse(code)])


def test_settings_of_a_module_are_its_public_names_and_constants() -> None:
    code = "from litellm.constants import b, x as c\nfrom os import path\na: int = 1\nd = 2\n_e = 3\ndef f(): g = 1"
    assert assigned_names(ast.parse(code)) == {"a", "b", "c", "d"}


def test_compared_keys_are_those_of_the_named_function() -> None:
    code = 'def load(key):\n  if key == "a" and key == "b": pass\ndef other(key): return key == "c"'
    assert compared_keys([ast.parse(code)], "load") == {"a", "b"}


def test_parameters_are_those_of_all_functions_of_a_name() -> None:
    code = "def call(a, *, b): pass\nclass C:\n  async def call(self, c): pass\n  def other(self, d): pass"
    assert parameters([ast.parse(code)], "call") == {"a", "b", "c"}


def test_class_fields_are_public_and_of_classes_of_that_name() -> None:
    code = "class MyConfig:\n  a: int\n  _b: int\n  c = 1\nclass Other:\n  d: int"
    assert class_fields([ast.parse(code)], "Config") == {"a"}
