"""Time-division multiplexing: slots, shared positions, the slot mask, the state policy and the plan of a slot.

The package is pure Python; only `tdm.mask` imports torch, to turn plans into tensors.
"""
