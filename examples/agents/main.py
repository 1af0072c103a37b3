"""A small library: two functions that agents may use, and one that they may not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import ffhost


@dataclass
class Book:
    title: str
    author: str
    year: int


BOOKS = [
    Book("The Dispossessed", "Le Guin", 1974),
    Book("The Lathe of Heaven", "Le Guin", 1971),
    Book("Kindred", "Butler", 1979),
]


@dataclass
class Query:
    author: str
    since: int = 0


@dataclass
class Found:
    books: list[Book] = field(default_factory=list)


@dataclass
class Title:
    title: str


@ffhost.typed
def find(query: Query) -> Found:
    """Find the books of an author.

    `since` leaves out what was published before that year.
    """
    return Found([b for b in BOOKS if b.author == query.author and b.year >= query.since])


@ffhost.typed
async def read(book: Title) -> AsyncIterator[str]:
    """Read a book aloud, page by page; each page is told as progress."""
    for page in range(1, 4):
        yield f"{book.title}, page {page}\n"
        await asyncio.sleep(0.1)


@ffhost.typed
def lend(book: Title) -> None:
    """Lend a book."""
