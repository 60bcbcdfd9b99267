"""The real-time runtime: sessions around an engine.

The path of one slot, and who owns what:

    microphone -> Session.push_audio(position, pcm int16 @ 16 kHz)      any process, no waiting
               -> SessionHub.pump() -> EngineClient.push_slot(...)      slots of 3,200 samples, complete or concealed
               -> Engine.run_once()  collect -> step -> deliver         inline, in a thread or in a process
               -> SessionHub.pump() -> [Opened | Delivered | Ended]     audio is in the playout, row in the log
    speaker    <- Session.pull() -> Packet(pcm [480] @ 24 kHz)          exact 20 ms, silence when nothing waits

Use, with any clock and any event loop:

    client = start_engine_process("mini", config)       # or start_engine_thread, or InlineEngine(Engine(...), "mini")
    hub = SessionHub(client, config, SystemClock())
    session = hub.open(ConversationOptions(seed=1))     # ServerFull(reason) when no place is free
    session.push_audio(0, pcm)                          # position counts 16 kHz samples from the session's first
    for news in hub.pump(): ...                         # every <= 20 ms, and when client.fileno() is readable
    packet = session.pull()                             # every 20 ms
    hub.close(session.id, "client left")                # row free, files finished

Without a network, under a virtual clock:

    talk = converse(load("mini", rows=1), samples, ConversationOptions(seed=1), folder=Path("talk"))
    talk = converse_with(generator, user)               # user(live) -> the next [3200] samples, or None at the end

The files of a session are in `config.recording.folder / session.id`: `dialogue.wav`, `user.wav`, `slots.jsonl`
(`runtime.session.slot_log.SlotRow` per slot), and `transcript.json` (`runtime.session.transcript`). Errors:
`runtime.errors`.
"""
