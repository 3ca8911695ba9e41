"""The cases that judge clients. Each one has the requirement that it asks for.

A case gets a `stage` (the judge as a server, `conformance.stage`), the `app` above the client
(`conformance.agent.app`), and a `transport` if its requirement names some. It arranges, provokes with literal
packets, and expects:

    @requirement("CLI-EV-02")
    async def test_delivers_events_in_order(stage: Stage, app: App, transport: Transport) -> None:
        session = await connected(stage, app, transport)

        await session.send(*(f'42["news",{number}]' for number in range(300)))

        for number in range(300):
            await expect_event(app, "news", number)

`stage.does` is what the stage does by itself: change it before the client comes. What no client may do in any
case is noted without the case (`conformance.judging.watched`).
"""
