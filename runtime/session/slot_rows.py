"""Makes the slot log's row of a slot and its result."""

import hashlib

from configs.audio import AUDIO
from runtime.pcm import FULL_SCALE, Pcm16, level_db, to_int16
from runtime.records import EngineTimes, SlotDone, UserSlot
from runtime.session.log_records import ABSENT, FORGOT, RESTARTED, WORDS_LATE, LoggedUser, LoggedWord, SlotRow


def make_row(slot: UserSlot, done: SlotDone, flushed: int, began: float, sent: float, deadline_ms: float) -> SlotRow:
    """The row of a slot.

    Args:
        slot: what the user said in it.
        done: what came of it.
        flushed: samples of the assistant, at 24 kHz, that were taken back or not heard.
        began: when the session began; sent: now; seconds on the clock.
        deadline_ms: a result later than this after its user slot was complete is late.
    """
    result, times = done.result, done.times
    slack_ms = deadline_ms - 1000 * (sent - slot.captured)
    flags = {
        "holes": bool(slot.holes),
        "concealed": bool(slot.concealed),
        "dropped": slot.dropped > 0,
        "late": slack_ms < 0,
        "catch_up": times.waiting > 0,
        "echo": slot.echo,
        WORDS_LATE: result.words_late,
        ABSENT: slot.absent,
        RESTARTED: done.restarted,
        FORGOT: done.forgot,
    }
    assistant = to_int16(result.pcm)
    return SlotRow(
        slot=slot.index,
        p_speak=float(result.p_speak),
        state=result.state.name,
        event=result.event,
        text_id=int(result.text_id),
        answer_words=result.answer_words,
        tokens=result.tokens.tolist(),
        user=LoggedUser(**vars(result.user)) if result.user else None,
        spoken=tuple(LoggedWord(**vars(word)) for word in result.spoken),
        user_sha256=sha256(slot.pcm),
        assistant_sha256=sha256(assistant),
        user_db=round(level_db(slot.pcm, FULL_SCALE), 2),
        assistant_db=round(level_db(assistant, FULL_SCALE), 2),
        holes=slot.holes,
        flushed_ms=round(1000 * flushed / AUDIO.output_rate, 3),
        degraded=tuple(name for name, applies in flags.items() if applies),
        times_ms=_times_ms(slot.captured - began, times, sent, slack_ms),
        stage_ms={name: round(ms, 3) for name, ms in result.stage_ms.items()},
        kept=result.kept,
        typed=slot.text,
        unheard_ms=slot.unheard_ms,
        came=result.came,
        thinking=result.thinking,
        concealed=slot.concealed,
        dropped=slot.dropped,
    )


def sha256(pcm: Pcm16) -> str:
    """Hash of 16-bit samples (little endian), hex."""
    return hashlib.sha256(pcm.astype("<i2").tobytes()).hexdigest()


def _times_ms(captured: float, times: EngineTimes, sent: float, slack_ms: float) -> dict[str, float]:
    since = {"queued": times.queued, "step": times.step, "detokenized": times.detokenized, "sent": sent}
    later = {name: round(1000 * (moment - times.captured), 3) for name, moment in since.items()}
    return {"captured": round(1000 * captured, 3), **later, "slack": round(slack_ms, 3)}
