"""What a chat is: ids, lines, rules. No disk, no network, no event loop; nothing here is asynchronous.

Begin with `step`: what a conversation does about each event (`events`), by the `rules`; what it does then becomes lines
(`transcript`, read by `decoding`, and of the `older` layout), and lines make the `conversation`. `roles` says who else
plays a part. What agents are shown: `history`, `context`; what viewers are: `frames`, `live`; lists: `words`. Who may
do what: `policy`, `grants`. Everything is kept under the names in `ids`, and refused with one of the `errors`;
`branches` says which run stands beside which.
"""
