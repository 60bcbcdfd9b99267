"""The TDM layout: one model hears both sides in every slot."""
