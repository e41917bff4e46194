"""What changes the draw key, and what must not: code and values that `simulate` reaches."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mcstudy.engine.drawkey import DrawKey, describe, difference

Load = Callable[..., dict[str, Any]]
WAYS = ("as_file", "as_cell", "as_text")

# A study, what is replaced in it, and by what: each edit may change the draws.
CHANGES = {
    "simulate": ("def simulate(rng, size):\n    return rng.normal(size=size) + 1", "+ 1", "+ 2"),
    "one for one": ("def simulate(rng, size):\n    return rng.normal(1)", "1", "1.0"),
    "one for true": ("def simulate(rng, size):\n    return rng.normal(1)", "1", "True"),
    "helper": ("def f():\n    return 0\ndef simulate(rng):\n    return f()", "0", "5"),
    "helper of a helper": ("def f():\n    return 0\ndef g():\n    return f()\ndef simulate(rng):\n    return g()", "0", "5"),
    "inner function": ("def simulate(rng):\n    def f():\n        return 0\n    return f()", "0", "5"),
    "helper of an inner function": ("def f():\n    return 0\ndef simulate(rng):\n    return [lambda: f()]", "0", "5"),
    "lambda": ("f = lambda x: x + 1\ndef simulate(rng):\n    return f(1)", "x + 1", "x + 2"),
    "one of two lambdas on a line": ("f, g = lambda: 1, lambda: 2\ndef simulate(rng):\n    return g()", "2", "3"),
    "global": ("SHIFT = 0.0\ndef simulate(rng):\n    return SHIFT", "0.0", "5.0"),
    "global in a comprehension": ("A = 1\ndef simulate(rng):\n    return [A for _ in range(3)]", "A = 1", "A = 2"),
    "list": ("A = [1, [2]]\ndef simulate(rng):\n    return A", "2", "3"),
    "order of a dictionary": ("A = dict(a=1, b=2)\ndef simulate(rng):\n    return A", "a=1, b=2", "b=2, a=1"),
    "set": ("A = {1, 2}\ndef simulate(rng):\n    return A", "2", "3"),
    "dictionary of functions": ("def f():\n    return 0\nA = {'f': f}\ndef simulate(rng, k):\n    return A[k]()", "0", "5"),
    "element of an array": ("import numpy as np\nA = np.zeros(9)\nA[4] = 0\ndef simulate(rng):\n    return A", "= 0\n", "= 5\n"),
    "type of an array": ("import numpy as np\nA = np.zeros(9, 'f8')\ndef simulate(rng):\n    return A", "f8", "f4"),
    "shape of an array": ("import numpy as np\nA = np.zeros((4, 6))\ndef simulate(rng):\n    return A", "(4, 6)", "(6, 4)"),
    "order of an array": ("import numpy as np\nA = np.ones((4, 6), order='C')\ndef simulate(rng):\n    return A", "'C'", "'F'"),
    "closure": ("def make(a):\n    def simulate(rng):\n        return a\n    return simulate\nsimulate = make(0)", "(0)", "(5)"),
    "function in a closure": ("def make(a):\n    return lambda rng: a()\nsimulate = make(lambda: 0)", "0", "5"),
    "default": ("A = 0\ndef simulate(rng, a=A):\n    return a", "A = 0", "A = 5"),
    "default of a keyword": ("A = 0\ndef simulate(rng, *, a=A):\n    return a", "A = 0", "A = 5"),
    "default of a helper": ("A = 0\ndef f(a=A):\n    return a\ndef simulate(rng):\n    return f()", "A = 0", "A = 5"),
    "partial argument": ("from functools import partial\ndef f(rng, a):\n    return a\nsimulate = partial(f, a=0)", "0", "5"),
    "partial position": ("from functools import partial\ndef f(a, rng):\n    return a\nsimulate = partial(f, 0)", "0", "5"),
    "function of a partial": ("from functools import partial\ndef f(rng, a):\n    return a + 0\nsimulate = partial(f, a=0)", "+ 0", "+ 5"),
    "method": ("class A:\n    def f(self):\n        return 0\ndef simulate(rng):\n    return A().f()", "0", "5"),
    "static method": ("class A:\n    @staticmethod\n    def f():\n        return 0\ndef simulate(rng):\n    return A.f()", "0", "5"),
    "class method": ("class A:\n    @classmethod\n    def f(cls):\n        return 0\ndef simulate(rng):\n    return A.f()", "0", "5"),
    "property": ("class A:\n    @property\n    def f(self):\n        return 0\ndef simulate(rng):\n    return A().f", "0", "5"),
    "class attribute": ("class A:\n    a = 0\ndef simulate(rng):\n    return A.a", "0", "5"),
    "base class": ("class B:\n    a = 0\nclass A(B):\n    pass\ndef simulate(rng):\n    return A.a", "0", "5"),
    "bases": ("class B:\n    a = 0\nclass C:\n    a = 1\nclass A(B):\n    pass\ndef simulate(rng):\n    return A.a", "A(B)", "A(C)"),
    "metaclass": ("class M(type):\n    a = 0\nclass A(metaclass=M):\n    pass\ndef simulate(rng):\n    return A.a", "0", "5"),
    "super": ("class B:\n    def f(self):\n        return 0\nclass A(B):\n    def f(self):\n        return super().f()\ndef simulate(rng):\n    return A().f()", "0", "5"),
    "bound attribute": ("class A:\n    def __init__(self, a):\n        self.a = a\n    def f(self, rng):\n        return self.a\nsimulate = A(0).f", "(0)", "(5)"),
    "callable object": ("class A:\n    def __init__(self, a):\n        self.a = a\n    def __call__(self, rng):\n        return self.a\nsimulate = A(0)", "(0)", "(5)"),
    "code of a callable object": ("class A:\n    def __call__(self, rng):\n        return 0\nsimulate = A()", "0", "5"),
    "slot": ("class A:\n    __slots__ = ('a',)\n    def __call__(self, rng):\n        return self.a\nsimulate = A()\nsimulate.a = 0", "= 0", "= 5"),
    "attribute of a function": ("def f():\n    return 1\nf.a = 0\ndef simulate(rng):\n    return f.a", "f.a = 0", "f.a = 5"),
    "field of a dataclass": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int = 0\ndef simulate(rng):\n    return A()", "0", "5"),
    "order of fields": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\n    b: int\ndef simulate(rng):\n    return A(1, 2)", "    a: int\n    b: int", "    b: int\n    a: int"),
    "factory of a field": ("from dataclasses import dataclass, field\n@dataclass\nclass A:\n    a: int = field(default_factory=lambda: 0)\ndef simulate(rng):\n    return A()", "0", "5"),
    "method of a dataclass": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    a: int\n    def f(self):\n        return 0\ndef simulate(rng):\n    return A(1).f()", "0", "5"),
    "instance of a dataclass": ("from dataclasses import dataclass\n@dataclass(frozen=True)\nclass A:\n    a: int\nB = A(0)\ndef simulate(rng):\n    return B.a", "(0)", "(5)"),
    "field of a named tuple": ("from typing import NamedTuple\nclass A(NamedTuple):\n    a: int = 0\ndef simulate(rng):\n    return A()", "0", "5"),
    "method of a named tuple": ("from typing import NamedTuple\nclass A(NamedTuple):\n    a: int = 0\n    def f(self):\n        return 1\ndef simulate(rng):\n    return A().f()", "1", "5"),
    "member of an enumeration": ("from enum import Enum\nclass A(Enum):\n    x = 0\ndef simulate(rng):\n    return A.x.value", "0", "5"),
    "method of an enumeration": ("from enum import Enum\nclass A(Enum):\n    x = 0\n    def f(self):\n        return 1\nB = A.x\ndef simulate(rng):\n    return B.f()", "1", "5"),
    "decorator": ("def twice(f):\n    def inner(*a):\n        return 2 * f(*a)\n    return inner\n@twice\ndef simulate(rng):\n    return 1", "2 *", "3 *"),
    "under a decorator": ("from functools import wraps\ndef twice(f):\n    @wraps(f)\n    def inner(*a):\n        return 2 * f(*a)\n    return inner\n@twice\ndef simulate(rng):\n    return 0", "0", "5"),
    "argument of a decorator": ("def times(k):\n    def outer(f):\n        return lambda *a: k * f(*a)\n    return outer\n@times(2)\ndef simulate(rng):\n    return 1", "(2)", "(3)"),
    "decorating object": ("from functools import update_wrapper\nclass times:\n    def __init__(self, f):\n        self.k = 2\n        update_wrapper(self, f)\n    def __call__(self, *a):\n        return self.k\n@times\ndef simulate(rng):\n    return 1", "= 2", "= 3"),
    "function under a cache": ("from functools import lru_cache\n@lru_cache\ndef f():\n    return 0\ndef simulate(rng):\n    return f()", "return 0", "return 5"),
    "global under a cache": ("from functools import cache\nA = 0\n@cache\ndef f():\n    return A\ndef simulate(rng):\n    return f()", "A = 0", "A = 5"),
    "context manager": ("from contextlib import contextmanager\n@contextmanager\ndef f():\n    yield 0\ndef simulate(rng):\n    with f() as a:\n        return a", "0", "5"),
    "decorating context": ("from contextlib import ContextDecorator\nclass A(ContextDecorator):\n    def __enter__(self):\n        return 0\n    def __exit__(self, *_):\n        return False\n@A()\ndef simulate(rng):\n    return 1", "0", "5"),
    "state of a decorating context": ("from contextlib import ContextDecorator\nclass A(ContextDecorator):\n    def __init__(self, a):\n        self.a = a\n    def __enter__(self):\n        return self.a\n    def __exit__(self, *_):\n        return False\n@A(0)\ndef simulate(rng):\n    return 1", "0", "5"),
    "attribute set on a class": ("class A:\n    def __init__(self, a):\n        self.a = a\nA.B = A(0)\ndef simulate(rng):\n    return A.B.a", "A(0)", "A(5)"),
    "descriptor": ("class D:\n    def __init__(self, a):\n        self.a = a\n    def __get__(self, *_):\n        return self.a\nclass A:\n    a = D(0)\ndef simulate(rng):\n    return A().a", "D(0)", "D(5)"),
    "partial method": ("from functools import partialmethod\nclass A:\n    def f(self, a):\n        return a\n    g = partialmethod(f, 0)\ndef simulate(rng):\n    return A().g()", "0", "5"),
    "dispatched function": ("from functools import singledispatch\n@singledispatch\ndef f(a):\n    return 0\n@f.register\ndef _(a: int):\n    return 1\ndef simulate(rng):\n    return f(1)", "return 1", "return 5"),
    "vectorized function": ("import numpy as np\nf = np.vectorize(lambda x: x + 1)\ndef simulate(rng):\n    return f(1)", "+ 1", "+ 5"),
    "another function of Python": ("from math import sin as f\ndef simulate(rng):\n    return f(1)", "sin", "cos"),
    "another function of NumPy": ("from numpy import sin as f\ndef simulate(rng):\n    return f(1)", "sin", "cos"),
    "a builtin covered by a global": ("def simulate(rng):\n    return max(1, 2)\n#", "#", "max = min"),
    "a name that comes to be": ("def simulate(rng):\n    return a if rng else 0\n#", "#", "a = 5"),
    "recursion": ("def f(n):\n    return g(n - 1)\ndef g(n):\n    return f(n) if n else 0\ndef simulate(rng):\n    return f(3)", "else 0", "else 5"),
    "two of a name": ("def make(a):\n    def f():\n        return a\n    return f\nf, g = make(1), make(2)\ndef simulate(rng):\n    return f() - g()", "make(1), make(2)", "make(2), make(1)"),
    "Python's path": ("from pathlib import Path\nA = Path('a.csv')\ndef simulate(rng):\n    return A.read_text()", "a.csv", "b.csv"),
}  # fmt: skip

# Edits that change no draw.
HARMLESS = {
    "comment": ("def simulate(rng):\n    return 1\n", "return 1", "return 1  # one"),
    "docstring": ("def simulate(rng):\n    return 1\n", "    return", "    '''Draw one.'''\n    return"),
    "docstring of a helper": ("def f():\n    '''A.'''\n    return 1\ndef simulate(rng):\n    return f()", "A.", "B.\n"),
    "docstring of a class": ("class A:\n    '''A.'''\n    a = 1\ndef simulate(rng):\n    return A.a", "'''A.'''", ""),
    "docstring of a method": ("class A:\n    def f(self):\n        '''A.'''\n        return 1\ndef simulate(rng):\n    return A().f()", "A.'", "B.'"),
    "formatting": ("def simulate(rng):\n    return max( 1,2 )", "max( 1,2 )", "(max(\n        1,\n        2,\n    ))"),
    "blank lines": ("def simulate(rng):\n    return 1\n", "def", "\n\n\ndef"),
    "quotes": ("def simulate(rng):\n    return 'a'", "'a'", '"a"'),
    "moved function": ("def f():\n    return 1\ndef g():\n    return 2\ndef simulate(rng):\n    return f() + g()", "def f():\n    return 1\ndef g():\n    return 2\n", "def g():\n    return 2\ndef f():\n    return 1\n"),
    "moved below": ("def f():\n    return 1\ndef simulate(rng):\n    return f()\n", "def f():\n    return 1\ndef simulate(rng):\n    return f()\n", "def simulate(rng):\n    return f()\ndef f():\n    return 1\n"),
    "unrelated global": ("TITLE = 'a'\ndef simulate(rng):\n    return 1", "'a'", "'b'"),
    "unrelated function": ("def claim():\n    return 1\ndef simulate(rng):\n    return 2", "1", "5"),
    "unrelated import": ("import math\ndef simulate(rng):\n    return 2", "import math", "import math, json, string"),
    "unrelated attribute of a module": ("import math\ndef simulate(rng):\n    return math.pi", "import math", "import math\nmath_too = math"),
    "lambda on a line with another": ("g = lambda: 2\ndef simulate(rng):\n    return g()", "g = lambda: 2", "f, g = lambda: 1, lambda: 2"),
    "order of a set": ("A = {'a', 'b', 'c'}\ndef simulate(rng):\n    return A", "'a', 'b', 'c'", "'c', 'b', 'a'"),
    "order of methods": ("class A:\n    def f(self):\n        return 1\n    a = 0\ndef simulate(rng):\n    return A().f()", "    def f(self):\n        return 1\n    a = 0\n", "    a = 0\n    def f(self):\n        return 1\n"),
    "order of keywords": ("from functools import partial\ndef f(rng, a, b):\n    return a\nsimulate = partial(f, a=1, b=2)", "a=1, b=2", "b=2, a=1"),
    "hint": ("def simulate(rng):\n    x = 1\n    return x", "x = 1", "x: int = 1"),
    "hint of an argument": ("def simulate(rng, n=1):\n    return n", "rng, n=1", "rng, n: int = 1"),
    "bare text": ("def simulate(rng):\n    x = 1\n    return x", "x = 1\n", "x = 1\n    'a note'\n"),
    "pass": ("def f():\n    '''Nothing.'''\ndef simulate(rng):\n    return f()", "'''Nothing.'''", "pass"),
    "called before": ("from functools import cache\n@cache\ndef f():\n    return 0\ndef simulate(rng):\n    return f()\n#", "#", "f()"),
    "cached property read before": ("from functools import cached_property\nclass A:\n    @cached_property\n    def f(self):\n        return 0\nB = A()\ndef simulate(rng):\n    return B.f\n#", "#", "B.f"),
    "vectorized function called before": ("import numpy as np\nf = np.vectorize(lambda x: x + 1, otypes=[float])\ndef simulate(rng):\n    return f(1)\n#", "#", "f(1)"),
    "logger": ("import logging\nLOG = logging.getLogger('a')\ndef simulate(rng):\n    LOG.info('x')", "'a'", "'b'"),
    "lock": ("import threading\nLOCK = threading.Lock()\ndef simulate(rng):\n    with LOCK:\n        return 1\n#", "#", "LOCK.acquire()"),
    "sharing": ("A = [1]\nB = [A, [1]]\ndef simulate(rng):\n    return B", "[A, [1]]", "[A, A]"),
}  # fmt: skip


@pytest.mark.parametrize("load", WAYS, indirect=True)
@pytest.mark.parametrize("case", CHANGES)
def test_what_draws_depend_on_is_seen(load: Load, case: str) -> None:
    text, old, new = CHANGES[case]
    assert old in text
    before = describe(load(text)["simulate"])
    after = describe(load(text.replace(old, new))["simulate"])
    assert before.digest != after.digest
    assert difference(before.parts, after.parts)


@pytest.mark.parametrize("load", ["as_file", "as_cell"], indirect=True)
def test_hints_count_where_a_decorator_may_act_on_them(load: Load) -> None:
    plain = "def simulate(rng, n: int):\n    return n\n"
    keys = [
        describe(load(decorator + text)["simulate"]).digest
        for decorator in ("", "def cast(f):\n    return f\n@cast\n")
        for text in (plain, plain.replace("int", "float"))
    ]
    assert keys[0] == keys[1]
    assert keys[2] != keys[3]


@pytest.mark.parametrize("load", WAYS, indirect=True)
@pytest.mark.parametrize("case", HARMLESS)
def test_what_draws_do_not_depend_on_is_not_seen(load: Load, case: str) -> None:
    text, old, new = HARMLESS[case]
    assert old in text
    before = describe(load(text)["simulate"])
    after = describe(load(text.replace(old, new))["simulate"])
    assert difference(before.parts, after.parts) == []
    assert before.digest == after.digest


PACKAGE = '''
import threading
from functools import wraps

class Proxy:
    """A decorated function, as wrapt makes them."""
    def __init__(self, wrapped, wrapper):
        self.__wrapped__, self._self_wrapper, self.own = wrapped, wrapper, threading.local()
    def __call__(self, *arguments):
        return self._self_wrapper(self.__wrapped__, *arguments)

def decorator(wrapper):
    return lambda wrapped: Proxy(wrapped, wrapper)

def remember(times):
    """A function with a memory, as many packages make them."""
    def decorate(function):
        memory, own = {}, threading.local()
        @wraps(function)
        def inner(*arguments):
            own.last = memory[arguments] = times * function(*arguments)
            return own.last
        return inner
    return decorate
'''
PROXY = (
    "from made_pkg import decorator\n@decorator\ndef twice(f, *a):\n    return 2 * f(*a)\n"
    "@twice\ndef f():\n    return 7\ndef simulate(rng):\n    return f()\n"
)
MEMORY = "from made_pkg import remember\n@remember(2)\ndef f():\n    return 7\ndef simulate(rng):\n    return f()\n"


@pytest.mark.parametrize(
    ("text", "old", "new"),
    [(PROXY, "2 *", "3 *"), (PROXY, "7", "8"), (MEMORY, "(2)", "(3)"), (MEMORY, "7", "8")],
)
def test_what_a_package_makes_of_a_function(
    as_file: Load, folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, old: str, new: str
) -> None:
    """The study's own part of it counts, what the package keeps with it does not."""
    packages = folder / "packages"
    (packages / "made_pkg-1.5.dist-info").mkdir(parents=True)
    (packages / "made_pkg-1.5.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: made_pkg\nVersion: 1.5\n"
    )
    (packages / "made_pkg.py").write_text(PACKAGE)
    monkeypatch.syspath_prepend(str(packages))
    key = describe(as_file(text)["simulate"])
    assert key.parts["version of made_pkg"].text == "1.5"
    assert describe(as_file(text + "f()\n")["simulate"]) == key, "called before"
    assert describe(as_file(text.replace(old, new))["simulate"]).digest != key.digest


# Modules beside a study: what is written, what is replaced in all of it, and by what.
USES = "def simulate(rng):\n    return {}\n"
BODY = "def simulate(rng):\n    {}\n    return {}\n"
F = "def f():\n    return 0\n"
CORE = {"package/__init__": "", "package/core": F}
BESIDE_CHANGES: dict[str, tuple[dict[str, str], str, str]] = {
    "module": ({"study": "import helper\n" + USES.format("helper.f()"), "helper": F}, "0", "5"),
    "name of a module": ({"study": "from helper import f\n" + USES.format("f()"), "helper": F}, "0", "5"),
    "global of a module": ({"study": "import helper\n" + USES.format("helper.A"), "helper": "A = 0\n"}, "0", "5"),
    "helper in a module": ({"study": "import helper\n" + USES.format("helper.g()"), "helper": F + "def g():\n    return f()\n"}, "0", "5"),
    "module of a module": ({"study": "import helper\n" + USES.format("helper.f()"), "helper": "import other\ndef f():\n    return other.A\n", "other": "A = 0\n"}, "0", "5"),
    "package": ({"study": "from package import f\n" + USES.format("f()"), "package/__init__": "from .core import f\n", "package/core": F}, "0", "5"),
    "module of a package": ({"study": "import package.core\n" + USES.format("package.core.f()"), **CORE}, "0", "5"),
    "module of a package, by another name": ({"study": "import package.core as c\n" + USES.format("c.f()"), **CORE}, "0", "5"),
    "folder without __init__": ({"study": "import space.core\n" + USES.format("space.core.f()"), "space/core": F}, "0", "5"),
    "base class": ({"study": "import helper\nclass A(helper.B):\n    pass\n" + USES.format("A.a"), "helper": "class B:\n    a = 0\n"}, "0", "5"),
    "import in the body": ({"study": BODY.format("from helper import f", "f()"), "helper": F}, "0", "5"),
    "import in the body, of a module": ({"study": BODY.format("import helper", "helper.f()"), "helper": F}, "0", "5"),
    "import in the body, by another name": ({"study": BODY.format("import package.core as c", "c.f()"), **CORE}, "0", "5"),
    "import in the body, of a package": ({"study": BODY.format("import package.core", "package.core.f()"), **CORE}, "0", "5"),
    "import in the body, for an inner function": ({"study": BODY.format("import helper", "[(lambda: helper.f())() for _ in 'a']"), "helper": F}, "0", "5"),
    "import in the body, relative": ({"study": "from package.core import f\n" + USES.format("f()"), "package/__init__": "", "package/core": "def f():\n    from . import other\n    return other.A\n", "package/other": "A = 0\n"}, "0", "5"),
    "import in the body, the second name": ({"study": BODY.format("from helper import g, f", "f()"), "helper": "def g():\n    return 1\n" + F}, "0", "5"),
    "module as a value": ({"study": "import helper\n" + USES.format("getattr(helper, 'f')()"), "helper": F}, "0", "5"),
    "module in a dictionary": ({"study": "import helper\nA = {'a': helper}\n" + USES.format("A['a'].f()"), "helper": F}, "0", "5"),
    "one of two helpers of a name": ({"study": "import one, two\n" + USES.format("one.f() - two.f()"), "one": "A = 1\ndef f():\n    return A\n", "two": "A = 0\ndef f():\n    return A\n"}, "0", "5"),
    "whose global it is": ({"study": "import one, two\n" + USES.format("one.f(), one.g, two.h()"), "one": "A = 1\ndef f():\n    return A\ng = A\n", "two": "from one import A\ndef h():\n    return A\n"}, "from one import A", "A = 2"),
}  # fmt: skip
BESIDE_HARMLESS: dict[str, tuple[dict[str, str], str, str]] = {
    "unused function": ({"study": "import helper\n" + USES.format("helper.f()"), "helper": F + "def g():\n    return 1\n"}, "1", "5"),
    "unused global": ({"study": "import helper\n" + USES.format("helper.f()"), "helper": "A = 1\n" + F}, "1", "5"),
    "comment": ({"study": "import helper\n" + USES.format("helper.f()"), "helper": "# one\n" + F}, "one", "one\n# and two"),
    "unused module": ({"study": "import helper, other\n" + USES.format("helper.f()"), "helper": F, "other": "A = 1\n"}, "1", "5"),
    "nobody's file": ({"study": USES.format("0"), "other": "A = 1\n"}, "1", "5"),
}  # fmt: skip


def _key_of_folder(as_file: Load, folder: Path, files: dict[str, str], old: str, new: str) -> DrawKey:
    for name, text in files.items():
        path = folder / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace(old, new), encoding="utf-8")
    return describe(as_file((folder / "study.py").read_text(encoding="utf-8"))["simulate"])


@pytest.mark.parametrize("case", BESIDE_CHANGES)
def test_what_stands_beside_a_study_is_seen(as_file: Load, folder: Path, case: str) -> None:
    files, old, new = BESIDE_CHANGES[case]
    before = _key_of_folder(as_file, folder, files, old, old)
    assert _key_of_folder(as_file, folder, files, old, old) == before, "the control: nothing changed"
    after = _key_of_folder(as_file, folder, files, old, new)
    assert before.digest != after.digest
    assert difference(before.parts, after.parts)


@pytest.mark.parametrize("case", BESIDE_HARMLESS)
def test_what_is_not_used_beside_a_study_is_not_seen(as_file: Load, folder: Path, case: str) -> None:
    files, old, new = BESIDE_HARMLESS[case]
    before = _key_of_folder(as_file, folder, files, old, old)
    assert _key_of_folder(as_file, folder, files, old, new) == before
