"""Signed calls go to AWS and to this machine, and elsewhere only where somebody says so on purpose."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from rollout.awsapi.endpoints import is_loopback
from rollout.awsapi.sessions import HOME_REGIONS, Connection
from rollout.errors import AwsFailure, ForeignEndpoint, InsecureEndpoint

CLIENTS = ("sts", "organizations", "s3", "kms", "analyzer", "role_sts")


REGIONS = (*HOME_REGIONS.values(), "eu-central-1", "ap-southeast-7", "us-gov-east-1", "cn-northwest-1")


@pytest.mark.parametrize("region", REGIONS)
def test_what_botocore_chooses_is_aws_s_own(region: str):
    assert len(all_endpoints(region)) == 6


@pytest.mark.parametrize("flavour", ["AWS_USE_DUALSTACK_ENDPOINT", "AWS_USE_FIPS_ENDPOINT"])
@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1"])
def test_so_are_its_variants_where_there_are_any(region: str, flavour: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(flavour, "true")
    assert len(all_endpoints(region)) > 2


def all_endpoints(region: str) -> dict[str, str]:
    connection = Connection(region=region)
    for name in CLIENTS:
        with suppress(AwsFailure):  # of botocore, where it knows of no such variant
            getattr(connection, name)()
    with suppress(AwsFailure):
        connection.own_iam(lambda *_: None)
    for service, url in connection.endpoints.items():
        assert connection.is_own(service, url)
    return connection.endpoints


@pytest.mark.parametrize(
    "url",
    [
        "https://vpce-0123456789abcdef0-1a2b3c4d.sts.us-east-1.vpce.amazonaws.com",
        "https://vpce-0123456789abcdef0-1a2b3c4d-us-east-1a.sts.us-east-1.vpce.amazonaws.com",
        "https://sts.eu-west-1.amazonaws.com",
        "https://sts.amazonaws.com",
        "https://STS.us-east-1.api.aws:443/",
        "http://127.0.0.1:5000",
        "http://[::1]:5000",
        "https://localhost",
    ],
)
def test_an_endpoint_of_aws_or_of_this_machine_may_be_named(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    Connection(region="us-east-1").sts()


ELSEWHERE = [
    "https://sts.amazonaws.evil.example",
    "https://sts.us-east-1.amazonaws.com.evil.example",
    "https://evil-amazonaws.com",
    "https://sts.evilamazonaws.com",
    "https://evil.example/?.amazonaws.com",
    "https://sts.amazonaws.com@evil.example",
    "https://iam.amazonaws.com",  # AWS, and not this service
    "https://sts.cn-north-1.amazonaws.com.cn",  # another partition
    # Below a suffix of AWS, and anybody's:
    "https://a1b2c3.execute-api.us-east-1.amazonaws.com",
    "https://sts.s3.amazonaws.com",
    "https://sts.s3.us-east-1.amazonaws.com",
    "https://sts-123456789.us-east-1.elb.amazonaws.com",
    "https://vpce-0123456789abcdef0-1a2b3c4d.vpce-svc-0123456789abcdef0.us-east-1.vpce.amazonaws.com",
    "https://10.0.0.7",
    "https://127.0.0.1.nip.io",
    "https://aws.localhost",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_all_else_is_refused_unless_it_is_meant(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
    with pytest.raises(ForeignEndpoint, match="refusing to call sts at https://") as refused:
        Connection(region="us-east-1").sts()
    assert "--endpoint-ok" in refused.value.cure
    meant = Connection(region="us-east-1", endpoint_ok=True)
    meant.sts()
    assert not meant.is_own("sts", meant.endpoints["sts"])


def test_plain_http_is_not_for_anybody_to_allow(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://sts.example.com")
    with pytest.raises(InsecureEndpoint):
        Connection(endpoint_ok=True).sts()


CONFIGURED = {
    "the profile": "[default]\nendpoint_url = https://evil.example\n",
    "a service of the profile": "[default]\nservices = mine\n[services mine]\nsts =\n  endpoint_url = https://evil.example\n",
    "single sign-on": "[default]\nservices = mine\n[services mine]\nsso_oidc =\n  endpoint_url = https://evil.example\n",
}


@pytest.mark.parametrize("text", CONFIGURED.values(), ids=CONFIGURED)
def test_an_endpoint_in_the_configuration_is_refused_before_botocore_asks_it_for_credentials(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    connection = Connection()
    with pytest.raises(ForeignEndpoint):
        connection.s3()
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    Connection().sts()


def test_the_store_s_endpoint_is_refused_when_it_is_used(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://minio.example.com")
    connection = Connection()
    connection.sts()
    with pytest.raises(ForeignEndpoint, match="refusing to call s3 at https://minio"):
        connection.s3()


@pytest.mark.parametrize(
    "host", ["aws.localhost", "localhost.example.com", "127.0.0.1.example.com", "10.0.0.7", ""]
)
def test_another_machine_is_not_this_one(host: str):
    assert not is_loopback(host)
