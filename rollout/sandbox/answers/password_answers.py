"""Login profiles; moto does not keep a password's dates, or whether it must be changed."""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import IamAnswer
from rollout.sandbox.world.world import PasswordFacts


class PasswordAnswers(IamAnswer):
    """Console passwords; the sandbox keeps facts about them, not the passwords themselves."""

    def get_login_profile(self) -> ActionResult:
        """Return whether the user has a password, and whether it must be changed."""
        name, password = self._found()
        return ActionResult({"LoginProfile": _profile(name, password)})

    def create_login_profile(self) -> ActionResult:
        """Create a password for a user."""
        user, now = self.named_user(), self.world.clock.now()
        if user.id in self.facts.passwords:
            raise AwsError("EntityAlreadyExists", f"Login Profile for user {user.name} already exists.")
        password = PasswordFacts(now, now, None, bool(self._get_param("PasswordResetRequired")))
        self.facts.passwords[user.id] = password
        return ActionResult({"LoginProfile": _profile(user.name, password)})

    def update_login_profile(self) -> ActionResult:
        """Set a new password, or require a change at the next sign-in."""
        _, password = self._found()
        if self._get_param("Password"):
            password.changed = self.world.clock.now()
        required = self._get_param("PasswordResetRequired")
        if required is not None:
            password.reset_required = bool(required)
        return EmptyResult()

    def delete_login_profile(self) -> ActionResult:
        """Delete the password."""
        self._found()
        del self.facts.passwords[self.named_user().id]
        return EmptyResult()

    def change_password(self) -> ActionResult:
        """Change the caller's password, which also fulfils a required change."""
        _, password = self._found()
        now = self.world.clock.now()
        password.changed, password.used, password.reset_required = now, now, False
        return EmptyResult()

    def _found(self) -> tuple[str, PasswordFacts]:
        user = self.named_user()
        password = self.facts.passwords.get(user.id)
        if password is None:
            raise AwsError("NoSuchEntity", f"Login Profile for User {user.name} cannot be found.")
        return user.name, password


def _profile(name: str, password: PasswordFacts) -> dict[str, Any]:
    return {
        "UserName": name,
        "CreateDate": password.created,
        "PasswordResetRequired": password.reset_required,
    }
