"""What can be wrong with a cohort definition, and where in its file.

Every error here is a :class:`imagehaven.errors.UserError`: the researcher can mend it. The text
names the file and the line, shows the line with a caret under the expression at fault, and says
what to write instead. It holds nothing but the researcher's own text and the schema.
"""

from __future__ import annotations

from dataclasses import dataclass

from imagehaven.errors import UserError


@dataclass(frozen=True)
class Place:
    """Where an expression stands in a definition: line from 1, columns from 0, end exclusive."""

    line: int
    column: int = 0
    end_column: int = 0


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a definition; ``place`` is None where no line is known."""

    message: str
    place: Place | None = None

    def render(self, file: str, text: str) -> str:
        """The problem as ``file:line: message`` with the source line and a caret under it."""
        if self.place is None:
            return f"{file}: {self.message}"
        head = f"{file}:{self.place.line}: {self.message}"
        lines = text.splitlines()
        if not 1 <= self.place.line <= len(lines):
            return head
        source = lines[self.place.line - 1]
        width = max(1, min(self.place.end_column, len(source)) - self.place.column)
        return f"{head}\n    {source}\n    {' ' * self.place.column}{'^' * width}"


class DefinitionError(UserError):
    """A cohort definition says something impossible; ``problems`` lists everything found."""

    def __init__(
        self,
        problems: Problem | str | list[Problem],
        *,
        file: str = "cohort definition",
        text: str = "",
    ) -> None:
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = [problems] if isinstance(problems, Problem) else list(problems)
        self.file, self.text = file, text
        super().__init__("\n".join(problem.render(file, text) for problem in self.problems))

    @property
    def message(self) -> str:
        """The bare sentence of the first problem, without file, line and caret."""
        return self.problems[0].message

    def __reduce__(self) -> tuple[object, ...]:
        """Travel between processes whole, keyword arguments included."""
        return _rebuild, (type(self), self.problems, self.file, self.text)


class ForbiddenError(DefinitionError):
    """A definition tried what definitions may not do: open a file, import, use the network."""


class LimitError(DefinitionError):
    """A definition used more time, memory or output than a definition may."""


def _rebuild(
    kind: type[DefinitionError], problems: list[Problem], file: str, text: str
) -> DefinitionError:
    return kind(problems, file=file, text=text)
