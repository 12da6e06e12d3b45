"""Posts to web addresses that are secrets: the webhook, and chats."""
