"""The server as a whole: whether it survives the suite."""

from conformance.expect import connect_main_namespace, expect_equal, expect_served
from conformance.requirements import exclusive, requirement
from conformance.target import Target
from conformance.verdicts import NotApplicable


@exclusive
@requirement("EIO-SV-01")
async def test_the_process_serves_on(target: Target) -> None:
    """The process of the start is there at the end, and after one more malformed packet."""
    if not target.processes:
        raise NotApplicable("the server names no process in GET /about")
    session = await connect_main_namespace(target, target.any_transport)

    await session.send("42{}")

    await expect_served(target)
    expect_equal(await target.processes_now(), target.processes, what="processes")
