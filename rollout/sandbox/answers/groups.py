"""Groups; moto has no quotas and no pages, and deletes groups that are in use."""

from __future__ import annotations

from moto.core.responses import ActionResult, EmptyResult

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import IamAnswer

_MOST_GROUPS = 10


class GroupAnswers(IamAnswer):
    """Groups and their members."""

    def create_group(self) -> ActionResult:
        """Create a group; its name must be unique across all paths, regardless of case."""
        name = self._get_param("GroupName")
        if any(taken.lower() == name.lower() for taken in self.backend.groups):
            raise AwsError("EntityAlreadyExists", f"Group with name {name} already exists.")
        group = self.backend.create_group(name, self._get_param("Path") or "/")
        group.id = self.world.group_id(self.caller.account, name)
        return ActionResult({"Group": group})

    def get_group(self) -> ActionResult:
        """Return a group and one page of its members."""
        group = self.find_group(self._get_param("GroupName"))
        shown, paging = self.page(group.users)
        users = [
            {
                "Path": user.path,
                "UserName": user.name,
                "UserId": user.id,
                "Arn": user.arn,
                "CreateDate": user.create_date,
            }
            for user in shown
        ]
        return ActionResult({"Group": group, "Users": users, **paging})

    def list_groups(self) -> ActionResult:
        """List the account's groups."""
        prefix = self._get_param("PathPrefix") or "/"
        groups = [group for group in self.backend.groups.values() if group.path.startswith(prefix)]
        shown, paging = self.page(groups)
        return ActionResult({"Groups": list(shown), **paging})

    def list_groups_for_user(self) -> ActionResult:
        """List the groups that a user belongs to."""
        user = self.find_user(self._get_param("UserName"))
        shown, paging = self.page(self.backend.get_groups_for_user(user.name))
        return ActionResult({"Groups": list(shown), **paging})

    def delete_group(self) -> ActionResult:
        """Delete a group without members and policies."""
        group = self.find_group(self._get_param("GroupName"))
        if group.users:
            raise AwsError("DeleteConflict", "Cannot delete entity, must remove users from group first.")
        if group.managed_policies:
            raise AwsError("DeleteConflict", "Cannot delete entity, must detach all policies first.")
        if group.policies:
            raise AwsError("DeleteConflict", "Cannot delete entity, must delete policies first.")
        del self.backend.groups[group.name]
        return EmptyResult()

    def add_user_to_group(self) -> ActionResult:
        """Add a member; adding it again has no effect, and a user can be in at most ten groups."""
        group, user = (
            self.find_group(self._get_param("GroupName")),
            self.find_user(self._get_param("UserName")),
        )
        if user not in group.users:
            if len(self.backend.get_groups_for_user(user.name)) >= _MOST_GROUPS:
                raise AwsError("LimitExceeded", f"Cannot exceed quota for GroupsPerUser: {_MOST_GROUPS}")
            group.users.append(user)
        return EmptyResult()

    def remove_user_from_group(self) -> ActionResult:
        """Remove a member; as in AWS, an error if the user is not a member."""
        group, user = (
            self.find_group(self._get_param("GroupName")),
            self.find_user(self._get_param("UserName")),
        )
        if user not in group.users:
            raise AwsError("NoSuchEntity", f"User {user.name} is not in group {group.name}.")
        group.users.remove(user)
        return EmptyResult()
