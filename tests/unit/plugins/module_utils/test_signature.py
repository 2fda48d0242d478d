# Copyright (c) 2026, the huaweicloud.dcs contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signatures are the same as those of the official SDK, whose signer is used for comparison."""

from __future__ import annotations

import datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from ansible_collections.huaweicloud.dcs.plugins.module_utils._signature import SdkHmacSha256, TokenAuth
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer
from hypothesis import given
from hypothesis import strategies as st
from simulator.authentication import Keys

ACCESS_KEY = "AKEXAMPLE0000000000"
SECRET_KEY = "SKexample00000000000000000000000000000000"
PROJECT = "0123456789abcdef0123456789abcdef"
MOMENT = datetime.datetime(2025, 10, 23, 8, tzinfo=datetime.timezone.utc).timestamp()
INSTANCE_URL = f"https://dcs.cn-north-4.myhuaweicloud.com/v2/{PROJECT}/instances/5560df16-cebf-4473-95c4-d1b573c16e79"
CANCEL_URL = f"{INSTANCE_URL}/resize/cancel/8abf6e1e72c12e7c0172c15b508500aa"
JSON = {"Content-Type": "application/json"}


def prepare(auth: SdkHmacSha256 | TokenAuth, method: str, url: str, query: object = None, headers: dict[str, str] | None = None, body: str | None = None):
    prepared = requests.PreparedRequest()
    prepared.prepare(method=method, url=url, params=query, headers=headers or {}, data=body, auth=auth)
    return prepared


def official_authorization(request: requests.PreparedRequest, access_key: str, secret_key: str) -> str:
    """The `Authorization` header of the official SDK for the request as it is sent."""
    url = urlsplit(request.url)
    signed = request.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    theirs = SdkRequest(
        method=request.method, schema=url.scheme, host=url.netloc, resource_path=url.path, query_params=parse_qsl(url.query, keep_blank_values=True),
        header_params={name: request.headers[name] for name in signed}, body=request.body or "",
    )
    return Signer(Keys(access_key, secret_key)).sign(theirs).header_params["Authorization"]


@pytest.mark.parametrize(
    ("method", "url", "query", "headers", "security_token", "project", "signed", "signature"),
    [
        pytest.param(
            "POST", CANCEL_URL, None, {}, None, PROJECT, "host;x-project-id;x-sdk-date",
            "087d20d77dfe66411ef9fd7d433b0c182cc8d6358732aaa9b4c73508c9212f4e", id="cancel",
        ),
        pytest.param(
            "POST", CANCEL_URL, None, JSON, "STSTOKEN", PROJECT, "content-type;host;x-project-id;x-sdk-date;x-security-token",
            "9c0a0a4d18b270398e182404d346abb51293c18a8494a508ac6caa2febed01ac", id="cancel with temporary keys",
        ),
        pytest.param(
            "GET", f"{INSTANCE_URL}/tasks", {"start_time": "20251001000000", "offset": 0, "limit": 10, "end_time": "20251023080000"}, JSON, None, PROJECT,
            "content-type;host;x-project-id;x-sdk-date", "c8e330f471d9f1b349f676aa052c408cd27db40532d0f23df7d333e2c77d0d1c", id="tasks",
        ),
        pytest.param(
            "GET", "https://iam.cn-north-4.myhuaweicloud.com/v3/projects", {"name": "cn-north-4"}, {}, None, None, "host;x-sdk-date",
            "4e8eb575a33e9ecefc665f045d4c9fc8f12c3e84459e21425580705eaca8aa29", id="projects",
        ),
    ],
)
def test_known_signatures(method, url, query, headers, security_token, project, signed, signature):
    """Requests that the official SDK signed at a fixed moment."""
    request = prepare(SdkHmacSha256(ACCESS_KEY, SECRET_KEY, security_token, project, now=lambda: MOMENT), method, url, query, headers)
    assert request.headers["X-Sdk-Date"] == "20251023T080000Z"
    assert request.headers["Authorization"] == f"SDK-HMAC-SHA256 Access={ACCESS_KEY}, SignedHeaders={signed}, Signature={signature}"
    assert request.headers.get("X-Security-Token") == security_token
    assert request.headers.get("X-Project-Id") == project


# Any characters that are allowed in a header; the secret key may have others, because it is never sent.
header_text = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
odd_text = st.one_of(any_text, st.sampled_from(["", " ", "a b", "a+b", "%2F", "%", "~", "&=", "规格", "*", "é", "a;b", "\n", "A/b"]))


@given(
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    segments=st.lists(odd_text.filter(lambda text: text not in (".", "..")), max_size=5),
    query=st.lists(st.tuples(odd_text, odd_text), max_size=5),
    access_key=header_text,
    secret_key=any_text.filter(bool),
    security_token=st.none() | header_text,
    project=st.none() | header_text,
    content_type=st.none() | st.just("application/json"),
    body=st.none() | any_text,
    moment=st.floats(min_value=0, max_value=4e9),
    port=st.sampled_from(["", ":443", ":8443"]),
)
def test_every_signature_is_the_official_one(method, segments, query, access_key, secret_key, security_token, project, content_type, body, moment, port):
    """IDs, queries (also with repeated names) and keys of any kind."""
    auth = SdkHmacSha256(access_key, secret_key, security_token, project, now=lambda: moment)
    path = "".join(f"/{requests.utils.quote(segment, safe='')}" for segment in segments)
    request = prepare(auth, method, f"https://dcs.example.com{port}{path}", query, {"Content-Type": content_type} if content_type else {}, body)
    # The SDK signs every other header, too; only these are left.
    assert request.headers["Authorization"] == official_authorization(request, access_key, secret_key)
    signed = request.headers["Authorization"].partition("SignedHeaders=")[2].partition(",")[0].split(";")
    always = {"host", "x-sdk-date"}
    optional = {"content-type": "Content-Type" in request.headers, "x-project-id": project, "x-security-token": security_token}
    assert set(signed) == always | {name for name, present in optional.items() if present}


def test_repeated_names_are_sorted_by_value():
    """The original order of a query does not matter, because it may be changed on the way."""
    auth = SdkHmacSha256(ACCESS_KEY, SECRET_KEY, now=lambda: MOMENT)
    queries = [("b", "2"), ("a", "1"), ("b", "1")], [("b", "1"), ("b", "2"), ("a", "1")]
    one, other = (prepare(auth, "GET", "https://dcs.example.com/v2", query) for query in queries)
    assert one.url != other.url
    assert one.headers["Authorization"] == other.headers["Authorization"] == official_authorization(one, ACCESS_KEY, SECRET_KEY)


def test_an_encoded_slash_is_signed_as_a_slash():
    """The service verifies it in this way, so IDs are checked before they are used in a path."""
    auth = SdkHmacSha256(ACCESS_KEY, SECRET_KEY, now=lambda: MOMENT)
    encoded, plain = (prepare(auth, "GET", f"https://dcs.example.com/v2/a{slash}b") for slash in ("%2F", "/"))
    assert encoded.headers["Authorization"] == plain.headers["Authorization"]


def test_a_request_is_signed_afresh():
    """A second signature has a new date, and does not cover the first one."""
    moments = iter([MOMENT, MOMENT + 61])
    auth = SdkHmacSha256(ACCESS_KEY, SECRET_KEY, "STS", PROJECT, now=lambda: next(moments))
    request = prepare(auth, "POST", CANCEL_URL)
    first = request.headers["Authorization"]
    assert auth(request) is request
    assert request.headers["X-Sdk-Date"] == "20251023T080101Z"
    assert request.headers["Authorization"] != first
    assert request.headers["Authorization"] == official_authorization(request, ACCESS_KEY, SECRET_KEY)


def test_the_default_date_is_now():
    request = prepare(SdkHmacSha256(ACCESS_KEY, SECRET_KEY), "GET", "https://dcs.example.com/")
    date = datetime.datetime.strptime(request.headers["X-Sdk-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.timezone.utc)
    assert abs(date - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(seconds=5)


def test_credentials_in_a_url_are_no_part_of_the_host():
    request = prepare(SdkHmacSha256(ACCESS_KEY, SECRET_KEY), "GET", "https://user:password@dcs.example.com:8443/v2")
    assert request.headers["Host"] == "dcs.example.com:8443"


def test_a_ready_token_is_sent_as_it_is():
    request = prepare(TokenAuth("MIIexample=="), "GET", "https://dcs.example.com/v2", headers=JSON)
    assert request.headers["X-Auth-Token"] == "MIIexample=="
    assert "Authorization" not in request.headers
