"""`duplex chat`: partners to chat with, tools by name, and the terminal's output."""
