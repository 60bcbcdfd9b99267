"""Inputs that are almost right, for everything that reads what strangers send or give: `make fuzz`.

    python -m tests.fuzz --inputs 100000 --seed 1          all kinds
    python -m tests.fuzz --kind sounds --only 4711         one input again, with the traceback of its fault

The same seed gives the same inputs. A reader may accept an input or refuse it with a typed error in one line; anything
else is a fault: another exception, an answer 500, an error in a log, more than 200 MB, a hang, the end of the process.
`test_fuzz.py` runs some inputs of each kind.
"""
