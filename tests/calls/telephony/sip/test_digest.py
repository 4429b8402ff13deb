"""Digest: the examples of the RFCs, and challenges as servers write them."""

from __future__ import annotations

import hashlib

import pytest
from sipmessage import Request, Response

from calls.telephony.sip.agent import target_uri
from calls.telephony.sip.auth import AuthSession
from calls.telephony.sip.digest import (
    CannotAnswer,
    Challenge,
    Credentials,
    answer,
    best_challenge,
    read_challenge,
)


def known(value: str) -> Challenge:
    challenge = read_challenge(value)
    assert challenge is not None
    return challenge


MUFASA = Credentials("Mufasa", "Circle of Life")
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
    'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        (
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
        ),
    ],
)
def test_the_examples_of_rfc_7616_come_out(algorithm: str, response: str) -> None:
    challenge = known(RFC_7616.format(algorithm))
    value = answer(
        challenge,
        MUFASA,
        method="GET",
        uri="/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert f'response="{response}"' in value
    assert 'username="Mufasa"' in value
    assert "nc=00000001" in value
    assert 'opaque="FQhe' in value


def test_a_challenge_without_qop_is_answered_as_of_old() -> None:
    challenge = known('Digest realm="r", nonce="n"')
    value = answer(challenge, Credentials("u", "p"), method="REGISTER", uri="sip:r")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    expected = md5(f"{md5('u:r:p')}:n:{md5('REGISTER:sip:r')}")
    assert f'response="{expected}"' in value
    assert "qop" not in value
    assert "cnonce" not in value


def test_auth_int_alone_covers_the_body() -> None:
    challenge = known('Digest realm="r", nonce="n", qop="auth-int"')
    values = {
        answer(
            challenge,
            Credentials("u", "p"),
            method="INVITE",
            uri="sip:r",
            cnonce="c",
            body=body,
        )
        for body in (b"one", b"two")
    }
    assert len(values) == 2
    assert all("qop=auth-int" in value for value in values)


def test_the_session_variant_hashes_the_nonces_in() -> None:
    plain = known('Digest realm="r", nonce="n", qop="auth", algorithm=MD5')
    session = known('Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess')
    values = [
        answer(c, Credentials("u", "p"), method="X", uri="sip:r", cnonce="c")
        for c in (plain, session)
    ]
    assert "algorithm=MD5-sess" in values[1]
    assert values[0].split("response=")[1][:34] != values[1].split("response=")[1][:34]


def test_the_strongest_known_challenge_is_taken() -> None:
    offered = [
        'Digest realm="r", nonce="1", algorithm=MD5',
        'Digest realm="r", nonce="2", algorithm=SHA-512-256',
        'Digest realm="r", nonce="3", algorithm=SHA-256',
        "Basic realm=x",
    ]
    assert best_challenge(offered).nonce == "3"
    with pytest.raises(CannotAnswer):
        best_challenge(offered[1:2] + offered[3:])


@pytest.mark.parametrize(
    "value",
    [
        "Digest",
        "Digest realm=r",
        'Digest nonce="n"',
        'Digest realm="r", nonce="n", qop="unknown"',
        "",
        'Digest realm="' + "\\" * 5_000,
    ],
)
def test_what_cannot_be_answered_is_no_challenge(value: str) -> None:
    assert read_challenge(value) is None


def test_quotes_in_a_realm_are_kept() -> None:
    challenge = known(r'Digest realm="a \"b\" c", nonce="n"')
    assert challenge.realm == 'a "b" c'
    value = answer(challenge, Credentials('x"y', "p"), method="X", uri="sip:r")
    assert r'realm="a \"b\" c"' in value
    assert r'username="x\"y"' in value


def test_a_password_is_not_shown() -> None:
    assert "secret" not in repr(Credentials("u", "secret"))


def unauthorized(nonce: str, *, stale: bool = False, code: int = 401) -> Response:
    response = Response(code, "Unauthorized")
    name = "WWW-Authenticate" if code == 401 else "Proxy-Authenticate"
    more = ", stale=true" if stale else ""
    response.headers.set(name, f'Digest realm="r", nonce="{nonce}", qop="auth"{more}')
    return response


def signed(session: AuthSession) -> Request:
    request = Request("REGISTER", target_uri("r.example"))
    session.sign(request)
    return request


def test_wrong_credentials_are_tried_once() -> None:
    session = AuthSession(Credentials("u", "p"))
    assert session.take(unauthorized("1"))
    signed(session)
    assert not session.take(unauthorized("2"))


def test_an_old_nonce_is_replaced_as_often_as_needed() -> None:
    session = AuthSession(Credentials("u", "p"))
    assert session.take(unauthorized("1"))
    for number in range(2, 5):
        signed(session)
        assert session.take(unauthorized(str(number), stale=True))
    assert 'nonce="4"' in signed(session).headers["Authorization"]


def test_a_nonce_that_was_good_may_run_out_without_a_word() -> None:
    session = AuthSession(Credentials("u", "p"))
    session.take(unauthorized("1"))
    signed(session)
    assert "nc=00000002" in signed(session).headers["Authorization"]
    assert session.take(unauthorized("2"))


def test_a_proxy_and_a_server_are_both_answered() -> None:
    session = AuthSession(Credentials("u", "p"))
    assert session.take(unauthorized("proxy", code=407))
    signed(session)
    assert session.take(unauthorized("server"))
    request = signed(session)
    assert 'nonce="proxy"' in request.headers["Proxy-Authorization"]
    assert 'nonce="server"' in request.headers["Authorization"]


def test_without_credentials_there_is_no_second_try() -> None:
    assert not AuthSession(None).take(unauthorized("1"))
