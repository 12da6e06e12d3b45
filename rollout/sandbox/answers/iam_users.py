"""Users; moto has no permissions boundaries, loses tags on renaming, and deletes users that AWS would not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult, EmptyResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import IamAnswer

if TYPE_CHECKING:
    from moto.iam.models import User


_MOST_TAGS = 50


class UserAnswers(IamAnswer):
    """Users, their tags and their permissions boundaries."""

    def get_user(self) -> ActionResult:
        """Return one user with tags and boundary; the caller if the request names none."""
        user = self.named_user()
        return ActionResult({"User": {**self._as_listed(user), **self._bounds(user), "Tags": user.tags}})

    def list_users(self) -> ActionResult:
        """List users without tags and boundaries, as AWS does."""
        prefix = self._get_param("PathPrefix") or "/"
        users = [user for user in self.backend.users.values() if user.path.startswith(prefix)]
        shown, paging = self.page(users)
        return ActionResult({"Users": [self._as_listed(user) for user in shown], **paging})

    def create_user(self) -> ActionResult:
        """Create a user; names that differ only in case count as equal."""
        name, tags = self._get_param("UserName"), self._get_param("Tags") or []
        if any(taken.lower() == name.lower() for taken in self.backend.users):
            raise AwsError("EntityAlreadyExists", f"User with name {name} already exists.")
        user = self.backend.create_user(self.region, name, self._get_param("Path") or "/", tags)
        user.id = self.world.user_id(self.caller.account, name)
        boundary = self._get_param("PermissionsBoundary")
        if boundary:
            self.facts.boundaries[user.id] = self.find_policy(boundary).arn
        return ActionResult({"User": {**self._as_listed(user), **self._bounds(user), "Tags": user.tags}})

    def update_user(self) -> ActionResult:
        """Rename or move a user, who keeps all tags, keys and devices."""
        user, new_name = self.find_user(self._get_param("UserName")), self._get_param("NewUserName")
        if new_name and new_name in self.backend.users:
            raise AwsError("EntityAlreadyExists", f"User with name {new_name} already exists.")
        tags = self.backend.tagger.list_tags_for_resource(user.arn)["Tags"]
        self.backend.tagger.delete_all_tags_for_resource(user.arn)
        self.backend.update_user(user.name, self._get_param("NewPath"), new_name)
        self.backend.tagger.tag_resource(user.arn, tags)
        for key in user.access_keys:
            key.user_name = user.name
        return EmptyResult()

    def delete_user(self) -> ActionResult:
        """Delete a user who has no credentials, memberships and policies left."""
        user = self.find_user(self._get_param("UserName"))
        left = {
            "login profile": user.id in self.facts.passwords,
            "access keys": user.access_keys,
            "service-specific credentials": any(
                one.user_id == user.id for one in self.facts.service_credentials
            ),
            "SSH public keys": user.ssh_public_keys,
            "signing certificates": user.signing_certificates,
            "MFA devices": user.mfa_devices,
            "groups": self.backend.get_groups_for_user(user.name),
            "policies": user.policies or user.managed_policies,
        }
        held = [what for what, there in left.items() if there]
        if held:
            raise AwsError("DeleteConflict", f"Cannot delete entity, must remove {held[0]} first.")
        self.backend.delete_user(user.name)
        self.facts.boundaries.pop(user.id, None)
        return EmptyResult()

    def tag_user(self) -> ActionResult:
        """Add tags; keys that differ only in case count as equal."""
        user, tags = self.find_user(self._get_param("UserName")), self._get_param("Tags") or []
        written = {tag["Key"].lower() for tag in tags}
        kept = [tag for tag in user.tags or [] if tag["Key"].lower() not in written]
        if len(kept) + len(tags) > _MOST_TAGS:
            raise AwsError("LimitExceeded", "The number of tags has reached the maximum limit.")
        self.backend.tagger.delete_all_tags_for_resource(user.arn)
        self.backend.tagger.tag_resource(user.arn, [*kept, *tags])
        return EmptyResult()

    def untag_user(self) -> ActionResult:
        """Remove tags."""
        user = self.find_user(self._get_param("UserName"))
        gone = {key.lower() for key in self._get_param("TagKeys") or []}
        names = [tag["Key"] for tag in user.tags or [] if tag["Key"].lower() in gone]
        self.backend.tagger.untag_resource_using_names(user.arn, names)
        return EmptyResult()

    def list_user_tags(self) -> ActionResult:
        """List a user's tags."""
        shown, paging = self.page(self.find_user(self._get_param("UserName")).tags or [])
        return ActionResult({"Tags": list(shown), **paging})

    def put_user_permissions_boundary(self) -> ActionResult:
        """Set an existing policy as the user's permissions boundary."""
        user = self.find_user(self._get_param("UserName"))
        self.facts.boundaries[user.id] = self.find_policy(self._get_param("PermissionsBoundary")).arn
        return EmptyResult()

    def delete_user_permissions_boundary(self) -> ActionResult:
        """Remove the permissions boundary."""
        user = self.find_user(self._get_param("UserName"))
        if self.facts.boundaries.pop(user.id, None) is None:
            raise AwsError("NoSuchEntity", "The user has no permissions boundary.")
        return EmptyResult()

    def _as_listed(self, user: User) -> dict[str, Any]:
        password = self.facts.passwords.get(user.id)
        return {
            "Path": user.path,
            "UserName": user.name,
            "UserId": user.id,
            "Arn": user.arn,
            "CreateDate": user.create_date,
            "PasswordLastUsed": password.used if password else None,
        }

    def _bounds(self, user: User) -> dict[str, Any]:
        boundary = self.facts.boundaries.get(user.id)
        if boundary is None:
            return {}
        return {
            "PermissionsBoundary": {
                "PermissionsBoundaryType": "Policy",
                "PermissionsBoundaryArn": boundary,
            }
        }
