"""Says where a team stands: with names in its own mail, without them where everybody reads."""

from __future__ import annotations

from collections.abc import Iterator

from rollout.domain.progress.messages import Summary
from rollout.notify.digest import Block, Letterhead
from rollout.notify.words import Words
from rollout.visible_text import visible


def summary_subject(summary: Summary, words: Words) -> str:
    """Return the subject, with the figures."""
    return words.say("summary_subject", **_figures(summary))


def summary_blocks(summary: Summary, words: Words, head: Letterhead) -> Iterator[Block]:
    """Yield the pieces of the mail to whoever is responsible for the team."""
    texts = list(_texts(summary, words, head))
    yield Block("paragraph", words.say("hello"))
    yield from (Block("paragraph", text) for text in texts[:-1])
    if summary.counts.missing:
        yield Block("paragraph", words.say("summary_missing"))
        yield Block("command", items=tuple(visible(name) for name in summary.counts.missing))
    yield Block("paragraph", texts[-1])


def for_everybody(summary: Summary, words: Words, head: Letterhead) -> str:
    """Return the text for a chat: figures, and no names, steps or addresses of anybody."""
    return "\n".join((summary_subject(summary, words), *_texts(summary, words, head)))


def _texts(summary: Summary, words: Words, head: Letterhead) -> Iterator[str]:
    yield words.say("summary_counts", **_figures(summary))
    if summary.counts.due is not None and summary.counts.without_device:
        yield words.say("summary_due", moment=words.moment(summary.counts.due, summary.zone))
    yield words.say("summary_do", sender=head.sender)


def _figures(summary: Summary) -> dict[str, object]:
    counts = summary.counts
    return {
        "team": summary.team,
        "users": counts.users,
        "enforced": counts.enforced,
        "without": counts.without_device,
    }
