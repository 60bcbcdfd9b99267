"""`duplex doctor`: checks what a machine and a set-up have and lack."""
