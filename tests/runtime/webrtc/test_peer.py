"""A client's packets on their way into its session, without a network."""

from configs.runtime.serve import ServeConfig
from runtime.session.log_records import SlotRow
from runtime.sessions import Delivered
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.messages import greet
from runtime.webrtc.peer import Peer, PeerCalls
from tests.runtime.session_world import OPTIONS, PACKET, World
from tests.runtime.webrtc.call_world import spoken


async def test_audio_that_waits_for_a_lost_packet_is_used_before_its_slot_closes(world: World) -> None:
    payloads, rows = spoken(0.4), list[SlotRow]()
    session = world.hub.open(OPTIONS)
    calls = PeerCalls(lambda: None, lambda *_: None, lambda *_: None, lambda _: None, lambda _: None)
    hello = greet(session.id, world.hub.client.info, "balanced")
    peer = Peer(session, hello, ServeConfig(), world.config, world.clock, calls)
    delays = {index: 0.03 if index == 9 else 0.05 if index > 9 else 0.0 for index in range(20)} | {8: 0.125}
    arrivals = {round(0.02 * (index + 1) + delay, 3): index for index, delay in delays.items()}
    for moment in sorted([*arrivals, 0.262, 0.5]):
        world.clock.advance(moment - world.clock.now())
        if moment in arrivals:
            index = arrivals[moment]
            peer._on_packet(ReceivedPacket(index, index * 960, 960, payloads[index]))
        rows += [news.row for news in world.hub.pump() if isinstance(news, Delivered)]
    told_ms = (await peer.statistics.message()).concealed_ms
    await peer.disconnect()
    first, second = rows
    assert (first.holes, first.concealed, first.dropped) == ((), ((8 * PACKET, 9 * PACKET),), 0)
    assert (second.holes, second.concealed, second.dropped) == ((), (), PACKET)
    assert told_ms == 20.0
