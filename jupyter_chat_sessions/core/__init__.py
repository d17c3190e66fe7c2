"""What a chat is: ids, lines, rules. No disk, no network, no event loop; nothing here is asynchronous."""
