"""Walks a person through what needs a browser: says what to try, waits, and asks what came of it."""

from __future__ import annotations

import typer

from rollout.cli.terminal.console import attended, bold, choose, err
from rollout.domain.proof.comparing import HowAnswered
from rollout.domain.proof.proof_questions import ProofQuestion
from rollout.errors import Interrupted
from rollout.workflows.ports import SignIn

_SAW = {"y": HowAnswered.ALLOWED, "n": HowAnswered.DENIED, "s": HowAnswered.NOT_TRIED, "d": HowAnswered.OTHER}


class TerminalGuide:
    """Implements `Guide`. A password is shown once, on the terminal, and only where somebody sits at it."""

    def __init__(self) -> None:
        """Nobody was shown a password yet."""
        self._shown: set[str] = set()

    def walk(self, question: ProofQuestion, sign_in: SignIn) -> HowAnswered:
        """Say what to do, wait, and return what the person saw. Raises Interrupted."""
        by_hand = question.by_hand
        if by_hand is None or not attended():
            return HowAnswered.NOT_TRIED
        err.print()
        err.print(bold(f"{question.operation}, {question.signed_by}"))
        if sign_in.user not in self._shown:
            self._shown.add(sign_in.user)
            err.print(f"  Address:  {sign_in.address} (in a private window)")
            err.print(f"  User:     {sign_in.user}")
            err.print(f"  Password: {sign_in.password} (shown once)")
        for number, line in enumerate(by_hand.tries, 1):
            err.print(f"  {number}. {line}")
        prompt, choices = (by_hand.prompt, "y, n") if by_hand.prompt else ("Done?", "d")
        letters = [*choices.split(", "), *(["c"] if sign_in.code else []), "s"]
        code = ", c for a code" if sign_in.code else ""
        try:
            while (letter := choose(f"{prompt} [{choices}{code}, s to skip]", letters)) == "c":
                if sign_in.code is not None:
                    err.print(f"  Code: {sign_in.code()} (for the next half minute)")
        except typer.Abort as aborted:
            raise Interrupted(
                "interrupted; everything that the proof had made was removed",
                cure="run the same command again",
            ) from aborted
        return _SAW[letter]
