"""Written English as a person reads it aloud.

    reader.py       the entrance: written words with what is said for them
    folding.py      every sign of Unicode as plain letters, digits and known signs
    rules.py        what a rule is, and how rules are tried from left to right
    numerals.py ... one kind of writing each: its tables and its rules

No letter and no digit is lost: whatever no rule knows is read as a word or as a number. Signs may be silent.
"""
