"""How anything long-lived starts, wakes, rests and stops: ``loop`` once, ``group`` for several."""
