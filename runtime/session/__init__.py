"""One conversation: slots in time, playout, transcript, recording, slot log."""
