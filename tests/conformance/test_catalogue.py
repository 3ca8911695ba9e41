"""The catalogue and the cases match."""

from __future__ import annotations

import inspect
import re

import flask_socketio
import pytest

from conformance.client.session import Transport
from conformance.judging.collecting import CASES, CaseError, all_questions, questions
from conformance.requirements import (
    CAPABILITIES,
    FEATURES,
    FOLDER,
    Role,
    catalogue,
    requirement,
    with_cases,
)
from conformance.target import Target
from conformance.verdicts import Level

BOTH = pytest.mark.parametrize("role", CASES)


@BOTH
def test_each_statement_has_a_case_or_a_reason(role: Role) -> None:
    tested = {question.requirement.id for question in all_questions(role)}
    assert tested == with_cases(role).keys()
    for entry in catalogue(role).values():
        assert entry.reason is None or len(entry.reason) > 10


def test_a_reason_that_names_another_statement_names_one_that_is_there() -> None:
    for entry in catalogue().values():
        for named in re.findall(r"(?:EIO|SIO)3?-[A-Z0-9-]+\d", entry.reason or ""):
            assert named in with_cases(), f"{entry.id} names {named}"


def test_ids_are_never_lost_and_never_used_again() -> None:
    """ids.txt holds every id that ever was; one that is out of use says so, and stays."""
    lines = (FOLDER / "ids.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    ids = [row[0] for row in rows]
    assert len(ids) == len(set(ids))
    assert all(row[1:] in ([], ["retired"]) for row in rows)
    assert {row[0] for row in rows if row[1:] == []} == {*catalogue(), *catalogue("client")}


def test_a_case_of_a_statement_with_a_reason_is_an_error() -> None:
    @requirement("EIO-WS-01")
    async def test_again(target: Target) -> None: ...

    with pytest.raises(CaseError, match="EIO-WS-01 has a reason for having no case"):
        list(questions("test_x.py", "test_again", test_again))


@BOTH
def test_each_transport_of_a_requirement_has_a_case(role: Role) -> None:
    covered = {(question.requirement.id, question.transport) for question in all_questions(role)}
    for entry in catalogue(role).values():
        for transport in entry.transports if entry.reason is None else ():
            assert (entry.id, transport) in covered


FORMS: dict[Role, str] = {
    "server": r"(EIO|SIO)-[A-Z]{2}-\d{2}|(EIO3|SIO3|SIO4|FSIO)-\d{2}",
    "client": r"CLI-[A-Z]{2}-\d{2}|CLI3-\d{2}",
}


@BOTH
def test_ids_levels_and_texts_are_in_form(role: Role) -> None:
    for entry in catalogue(role).values():
        assert re.fullmatch(FORMS[role], entry.id)
        assert entry.level in Level
        assert entry.contract in range(4)
        assert len(entry.text) > 15
        assert not entry.text.endswith(".")
        assert entry.spec
        assert set(entry.capabilities) <= {*CAPABILITIES, *FEATURES}


@BOTH
def test_what_binds_rests_on_a_sentence(role: Role) -> None:
    for entry in with_cases(role).values():
        binds = entry.level in (Level.MUST, Level.SHOULD, Level.MAY)
        assert bool(entry.says) is binds, entry.id
        assert not (binds and entry.spec.startswith(("reference", "none"))), entry.id


def test_sentences_of_flask_socketio_s_api_stand_in_its_docstrings() -> None:
    docstrings = " ".join(inspect.getsource(flask_socketio).split())
    entries = [entry for entry in with_cases().values() if entry.spec.startswith("Flask-SocketIO API")]
    assert len(entries) > 10
    assert [entry.id for entry in entries if (entry.says or "") not in docstrings] == []


def test_sentences_of_the_contract_stand_there() -> None:
    contract = (FOLDER.parent / "CONTRACT.md").read_text("utf-8")
    quoted = [entry.says or "" for entry in with_cases().values() if entry.spec.startswith("contract ")]
    assert len(quoted) > 10
    assert [sentence for sentence in quoted if sentence not in contract] == []


def test_what_keeps_a_server_busy_for_a_second_is_asked_alone() -> None:
    """Else the heartbeats of other cases are late by it, and their requirements seem broken."""
    large = [asked for asked in all_questions() if asked.requirement.id in ("EIO-MX-02", "EIO-MX-04")]
    assert len(large) >= 5
    assert [asked.label for asked in large if not asked.exclusive] == []


@BOTH
def test_case_names_are_unique(role: Role) -> None:
    labels = [question.label for question in all_questions(role)]
    assert len(labels) == len(set(labels))


def test_there_are_more_cases_than_the_floor() -> None:
    assert len({question.name for question in all_questions()}) >= 60


def test_a_case_without_a_requirement_is_an_error() -> None:
    async def test_nothing(target: Target) -> None: ...

    with pytest.raises(CaseError, match="test_nothing has no @requirement"):
        list(questions("test_x.py", "test_nothing", test_nothing))


def test_a_case_of_an_unknown_requirement_is_an_error_that_names_the_nearest() -> None:
    @requirement("EIO-HS-055")
    async def test_typo(target: Target) -> None: ...

    with pytest.raises(CaseError, match=r"unknown requirement 'EIO-HS-055' \(the nearest is 'EIO-HS-05'\)"):
        list(questions("test_x.py", "test_typo", test_typo))


def test_a_case_that_is_not_async_is_an_error() -> None:
    @requirement("EIO-HS-05")  # type: ignore[type-var]
    def test_plain(target: Target) -> None: ...

    with pytest.raises(CaseError, match="not an `async def`"):
        list(questions("test_x.py", "test_plain", test_plain))


def test_a_case_on_transports_that_the_catalogue_does_not_name_is_an_error() -> None:
    @requirement("EIO-HS-05")
    async def test_each(target: Target, transport: Transport) -> None: ...

    with pytest.raises(CaseError, match="takes a transport"):
        list(questions("test_x.py", "test_each", test_each))
