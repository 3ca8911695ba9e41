"""The sections by name, and how a profile says which it has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from load.comparing.plan import Profile
from load.comparing.sections.capacity import CapacityPlan
from load.comparing.sections.connections import ConnectionsPlan
from load.comparing.sections.fanout import FanoutPlan
from load.comparing.sections.latency import LatencyPlan
from load.comparing.sections.life import LifePlan
from load.comparing.sections.payload import PayloadPlan
from load.comparing.sections.plan import SectionPlan
from load.comparing.sections.processes import ProcessesPlan
from load.comparing.sections.settings import SettingsPlan
from load.profiles.reading import ProfileError, read_table
from sioprobe.commandline.nearest import nearest, unknown
from sioprobe.results.comparison import SECTIONS, SectionName

__all__ = ["PLANS", "only_sections", "read_sections"]

PLANS: dict[SectionName, type[SectionPlan]] = {
    plan.name: plan
    for plan in (
        CapacityPlan,
        LatencyPlan,
        FanoutPlan,
        ConnectionsPlan,
        LifePlan,
        PayloadPlan,
        ProcessesPlan,
        SettingsPlan,
    )
}


def read_sections(profile: Profile, arms: Sequence[str]) -> dict[SectionName, SectionPlan]:
    """The sections of a profile, in the order of the page. Raises ProfileError.

    `arms` are those that the profile has, also if only some of them are compared.
    """
    plans = {name: _read(profile, name, arms) for name in SECTIONS if name in profile.sections}
    for plan in plans.values():
        for needed in plan.needs:
            _check_need(profile.title, plan, plans.get(needed), needed)
    return plans


def only_sections(
    plans: Mapping[SectionName, SectionPlan], names: Iterable[str], title: str
) -> dict[SectionName, SectionPlan]:
    """These of the sections, and those that they need. Raises ProfileError for one that is not there."""
    wanted: set[str] = set()
    for name in names:
        if name not in SECTIONS:
            raise ProfileError(unknown("section", name, SECTIONS))
        if name not in plans:
            has = f"it has {', '.join(plans)}" if plans else "it has none; --profile full has all"
            raise ProfileError(f"profile {title} has no section {name}: {has}")
        wanted |= {name, *plans[name].needs}
    return {name: plan for name, plan in plans.items() if name in wanted}


def _read(profile: Profile, name: SectionName, arms: Sequence[str]) -> SectionPlan:
    place = f"profile {profile.title}: {name}"
    plan: SectionPlan = read_table(profile.sections[name], PLANS[name], place)
    try:
        plan.check(profile.load)
    except ValueError as error:
        raise ProfileError(f"{place}: {error}") from None
    for arm in plan.arms:
        if arm not in arms:
            raise ProfileError(f"{place}: there is no arm {arm!r}{nearest(arm, arms)}")
    return plan


def _check_need(title: str, plan: SectionPlan, needed: SectionPlan | None, name: str) -> None:
    place = f"profile {title}: {plan.name}"
    if needed is None:
        raise ProfileError(f"{place}: needs the section [{name}] too")
    missing: list[Any] = [one for one in plan.transports if one not in needed.transports]
    if missing:
        raise ProfileError(f"{place}: transports: [{name}] does not measure {missing[0]}")
    if needed.arms:
        missing = [arm for arm in plan.arms if arm not in needed.arms] or ([] if plan.arms else ["every arm"])
        if missing:
            raise ProfileError(f"{place}: arms: [{name}] does not measure {missing[0]}")
