"""Decides whether a logged conversation would have gone the same way under another state policy.

The model hears what it has said itself, so a log is valid for another policy exactly as long as that policy makes the
same decisions. This module uses p(speak) and the states of a row's trace; it does not depend on sound.
"""

from configs.audio import AUDIO
from configs.policy import PolicyConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.suite import DialogueRow
from tdm.policy import PolicyMemory, decide, force
from tdm.slots import State


def follows(policy: PolicyConfig, logged: PolicyConfig, row: DialogueRow) -> bool:
    """Whether `policy` makes the same decision in every slot as `logged`.

    Decisions of the runtime itself (an answer has ended, has no words, or waits for the user's words) are the slots in
    which the state differs from the choice of `logged`; they apply to both policies.

    Raises:
        EvaluationError: the conversation was not recorded under `logged`.
    """
    mine = theirs = PolicyMemory()
    ends = {round(time / AUDIO.slot_seconds) - 1 for time, event in row.trace["decisions"] if event == "end"}
    for slot, (p_speak, letter) in enumerate(zip(row.trace["p_speak"], row.trace["state"], strict=True)):
        actual = State.SPEAK if letter == "S" else State.MUTE
        mine, theirs = decide(policy, mine, p_speak), decide(logged, theirs, p_speak)
        if theirs.state is not actual and actual is State.SPEAK:
            raise EvaluationError(f"{row.id}: slot {slot} was not decided by the named policy; log it again")
        if theirs.state is not actual or slot in ends:
            mine, theirs = force(mine, State.MUTE), force(theirs, State.MUTE)
        if mine.state is not actual:
            return False
    return True
