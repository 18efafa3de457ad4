"""Groove: how early or late a drummer's next slot will be, from the slots so far (docs/groove.md).

Nothing is imported here: the commands beside the rule are part of every command line, and the rule needs torch.
"""
