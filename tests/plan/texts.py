"""Texts that YAML readers stumble over, and whatever YAML can hold."""

from hypothesis import strategies as st

TRICKY = (
    *(
        "",
        " ",
        "yes",
        "No",
        "on",
        "y",
        "null",
        "~",
        "true",
        "1e3",
        "0x1F",
        "0o17",
        "017",
        "08",
        "12:30:45",
        "1_0",
    ),
    *(
        "2025-01-01",
        ".inf",
        "=",
        "<<",
        "-",
        "- a",
        "a: b",
        "a #b",
        "#",
        "*a",
        "&a",
        "!a",
        "%a",
        "@",
        "`",
        "{",
        "]",
    ),
    *(
        "a\nb",
        "a\n",
        "\n",
        "\n a",
        "a\r\nb",
        "\t",
        "a \nb",
        "\u2028",
        "\x85",
        "\x00",
        "\x1b",
        "\ufeff",
        "🙂",
        "---",
    ),
)

tricky_text = st.one_of(st.sampled_from(TRICKY), st.text(max_size=20))
filled_text = tricky_text.filter(bool)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | tricky_text,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(tricky_text, below, max_size=3),
    max_leaves=10,
)
json_maps = st.dictionaries(tricky_text, _json, max_size=4)
