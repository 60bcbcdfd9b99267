"""Converts written English to what a person reads aloud.

    reader.py       the entry point: written words with what is said for them
    folding.py      every Unicode character as plain letters, digits and known signs
    rules.py        what a rule is, and how rules are tried from left to right
    numerals.py ... one kind of writing each, with its tables and rules

No letter and no digit is lost: text that no rule covers is read as a word or a number. Signs may be silent.
"""
