"""The door to the variables of a notebook's kernel."""

from __future__ import annotations

from .doors import ChatHandler, running_door

LISTED = 200
MOST_LISTED = 500


class Variables(ChatHandler):
    """`/variables`"""

    @running_door
    async def get(self) -> None:
        """The variables of the kernel of `?notebook=`, as they are now; at most `?limit=`."""
        from .notebook.variables import listed

        limit = self.number("limit", LISTED, 1, MOST_LISTED)
        self.write_json(await listed(self, self.get_query_argument("notebook", ""), limit))
