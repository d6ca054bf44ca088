"""A gate that cannot fail guards nothing: each is shown code to refuse, and code to let pass."""

import pytest

from tests.support import gates

LONG_FUNCTION = "def f():\n" + "    x = 1\n" * 40
SQL_IN_A_FUNCTION = 'def f():\n    """Say."""\n    return """\n' + "        select 1\n" * 60 + '    """\n'
MANY = ", ".join(f"a{i}" for i in range(9))
METHODS = "".join(f"    def m{i}(self): ...\n" for i in range(21))
TWINS = "".join(f"    def m{i}(self): ...\n    async def am{i}(self): ...\n" for i in range(20))
FACETS = "".join(
    f"    @typing.overload\n    def f(self): ...\n    @property\n    def p{i}(self): ...\n" for i in range(30)
)


@pytest.mark.parametrize(
    ("gate", "source", "what"),
    [
        (gates.file_is_short, "x = 1\n" * 301, ""),
        (gates.functions_fit_on_a_screen, LONG_FUNCTION, "f"),
        (gates.functions_fit_on_a_screen, "async " + LONG_FUNCTION, "f"),
        (gates.functions_ask_for_little, f"class C:\n    def f(self, {MANY}): ...\n", "C.f"),
        (gates.functions_ask_for_little, f"def f(*, {MANY}): ...\n", "f"),
        (gates.classes_are_no_gods, "class C:\n" + METHODS, "C"),
        (gates.imports_stand_at_the_top, "def f():\n    import sqlqueue.worker\n", "f"),
        (
            gates.imports_stand_at_the_top,
            "class C:\n    def f(self):\n        from sqlqueue import app\n",
            "C.f",
        ),
        (gates.imports_stand_at_the_top, "def f():\n    if 1:\n        from . import app\n", "f"),
        (gates.names_no_database, "import sqlite3\n", "line 1"),
        (gates.names_no_database, "x = 'postgresql://'\n", "line 1"),
        (gates.names_no_database, "x = f'{y} Psycopg'\n", "line 1"),
    ],
)
def test_it_refuses(gate, source, what):
    assert what in dict(gate(source))


@pytest.mark.parametrize(
    ("gate", "source"),
    [
        (gates.file_is_short, "x = 1\n" * 300),
        (gates.functions_fit_on_a_screen, LONG_FUNCTION.replace("    x = 1\n", "", 1)),
        (gates.functions_fit_on_a_screen, SQL_IN_A_FUNCTION),
        (gates.functions_ask_for_little, "def f(self, a, b, c, d, *, e, f, g, h, **more): ...\n"),
        (gates.classes_are_no_gods, "class C:\n" + TWINS),
        (gates.classes_are_no_gods, "class C:\n" + FACETS),
        (gates.imports_stand_at_the_top, "import sqlqueue\ndef f():\n    import json\n"),
        (gates.names_no_database, '"""On SQLite."""\n# and PostgreSQL\nx = 1\n'),
    ],
)
def test_it_lets_pass(gate, source):
    assert dict(gate(source)) == {}
