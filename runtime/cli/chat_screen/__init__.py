"""`duplex chat`: partners to chat with, tools by name, and what stands on the terminal."""
