"""Turns `rollout.yaml`, `ROLLOUT_*` variables and flags into one frozen `Settings`, or one list of all problems."""

from rollout.settings.durations import duration_text, parse_duration
from rollout.settings.loaded import Settings
from rollout.settings.loading import FILE_NAME, load_settings, load_what_can_be_read
from rollout.settings.places import BucketPlace, KeyFilePlace, KmsKeyName, SecretPlace
from rollout.settings.schema import SCHEMA_FILE_NAME, json_schema
from rollout.settings.starter import starter_text

__all__ = [
    "FILE_NAME",
    "SCHEMA_FILE_NAME",
    "BucketPlace",
    "KeyFilePlace",
    "KmsKeyName",
    "SecretPlace",
    "Settings",
    "duration_text",
    "json_schema",
    "load_settings",
    "load_what_can_be_read",
    "parse_duration",
    "starter_text",
]
