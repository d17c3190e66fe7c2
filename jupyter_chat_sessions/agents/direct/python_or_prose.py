"""Whether a text is Python or words. The text and the names a kernel knows decide; nothing is run.

English is often valid Python ("this is fine", "a or b", "hello, world"), so being valid is not enough: either every
name in it is known, or it does something only code does, such as a call, an assignment or an import.
"""

from __future__ import annotations

import ast
import builtins
import itertools
import keyword
import re
import warnings
from collections.abc import Iterable

BUILTINS = frozenset(dir(builtins))

_ASKS_FOR_A_PERSON = frozenset({"help", "exit", "quit", "license", "copyright", "credits"})
"""Callables that are words first; a kernel may list some of them among its names."""


def is_python(text: str, names: frozenset[str]) -> bool:
    """Whether the text is meant as Python; code with a syntax error is, too, as running it shows the error."""
    tree = parse(text)
    if tree is None:
        return _is_broken_python(text)
    return _Reading(text, tree, names).is_meant()


def parse(text: str) -> ast.Module | None:
    """The syntax tree, with IPython's own lines read as calls; `None` where it is not valid."""
    for source in (text, _without_magic(text)):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an invalid escape is the kernel's to report
                return ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
    return None


def unknown_names(text: str, names: frozenset[str]) -> tuple[str, ...]:
    """The names an expression or script would miss, sorted; none where the text is not valid Python."""
    tree = parse(text)
    if tree is None:
        return ()
    return tuple(sorted(_read(tree) - _bound(tree) - names - BUILTINS))


_MAGIC_LINE = re.compile(r"^([ \t]*)(?:%{1,2}[A-Za-z_]|!).*$", re.MULTILINE)
_MAGIC_VALUE = re.compile(r"^([ \t]*[\w., ]+=[ \t]*)(?:%[A-Za-z_]|!).*$", re.MULTILINE)


def _without_magic(text: str) -> str:
    return _MAGIC_VALUE.sub(r"\1ipython()", _MAGIC_LINE.sub(r"\1ipython()", text))


# --- valid Python ----------------------------------------------------------------------------------------------------

_COMPUTES = (ast.Add, ast.Mult, ast.Pow, ast.FloorDiv, ast.Mod)
"""Operators that make code of `x + 1` where x is unknown. Not `-` and `/`: "covid-19", "and/or"."""
_ORDERS = (ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
_ONLY_CODE = (
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
    ast.JoinedStr,
    ast.NamedExpr,
)
_MAY_BE_WORDS = (
    ast.Expr,
    ast.AnnAssign,  # "note: check" is an annotation
    ast.If,
    ast.While,
    ast.Return,
    ast.Raise,
    ast.Assert,
    ast.Delete,
    ast.Global,  # "global warming"
    ast.Nonlocal,
    ast.Pass,
    ast.Break,
    ast.Continue,
)
_WORDS = (
    ast.Name,
    ast.Constant,
    ast.Tuple,
    ast.BoolOp,
    ast.IfExp,
    ast.Compare,
    ast.UnaryOp,
    ast.boolop,
    ast.expr_context,
    ast.Is,
    ast.IsNot,
    ast.In,
    ast.NotIn,
    ast.Not,
)
"""What an expression without any sign but commas is made of."""


def _read(tree: ast.AST) -> frozenset[str]:
    return frozenset(n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Store))


def _bound(tree: ast.AST) -> frozenset[str]:
    """Every name the code itself gives a meaning, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found.add(node.name)
    return frozenset(found)


class _Reading:
    """One text being judged."""

    def __init__(self, text: str, tree: ast.Module, names: frozenset[str]) -> None:
        self._lines = [line.encode("utf-8", "surrogatepass") for line in text.split("\n")]
        self._body = tree.body
        self._own = (names | _bound(tree)) - _ASKS_FOR_A_PERSON
        self._known = self._own | BUILTINS

    def is_meant(self) -> bool:
        if not self._body or not (self._is_clear(self._body[0]) or self._is_known(self._body[0])):
            return False
        return any(map(self._is_clear, self._body)) or all(map(self._is_known, self._body))

    def _is_clear(self, statement: ast.stmt) -> bool:
        """Whether it can only be code, known names or not."""
        if not isinstance(statement, _MAY_BE_WORDS):
            return True
        if isinstance(statement, ast.AnnAssign):
            return statement.value is not None
        if isinstance(statement, ast.Expr) and any(map(self._is_unknown, _joined_by_words(statement.value))):
            return False
        inner: list[ast.stmt] = []
        if isinstance(statement, (ast.If, ast.While)):
            inner = statement.body + statement.orelse
        return any(map(self._only_code_has, ast.walk(statement))) or any(map(self._is_clear, inner))

    def _is_unknown(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Name) and node.id not in self._known

    def _only_code_has(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            return self._is_tight(node.func)
        if isinstance(node, ast.Subscript):
            return self._is_tight(node.value)
        if isinstance(node, ast.BinOp):
            return isinstance(node.op, _COMPUTES) and (_is_number(node.left) or _is_number(node.right))
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            return isinstance(node.ops[0], _ORDERS) and any(isinstance(side, ast.Constant) for side in sides)
        return isinstance(node, _ONLY_CODE)

    def _is_tight(self, called: ast.expr) -> bool:
        """Whether the bracket follows at once, as in `f(x)`. "Sales (2023)" is a call only where `Sales` is known."""
        if _read(called) <= self._known:
            return True
        after = self._lines[(called.end_lineno or 1) - 1][called.end_col_offset :][:1]
        return bool(after.strip())

    def _is_known(self, statement: ast.stmt) -> bool:
        """Whether it would run with the names there are, and is worth running."""
        if isinstance(statement, (ast.Pass, ast.Break, ast.Continue, ast.Global, ast.Nonlocal, ast.AnnAssign)):
            return False
        if isinstance(statement, ast.Expr):
            return self._is_known_value(statement.value)
        read = _read(statement)
        return read <= self._known and (bool(read) or isinstance(statement, (ast.If, ast.While)))

    def _is_known_value(self, value: ast.expr) -> bool:
        if isinstance(value, ast.Constant):
            return not isinstance(value.value, (bool, type(None), type(...)))
        is_wordy = all(isinstance(node, _WORDS) for node in ast.walk(value))
        return _read(value) <= (self._own if is_wordy else self._known)


def _joined_by_words(value: ast.expr) -> list[ast.expr]:
    """The parts between commas, `is`, `in`, `and`, `or`, `not`, `if`, as in "what is f(2)"; none where there is one."""
    if isinstance(value, ast.Compare) and not isinstance(value.ops[0], _ORDERS):
        return [value.left, *value.comparators]
    if isinstance(value, ast.BoolOp):
        return value.values
    if isinstance(value, ast.Tuple):
        return value.elts
    if isinstance(value, ast.IfExp):
        return [value.body, value.test, value.orelse]
    return [value.operand] if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.Not) else []


def _is_number(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, complex)


# --- Python with a syntax error --------------------------------------------------------------------------------------

_STRINGS = re.compile(
    r"\"\"\"[\s\S]*?(?:\"\"\"|\Z)|'''[\s\S]*?(?:'''|\Z)"
    r"|(?:(?<!\w)|(?<=\b[bfruBFRU]))(?:\"(?:\\.|[^\"\\\n])*(?:\"|$)|'(?:\\.|[^'\\\n])*(?:'|$))",
    re.MULTILINE,
)
_MARKS = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?:async\s+)?def\s+\w+\s*[(:]",
        r"class\s+\w+\s*[(:]",
        r"from\s+[\w.]+\s+import\b",
        r"import\s+[\w.]+\s*(?:as\b[\s\w]*|,.*)?$",
        r"[A-Za-z_][\w.]*(?:\[[^\]]*\])*(?:\s*,\s*[\w.]+)*\s*[-+*/%&|^@<>!:=]{0,3}=(?!>)",
        r"print\s+\"\"",  # Python 2
        r"for\s+\w+(?:\s*,\s*\w+)*\s+in\s+\S",
        r"(?:if|elif|while)\b[^:]*(?:==|!=|<|>)[^:]*(?::|$)",
        r"with\s+[\w.]+\(",
        r"(?:try|else|finally)\s*:\s*$",
        r"while\s+(?:True|1)\b",
        r"[\[{]\s*(?:[-\d\[{(]|\"\")",
        r"(?=.*\d)(?=.*[+*=])[\d\s.()+*/=-]+$",
        r">>> ",
    )
)
_CALL = re.compile(r"[A-Za-z_][\w.]*[(\[]")
_AFTER_A_CALL = re.compile(r"\s*(?:$|[.\[(,;#=+\-*/%&|)\]}<>]|[A-Za-z_][\w.]*\()")
_WORD = re.compile(r"[^\W\d]\w*(?:'\w+)?|\S")
_LONGEST_LOOK = 400


def _is_broken_python(text: str) -> bool:
    """Whether it is code although it does not parse: it begins as code does and no line of it is a sentence."""
    if text.endswith("?"):
        return False
    lines = [line.partition("#")[0].strip() for line in _STRINGS.sub('""', text).split("\n")]
    lines = [line for line in lines if line and not line.startswith("@")]
    return bool(lines) and _is_marked(lines[0], lines[1:]) and not any(map(_is_sentence, lines))


def _is_marked(line: str, later: Iterable[str]) -> bool:
    start = line[:_LONGEST_LOOK]
    if any(mark.match(start) for mark in _MARKS):
        return True
    call = _CALL.match(start)
    if call is None:
        return False
    depth = 0
    for position in range(call.end() - 1, len(line)):
        depth += (line[position] in "([{") - (line[position] in ")]}")
        if depth == 0:
            return bool(_AFTER_A_CALL.match(line, position + 1))
    return True  # never closed on its line


def _is_sentence(line: str) -> bool:
    """Whether words stand side by side twice or more, which no valid line of Python has."""
    words: list[bool] = [word[0].isidentifier() and not _may_stand_beside(word) for word in _WORD.findall(line)]
    return sum(one and next_one for one, next_one in itertools.pairwise(words)) >= 2


def _may_stand_beside(word: str) -> bool:
    return keyword.iskeyword(word) or keyword.issoftkeyword(word) or word == "print"
