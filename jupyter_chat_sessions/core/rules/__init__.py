"""The rules of order, a module for each idea. `core.step` is their one door: its tables name the rule of any event.

`drafting` holds what a rule has chosen so far; `sending` is for what is sent, `recalling` for what was said elsewhere,
`branching` for other answers beside one, `deciding` for what a person is asked, `stopping` for what is taken back,
`keeping` for the thread as a whole, `running` for the run in flight, `lane` for who may run the thread.
"""
